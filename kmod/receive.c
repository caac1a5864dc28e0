// SPDX-License-Identifier: GPL-2.0
/* The way down: a record from user space, whatever method brought it. */
#include <linux/minmax.h>

#include "channel.h"

static int check(const struct kchan *ch, u16 type, u32 length)
{
	const struct kchan_schema_type *declared;

	if (!(ch->direction & KCHAN_DIRECTION_TO_KERNEL) || !ch->ops.receive)
		return -EOPNOTSUPP;
	declared = kchan_schema_find(ch->schema, type);
	if (!declared || !(declared->direction & KCHAN_DIRECTION_TO_KERNEL) ||
	    length < declared->size)
		return -EINVAL;
	return length > ch->max_record_bytes ? -EMSGSIZE : 0;
}

int kchan_receive(struct kchan *ch, u16 type, const void *payload, u32 length,
		  struct netlink_ext_ack *extack)
{
	int err = check(ch, type, length);

	if (err)
		return err;
	err = down_read_killable(&ch->callbacks);
	if (err)
		return err;
	if (ch->deaf) {
		NL_SET_ERR_MSG(extack, "the channel is dead");
		err = -ESHUTDOWN;
	} else {
		err = ch->ops.receive(ch, ch->priv, type, payload, length,
				      extack);
	}
	up_read(&ch->callbacks);
	/* A positive number would be taken for something else by its callers. */
	return min(err, 0);
}
