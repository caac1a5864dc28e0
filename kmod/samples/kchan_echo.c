// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_echo: both directions over generic netlink. What user space sends comes
 * back as a record to everybody who listens.
 *
 *	kchan tail echo &
 *	kchan send echo say --json '{"text": "hello"}'
 */
#include <kchan.h>
#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uidgid.h>

#define TYPE_SAY 1
#define TYPE_SAID 2
#define TEXT_BYTES 64

struct say {
	char text[TEXT_BYTES];
};

struct said {
	u64 count;
	u32 pid;
	u32 uid;
	char text[TEXT_BYTES];
};

static const struct kchan_field say_fields[] = {
	KCHAN_FIELD(struct say, text, STRING, .doc = "what to say, not empty"),
};

static const struct kchan_field said_fields[] = {
	KCHAN_FIELD(struct said, count, U64, .doc = "commands so far"),
	KCHAN_FIELD(struct said, pid, U32, .doc = "who sent the command"),
	KCHAN_FIELD(struct said, uid, U32, .doc = "as which user"),
	KCHAN_FIELD(struct said, text, STRING, .doc = "what was said"),
};

static const struct kchan_type types[] = {
	KCHAN_TYPE_IN(TYPE_SAY, "say", struct say, say_fields),
	KCHAN_TYPE_OUT(TYPE_SAID, "said", struct said, said_fields),
};

static struct kchan *channel;
static atomic64_t count;

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct say *say = payload;
	struct said said = {
		.pid = task_tgid_nr(current),
		.uid = from_kuid(&init_user_ns, current_uid()),
	};
	int err;

	if (!say->text[0]) {
		NL_SET_ERR_MSG(extack, "nothing to say");
		return -EINVAL;
	}
	said.count = atomic64_inc_return(&count);
	strscpy(said.text, say->text, sizeof(said.text));
	err = kchan_emit(ch, TYPE_SAID, &said, sizeof(said));
	/* Nobody listening is no failure of the command. */
	return err == -ENODEV ? 0 : err;
}

static const struct kchan_ops ops = { .receive = receive };

static int __init echo_init(void)
{
	channel = kchan_register(&(struct kchan_spec){
		.name = "echo",
		.doc = "Says what it is told",
		.transport = KCHAN_TRANSPORT_GENL,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = types,
		.type_count = ARRAY_SIZE(types),
		.ops = &ops,
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit echo_exit(void)
{
	kchan_unregister(channel);
}

module_init(echo_init);
module_exit(echo_exit);

MODULE_DESCRIPTION("Both directions of a kchan channel");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
