// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_chardev: both directions over a device node, /dev/kchan.shout, for
 * programs that know nothing of kchan. User space writes a line, the module
 * receives it; the module emits it in capitals, user space reads it.
 *
 *	exec 3<>/dev/kchan.shout
 *	echo hello >&3
 *	head -n 1 <&3		# HELLO
 *
 * From afar, the same:
 *
 *	kchan tail shout &
 *	kchan send shout say --json '{"text": "hello"}'
 */
#include <kchan.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/slab.h>

#define TYPE_SAY 1
#define TYPE_SHOUT 2

/* What is said has any length, so its one field takes the whole payload. */
static const struct kchan_field text_fields[] = {
	{ .name = "text", .kind = KCHAN_FIELD_STRING_REST },
};

static const struct kchan_type types[] = {
	{ .id = TYPE_SAY, .name = "say", .direction = KCHAN_DIRECTION_TO_KERNEL,
	  .fields = text_fields, .field_count = ARRAY_SIZE(text_fields) },
	{ .id = TYPE_SHOUT, .name = "shout", .direction = KCHAN_DIRECTION_TO_USER,
	  .fields = text_fields, .field_count = ARRAY_SIZE(text_fields) },
};

/* Its status is what write() returns: -ENODEV if nobody reads. */
static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	char *text = kmemdup(payload, length, GFP_KERNEL);
	int err;
	u32 i;

	if (!text)
		return -ENOMEM;
	for (i = 0; i < length; i++)
		text[i] = toupper(text[i]);
	err = kchan_emit(ch, TYPE_SHOUT, text, length);
	kfree(text);
	return err;
}

static const struct kchan_ops ops = { .receive = receive };

static struct kchan *channel;

static int __init shout_init(void)
{
	channel = kchan_register(&(struct kchan_spec){
		.name = "shout",
		.doc = "Says in capitals what it is told",
		.transport = KCHAN_TRANSPORT_CHARDEV,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = types,
		.type_count = ARRAY_SIZE(types),
		.ops = &ops,
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit shout_exit(void)
{
	kchan_unregister(channel);
}

module_init(shout_init);
module_exit(shout_exit);

MODULE_DESCRIPTION("A character device as a kchan channel");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
