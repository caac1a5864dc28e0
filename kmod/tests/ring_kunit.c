// SPDX-License-Identifier: GPL-2.0
/*
 * The ring core in kernel memory, under KASAN and lockdep: the double mapping,
 * the local atomics and the interrupts are the kernel's own. What can happen
 * between any two instructions is tests/unit/ring's, in user space.
 */
#include <kunit/test.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "memory.h"
#include "ring.h"

#define DATA_BYTES KCHAN_MIN_RING_BYTES
#define INTERRUPT_NS (50 * NSEC_PER_USEC)
#define ENOUGH_INTERRUPTS 300

struct testbed {
	struct kchan_ring ring;
	struct kchan_ring_consumer consumer;
	struct kchan_memory *memory;
	unsigned int wakes;

	/* What the consumer found. */
	u64 records;
	u64 lost;
	u64 torn;

	/* The interrupt that writes, too. */
	struct hrtimer timer;
	unsigned long deadline;
	u64 interrupts;
	bool shared;
	bool stop;
};

static void count_wake(struct kchan_ring *ring)
{
	container_of(ring, struct testbed, ring)->wakes++;
}

static void give_memory(struct testbed *bed)
{
	u8 *base = bed->memory->base;
	const struct kchan_ring_memory memory = {
		.consumer = (void *)base,
		.producer = (void *)(base + PAGE_SIZE),
		.info = (void *)(base + 2 * PAGE_SIZE),
		.data = base + 3 * PAGE_SIZE,
		.data_bytes = bed->memory->data_bytes,
		.page_bytes = PAGE_SIZE,
	};

	kchan_ring_attach_memory(&bed->ring, &memory);
}

static int make_testbed(struct kunit *test)
{
	const struct kchan_ring_config config = {
		.channel = "kunit",
		.generation = 1,
		.max_payload_bytes = 4096,
		.wake = count_wake,
	};
	struct testbed *bed = kunit_kzalloc(test, sizeof(*bed), GFP_KERNEL);

	if (!bed)
		return -ENOMEM;
	test->priv = bed;
	bed->memory = kchan_memory_alloc(KCHAN_PAGE_DATA, DATA_BYTES,
					 NUMA_NO_NODE);
	if (!bed->memory)
		return -ENOMEM;
	kchan_ring_init(&bed->ring, &config);
	kchan_ring_consumer_init(&bed->consumer, &bed->ring);
	return 0;
}

static int make_testbed_with_memory(struct kunit *test)
{
	int err = make_testbed(test);

	if (!err)
		give_memory(test->priv);
	return err;
}

static void free_testbed(struct kunit *test)
{
	struct testbed *bed = test->priv;

	if (bed && bed->memory)
		kchan_memory_free(bed->memory);
}

/* A payload whose bytes all follow from its length. */
static void fill(u8 *payload, u32 length)
{
	memset(payload, (u8)(length * 31), length);
}

static bool take(void *context, const struct kchan_record *record, u64 lost,
		 u64 sequence)
{
	struct testbed *bed = context;
	const u8 *payload = (const u8 *)(record + 1);

	if (record->length &&
	    memchr_inv(payload, (u8)(record->length * 31), record->length))
		bed->torn++;
	bed->records++;
	bed->lost += lost;
	return true;
}

static int emit(struct testbed *bed, u32 length)
{
	u8 payload[512];
	int err;

	fill(payload, min_t(u32, length, sizeof(payload)));
	preempt_disable();
	err = kchan_ring_emit(&bed->ring, 1, payload, length);
	preempt_enable();
	return err;
}

static void expect_sums(struct kunit *test, u64 attempts, u64 withdrawn)
{
	struct testbed *bed = test->priv;
	struct kchan_ring_counters counters;

	bed->lost += kchan_ring_consume_tail_loss(&bed->consumer);
	kchan_ring_read_counters(&bed->ring, &counters);
	KUNIT_EXPECT_EQ(test, bed->torn, 0);
	KUNIT_EXPECT_EQ(test, bed->records, counters.records);
	KUNIT_EXPECT_EQ(test, bed->lost, counters.lost);
	KUNIT_EXPECT_EQ(test, counters.records + counters.lost, attempts);
	KUNIT_EXPECT_EQ(test, counters.discarded, withdrawn);
	KUNIT_EXPECT_EQ(test, bed->consumer.sequence, attempts);
	KUNIT_EXPECT_EQ(test, bed->ring.nest, 0);
}

