/* SPDX-License-Identifier: GPL-2.0 */
/* The generic-netlink family: what its files share. */
#ifndef _KCHAN_GENL_H
#define _KCHAN_GENL_H

#include <net/genetlink.h>

struct kchan;

enum kchan_genl_group {
	KCHAN_GROUP_CHANNELS,
	KCHAN_GROUP_RECORDS,
};

extern struct genl_family kchan_genl_family;

int kchan_genl_init(void);
void kchan_genl_exit(void);

/* What an operation's KCHAN_A_PARAM may hold. */
extern const struct nla_policy kchan_param_policy[];

/*
 * The channel that a request names, with a reference; ERR_PTR, said in the
 * extended ACK: EINVAL, ENOENT.
 */
struct kchan *kchan_genl_channel(struct genl_info *info);

/* A reply with its header; NULL: no memory. */
struct sk_buff *kchan_genl_reply_new(struct genl_info *info, size_t bytes,
				     void **header);
/* Sends it, or frees it if err. */
int kchan_genl_reply(struct sk_buff *reply, struct genl_info *info,
		     void *header, int err);

/* kchan_enter(), said in the extended ACK if the channel is dead. */
int kchan_genl_enter(struct kchan *ch, struct genl_info *info);

/*
 * Acknowledges the request here and now. For what a module has had a say in:
 * its words may be gone when the operation has returned (so between kchan_enter()
 * and kchan_leave()), and its -EINTR would be taken for no answer. Returns what
 * the operation is to return.
 */
int kchan_genl_answer(struct sk_buff *skb, struct genl_info *info, int err);

/* What the attributes of one channel take at most. */
#define KCHAN_CHANNEL_MESSAGE_BYTES (16U << 10)

/* ID .. PARAM. EMSGSIZE: no room. */
int kchan_genl_put_channel(struct sk_buff *skb, struct kchan *ch);

/* genl_query.c */
int kchan_genl_node_get(struct sk_buff *skb, struct genl_info *info);
int kchan_genl_channel_get(struct sk_buff *skb, struct genl_info *info);
int kchan_genl_channel_dump_start(struct netlink_callback *cb);
int kchan_genl_channel_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kchan_genl_schema_get(struct sk_buff *skb, struct genl_info *info);

/* genl_stats.c */
int kchan_genl_stats_get(struct sk_buff *skb, struct genl_info *info);

/* genl_set.c */
int kchan_genl_channel_set(struct sk_buff *skb, struct genl_info *info);

/* genl_command.c */
int kchan_genl_send(struct sk_buff *skb, struct genl_info *info);
int kchan_genl_quiesce(struct sk_buff *skb, struct genl_info *info);

/* genl_owner.c */
int kchan_genl_enable(struct sk_buff *skb, struct genl_info *info);
int kchan_genl_disable(struct sk_buff *skb, struct genl_info *info);
int kchan_genl_owner_init(void);
void kchan_genl_owner_exit(void);

#endif
