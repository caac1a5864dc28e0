// SPDX-License-Identifier: GPL-2.0
/* Readers in turns: who is next, who sleeps on, and what a signal takes along. */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "readers.h"

#define PATIENCE (10 * HZ)

struct reader {
	struct kchan_readers *readers;
	struct task_struct *task;
	int result;
	struct completion done;
};

static int wait_for_turn(void *context)
{
	struct reader *reader = context;

	allow_signal(SIGUSR1);
	reader->result = kchan_readers_enter(reader->readers, true);
	complete(&reader->done);
	return 0;
}

static int find_nothing(void *context)
{
	struct reader *reader = context;

	allow_signal(SIGUSR1);
	reader->result = kchan_readers_again(reader->readers);
	complete(&reader->done);
	return 0;
}

static size_t waiting(struct kchan_readers *readers)
{
	size_t count;

	spin_lock_irq(&readers->lock);
	count = list_count_nodes(&readers->waiters);
	spin_unlock_irq(&readers->lock);
	return count;
}

/* Returns when it waits. */
static struct reader *start(struct kunit *test, struct kchan_readers *readers,
			    int (*body)(void *context))
{
	struct reader *reader = kunit_kzalloc(test, sizeof(*reader), GFP_KERNEL);
	const size_t before = waiting(readers);
	const unsigned long end = jiffies + PATIENCE;

	KUNIT_ASSERT_NOT_NULL(test, reader);
	reader->readers = readers;
	reader->result = 1;
	init_completion(&reader->done);
	reader->task = kthread_create(body, reader, "kchan-reader");
	KUNIT_ASSERT_FALSE(test, IS_ERR(reader->task));
	get_task_struct(reader->task);
	wake_up_process(reader->task);
	while (waiting(readers) == before && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_EQ(test, waiting(readers), before + 1);
	return reader;
}

static void expect_end(struct kunit *test, struct reader *reader, int result)
{
	KUNIT_EXPECT_NE(test,
			wait_for_completion_timeout(&reader->done, PATIENCE), 0);
	KUNIT_EXPECT_EQ(test, reader->result, result);
	put_task_struct(reader->task);
}

static struct kchan_readers *readers_new(struct kunit *test)
{
	struct kchan_readers *readers =
		kunit_kzalloc(test, sizeof(*readers), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, readers);
	kchan_readers_init(readers);
	return readers;
}

static void longest_waiter_is_first(struct kunit *test)
{
	struct kchan_readers *readers = readers_new(test);
	struct reader *waiters[4];
	size_t i;

	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	for (i = 0; i < ARRAY_SIZE(waiters); i++)
		waiters[i] = start(test, readers, wait_for_turn);
	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		KUNIT_EXPECT_FALSE(test, kchan_readers_leave(readers, true));
		expect_end(test, waiters[i], 0);
		/* One is woken for one turn. */
		KUNIT_EXPECT_EQ(test, waiting(readers),
				ARRAY_SIZE(waiters) - 1 - i);
	}
	kchan_readers_leave(readers, false);
}

static void one_who_comes_does_not_overtake(struct kunit *test)
{
	struct kchan_readers *readers = readers_new(test);
	struct reader *waiter;

	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	waiter = start(test, readers, wait_for_turn);
	/* Nobody has the turn, but somebody waits. */
	kchan_readers_leave(readers, false);
	KUNIT_EXPECT_EQ(test, kchan_readers_enter(readers, false), -EAGAIN);
	kchan_readers_call(readers);
	expect_end(test, waiter, 0);
	KUNIT_EXPECT_EQ(test, kchan_readers_enter(readers, false), -EAGAIN);
	kchan_readers_leave(readers, false);
	KUNIT_EXPECT_EQ(test, kchan_readers_enter(readers, false), 0);
}

/* Having looked and found nothing costs nobody his place. */
static void one_who_found_nothing_is_before_all_others(struct kunit *test)
{
	struct kchan_readers *readers = readers_new(test);
	struct reader *later, *first;

	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	later = start(test, readers, wait_for_turn);
	first = start(test, readers, find_nothing);
	kchan_readers_call(readers);
	expect_end(test, first, 0);
	KUNIT_EXPECT_EQ(test, waiting(readers), 1);
	kchan_readers_leave(readers, true);
	expect_end(test, later, 0);
}

static void call_while_somebody_looks_is_not_forgotten(struct kunit *test)
{
	struct kchan_readers *readers = readers_new(test);
	struct reader *waiter;

	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	kchan_readers_call(readers);
	/* Looks again at once, and does not wait. */
	KUNIT_EXPECT_EQ(test, kchan_readers_again(readers), 0);
	waiter = start(test, readers, wait_for_turn);
	kchan_readers_call(readers);
	KUNIT_EXPECT_EQ(test, waiting(readers), 1);
	/* It left without having seen it: so the next one looks. */
	kchan_readers_leave(readers, false);
	expect_end(test, waiter, 0);
}

static void one_turned_away_is_told_of_what_is_left(struct kunit *test)
{
	struct kchan_readers *readers = readers_new(test);

	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	KUNIT_EXPECT_FALSE(test, kchan_readers_leave(readers, true));
	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	KUNIT_EXPECT_EQ(test, kchan_readers_enter(readers, false), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, kchan_readers_leave(readers, true));
	/* In that turn, not in the next. */
	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	KUNIT_EXPECT_FALSE(test, kchan_readers_leave(readers, true));
	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	KUNIT_EXPECT_EQ(test, kchan_readers_enter(readers, false), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, kchan_readers_leave(readers, false));
}

static void signal_takes_nobodys_turn_along(struct kunit *test)
{
	struct kchan_readers *readers = readers_new(test);
	struct reader *first, *second, *third;

	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	first = start(test, readers, wait_for_turn);
	second = start(test, readers, wait_for_turn);
	third = start(test, readers, wait_for_turn);
	send_sig(SIGUSR1, second->task, 1);
	expect_end(test, second, -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, waiting(readers), 2);
	send_sig(SIGUSR1, first->task, 1);
	expect_end(test, first, -ERESTARTSYS);
	kchan_readers_leave(readers, true);
	expect_end(test, third, 0);
	kchan_readers_leave(readers, false);

	/* Nor does one that had the turn and gave it up to wait. */
	KUNIT_ASSERT_EQ(test, kchan_readers_enter(readers, false), 0);
	first = start(test, readers, find_nothing);
	send_sig(SIGUSR1, first->task, 1);
	expect_end(test, first, -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, kchan_readers_enter(readers, false), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(longest_waiter_is_first),
	KUNIT_CASE(one_who_comes_does_not_overtake),
	KUNIT_CASE(one_who_found_nothing_is_before_all_others),
	KUNIT_CASE(call_while_somebody_looks_is_not_forgotten),
	KUNIT_CASE(one_turned_away_is_told_of_what_is_left),
	KUNIT_CASE(signal_takes_nobodys_turn_along),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_readers",
	.test_cases = cases,
};
kunit_test_suite(suite);