static void records_run_over_the_end_whole(struct kunit *test)
{
	struct testbed *bed = test->priv;
	u32 i;

	for (i = 0; i < 2000; i++) {
		KUNIT_ASSERT_EQ(test, emit(bed, i % 509), 0);
		KUNIT_ASSERT_EQ(test,
				kchan_ring_consume(&bed->consumer, take, bed),
				1);
	}
	expect_sums(test, 2000, 0);
}

static void a_full_ring_loses_exactly_what_it_says(struct kunit *test)
{
	struct testbed *bed = test->priv;
	u32 i;

	for (i = 0; i < 1000; i++)
		emit(bed, 100);
	KUNIT_EXPECT_GT(test, kchan_ring_consume(&bed->consumer, take, bed), 0);
	KUNIT_EXPECT_EQ(test, emit(bed, 100), 0);
	kchan_ring_consume(&bed->consumer, take, bed);
	KUNIT_EXPECT_GT(test, bed->lost, 0);
	expect_sums(test, 1001, 0);
}

static void losses_before_there_is_memory_are_carried(struct kunit *test)
{
	struct testbed *bed = test->priv;

	KUNIT_EXPECT_EQ(test, emit(bed, 10), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, emit(bed, 10), -ENOBUFS);
	give_memory(bed);
	KUNIT_EXPECT_EQ(test, emit(bed, 10), 0);
	kchan_ring_consume(&bed->consumer, take, bed);
	KUNIT_EXPECT_EQ(test, bed->lost, 2);
	expect_sums(test, 3, 0);
}

static void a_forged_position_overwrites_no_open_record(struct kunit *test)
{
	struct testbed *bed = test->priv;
	const u64 forgeries[] = { 0, ~0ULL, DATA_BYTES, 8, 1ULL << 63, 3 };
	struct kchan_ring_counters counters;
	struct kchan_record *open;
	bool whole;
	u32 i, j;

	preempt_disable();
	open = kchan_ring_reserve(&bed->ring, 1, 1000);
	fill((u8 *)(open + 1), 1000);
	for (i = 0; i < ARRAY_SIZE(forgeries); i++) {
		for (j = 0; j < 300; j++) {
			WRITE_ONCE(bed->ring.consumer->consumer_pos,
				   forgeries[i]);
			emit(bed, 100);
		}
	}
	whole = open->length == 1000 &&
		!memchr_inv(open + 1, (u8)(1000 * 31), 1000);
	kchan_ring_commit(&bed->ring, open);
	preempt_enable();

	KUNIT_EXPECT_TRUE(test, whole);
	kchan_ring_read_counters(&bed->ring, &counters);
	KUNIT_EXPECT_GT(test, counters.bad_consumer_pos, 0);
	kchan_ring_consume(&bed->consumer, take, bed);
	expect_sums(test, 1 + 300 * ARRAY_SIZE(forgeries), 0);
}

static enum hrtimer_restart write_in_interrupt(struct hrtimer *timer)
{
	struct testbed *bed = container_of(timer, struct testbed, timer);
	u8 payload[64];

	fill(payload, sizeof(payload));
	if (bed->shared)
		kchan_ring_emit_shared(&bed->ring, 2, 0, payload,
				       sizeof(payload));
	else
		kchan_ring_emit(&bed->ring, 2, payload, sizeof(payload));
	WRITE_ONCE(bed->interrupts, bed->interrupts + 1);
	if (READ_ONCE(bed->stop))
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(INTERRUPT_NS));
	return HRTIMER_RESTART;
}

