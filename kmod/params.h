/* SPDX-License-Identifier: GPL-2.0 */
/* The parameters of a channel's source: declared bounds, current values. */
#ifndef _KCHAN_PARAMS_H
#define _KCHAN_PARAMS_H

#include <kchan.h>
#include <linux/mutex.h>

struct sk_buff;

#define KCHAN_MAX_PARAMS 32

struct kchan_param_entry {
	struct kchan_param declared; /* strings are our own; value: default */
	u64 value; /* written under kchan_params.lock */
};

struct kchan_params {
	struct mutex lock; /* one change at a time, over ops->set_param */
	u32 count;
	struct kchan_param_entry *entries;
};

/* Checks and copies. EINVAL (said in the kernel log) or ENOMEM. */
int kchan_params_init(struct kchan_params *params,
		      const struct kchan_spec *spec);
void kchan_params_destroy(struct kchan_params *params);

/* The index of a name, or -ENOENT. */
int kchan_params_find(const struct kchan_params *params, const char *name);

/* Appends one KCHAN_A_PARAM for each. EMSGSIZE: no room. */
int kchan_params_put(struct sk_buff *skb, const struct kchan_params *params);

#endif
