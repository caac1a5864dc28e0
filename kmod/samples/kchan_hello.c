// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_hello: a channel in ten lines. Once a second, while somebody reads,
 * it says hello.
 *
 *	kchan tail hello
 */
#include <kchan.h>
#include <linux/workqueue.h>

struct greeting {
	u64 count;
	char who[16];
};

static const struct kchan_field greeting_fields[] = {
	KCHAN_FIELD(struct greeting, count, U64, .doc = "greetings so far"),
	KCHAN_FIELD(struct greeting, who, STRING, .doc = "who is greeted"),
};

static const struct kchan_type greeting_type =
	KCHAN_TYPE_OUT(1, "greeting", struct greeting, greeting_fields);

static void greet(struct work_struct *work);

static struct kchan *channel;
static DECLARE_DELAYED_WORK(greeter, greet);

static void greet(struct work_struct *work)
{
	static struct greeting greeting = { .who = "world" };

	greeting.count++;
	kchan_emit(channel, 1, &greeting, sizeof(greeting));
	schedule_delayed_work(&greeter, HZ);
}

static int enable(struct kchan *ch, void *priv)
{
	channel = ch;
	schedule_delayed_work(&greeter, 0);
	return 0;
}

static void disable(struct kchan *ch, void *priv)
{
	cancel_delayed_work_sync(&greeter);
}

static const struct kchan_ops ops = { .enable = enable, .disable = disable };

static int __init hello_init(void)
{
	channel = kchan_register(&(struct kchan_spec){
		.name = "hello",
		.doc = "Says hello once a second",
		.transport = KCHAN_TRANSPORT_RING,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = &greeting_type,
		.type_count = 1,
		.ops = &ops,
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit hello_exit(void)
{
	kchan_unregister(channel);
}

module_init(hello_init);
module_exit(hello_exit);

MODULE_DESCRIPTION("A kchan channel in ten lines");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
