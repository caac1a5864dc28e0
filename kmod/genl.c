// SPDX-License-Identifier: GPL-2.0
/*
 * The generic-netlink family: operations and what each of them accepts. All are
 * strict (resv_start_op is 0): an attribute that an operation does not name
 * here is refused by the core, and the extended ACK points at it.
 */
#include "genl.h"

#include <kchan.h>

#include "compat.h"
#include "channel.h"

/* A type that is not here is refused. */
#define CHANNEL_NAME_POLICY                                   \
	[KCHAN_A_CHANNEL_NAME] = { .type = NLA_NUL_STRING,    \
				   .len = KCHAN_NAME_BYTES - 1 }

static const struct nla_policy channel_policy[KCHAN_A_CHANNEL_NAME + 1] = {
	CHANNEL_NAME_POLICY,
};

const struct nla_policy kchan_param_policy[KCHAN_PARAM_A_VALUE + 1] = {
	[KCHAN_PARAM_A_NAME] = { .type = NLA_NUL_STRING,
				 .len = KCHAN_NAME_BYTES - 1 },
	[KCHAN_PARAM_A_VALUE] = { .type = NLA_U64 },
};

static const struct nla_policy set_policy[KCHAN_A_PARAM + 1] = {
	CHANNEL_NAME_POLICY,
	[KCHAN_A_BUDGET_BYTES] = { .type = NLA_U64 },
	[KCHAN_A_LINGER_MS] = { .type = NLA_U32 },
	[KCHAN_A_PARAM] = NLA_POLICY_NESTED(kchan_param_policy),
};

static const struct nla_policy send_policy[KCHAN_A_PAYLOAD + 1] = {
	CHANNEL_NAME_POLICY,
	[KCHAN_A_RECORD_TYPE] = NLA_POLICY_MIN(NLA_U16, 1),
	[KCHAN_A_PAYLOAD] = { .type = NLA_BINARY },
};

#define POLICY(array) .policy = (array), .maxattr = ARRAY_SIZE(array) - 1

static const struct genl_ops ops[] = {
	{
		.cmd = KCHAN_CMD_NODE_GET,
		.doit = kchan_genl_node_get,
	},
	{
		.cmd = KCHAN_CMD_CHANNEL_GET,
		POLICY(channel_policy),
		.doit = kchan_genl_channel_get,
		.start = kchan_genl_channel_dump_start,
		.dumpit = kchan_genl_channel_dump,
	},
	{
		.cmd = KCHAN_CMD_SCHEMA_GET,
		POLICY(channel_policy),
		.doit = kchan_genl_schema_get,
	},
	{
		.cmd = KCHAN_CMD_STATS_GET,
		POLICY(channel_policy),
		.doit = kchan_genl_stats_get,
	},
	{
		.cmd = KCHAN_CMD_CHANNEL_SET,
		.flags = GENL_ADMIN_PERM,
		POLICY(set_policy),
		.doit = kchan_genl_channel_set,
	},
	{
		.cmd = KCHAN_CMD_ENABLE,
		.flags = GENL_ADMIN_PERM,
		POLICY(channel_policy),
		.doit = kchan_genl_enable,
	},
	{
		.cmd = KCHAN_CMD_DISABLE,
		.flags = GENL_ADMIN_PERM,
		POLICY(channel_policy),
		.doit = kchan_genl_disable,
	},
	{
		.cmd = KCHAN_CMD_SEND,
		.flags = GENL_ADMIN_PERM,
		POLICY(send_policy),
		.doit = kchan_genl_send,
	},
	{
		.cmd = KCHAN_CMD_QUIESCE,
		.flags = GENL_ADMIN_PERM,
		.doit = kchan_genl_quiesce,
	},
};

static const struct genl_multicast_group groups[] = {
	[KCHAN_GROUP_CHANNELS] = { .name = KCHAN_GENL_GROUP_CHANNELS },
	/* Records tell what other users' processes do. */
	[KCHAN_GROUP_RECORDS] = { .name = KCHAN_GENL_GROUP_RECORDS,
				  KCHAN_MCAST_CAP_NET_ADMIN },
};

struct genl_family kchan_genl_family __ro_after_init = {
	.name = KCHAN_GENL_NAME,
	.version = KCHAN_GENL_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true, /* each operation takes the locks it needs */
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

struct kchan *kchan_genl_channel(struct genl_info *info)
{
	struct nlattr *name = info->attrs[KCHAN_A_CHANNEL_NAME];
	struct kchan *ch;

	if (GENL_REQ_ATTR_CHECK(info, KCHAN_A_CHANNEL_NAME)) {
		NL_SET_ERR_MSG(info->extack, "the channel's name is missing");
		return ERR_PTR(-EINVAL);
	}
	ch = kchan_find(nla_data(name));
	if (ch)
		return ch;
	NL_SET_ERR_MSG_ATTR(info->extack, name, "no such channel");
	return ERR_PTR(-ENOENT);
}

int kchan_genl_enter(struct kchan *ch, struct genl_info *info)
{
	int err = kchan_enter(ch);

	if (err == -ESHUTDOWN)
		NL_SET_ERR_MSG(info->extack, "the channel is dead");
	return err;
}

int kchan_genl_answer(struct sk_buff *skb, struct genl_info *info, int err)
{
	struct nlmsghdr *request = nlmsg_hdr(skb);

	if (err || request->nlmsg_flags & NLM_F_ACK)
		netlink_ack(skb, request, err, info->extack);
	/* To netlink it means: answered; not what became of the request. */
	return -EINTR;
}

struct sk_buff *kchan_genl_reply_new(struct genl_info *info, size_t bytes,
				     void **header)
{
	struct sk_buff *reply = genlmsg_new(bytes, GFP_KERNEL);

	if (!reply)
		return NULL;
	*header = genlmsg_put_reply(reply, info, &kchan_genl_family, 0,
				    info->genlhdr->cmd);
	if (*header)
		return reply;
	nlmsg_free(reply);
	return NULL;
}

int kchan_genl_reply(struct sk_buff *reply, struct genl_info *info,
		     void *header, int err)
{
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

int __init kchan_genl_init(void)
{
	int err = kchan_genl_owner_init();

	if (err)
		return err;
	err = genl_register_family(&kchan_genl_family);
	if (err)
		kchan_genl_owner_exit();
	return err;
}

void kchan_genl_exit(void)
{
	genl_unregister_family(&kchan_genl_family);
	kchan_genl_owner_exit();
}

MODULE_ALIAS_GENL_FAMILY(KCHAN_GENL_NAME);
