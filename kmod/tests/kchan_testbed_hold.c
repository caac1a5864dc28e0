// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_testbed_hold: channels of every way down whose callbacks hold their
 * caller until it is killed or test.hold.told's parameter `open` is 1; and a
 * policy's admission that is held the same way, for which this looks behind
 * kchan.h.
 */
#include <kchan.h>
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/wait.h>

#include "channel.h"

/* ---- What became of the callers ------------------------------------------- */

enum {
	TOLD_HELD,
	TOLD_KILLED,
	TOLD_WRITERS,
	TOLD_INTERRUPTED,
	TOLD_COUNTED,
	TOLD_BLOCKS,
};

struct told {
	u64 held;
	u64 killed;
	u64 writers;
	u64 interrupted;
	u64 counted;
	u64 blocks;
};

static const struct kchan_field told_fields[] = {
	KCHAN_FIELD(struct told, held, U64, .doc = "callbacks, now"),
	KCHAN_FIELD(struct told, killed, U64, .doc = "of those, so far"),
	KCHAN_FIELD(struct told, writers, U64, .doc = "in kchan_emit(), now"),
	KCHAN_FIELD(struct told, interrupted, U64,
		    .doc = "times that kchan_emit() has said -EINTR"),
	KCHAN_FIELD(struct told, counted, U64, .doc = "commands to count"),
	KCHAN_FIELD(struct told, blocks, U64, .doc = "calls of block_written"),
};

static const struct kchan_type told_type =
	KCHAN_TYPE_OUT(1, "told", struct told, told_fields);

static const struct kchan_param told_params[] = {
	{ .name = "open", .max = 1, .doc = "1: nobody is held" },
};

static struct kchan *told;
static DECLARE_WAIT_QUEUE_HEAD(held);
static bool is_open;

static int set_param(struct kchan *ch, void *priv, u32 param, u64 value,
		     struct netlink_ext_ack *extack)
{
	WRITE_ONCE(is_open, value);
	wake_up_all(&held);
	return 0;
}

static const struct kchan_ops told_ops = { .set_param = set_param };

static const struct kchan_spec told_spec = {
	.name = "test.hold.told",
	.transport = KCHAN_TRANSPORT_VALUE,
	.policy = KCHAN_POLICY_LOCK_FREE,
	.context = KCHAN_CONTEXT_PROCESS,
	.types = &told_type,
	.type_count = 1,
	.params = told_params,
	.param_count = ARRAY_SIZE(told_params),
	.ops = &told_ops,
};

static int hold(void)
{
	int err;

	kchan_value_add(told, TOLD_HELD, 1);
	err = wait_event_killable(held, READ_ONCE(is_open));
	if (err)
		kchan_value_add(told, TOLD_KILLED, 1);
	kchan_value_add(told, TOLD_HELD, -1);
	return err;
}

/* ---- Commands ------------------------------------------------------------- */

enum { ORDER_COUNT, ORDER_HOLD, ORDER_HOLD_ADMISSION, ORDER_WRITE, ORDER_REFUSE };

#define TYPE_ORDER 1
#define TYPE_WRITTEN 2

struct order {
	u32 order;
	u32 refusal; /* errno, for ORDER_REFUSE */
};

struct written {
	u64 counted;
};

static const struct kchan_name order_names[] = {
	{ ORDER_COUNT, "count" },
	{ ORDER_HOLD, "hold" },
	{ ORDER_HOLD_ADMISSION, "hold_admission" },
	{ ORDER_WRITE, "write" },
	{ ORDER_REFUSE, "refuse" },
};

static const struct kchan_field order_fields[] = {
	KCHAN_FIELD(struct order, order, U32, .display = KCHAN_DISPLAY_ENUM,
		    KCHAN_NAMES(order_names)),
	KCHAN_FIELD(struct order, refusal, U32),
};

static const struct kchan_field written_fields[] = {
	KCHAN_FIELD(struct written, counted, U64),
};

static const struct kchan_type types[] = {
	KCHAN_TYPE_IN(TYPE_ORDER, "order", struct order, order_fields),
	KCHAN_TYPE_OUT(TYPE_WRITTEN, "written", struct written, written_fields),
};

static int hold_admission(struct kchan_admission *admission)
{
	int err;

	if (admission->policy == KCHAN_POLICY_MUTEX) {
		err = mutex_lock_killable(&admission->mutex);
		if (err)
			return err;
		err = hold();
		mutex_unlock(&admission->mutex);
		return err;
	}
	err = down_killable(&admission->semaphore);
	if (err)
		return err;
	err = hold();
	up(&admission->semaphore);
	return err;
}