static void start_interrupts(struct testbed *bed)
{
	bed->deadline = jiffies + 20 * HZ;
	hrtimer_init(&bed->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	bed->timer.function = write_in_interrupt;
	hrtimer_start(&bed->timer, ns_to_ktime(INTERRUPT_NS),
		      HRTIMER_MODE_REL_HARD);
}

static bool want_more_interrupts(struct testbed *bed)
{
	return READ_ONCE(bed->interrupts) < ENOUGH_INTERRUPTS &&
	       time_before(jiffies, bed->deadline);
}

static void stop_interrupts(struct kunit *test)
{
	struct testbed *bed = test->priv;

	WRITE_ONCE(bed->stop, true);
	hrtimer_cancel(&bed->timer);
	kchan_ring_consume(&bed->consumer, take, bed);
	KUNIT_EXPECT_GE(test, bed->interrupts, ENOUGH_INTERRUPTS);
}

static void interrupts_write_between_reserve_and_commit(struct kunit *test)
{
	struct testbed *bed = test->priv;
	u64 attempts = 0, withdrawn = 0;

	start_interrupts(bed);
	while (want_more_interrupts(bed)) {
		struct kchan_record *record;

		attempts++;
		preempt_disable();
		record = kchan_ring_reserve(&bed->ring, 1, 128);
		if (IS_ERR(record)) {
			/* counted by the ring */
		} else if (attempts % 8 == 0) {
			withdrawn++;
			kchan_ring_discard(&bed->ring, record);
		} else {
			fill((u8 *)(record + 1), 128);
			kchan_ring_commit(&bed->ring, record);
		}
		preempt_enable();
		kchan_ring_consume(&bed->consumer, take, bed);
	}
	stop_interrupts(test);
	expect_sums(test, attempts - withdrawn + bed->interrupts, withdrawn);
}

/* Lockdep watches the raw lock, taken in the interrupt and outside of it. */
static void a_shared_ring_is_written_in_every_context(struct kunit *test)
{
	struct testbed *bed = test->priv;
	u64 attempts = 0;
	u8 payload[100];

	fill(payload, sizeof(payload));
	bed->shared = true;
	start_interrupts(bed);
	for (; want_more_interrupts(bed); attempts++) {
		kchan_ring_emit_shared(&bed->ring, 1, 0, payload,
				       sizeof(payload));
		kchan_ring_consume(&bed->consumer, take, bed);
	}
	stop_interrupts(test);
	expect_sums(test, attempts + bed->interrupts, 0);
}

static void only_the_record_that_reaches_wake_pos_wakes(struct kunit *test)
{
	struct testbed *bed = test->priv;

	KUNIT_EXPECT_FALSE(test, kchan_ring_consume_arm(&bed->consumer));
	emit(bed, 8);
	KUNIT_EXPECT_EQ(test, bed->wakes, 1);
	emit(bed, 8);
	KUNIT_EXPECT_EQ(test, bed->wakes, 1);
	KUNIT_EXPECT_EQ(test, kchan_ring_poll_mask(&bed->ring),
			KCHAN_RING_READABLE);
	KUNIT_EXPECT_TRUE(test, kchan_ring_consume_arm(&bed->consumer));
}

static void nothing_follows_dead(struct kunit *test)
{
	struct testbed *bed = test->priv;

	emit(bed, 8);
	kchan_ring_mark_dead(&bed->ring);
	KUNIT_EXPECT_EQ(test, emit(bed, 8), -ENODEV);
	KUNIT_EXPECT_EQ(test, bed->ring.info->state, KCHAN_STATE_DEAD);
	KUNIT_EXPECT_EQ(test, kchan_ring_consume(&bed->consumer, take, bed), 1);
	expect_sums(test, 1, 0);
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(records_run_over_the_end_whole),
	KUNIT_CASE(a_full_ring_loses_exactly_what_it_says),
	KUNIT_CASE(a_forged_position_overwrites_no_open_record),
	KUNIT_CASE(interrupts_write_between_reserve_and_commit),
	KUNIT_CASE(a_shared_ring_is_written_in_every_context),
	KUNIT_CASE(only_the_record_that_reaches_wake_pos_wakes),
	KUNIT_CASE(nothing_follows_dead),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "kchan_ring",
	.init = make_testbed_with_memory,
	.exit = free_testbed,
	.test_cases = ring_cases,
};

static struct kunit_case ring_without_memory_cases[] = {
	KUNIT_CASE(losses_before_there_is_memory_are_carried),
	{}
};

static struct kunit_suite ring_without_memory_suite = {
	.name = "kchan_ring_without_memory",
	.init = make_testbed,
	.exit = free_testbed,
	.test_cases = ring_without_memory_cases,
};

kunit_test_suites(&ring_suite, &ring_without_memory_suite);
