// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_testbed_value: VALUE channels, one for each policy, and a channel of
 * commands by which a test has this module change their words.
 */
#include <kchan.h>
#include <linux/err.h>
#include <linux/smp.h>

enum {
	WORD_FIRST, /* FILL gives the first four the same value */
	WORD_FOURTH = 3,
	WORD_LEVEL, /* user space may set it to anything */
	WORD_LIMIT, /* to no more than 1000 */
	WORD_MOVING, /* changes under whoever asks for a change first */
	WORD_ASKED, /* how often set_value was called for MOVING */
};

struct words {
	u64 first;
	u64 second;
	u64 third;
	u64 fourth;
	s64 level;
	u64 limit;
	u64 moving;
	u64 asked;
};

static const struct kchan_field word_fields[] = {
	KCHAN_FIELD(struct words, first, U64, .unit = "things"),
	KCHAN_FIELD(struct words, second, U64),
	KCHAN_FIELD(struct words, third, U64),
	KCHAN_FIELD(struct words, fourth, U64),
	KCHAN_FIELD(struct words, level, S64, .writable = true),
	KCHAN_FIELD(struct words, limit, U64, .writable = true),
	KCHAN_FIELD(struct words, moving, U64, .writable = true),
	KCHAN_FIELD(struct words, asked, U64),
};

static const struct kchan_type words_type =
	KCHAN_TYPE_OUT(1, "words", struct words, word_fields);

static int set_value(struct kchan *ch, void *priv, u32 word, u64 value)
{
	if (word == WORD_LIMIT && value > 1000)
		return -EDOM;
	if (word == WORD_MOVING && kchan_value_add(ch, WORD_ASKED, 1) == 1)
		kchan_value_add(ch, WORD_MOVING, 100);
	return 0;
}

static const struct kchan_ops word_ops = { .set_value = set_value };

#define VALUES(_name, _policy, _context)                                    \
	{                                                                   \
		.name = _name, .transport = KCHAN_TRANSPORT_VALUE,          \
		.direction = KCHAN_DIRECTION_TO_USER |                      \
			     KCHAN_DIRECTION_TO_KERNEL,                     \
		.policy = KCHAN_POLICY_##_policy,                           \
		.context = KCHAN_CONTEXT_##_context, .types = &words_type, \
		.type_count = 1, .ops = &word_ops                           \
	}

static const struct kchan_spec value_specs[] = {
	VALUES("test.value.free", LOCK_FREE, NMI),
	VALUES("test.value.spin", SPINLOCK, HARDIRQ),
	VALUES("test.value.mutex", MUTEX, PROCESS),
};

static struct kchan *values[ARRAY_SIZE(value_specs)];

/* ---- Commands ------------------------------------------------------------- */

enum { OPERATION_SET, OPERATION_ADD, OPERATION_COMPARE_AND_SWAP, OPERATION_FILL };

/* "Do this count times", by index of the channel above. */
struct change {
	u32 channel;
	u32 operation;
	u32 word;
	u32 in_hardirq;
	u64 operand;
	u64 expected;
	u64 count;
};

static const struct kchan_name operation_names[] = {
	{ OPERATION_SET, "set" },
	{ OPERATION_ADD, "add" },
	{ OPERATION_COMPARE_AND_SWAP, "compare_and_swap" },
	{ OPERATION_FILL, "fill" },
};

static const struct kchan_field change_fields[] = {
	KCHAN_FIELD(struct change, channel, U32),
	KCHAN_FIELD(struct change, operation, U32,
		    .display = KCHAN_DISPLAY_ENUM,
		    KCHAN_NAMES(operation_names)),
	KCHAN_FIELD(struct change, word, U32),
	KCHAN_FIELD(struct change, in_hardirq, U32),
	KCHAN_FIELD(struct change, operand, U64),
	KCHAN_FIELD(struct change, expected, U64),
	KCHAN_FIELD(struct change, count, U64),
};

static const struct kchan_type change_type =
	KCHAN_TYPE_IN(1, "change", struct change, change_fields);

static int fill(struct kchan *ch, u64 delta)
{
	u64 *words = kchan_values_begin(ch);
	u32 i;

	if (!words)
		return -EINTR;
	for (i = WORD_FIRST; i <= WORD_FOURTH; i++)
		words[i] += delta;
	kchan_values_end(ch);
	return 0;
}

static int change_once(const struct change *change)
{
	struct kchan *ch = values[change->channel];
	u64 old = change->expected;

	switch (change->operation) {
	case OPERATION_SET:
		kchan_value_set(ch, change->word, change->operand);
		return 0;
	case OPERATION_ADD:
		kchan_value_add(ch, change->word, change->operand);
		return 0;
	case OPERATION_COMPARE_AND_SWAP:
		return kchan_value_cmpxchg(ch, change->word, &old,
					   change->operand) ?
			       0 :
			       -EAGAIN;
	default:
		return fill(ch, change->operand);
	}
}

struct job {
	const struct change *change;
	int result;
};

static void change_all(void *context)
{
	struct job *job = context;
	u64 i;

	for (i = 0; i < job->change->count && !job->result; i++)
		job->result = change_once(job->change);
}

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	struct job job = { .change = payload };

	if (job.change->channel >= ARRAY_SIZE(values) ||
	    job.change->operation > OPERATION_FILL ||
	    job.change->word > WORD_ASKED) {
		NL_SET_ERR_MSG(extack, "no such channel, operation or word");
		return -EINVAL;
	}
	if (job.change->in_hardirq)
		smp_call_function_single(raw_smp_processor_id(), change_all,
					 &job, true);
	else
		change_all(&job);
	return job.result;
}

static const struct kchan_ops change_ops = { .receive = receive };

static const struct kchan_spec command_spec = {
	.name = "test.value.command",
	.transport = KCHAN_TRANSPORT_GENL,
	.direction = KCHAN_DIRECTION_TO_KERNEL,
	.context = KCHAN_CONTEXT_PROCESS,
	.types = &change_type,
	.type_count = 1,
	.ops = &change_ops,
};

static struct kchan *command;

static void unregister_first(size_t count)
{
	while (count--)
		kchan_unregister(values[count]);
}

static int __init testbed_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		values[i] = kchan_register(&value_specs[i]);
		if (IS_ERR(values[i])) {
			unregister_first(i);
			return PTR_ERR(values[i]);
		}
	}
	command = kchan_register(&command_spec);
	if (IS_ERR(command))
		unregister_first(i);
	return PTR_ERR_OR_ZERO(command);
}

static void __exit testbed_exit(void)
{
	kchan_unregister(command);
	unregister_first(ARRAY_SIZE(values));
}

module_init(testbed_init);
module_exit(testbed_exit);

MODULE_DESCRIPTION("VALUE channels for tests of kchan");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
