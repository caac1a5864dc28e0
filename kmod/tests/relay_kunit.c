// SPDX-License-Identifier: GPL-2.0
/* How a relay buffer is cut, and where the whole frames in a part of it end. */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "frame.h"
#include "relay.h"

static void share_is_cut_into_what_is_wanted(struct kunit *test)
{
	u32 count, bytes;

	KUNIT_ASSERT_TRUE(test, kchan_relay_cut(SZ_1M, 8, 4096, &count, &bytes));
	KUNIT_EXPECT_EQ(test, count, 8U);
	KUNIT_EXPECT_EQ(test, bytes, (u32)SZ_128K);
	/* Frames lie at multiples of 8 in each. */
	KUNIT_ASSERT_TRUE(test, kchan_relay_cut(SZ_1M, 3, 4096, &count, &bytes));
	KUNIT_EXPECT_EQ(test, count, 3U);
	KUNIT_EXPECT_EQ(test, bytes, 349520U);
}

static void longest_record_fits_or_there_is_no_buffer(struct kunit *test)
{
	const u32 frame = kchan_frame_bytes(4096);
	u32 count, bytes;

	KUNIT_ASSERT_TRUE(test, kchan_relay_cut(SZ_16K, 8, 4096, &count, &bytes));
	KUNIT_EXPECT_EQ(test, count, 3U);
	KUNIT_EXPECT_GE(test, bytes, frame);
	KUNIT_ASSERT_TRUE(test, kchan_relay_cut(2 * frame, 8, 4096, &count,
						&bytes));
	KUNIT_EXPECT_EQ(test, count, 2U);
	KUNIT_EXPECT_EQ(test, bytes, frame);
	KUNIT_EXPECT_FALSE(test, kchan_relay_cut(2 * frame - 1, 8, 4096,
						 &count, &bytes));
	KUNIT_EXPECT_FALSE(test, kchan_relay_cut(SZ_64K, 8,
						 KCHAN_MAX_RECORD_BYTES,
						 &count, &bytes));
}

/* Two frames; returns their length. */
static u32 two_frames(u8 *to)
{
	static const u8 payload[20] = { 1 };
	const u32 first = kchan_frame_bytes(sizeof(payload));

	kchan_frame_write(to, 1, 0, 0, 41, payload, sizeof(payload));
	kchan_frame_write(to + first, 1, 0, 0, 43, payload, 0);
	return first + kchan_frame_bytes(0);
}

static void frames_are_cut_where_they_end(struct kunit *test)
{
	u8 *frames = kunit_kzalloc(test, SZ_1K, GFP_KERNEL);
	const u32 first = kchan_frame_bytes(20);
	u64 sequence = 0;
	u32 end, bytes;

	KUNIT_ASSERT_NOT_NULL(test, frames);
	end = two_frames(frames);
	for (bytes = 0; bytes <= end; bytes++) {
		const u32 whole = bytes < first ? 0 : bytes < end ? first : end;

		KUNIT_ASSERT_EQ(test,
				kchan_relay_whole_frames(frames, bytes,
							 &sequence),
				(size_t)whole);
		KUNIT_ASSERT_EQ(test, sequence,
				(u64)(!whole ? 0 : whole == end ? 43 : 41));
	}
}

static void padding_of_a_frame_is_zero(struct kunit *test)
{
	u8 *frames = kunit_kzalloc(test, SZ_1K, GFP_KERNEL);
	const struct kchan_frame *frame = (void *)frames;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, frames);
	memset(frames, 0xff, SZ_1K);
	two_frames(frames);
	KUNIT_EXPECT_TRUE(test, kchan_frame_is_sane(frame));
	KUNIT_EXPECT_EQ(test, frame->length, 20U);
	KUNIT_EXPECT_EQ(test, frame->flags, 0);
	for (i = sizeof(*frame) + 20; i < kchan_frame_bytes(20); i++)
		KUNIT_EXPECT_EQ(test, frames[i], 0);
}

static struct kunit_case relay_cases[] = {
	KUNIT_CASE(share_is_cut_into_what_is_wanted),
	KUNIT_CASE(longest_record_fits_or_there_is_no_buffer),
	KUNIT_CASE(frames_are_cut_where_they_end),
	KUNIT_CASE(padding_of_a_frame_is_zero),
	{}
};

static struct kunit_suite relay_suite = {
	.name = "kchan_relay",
	.test_cases = relay_cases,
};

kunit_test_suite(relay_suite);
