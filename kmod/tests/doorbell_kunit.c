// SPDX-License-Identifier: GPL-2.0
/* What a doorbell believes: a head, and a record's header in the area. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/sizes.h>

#include "memory.h"
#include "ring.h"
#include "ring_writers.h"

#define DATA_BYTES SZ_16K
#define LONGEST 4096

static struct kchan_memory memory = { .data_bytes = DATA_BYTES };

/* In the first lap, in a later one, and where positions wrap. */
static const u64 tails[] = { 0, 8, DATA_BYTES, 5 * DATA_BYTES + 24,
			     U64_MAX - DATA_BYTES + 1, U64_MAX - 7 };

static struct kchan_ring_writer writer_at(u64 tail)
{
	return (struct kchan_ring_writer){
		.memory = &memory,
		.tail = tail,
		.max_payload_bytes = LONGEST,
	};
}

/* ---- The head ------------------------------------------------------------- */

static bool head_is_sane(u64 tail, u64 head)
{
	const struct kchan_ring_writer writer = writer_at(tail);
	const struct kchan_doorbell request = { .head = head,
						.max_records = 1 };

	return kchan_doorbell_is_sane(&writer, &request);
}

static void head_is_within_one_lap_of_the_tail(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		const u64 tail = tails[i];

		KUNIT_EXPECT_TRUE(test, head_is_sane(tail, tail));
		KUNIT_EXPECT_TRUE(test, head_is_sane(tail, tail + 8));
		KUNIT_EXPECT_TRUE(test, head_is_sane(tail, tail + DATA_BYTES));
		KUNIT_EXPECT_FALSE(test, head_is_sane(tail,
						      tail + DATA_BYTES + 8));
		KUNIT_EXPECT_FALSE(test, head_is_sane(tail, tail - 8));
		KUNIT_EXPECT_FALSE(test, head_is_sane(tail, tail - DATA_BYTES));
		KUNIT_EXPECT_FALSE(test, head_is_sane(tail, tail + (1ULL << 63)));
		KUNIT_EXPECT_FALSE(test, head_is_sane(tail, tail + 4));
		KUNIT_EXPECT_FALSE(test, head_is_sane(tail, tail + 1));
	}
}

static void count_of_records_is_bounded(struct kunit *test)
{
	const struct kchan_ring_writer writer = writer_at(0);
	struct kchan_doorbell request = {};

	KUNIT_EXPECT_FALSE(test, kchan_doorbell_is_sane(&writer, &request));
	request.max_records = KCHAN_MAX_DOORBELL_RECORDS;
	KUNIT_EXPECT_TRUE(test, kchan_doorbell_is_sane(&writer, &request));
	request.max_records++;
	KUNIT_EXPECT_FALSE(test, kchan_doorbell_is_sane(&writer, &request));
	request.max_records = U32_MAX;
	KUNIT_EXPECT_FALSE(test, kchan_doorbell_is_sane(&writer, &request));
}

/* ---- A header ------------------------------------------------------------- */

static u64 bytes_of(u64 tail, u64 room, u32 length, u16 flags)
{
	const struct kchan_ring_writer writer = writer_at(tail);
	const struct kchan_record record = { .length = length,
					     .flags = flags };

	return kchan_doorbell_record_bytes(&writer, &record, tail + room);
}

static void record_ends_at_the_head_or_before(struct kunit *test)
{
	const u64 header = sizeof(struct kchan_record);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		const u64 tail = tails[i];

		KUNIT_EXPECT_EQ(test, bytes_of(tail, DATA_BYTES, 0, 0), header);
		KUNIT_EXPECT_EQ(test, bytes_of(tail, header, 0, 0), header);
		KUNIT_EXPECT_EQ(test, bytes_of(tail, header - 8, 0, 0), 0);
		KUNIT_EXPECT_EQ(test, bytes_of(tail, 0, 0, 0), 0);
		/* Its padding belongs to it. */
		KUNIT_EXPECT_EQ(test, bytes_of(tail, header + 16, 9, 0),
				header + 16);
		KUNIT_EXPECT_EQ(test, bytes_of(tail, header + 8, 9, 0), 0);
	}
}

static void length_is_within_the_channels_bound(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, bytes_of(0, DATA_BYTES, LONGEST, 0),
			KCHAN_RING_RECORD_BYTES(LONGEST));
	KUNIT_EXPECT_EQ(test, bytes_of(0, DATA_BYTES, LONGEST + 1, 0), 0);
	/* What 32 bits could not add up. */
	KUNIT_EXPECT_EQ(test, bytes_of(0, DATA_BYTES,
				       KCHAN_RECORD_LENGTH_MASK, 0), 0);
	KUNIT_EXPECT_EQ(test, bytes_of(0, DATA_BYTES,
				       KCHAN_RECORD_LENGTH_MASK - 23, 0), 0);
	KUNIT_EXPECT_EQ(test, bytes_of(0, DATA_BYTES, U32_MAX, 0), 0);
}

static void discarded_record_takes_as_much_and_flags_are_none(struct kunit *test)
{
	u16 flag;

	KUNIT_EXPECT_EQ(test, bytes_of(0, DATA_BYTES,
				       100 | KCHAN_RECORD_DISCARD, 0),
			KCHAN_RING_RECORD_BYTES(100));
	KUNIT_EXPECT_EQ(test, bytes_of(0, DATA_BYTES,
				       (LONGEST + 1) | KCHAN_RECORD_DISCARD, 0),
			0);
	for (flag = 1; flag; flag <<= 1)
		KUNIT_EXPECT_EQ(test, bytes_of(0, DATA_BYTES, 100, flag), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(head_is_within_one_lap_of_the_tail),
	KUNIT_CASE(count_of_records_is_bounded),
	KUNIT_CASE(record_ends_at_the_head_or_before),
	KUNIT_CASE(length_is_within_the_channels_bound),
	KUNIT_CASE(discarded_record_takes_as_much_and_flags_are_none),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_doorbell",
	.test_cases = cases,
};
kunit_test_suite(suite);
