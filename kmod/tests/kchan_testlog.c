// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_testlog: a LOG channel, test.log, and test.log.write, which takes what
 * is to be said on it.
 */
#include <kchan.h>
#include <linux/err.h>
#include <linux/sizes.h>

/* "Say text, count times"; answered by what kchan_emit() said last. */
struct say {
	u32 count;
	char text[];
};

static const struct kchan_field say_fields[] = {
	KCHAN_FIELD(struct say, count, U32),
	KCHAN_FIELD_REST(struct say, text, STRING),
};

static const struct kchan_type say_type =
	KCHAN_TYPE_IN(1, "say", struct say, say_fields);

static struct kchan *log, *commands;

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct say *say = payload;
	int err = 0;
	u32 i;

	for (i = 0; i < say->count; i++)
		err = kchan_emit(log, KCHAN_LOG_TYPE_LINE, say->text,
				 length - sizeof(*say));
	return err;
}

static const struct kchan_ops ops = { .receive = receive };

static int __init testlog_init(void)
{
	log = kchan_register(&(struct kchan_spec){
		.name = "test.log",
		.transport = KCHAN_TRANSPORT_LOG,
		.context = KCHAN_CONTEXT_PROCESS,
		.budget_bytes = KCHAN_MIN_RING_BYTES,
		.log = { .interval_ms = 300, .burst = 20 },
	});
	if (IS_ERR(log))
		return PTR_ERR(log);
	commands = kchan_register(&(struct kchan_spec){
		.name = "test.log.write",
		.transport = KCHAN_TRANSPORT_GENL,
		.direction = KCHAN_DIRECTION_TO_KERNEL,
		.context = KCHAN_CONTEXT_PROCESS,
		.max_record_bytes = SZ_8K, /* more than a line may have */
		.types = &say_type,
		.type_count = 1,
		.ops = &ops,
	});
	if (IS_ERR(commands))
		kchan_unregister(log);
	return PTR_ERR_OR_ZERO(commands);
}

static void __exit testlog_exit(void)
{
	kchan_unregister(commands);
	kchan_unregister(log);
}

module_init(testlog_init);
module_exit(testlog_exit);

MODULE_DESCRIPTION("A LOG channel for tests of kchan");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
