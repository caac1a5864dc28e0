// SPDX-License-Identifier: GPL-2.0
/* The way down: a record from user space, whatever method brought it. */
#include <linux/minmax.h>
#include <linux/string.h>

#include "channel.h"
#include "compat.h"

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

/* 0, to be followed by leave(): the module stays until then. */
static int enter(struct kchan *ch)
{
	int err = down_read_killable(&ch->callbacks);

	if (err)
		return err;
	if (!ch->deaf)
		return 0;
	up_read(&ch->callbacks);
	return -ESHUTDOWN;
}

static void leave(struct kchan *ch)
{
	up_read(&ch->callbacks);
}

static int call(struct kchan *ch, u16 type, const void *payload, u32 length,
		struct netlink_ext_ack *extack)
{
	int status = ch->ops.receive(ch, ch->priv, type, payload, length,
				     extack);

	/* A positive number would be taken for something else by its callers. */
	return min(status, 0);
}

int kchan_receive(struct kchan *ch, u16 type, const void *payload, u32 length,
		  struct netlink_ext_ack *extack)
{
	int err = check(ch, type, length);

	if (err)
		return err;
	err = enter(ch);
	if (err) {
		if (err == -ESHUTDOWN)
			NL_SET_ERR_MSG(extack, "the channel is dead");
		return err;
	}
	err = call(ch, type, payload, length, extack);
	kchan_keep_words(extack);
	leave(ch);
	return err;
}

int kchan_receive_words(struct kchan *ch, u16 type, const void *payload,
			u32 length, char *words)
{
	struct netlink_ext_ack extack = {};
	int err = check(ch, type, length) ?: enter(ch);

	if (err)
		return err;
	err = call(ch, type, payload, length, &extack);
	if (err && extack._msg)
		strscpy(words, extack._msg, KCHAN_DOC_BYTES);
	leave(ch);
	return err;
}
