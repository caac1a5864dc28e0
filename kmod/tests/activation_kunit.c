// SPDX-License-Identifier: GPL-2.0
/* A channel's life: demand, linger, death, and the memory that goes with it. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "channel.h"
#include "memory.h"
#include "rings.h"
#include "specs.h"

/* What a channel's source was told. */
struct source {
	struct kchan *channel;
	int enabled; /* now */
	int enables;
	int refuse;
	int emitted; /* what an emit from enable returned */
};

static const struct test_record record;

static int enable(struct kchan *ch, void *priv)
{
	struct source *source = priv;

	if (source->refuse)
		return source->refuse;
	source->enabled++;
	source->enables++;
	source->emitted = kchan_emit(ch, 1, &record, sizeof(record));
	return 0;
}

static void disable(struct kchan *ch, void *priv)
{
	struct source *source = priv;

	source->enabled--;
}

static const struct kchan_ops ops = { .enable = enable, .disable = disable };

static int init(struct kunit *test)
{
	struct source *source = kunit_kzalloc(test, sizeof(*source), GFP_KERNEL);
	struct kchan_spec spec = test_spec();

	if (!source)
		return -ENOMEM;
	spec.ops = &ops;
	spec.priv = source;
	source->channel = kchan_register(&spec);
	test->priv = source;
	return PTR_ERR_OR_ZERO(source->channel);
}

static void exit(struct kunit *test)
{
	struct source *source = test->priv;

	if (source)
		kchan_unregister(source->channel);
}

static struct kchan_channel_ring *ring_of(struct source *source)
{
	return kchan_channel_ring(source->channel, 0);
}

static u64 records_of(struct source *source)
{
	struct kchan_ring_counters counters;

	kchan_ring_read_counters(&ring_of(source)->core, &counters);
	return counters.records;
}

/* As if the linger were over. */
static void end_linger(struct kchan *ch)
{
	ch->linger_end = jiffies;
	flush_delayed_work(&ch->linger);
}

static void nothing_is_written_that_nobody_reads(struct kunit *test)
{
	struct source *source = test->priv;
	struct kchan_slot slot;

	KUNIT_EXPECT_FALSE(test, kchan_is_live(source->channel));
	KUNIT_EXPECT_EQ(test, kchan_emit(source->channel, 1, &record,
					 sizeof(record)), -ENODEV);
	KUNIT_EXPECT_NULL(test, kchan_reserve(source->channel, 1, 8, &slot));
	KUNIT_EXPECT_EQ(test, preempt_count(), 0);
	KUNIT_EXPECT_NULL(test, ring_of(source)->memory);
}

static void first_demand_enables_and_last_lingers(struct kunit *test)
{
	struct source *source = test->priv;
	struct kchan *ch = source->channel;
	u64 generation;

	KUNIT_ASSERT_EQ(test, kchan_demand_get(ch, NULL), 0);
	KUNIT_ASSERT_EQ(test, kchan_demand_get(ch, NULL), 0);
	generation = ch->generation;
	KUNIT_EXPECT_EQ(test, source->enables, 1);
	KUNIT_EXPECT_EQ(test, source->emitted, 0);
	KUNIT_EXPECT_NE(test, generation, 0);
	KUNIT_EXPECT_EQ(test, ch->state, KCHAN_STATE_LIVE);

	kchan_demand_put(ch);
	kchan_demand_put(ch);
	KUNIT_EXPECT_EQ(test, source->enabled, 1);
	KUNIT_EXPECT_EQ(test, kchan_emit(ch, 1, &record, sizeof(record)), 0);

	/* Who comes within the linger finds it all. */
	KUNIT_ASSERT_EQ(test, kchan_demand_get(ch, NULL), 0);
	KUNIT_EXPECT_EQ(test, ch->generation, generation);
	KUNIT_EXPECT_EQ(test, source->enables, 1);
	KUNIT_EXPECT_EQ(test, records_of(source), 2);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&ch->linger));
	kchan_demand_put(ch);

	end_linger(ch);
	KUNIT_EXPECT_EQ(test, source->enabled, 0);
	KUNIT_EXPECT_EQ(test, ch->state, KCHAN_STATE_IDLE);
	KUNIT_EXPECT_EQ(test, ch->generation, 0);
	KUNIT_EXPECT_NULL(test, ring_of(source)->memory);

	KUNIT_ASSERT_EQ(test, kchan_demand_get(ch, NULL), 0);
	KUNIT_EXPECT_NE(test, ch->generation, generation);
	KUNIT_EXPECT_EQ(test, records_of(source), 1);
	kchan_demand_put(ch);
}

