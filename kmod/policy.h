/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A channel's writer policy: who may write at the same time. It is admission
 * *around* the transport, whose integrity never depends on it: LOCK_FREE and
 * SPINLOCK need nothing beyond the per-CPU and the shared ring; MUTEX and
 * SEMAPHORE let writers sleep until they are admitted.
 */
#ifndef _KCHAN_POLICY_H
#define _KCHAN_POLICY_H

#include <kchan.h>
#include <linux/mutex.h>
#include <linux/semaphore.h>

struct kchan_admission {
	enum kchan_policy policy;
	union {
		struct mutex mutex; /* held by the one that was admitted */
		struct semaphore semaphore;
	};
};

/*
 * Replaces the spec's zero layout and policy by their defaults. NULL, or why
 * layout, policy and context do not go together, or not with the transport,
 * which exists.
 */
const char *kchan_policy_resolve(struct kchan_spec *spec);

/* Whether writers may have to sleep. */
static inline bool kchan_policy_sleeps(enum kchan_policy policy)
{
	return policy == KCHAN_POLICY_MUTEX ||
	       policy == KCHAN_POLICY_SEMAPHORE;
}

void kchan_admission_init(struct kchan_admission *admission,
			  enum kchan_policy policy, u32 semaphore_count);

/* 0: admitted, to be followed by leave. EINTR: the writer is being killed. */
int kchan_admission_enter(struct kchan_admission *admission);
void kchan_admission_leave(struct kchan_admission *admission);

#endif
