// SPDX-License-Identifier: GPL-2.0
/* The way down: a record from user space, whatever method brought it. */
#include <linux/minmax.h>
#include <linux/string.h>

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

int kchan_enter(struct kchan *ch)
{
	int err = down_read_killable(&ch->callbacks);

	if (err)
		return err;
	if (!ch->deaf)
		return 0;
	up_read(&ch->callbacks);
	return -ESHUTDOWN;
}

void kchan_leave(struct kchan *ch)
{
	up_read(&ch->callbacks);
}

int kchan_callback_status(int status)
{
	return status == -ERESTARTSYS ? -EINTR : min(status, 0);
}

int kchan_receive_entered(struct kchan *ch, u16 type, const void *payload,
			  u32 length, struct netlink_ext_ack *extack)
{
	int err = check(ch, type, length);

	if (err)
		return err;
	return kchan_callback_status(ch->ops.receive(ch, ch->priv, type,
						     payload, length, extack));
}

int kchan_receive(struct kchan *ch, u16 type, const void *payload, u32 length)
{
	int err = kchan_enter(ch);

	if (err)
		return err;
	err = kchan_receive_entered(ch, type, payload, length, NULL);
	kchan_leave(ch);
	return err;
}

int kchan_receive_words(struct kchan *ch, u16 type, const void *payload,
			u32 length, char *words)
{
	struct netlink_ext_ack extack = {};
	int err = kchan_enter(ch);

	if (err)
		return err;
	err = kchan_receive_entered(ch, type, payload, length, &extack);
	if (err && extack._msg)
		strscpy(words, extack._msg, KCHAN_DOC_BYTES);
	kchan_leave(ch);
	return err;
}
