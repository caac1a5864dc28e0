// SPDX-License-Identifier: GPL-2.0
/*
 * A kchan family of another major ABI, as a later kchan.ko would have: it
 * answers the one question that every ABI must answer, and nothing else. The
 * tests load it to see what a daemon says.
 */
#include <linux/module.h>
#include <net/genetlink.h>
#include <uapi/linux/kchan.h>

static struct genl_family family;

static int get_node(struct sk_buff *request, struct genl_info *info)
{
	struct sk_buff *reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &family, 0, KCHAN_CMD_NODE_GET);
	if (!header ||
	    nla_put_u16(reply, KCHAN_A_ABI_MAJOR, KCHAN_ABI_MAJOR + 1) ||
	    nla_put_u16(reply, KCHAN_A_ABI_MINOR, 0) ||
	    nla_put_string(reply, KCHAN_A_MODULE_VERSION, "9.9.9")) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

static const struct genl_ops operations[] = {
	{ .cmd = KCHAN_CMD_NODE_GET, .doit = get_node },
};

static const struct genl_multicast_group groups[] = {
	{ .name = KCHAN_GENL_GROUP_CHANNELS },
	{ .name = KCHAN_GENL_GROUP_RECORDS },
};

static struct genl_family family = {
	.name = KCHAN_GENL_NAME,
	.version = KCHAN_GENL_VERSION + 1,
	.module = THIS_MODULE,
	.ops = operations,
	.n_ops = ARRAY_SIZE(operations),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

static int __init abi_mismatch_init(void)
{
	return genl_register_family(&family);
}
module_init(abi_mismatch_init);

static void __exit abi_mismatch_exit(void)
{
	genl_unregister_family(&family);
}
module_exit(abi_mismatch_exit);

MODULE_DESCRIPTION("A kchan family of another ABI, for tests");
MODULE_LICENSE("GPL");