/* The timer fires while a reader is about to come: he must not lose it. */
static void linger_that_fires_late_does_nothing(struct kunit *test)
{
	struct source *source = test->priv;
	struct kchan *ch = source->channel;

	KUNIT_ASSERT_EQ(test, kchan_demand_get(ch, NULL), 0);
	kchan_linger_work(&ch->linger.work);
	KUNIT_EXPECT_EQ(test, ch->state, KCHAN_STATE_LIVE);
	kchan_demand_put(ch);
	/* He came and went: a new linger is under way. */
	kchan_linger_work(&ch->linger.work);
	KUNIT_EXPECT_EQ(test, ch->state, KCHAN_STATE_LIVE);
}

static void enable_that_fails_leaves_nothing(struct kunit *test)
{
	struct source *source = test->priv;

	source->refuse = -EIO;
	KUNIT_EXPECT_EQ(test, kchan_demand_get(source->channel, NULL), -EIO);
	KUNIT_EXPECT_EQ(test, source->channel->state, KCHAN_STATE_IDLE);
	KUNIT_EXPECT_EQ(test, source->channel->users, 0);
	KUNIT_EXPECT_NULL(test, ring_of(source)->memory);
	KUNIT_EXPECT_FALSE(test, kchan_is_live(source->channel));
	source->refuse = 0;
	KUNIT_EXPECT_EQ(test, kchan_demand_get(source->channel, NULL), 0);
	kchan_demand_put(source->channel);
}

static void budget_that_holds_no_ring_is_refused(struct kunit *test)
{
	struct source *source = test->priv;

	source->channel->budget_bytes = KCHAN_MIN_RING_BYTES / 2;
	KUNIT_EXPECT_EQ(test, kchan_demand_get(source->channel, NULL), -E2BIG);
	KUNIT_EXPECT_EQ(test, source->channel->state, KCHAN_STATE_IDLE);
}

static void the_dead_keep_what_is_read(struct kunit *test)
{
	struct source *source = test->priv;
	struct kchan *ch = kchan_find("kunit");

	KUNIT_ASSERT_PTR_EQ(test, ch, source->channel);
	KUNIT_ASSERT_EQ(test, kchan_demand_get(ch, NULL), 0);
	kchan_unregister(source->channel);
	source->channel = NULL;

	KUNIT_EXPECT_EQ(test, source->enabled, 0);
	KUNIT_EXPECT_EQ(test, ch->state, KCHAN_STATE_DEAD);
	KUNIT_EXPECT_EQ(test, kchan_emit(ch, 1, &record, sizeof(record)),
			-ENODEV);
	KUNIT_EXPECT_EQ(test, kchan_demand_get(ch, NULL), -ESHUTDOWN);
	KUNIT_ASSERT_NOT_NULL(test, kchan_channel_ring(ch, 0)->memory);
	KUNIT_EXPECT_TRUE(test,
			  kchan_ring_poll_mask(&kchan_channel_ring(ch, 0)->core) &
			  KCHAN_RING_DEAD);
	kchan_demand_put(ch);
	KUNIT_EXPECT_NULL(test, kchan_channel_ring(ch, 0)->memory);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&ch->linger));
	kchan_put(ch);
}

