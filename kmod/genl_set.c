// SPDX-License-Identifier: GPL-2.0
/*
 * KCHAN_CMD_CHANNEL_SET. All or nothing: everything is checked before anything
 * changes, and when a provider refuses a value, those before it are set back.
 */
#include <linux/slab.h>

#include "channel.h"
#include "genl.h"
#include "notify.h"
#include "rings.h"

struct change {
	u32 param;
	u64 value;
	u64 old;
};

static int parse_param(struct kchan *ch, struct nlattr *attr,
		       struct change *change, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KCHAN_PARAM_A_VALUE + 1];
	const struct kchan_param_entry *entry;
	int err;

	err = nla_parse_nested(tb, KCHAN_PARAM_A_VALUE, attr,
			       kchan_param_policy, extack);
	if (err)
		return err;
	if (!tb[KCHAN_PARAM_A_NAME] || !tb[KCHAN_PARAM_A_VALUE]) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "a parameter needs a name and a value");
		return -EINVAL;
	}
	err = kchan_params_find(&ch->params, nla_data(tb[KCHAN_PARAM_A_NAME]));
	if (err < 0) {
		NL_SET_ERR_MSG_ATTR(extack, tb[KCHAN_PARAM_A_NAME],
				    "the channel has no such parameter");
		return err;
	}
	change->param = err;
	change->value = nla_get_u64(tb[KCHAN_PARAM_A_VALUE]);
	entry = &ch->params.entries[change->param];
	if (change->value < entry->declared.min ||
	    change->value > entry->declared.max) {
		NL_SET_ERR_MSG_ATTR(extack, tb[KCHAN_PARAM_A_VALUE],
				    "not between the parameter's minimum and maximum");
		return -ERANGE;
	}
	return 0;
}

/* Returns how many. */
static int parse_params(struct kchan *ch, struct genl_info *info,
			struct change *changes)
{
	struct nlattr *attr;
	int rem, count = 0;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		int err;

		if (nla_type(attr) != KCHAN_A_PARAM)
			continue;
		if (count == KCHAN_MAX_PARAMS) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "too many parameters");
			return -EINVAL;
		}
		if (!ch->ops.set_param) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "the channel's parameters cannot be set");
			return -EOPNOTSUPP;
		}
		err = parse_param(ch, attr, &changes[count], info->extack);
		if (err)
			return err;
		count++;
	}
	return count;
}

static int check_budget(struct kchan *ch, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[KCHAN_A_BUDGET_BYTES];

	if (!attr)
		return 0;
	if (!kchan_ring_count(ch)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the channel's transport has no buffers to size");
		return -EOPNOTSUPP;
	}
	if (nla_get_u64(attr) > kchan_max_budget_bytes()) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "more than a quarter of the memory");
		return -E2BIG;
	}
	if (!kchan_ring_bytes(nla_get_u64(attr), kchan_ring_count(ch))) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "not enough for the smallest ring of each possible CPU");
		return -EINVAL;
	}
	return 0;
}

static int set_param(struct kchan *ch, u32 param, u64 value,
		     struct netlink_ext_ack *extack)
{
	int err = kchan_callback_status(ch->ops.set_param(ch, ch->priv, param,
							  value, extack));

	if (!err)
		WRITE_ONCE(ch->params.entries[param].value, value);
	return err;
}

static int set_params(struct kchan *ch, struct change *changes, int count,
		      struct netlink_ext_ack *extack)
{
	int err = 0;
	int i;

	for (i = 0; i < count; i++) {
		changes[i].old = ch->params.entries[changes[i].param].value;
		err = set_param(ch, changes[i].param, changes[i].value, extack);
		if (err)
			break;
	}
	if (err) {
		while (i--)
			set_param(ch, changes[i].param, changes[i].old, NULL);
	}
	return err;
}

static void set_sizes(struct kchan *ch, struct genl_info *info)
{
	struct nlattr *budget = info->attrs[KCHAN_A_BUDGET_BYTES];
	struct nlattr *linger = info->attrs[KCHAN_A_LINGER_MS];

	if (!budget && !linger)
		return;
	mutex_lock(&ch->demand);
	if (budget)
		WRITE_ONCE(ch->budget_bytes, nla_get_u64(budget));
	if (linger)
		WRITE_ONCE(ch->linger_ms, nla_get_u32(linger));
	if (budget && ch->state == KCHAN_STATE_IDLE)
		WRITE_ONCE(ch->ring_bytes,
			   kchan_ring_bytes(ch->budget_bytes,
					    kchan_ring_count(ch)));
	mutex_unlock(&ch->demand);
}

/* Between kchan_enter() and kchan_leave(). */
static int set_channel(struct kchan *ch, struct genl_info *info,
		       struct change *changes)
{
	int count, err;

	mutex_lock(&ch->params.lock);
	err = check_budget(ch, info);
	if (err)
		goto out_unlock;
	count = parse_params(ch, info, changes);
	if (count < 0) {
		err = count;
		goto out_unlock;
	}
	err = set_params(ch, changes, count, info->extack);
	if (err)
		goto out_unlock;
	set_sizes(ch, info);
	/* Inside, so that the last announcement tells the last state. */
	kchan_notify_channel(ch, KCHAN_CMD_CHANNEL_CHANGE_NTF);
out_unlock:
	mutex_unlock(&ch->params.lock);
	return err;
}

int kchan_genl_channel_set(struct sk_buff *skb, struct genl_info *info)
{
	struct kchan *ch = kchan_genl_channel(info);
	struct change *changes;
	int err;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	changes = kcalloc(KCHAN_MAX_PARAMS, sizeof(*changes), GFP_KERNEL);
	if (!changes) {
		err = -ENOMEM;
		goto out_put;
	}
	err = kchan_genl_enter(ch, info);
	if (err)
		goto out_free;
	err = kchan_genl_answer(skb, info, set_channel(ch, info, changes));
	kchan_leave(ch);
out_free:
	kfree(changes);
out_put:
	kchan_put(ch);
	return err;
}
