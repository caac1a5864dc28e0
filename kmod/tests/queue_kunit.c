// SPDX-License-Identifier: GPL-2.0
/* The queue of a shared ring: turns, refusals, and that its numbers close. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/sizes.h>

#include "channel.h"
#include "queue.h"
#include "specs.h"

#define BUDGET_BYTES SZ_512K
#define TOO_MANY (BUDGET_BYTES / sizeof(struct test_record)) /* for it */
#define TURNS_FULL SZ_8K /* of records, for which there is room */

/* Some transport, and what its queue gave it. */
struct taker {
	struct kchan *channel;
	struct kchan_queue queue;
	struct kchan_queue_ops ops;
	u64 room; /* for so many more, then it refuses */
	unsigned long again;
	u32 turns;
	u64 taken;
	u64 lost;
	u64 sequence; /* of the last record taken */
	u64 counter; /* in it */
};

static struct taker *to_taker(struct kchan_queue *queue)
{
	return container_of(queue, struct taker, queue);
}

static void begin(struct kchan_queue *queue)
{
	to_taker(queue)->turns++;
}

static bool take(struct kchan_queue *queue, const struct kchan_record *record,
		 u64 lost, u64 sequence)
{
	struct taker *taker = to_taker(queue);
	const struct test_record *payload = (const void *)(record + 1);

	if (!taker->room) {
		queue->again = taker->again;
		return false;
	}
	taker->room--;
	taker->taken++;
	taker->lost += lost;
	taker->sequence = sequence;
	taker->counter = payload->counter;
	return true;
}

static int init(struct kunit *test)
{
	struct taker *taker = kunit_kzalloc(test, sizeof(*taker), GFP_KERNEL);
	struct kchan_spec spec = test_spec();

	if (!taker)
		return -ENOMEM;
	spec.layout = KCHAN_LAYOUT_SHARED;
	spec.budget_bytes = BUDGET_BYTES;
	taker->channel = kchan_register(&spec);
	if (IS_ERR(taker->channel))
		return PTR_ERR(taker->channel);
	taker->room = U64_MAX;
	taker->ops = (struct kchan_queue_ops){ .begin = begin, .take = take };
	kchan_queue_init(&taker->queue, taker->channel, &taker->ops);
	test->priv = taker;
	return 0;
}

static void exit(struct kunit *test)
{
	struct taker *taker = test->priv;

	if (!taker)
		return;
	kchan_queue_destroy(&taker->queue);
	kchan_unregister(taker->channel);
}

static void start(struct kunit *test, struct taker *taker)
{
	KUNIT_ASSERT_EQ(test, kchan_demand_get(taker->channel, NULL), 0);
	kchan_queue_start(&taker->queue);
}

static void stop(struct taker *taker)
{
	kchan_queue_stop(&taker->queue);
	kchan_demand_put(taker->channel);
}

/* Returns how many found room. */
static u32 emit(struct taker *taker, u32 count)
{
	struct test_record record = {};
	u32 written = 0;

	while (count--) {
		record.counter++;
		written += !kchan_emit(taker->channel, 1, &record,
				       sizeof(record));
	}
	return written;
}

/* The turn that is due, or put off; false: there is none. */
static bool have_turn(struct taker *taker)
{
	return flush_delayed_work(&taker->queue.work);
}

/* All that can be taken now. */
static void drain(struct taker *taker)
{
	kchan_queue_kick(&taker->queue);
	while (have_turn(taker))
		;
}

static void records_leave_in_order(struct kunit *test)
{
	struct taker *taker = test->priv;

	start(test, taker);
	KUNIT_ASSERT_EQ(test, emit(taker, 3), 3);
	kchan_queue_kick(&taker->queue);
	have_turn(taker);
	KUNIT_EXPECT_EQ(test, taker->taken, 3);
	KUNIT_EXPECT_EQ(test, taker->lost, 0);
	KUNIT_EXPECT_EQ(test, taker->sequence, 3);
	KUNIT_EXPECT_EQ(test, taker->counter, 3);
	KUNIT_EXPECT_EQ(test, kchan_queue_sequence(&taker->queue), 3);
	KUNIT_EXPECT_FALSE(test, have_turn(taker));
	stop(taker);
}

static void refused_record_stays(struct kunit *test)
{
	struct taker *taker = test->priv;

	start(test, taker);
	emit(taker, 2);
	taker->room = 0;
	kchan_queue_kick(&taker->queue);
	have_turn(taker);
	KUNIT_EXPECT_EQ(test, kchan_queue_sequence(&taker->queue), 0);
	/* It is not tried again by itself .. */
	KUNIT_EXPECT_FALSE(test, have_turn(taker));
	taker->again = 3600 * HZ;
	kchan_queue_kick(&taker->queue);
	have_turn(taker);
	/* .. unless whoever refuses says when. */
	taker->room = U64_MAX;
	KUNIT_EXPECT_TRUE(test, have_turn(taker));
	KUNIT_EXPECT_EQ(test, taker->taken, 2);
	KUNIT_EXPECT_EQ(test, taker->turns, 3);
	stop(taker);
}