static void unregister_ends_the_linger(struct kunit *test)
{
	struct source *source = test->priv;

	KUNIT_ASSERT_EQ(test, kchan_demand_get(source->channel, NULL), 0);
	kchan_demand_put(source->channel);
	kchan_unregister(source->channel);
	source->channel = NULL;
	KUNIT_EXPECT_EQ(test, source->enabled, 0);
}

static void rings_share_the_budget(struct kunit *test)
{
	const u64 share = KCHAN_DEFAULT_BUDGET_BYTES / 8;

	KUNIT_EXPECT_EQ(test, kchan_ring_bytes(8 * share, 8), share);
	KUNIT_EXPECT_EQ(test, kchan_ring_bytes(8 * share, 9), share / 2);
	KUNIT_EXPECT_EQ(test, kchan_ring_bytes(3 * SZ_16K, 3), SZ_16K);
	KUNIT_EXPECT_EQ(test, kchan_ring_bytes(3 * SZ_16K, 4), 0);
	KUNIT_EXPECT_EQ(test, kchan_ring_bytes(0, 1), 0);
	KUNIT_EXPECT_EQ(test, kchan_ring_bytes(U64_MAX, 1),
			KCHAN_MAX_RING_BYTES);
}

/* A ring that is smaller than a record may be says so, whatever its fill. */
static void record_that_no_ring_holds_is_oversize(struct kunit *test)
{
	struct source *source = test->priv;
	struct kchan *ch = source->channel;
	struct kchan_ring_counters counters;
	u8 *payload = kunit_kzalloc(test, SZ_32K, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, payload);
	ch->max_record_bytes = SZ_64K;
	ch->budget_bytes = (u64)num_possible_cpus() * SZ_16K;
	KUNIT_ASSERT_EQ(test, kchan_demand_get(ch, NULL), 0);
	KUNIT_EXPECT_EQ(test, kchan_emit(ch, 1, payload, SZ_16K), -EMSGSIZE);
	kchan_ring_read_counters(&ring_of(source)->core, &counters);
	KUNIT_EXPECT_EQ(test, counters.lost_oversize, 1);
	KUNIT_EXPECT_EQ(test, counters.lost, 1);
	kchan_demand_put(ch);
}

static void data_is_contiguous_over_its_end(struct kunit *test)
{
	struct kchan_memory *memory = kchan_memory_alloc(KCHAN_PAGE_DATA,
							 SZ_16K, NUMA_NO_NODE);
	u8 *data;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	data = memory->base + KCHAN_PAGE_DATA * PAGE_SIZE;
	memset(data + SZ_16K - 4, 0x5a, 8);
	KUNIT_EXPECT_EQ(test, data[3], 0x5a);
	KUNIT_EXPECT_EQ(test, data[4], 0);
	KUNIT_EXPECT_EQ(test, data[2 * SZ_16K - 1], 0x5a);
	KUNIT_EXPECT_PTR_EQ(test, memory->pages[KCHAN_PAGE_DATA],
			    memory->pages[KCHAN_PAGE_DATA +
					  SZ_16K / PAGE_SIZE]);
	kchan_memory_free(memory);
	kchan_memory_free(NULL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(nothing_is_written_that_nobody_reads),
	KUNIT_CASE(first_demand_enables_and_last_lingers),
	KUNIT_CASE(linger_that_fires_late_does_nothing),
	KUNIT_CASE(enable_that_fails_leaves_nothing),
	KUNIT_CASE(budget_that_holds_no_ring_is_refused),
	KUNIT_CASE(the_dead_keep_what_is_read),
	KUNIT_CASE(unregister_ends_the_linger),
	KUNIT_CASE(rings_share_the_budget),
	KUNIT_CASE(record_that_no_ring_holds_is_oversize),
	KUNIT_CASE(data_is_contiguous_over_its_end),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_activation",
	.init = init,
	.exit = exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
