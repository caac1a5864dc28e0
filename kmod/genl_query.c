// SPDX-License-Identifier: GPL-2.0
/* The family's questions: node, channels, schemas. Anybody may ask. */
#include "channel.h"
#include "compat.h"
#include "genl.h"
#include "rings.h"
#include "version.h"

static int put_node(struct sk_buff *skb)
{
	if (nla_put_u16(skb, KCHAN_A_ABI_MAJOR, KCHAN_ABI_MAJOR) ||
	    nla_put_u16(skb, KCHAN_A_ABI_MINOR, KCHAN_ABI_MINOR) ||
	    nla_put_u64_64bit(skb, KCHAN_A_FEATURES,
			      kchan_transport_features(), KCHAN_A_PAD) ||
	    nla_put_string(skb, KCHAN_A_MODULE_VERSION, KCHAN_VERSION) ||
	    nla_put_u32(skb, KCHAN_A_CHANNEL_COUNT, kchan_channel_count()))
		return -EMSGSIZE;
	if (kchan_quiesced() && nla_put_flag(skb, KCHAN_A_QUIESCED))
		return -EMSGSIZE;
	return 0;
}

int kchan_genl_node_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *header;

	reply = kchan_genl_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	return kchan_genl_reply(reply, info, header, put_node(reply));
}

static int put_identity(struct sk_buff *skb, const struct kchan *ch)
{
	if (nla_put_u32(skb, KCHAN_A_CHANNEL_ID, ch->id) ||
	    nla_put_string(skb, KCHAN_A_CHANNEL_NAME, ch->name) ||
	    nla_put_string(skb, KCHAN_A_PROVIDER, ch->provider) ||
	    nla_put_u32(skb, KCHAN_A_TRANSPORT, ch->transport) ||
	    nla_put_u32(skb, KCHAN_A_DIRECTION, ch->direction) ||
	    nla_put_u32(skb, KCHAN_A_LAYOUT, ch->layout) ||
	    nla_put_u32(skb, KCHAN_A_POLICY, ch->policy) ||
	    nla_put_u32(skb, KCHAN_A_CONTEXT, ch->context) ||
	    nla_put_u32(skb, KCHAN_A_VOLUME, ch->transport_ops->volume) ||
	    nla_put_u32(skb, KCHAN_A_MAX_RECORD_BYTES, ch->max_record_bytes))
		return -EMSGSIZE;
	if (ch->transport_ops->describe &&
	    ch->transport_ops->describe(skb, ch))
		return -EMSGSIZE;
	if (ch->doc && nla_put_string(skb, KCHAN_A_CHANNEL_DOC, ch->doc))
		return -EMSGSIZE;
	return 0;
}

static int put_state(struct sk_buff *skb, const struct kchan *ch)
{
	if (nla_put_u32(skb, KCHAN_A_STATE, READ_ONCE(ch->state)) ||
	    nla_put_u64_64bit(skb, KCHAN_A_GENERATION,
			      READ_ONCE(ch->generation), KCHAN_A_PAD) ||
	    nla_put_u64_64bit(skb, KCHAN_A_BUDGET_BYTES,
			      READ_ONCE(ch->budget_bytes), KCHAN_A_PAD) ||
	    nla_put_u64_64bit(skb, KCHAN_A_RING_BYTES,
			      READ_ONCE(ch->ring_bytes), KCHAN_A_PAD) ||
	    nla_put_u32(skb, KCHAN_A_RING_COUNT, kchan_ring_count(ch)) ||
	    nla_put_u32(skb, KCHAN_A_LINGER_MS, READ_ONCE(ch->linger_ms)))
		return -EMSGSIZE;
	return 0;
}

int kchan_genl_put_channel(struct sk_buff *skb, struct kchan *ch)
{
	if (put_identity(skb, ch) || put_state(skb, ch))
		return -EMSGSIZE;
	return kchan_params_put(skb, &ch->params);
}

int kchan_genl_channel_get(struct sk_buff *skb, struct genl_info *info)
{
	struct kchan *ch = kchan_genl_channel(info);
	struct sk_buff *reply;
	void *header;
	int err = -ENOMEM;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	reply = kchan_genl_reply_new(info, KCHAN_CHANNEL_MESSAGE_BYTES,
				     &header);
	if (reply)
		err = kchan_genl_reply(reply, info, header,
				       kchan_genl_put_channel(reply, ch));
	kchan_put(ch);
	return err;
}

int kchan_genl_channel_dump_start(struct netlink_callback *cb)
{
	struct nlattr *name = kchan_dump_attrs(cb)[KCHAN_A_CHANNEL_NAME];

	if (name) {
		NL_SET_ERR_MSG_ATTR(cb->extack, name,
				    "a dump lists all channels; for one, do not set NLM_F_DUMP");
		return -EINVAL;
	}
	/* Or a channel might fit into no message, and so end the dump. */
	cb->min_dump_alloc = KCHAN_CHANNEL_MESSAGE_BYTES;
	return 0;
}

static int dump_one(struct sk_buff *skb, struct netlink_callback *cb,
		    struct kchan *ch)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, &kchan_genl_family,
				   NLM_F_MULTI, KCHAN_CMD_CHANNEL_GET);

	if (!header)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, header);
	if (kchan_genl_put_channel(skb, ch)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* cb->args[0]: the id of the last channel that was sent. */
int kchan_genl_channel_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kchan *ch;
	int err = 0;

	cb->seq = kchan_registry_generation();
	while (!err && (ch = kchan_next(cb->args[0]))) {
		err = dump_one(skb, cb, ch);
		if (!err)
			cb->args[0] = ch->id;
		kchan_put(ch);
	}
	return err && !skb->len ? err : skb->len;
}

static int put_schema(struct sk_buff *skb, const struct kchan *ch)
{
	if (nla_put_string(skb, KCHAN_A_CHANNEL_NAME, ch->name))
		return -EMSGSIZE;
	return kchan_schema_put(skb, ch->schema);
}

int kchan_genl_schema_get(struct sk_buff *skb, struct genl_info *info)
{
	struct kchan *ch = kchan_genl_channel(info);
	struct sk_buff *reply;
	void *header;
	int err = -ENOMEM;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	reply = kchan_genl_reply_new(info,
				     nla_total_size(ch->schema->encoded_bytes) +
				     nla_total_size(KCHAN_NAME_BYTES),
				     &header);
	if (reply)
		err = kchan_genl_reply(reply, info, header,
				       put_schema(reply, ch));
	kchan_put(ch);
	return err;
}
