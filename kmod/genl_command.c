// SPDX-License-Identifier: GPL-2.0
/* The family's commands: a record for a channel's module, and quiesce. */
#include <linux/mm.h>

#include "channel.h"
#include "compat.h"
#include "genl.h"

static int check_record(struct kchan *ch, struct genl_info *info)
{
	struct nlattr *type = info->attrs[KCHAN_A_RECORD_TYPE];
	struct nlattr *payload = info->attrs[KCHAN_A_PAYLOAD];
	const struct kchan_schema_type *declared;

	if (!(ch->direction & KCHAN_DIRECTION_TO_KERNEL)) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[KCHAN_A_CHANNEL_NAME],
				    "the channel takes no records");
		return -EOPNOTSUPP;
	}
	if (GENL_REQ_ATTR_CHECK(info, KCHAN_A_RECORD_TYPE)) {
		NL_SET_ERR_MSG(info->extack, "the record's type is missing");
		return -EINVAL;
	}
	if (GENL_REQ_ATTR_CHECK(info, KCHAN_A_PAYLOAD)) {
		NL_SET_ERR_MSG(info->extack, "the payload is missing");
		return -EINVAL;
	}
	declared = kchan_schema_find(ch->schema, nla_get_u16(type));
	if (!declared || !(declared->direction & KCHAN_DIRECTION_TO_KERNEL)) {
		NL_SET_ERR_MSG_ATTR(info->extack, type,
				    "the channel takes no records of this type");
		return -EINVAL;
	}
	if (nla_len(payload) < declared->size) {
		NL_SET_ERR_MSG_ATTR(info->extack, payload,
				    "shorter than the type's fixed part");
		return -EINVAL;
	}
	if (nla_len(payload) > ch->max_record_bytes) {
		NL_SET_ERR_MSG_ATTR(info->extack, payload,
				    "longer than the channel's records may be");
		return -EMSGSIZE;
	}
	return 0;
}

int kchan_genl_send(struct sk_buff *skb, struct genl_info *info)
{
	struct kchan *ch = kchan_genl_channel(info);
	void *payload;
	u32 length;
	int err;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	err = check_record(ch, info);
	if (err)
		goto out_put;
	/* A copy, since attributes are only 4-aligned. */
	length = nla_len(info->attrs[KCHAN_A_PAYLOAD]);
	payload = kvmemdup(nla_data(info->attrs[KCHAN_A_PAYLOAD]), length,
			   GFP_KERNEL);
	if (!payload) {
		err = -ENOMEM;
		goto out_put;
	}
	err = kchan_genl_enter(ch, info);
	if (err)
		goto out_free;
	err = kchan_receive_entered(ch,
				    nla_get_u16(info->attrs[KCHAN_A_RECORD_TYPE]),
				    payload, length, info->extack);
	err = kchan_genl_answer(skb, info, err);
	kchan_leave(ch);
out_free:
	kvfree(payload);
out_put:
	kchan_put(ch);
	return err;
}

int kchan_genl_quiesce(struct sk_buff *skb, struct genl_info *info)
{
	kchan_quiesce();
	return 0;
}