static int write(struct kchan *ch)
{
	const struct written written = {
		.counted = kchan_value_get(told, TOLD_COUNTED),
	};
	int err;

	kchan_value_add(told, TOLD_WRITERS, 1);
	err = kchan_emit(ch, TYPE_WRITTEN, &written, sizeof(written));
	if (err == -EINTR)
		kchan_value_add(told, TOLD_INTERRUPTED, 1);
	kchan_value_add(told, TOLD_WRITERS, -1);
	return err;
}

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct order *order = payload;

	switch (order->order) {
	case ORDER_COUNT:
		kchan_value_add(told, TOLD_COUNTED, 1);
		return 0;
	case ORDER_HOLD:
		return hold();
	case ORDER_HOLD_ADMISSION:
		return ch->sleeps ? hold_admission(&ch->admission) : -EINVAL;
	case ORDER_WRITE:
		return write(ch);
	default:
		NL_SET_ERR_MSG(extack, "refused as it asked, with so many words that a place for eighty of them is not enough");
		return -(int)min_t(u32, order->refusal, MAX_ERRNO);
	}
}

static const struct kchan_ops order_ops = { .receive = receive };

#define ORDERS(_name, _transport, ...)                                         \
	{                                                                      \
		.name = _name, .transport = KCHAN_TRANSPORT_##_transport,      \
		.direction = KCHAN_DIRECTION_TO_USER |                         \
			     KCHAN_DIRECTION_TO_KERNEL,                        \
		.context = KCHAN_CONTEXT_PROCESS, .types = types,              \
		.type_count = ARRAY_SIZE(types), .ops = &order_ops, __VA_ARGS__ \
	}

/* ---- Values and blocks ---------------------------------------------------- */

struct words {
	u64 word;
};

static const struct kchan_field word_fields[] = {
	KCHAN_FIELD(struct words, word, U64, .writable = true),
};

static const struct kchan_type words_type =
	KCHAN_TYPE_OUT(1, "words", struct words, word_fields);

static int set_value(struct kchan *ch, void *priv, u32 word, u64 value)
{
	return hold();
}

static const struct kchan_ops value_ops = { .set_value = set_value };

/* From a work item, which nobody kills. */
static void block_written(struct kchan *ch, void *priv, u64 offset, u64 length)
{
	hold();
	kchan_value_add(told, TOLD_BLOCKS, 1);
}

static const struct kchan_ops block_ops = { .block_written = block_written };

/* ---- The module ----------------------------------------------------------- */

static const struct kchan_spec specs[] = {
	ORDERS("test.hold.mutex", RING, .layout = KCHAN_LAYOUT_SHARED,
	       .policy = KCHAN_POLICY_MUTEX),
	ORDERS("test.hold.semaphore", RING, .layout = KCHAN_LAYOUT_SHARED,
	       .policy = KCHAN_POLICY_SEMAPHORE, .semaphore_count = 2),
	ORDERS("test.hold.file", FILE),
	{
		.name = "test.hold.value",
		.transport = KCHAN_TRANSPORT_VALUE,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = &words_type,
		.type_count = 1,
		.ops = &value_ops,
	},
	{
		.name = "test.hold.block",
		.transport = KCHAN_TRANSPORT_BLOCK,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.context = KCHAN_CONTEXT_PROCESS,
		.ops = &block_ops,
		.block = { .capacity_bytes = SZ_1M },
	},
};

static struct kchan *channels[ARRAY_SIZE(specs)];

/* The gate is there until the last. */
static void unregister_all(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(channels); i++)
		kchan_unregister(channels[i]);
	kchan_unregister(told);
}

static int __init testbed_init(void)
{
	size_t i;

	told = kchan_register(&told_spec);
	if (IS_ERR(told))
		return PTR_ERR(told);
	for (i = 0; i < ARRAY_SIZE(channels); i++) {
		channels[i] = kchan_register(&specs[i]);
		if (IS_ERR(channels[i])) {
			int err = PTR_ERR(channels[i]);

			unregister_all();
			return err;
		}
	}
	return 0;
}

static void __exit testbed_exit(void)
{
	unregister_all();
}

module_init(testbed_init);
module_exit(testbed_exit);

MODULE_DESCRIPTION("Channels for tests of kchan that hold their callers");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
