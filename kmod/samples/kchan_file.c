// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_file: a record that is to be kept. Which kernel modules come and go is
 * written by the kernel to a file that user space hands over; it goes on with it
 * for a minute when kchand is killed. The way back is a file, too, that the
 * kernel reads: of marks, to find one's place again.
 *
 *	kchan tail file &
 *	modprobe dummy
 *	kchan send file mark --json '{"text": "before the test"}'
 */
#include <kchan.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/string.h>

#define TYPE_MODULE 1
#define TYPE_MARK 2
#define TYPE_MARKED 3

struct module_record {
	u32 state;
	char name[MODULE_NAME_LEN];
};

struct mark {
	char text[64];
};

static const struct kchan_name state_names[] = {
	{ MODULE_STATE_LIVE, "live" },
	{ MODULE_STATE_COMING, "coming" },
	{ MODULE_STATE_GOING, "going" },
};

static const struct kchan_field module_fields[] = {
	KCHAN_FIELD(struct module_record, state, U32,
		    .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(state_names)),
	KCHAN_FIELD(struct module_record, name, STRING),
};

static const struct kchan_field mark_fields[] = {
	KCHAN_FIELD(struct mark, text, STRING),
};

static const struct kchan_type types[] = {
	KCHAN_TYPE_OUT(TYPE_MODULE, "module", struct module_record,
		       module_fields),
	KCHAN_TYPE_IN(TYPE_MARK, "mark", struct mark, mark_fields),
	KCHAN_TYPE_OUT(TYPE_MARKED, "marked", struct mark, mark_fields),
};

static struct kchan *channel;

static int module_changed(struct notifier_block *block, unsigned long state,
			  void *data)
{
	const struct module *changed = data;
	struct module_record record = { .state = state };

	strscpy(record.name, changed->name, sizeof(record.name));
	kchan_emit(channel, TYPE_MODULE, &record, sizeof(record));
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = module_changed };

static int enable(struct kchan *ch, void *priv)
{
	channel = ch;
	return register_module_notifier(&notifier);
}

static void disable(struct kchan *ch, void *priv)
{
	unregister_module_notifier(&notifier);
}

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct mark *mark = payload;
	int err;

	if (!mark->text[0]) {
		NL_SET_ERR_MSG(extack, "a mark needs a text");
		return -EINVAL;
	}
	err = kchan_emit(ch, TYPE_MARKED, mark, sizeof(*mark));
	return err == -ENODEV ? 0 : err;
}

static const struct kchan_ops ops = {
	.enable = enable,
	.disable = disable,
	.receive = receive,
};

static int __init file_sample_init(void)
{
	channel = kchan_register(&(struct kchan_spec){
		.name = "file",
		.doc = "Kernel modules that come and go",
		.transport = KCHAN_TRANSPORT_FILE,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.policy = KCHAN_POLICY_MUTEX,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = types,
		.type_count = ARRAY_SIZE(types),
		.ops = &ops,
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit file_sample_exit(void)
{
	kchan_unregister(channel);
}

module_init(file_sample_init);
module_exit(file_sample_exit);

MODULE_DESCRIPTION("A kchan channel that the kernel writes to a file");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
