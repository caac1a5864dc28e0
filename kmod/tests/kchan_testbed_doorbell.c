// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_testbed_doorbell: a channel that tells, as records, what it was handed,
 * and looks whether anybody can change a payload under its hands.
 */
#include <kchan.h>
#include <linux/crc32.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/wait.h>

#define TYPE_NOTE 1
#define TYPE_HOLD 2
#define TYPE_TAKEN 3

struct note {
	u64 number;
	u32 refusal; /* errno that the note is to be refused with */
	u8 rest[];
};

struct hold {
	u64 number;
};

struct taken {
	u64 number;
	u32 type;
	u32 length;
	u32 checksum; /* of the payload */
};

static const struct kchan_field note_fields[] = {
	KCHAN_FIELD(struct note, number, U64),
	KCHAN_FIELD(struct note, refusal, U32),
	KCHAN_FIELD_REST(struct note, rest, BYTES),
};

static const struct kchan_field hold_fields[] = {
	KCHAN_FIELD(struct hold, number, U64,
		    .doc = "taken until the sender is killed or the parameter open is 1"),
};

static const struct kchan_field taken_fields[] = {
	KCHAN_FIELD(struct taken, number, U64),
	KCHAN_FIELD(struct taken, type, U32),
	KCHAN_FIELD(struct taken, length, U32),
	KCHAN_FIELD(struct taken, checksum, U32, .display = KCHAN_DISPLAY_HEX),
};

static const struct kchan_type types[] = {
	KCHAN_TYPE_IN(TYPE_NOTE, "note", struct note, note_fields),
	KCHAN_TYPE_IN(TYPE_HOLD, "hold", struct hold, hold_fields),
	KCHAN_TYPE_OUT(TYPE_TAKEN, "taken", struct taken, taken_fields),
};

static const struct kchan_param params[] = {
	{ .name = "open", .max = 1, .doc = "1: nobody is held" },
};

static struct kchan *channel;
static DECLARE_WAIT_QUEUE_HEAD(held);
static bool is_open;

static void tell(struct kchan *ch, u16 type, const void *payload, u32 length)
{
	const struct taken taken = {
		.number = *(const u64 *)payload,
		.type = type,
		.length = length,
		.checksum = crc32_le(~0, payload, length),
	};

	kchan_emit(ch, TYPE_TAKEN, &taken, sizeof(taken));
}

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct note *note = payload;
	const u32 checksum = crc32_le(~0, payload, length);

	tell(ch, type, payload, length);
	if (type == TYPE_HOLD)
		return wait_event_killable(held, READ_ONCE(is_open));
	/* A sender that forges it meanwhile has its time. */
	usleep_range(20, 50);
	if (crc32_le(~0, payload, length) != checksum) {
		NL_SET_ERR_MSG(extack, "the payload has changed");
		return -EIO;
	}
	if (note->refusal) {
		NL_SET_ERR_MSG(extack, "refused as it asked");
		return -(int)min_t(u32, note->refusal, MAX_ERRNO);
	}
	return 0;
}

static int set_param(struct kchan *ch, void *priv, u32 param, u64 value,
		     struct netlink_ext_ack *extack)
{
	WRITE_ONCE(is_open, value);
	wake_up_all(&held);
	return 0;
}

static const struct kchan_ops ops = {
	.receive = receive,
	.set_param = set_param,
};

static int __init testbed_init(void)
{
	channel = kchan_register(&(struct kchan_spec){
		.name = "test.doorbell",
		.transport = KCHAN_TRANSPORT_RING,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.layout = KCHAN_LAYOUT_SHARED,
		.context = KCHAN_CONTEXT_PROCESS,
		.budget_bytes = SZ_1M,
		.types = types,
		.type_count = ARRAY_SIZE(types),
		.params = params,
		.param_count = ARRAY_SIZE(params),
		.ops = &ops,
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit testbed_exit(void)
{
	kchan_unregister(channel);
}

module_init(testbed_init);
module_exit(testbed_exit);

MODULE_DESCRIPTION("A channel for tests of kchan's way down");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