static void losses_are_told_before_the_next_record(struct kunit *test)
{
	struct taker *taker = test->priv;
	u32 written;

	start(test, taker);
	written = emit(taker, TOO_MANY);
	KUNIT_ASSERT_LT(test, written, TOO_MANY);
	taker->room = 1;
	kchan_queue_kick(&taker->queue);
	have_turn(taker);
	KUNIT_ASSERT_EQ(test, emit(taker, 1), 1);
	taker->room = U64_MAX;
	drain(taker);
	KUNIT_EXPECT_EQ(test, taker->taken, written + 1);
	KUNIT_EXPECT_EQ(test, taker->lost, TOO_MANY - written);
	KUNIT_EXPECT_EQ(test, taker->sequence, TOO_MANY + 1);
	stop(taker);
}

static void losses_that_no_record_follows_are_covered(struct kunit *test)
{
	struct taker *taker = test->priv;
	u32 written;

	start(test, taker);
	written = emit(taker, TOO_MANY);
	drain(taker);
	KUNIT_EXPECT_EQ(test, taker->sequence, written);
	KUNIT_EXPECT_EQ(test, kchan_queue_sequence(&taker->queue), TOO_MANY);

	emit(taker, 1);
	drain(taker);
	/* The next record does not tell them again. */
	KUNIT_EXPECT_EQ(test, taker->lost, 0);
	KUNIT_EXPECT_EQ(test, taker->sequence, TOO_MANY + 1);
	stop(taker);
}

static void losses_behind_a_refused_record_wait_for_it(struct kunit *test)
{
	struct taker *taker = test->priv;
	u32 written;

	start(test, taker);
	taker->room = 0;
	written = emit(taker, TOO_MANY);
	kchan_queue_kick(&taker->queue);
	have_turn(taker);
	KUNIT_EXPECT_EQ(test, kchan_queue_sequence(&taker->queue), 0);
	taker->room = U64_MAX;
	drain(taker);
	KUNIT_EXPECT_EQ(test, taker->taken, written);
	KUNIT_EXPECT_EQ(test, kchan_queue_sequence(&taker->queue), TOO_MANY);
	stop(taker);
}

static void a_long_queue_takes_several_turns(struct kunit *test)
{
	struct taker *taker = test->priv;
	u32 written;

	start(test, taker);
	written = emit(taker, TURNS_FULL);
	KUNIT_ASSERT_EQ(test, written, TURNS_FULL);
	drain(taker);
	KUNIT_EXPECT_EQ(test, taker->taken, written);
	KUNIT_EXPECT_GT(test, taker->turns, 1);
	stop(taker);
}

static void nothing_leaves_while_the_channel_only_lingers(struct kunit *test)
{
	struct taker *taker = test->priv;

	start(test, taker);
	kchan_demand_put(taker->channel);
	KUNIT_ASSERT_EQ(test, emit(taker, 2), 2);
	kchan_queue_kick(&taker->queue);
	have_turn(taker);
	KUNIT_EXPECT_EQ(test, taker->taken, 0);
	/* Unless there is somewhere to put it. */
	taker->ops.lingers = true;
	kchan_queue_kick(&taker->queue);
	have_turn(taker);
	KUNIT_EXPECT_EQ(test, taker->taken, 2);
	kchan_queue_stop(&taker->queue);
}

static void stop_takes_what_is_left_and_is_the_end(struct kunit *test)
{
	struct taker *taker = test->priv;

	start(test, taker);
	emit(taker, TURNS_FULL);
	kchan_queue_stop(&taker->queue);
	KUNIT_EXPECT_EQ(test, taker->taken, TURNS_FULL);

	emit(taker, 1);
	drain(taker);
	KUNIT_EXPECT_EQ(test, taker->taken, TURNS_FULL);
	/* Stopping must end where nobody takes anything, too. */
	kchan_queue_start(&taker->queue);
	taker->room = 0;
	stop(taker);
	KUNIT_EXPECT_EQ(test, taker->taken, TURNS_FULL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(records_leave_in_order),
	KUNIT_CASE(refused_record_stays),
	KUNIT_CASE(losses_are_told_before_the_next_record),
	KUNIT_CASE(losses_that_no_record_follows_are_covered),
	KUNIT_CASE(losses_behind_a_refused_record_wait_for_it),
	KUNIT_CASE(a_long_queue_takes_several_turns),
	KUNIT_CASE(nothing_leaves_while_the_channel_only_lingers),
	KUNIT_CASE(stop_takes_what_is_left_and_is_the_end),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_queue",
	.init = init,
	.exit = exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
