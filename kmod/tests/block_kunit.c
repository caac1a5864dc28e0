// SPDX-License-Identifier: GPL-2.0
/* A BLOCK channel's memory, and its memory of what was written. */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "extents.h"
#include "region.h"

/* ---- Extents -------------------------------------------------------------- */

static struct kchan_extents *extents_new(struct kunit *test)
{
	return kunit_kzalloc(test, sizeof(struct kchan_extents), GFP_KERNEL);
}

static void expect_extent(struct kunit *test,
			  const struct kchan_extents *extents, u32 index,
			  u64 offset, u64 end)
{
	KUNIT_ASSERT_LT(test, index, extents->count);
	KUNIT_EXPECT_EQ(test, extents->at[index].offset, offset);
	KUNIT_EXPECT_EQ(test, extents->at[index].end, end);
}

static void neighbours_become_one(struct kunit *test)
{
	struct kchan_extents *extents = extents_new(test);

	KUNIT_ASSERT_NOT_NULL(test, extents);
	kchan_extents_add(extents, 100, 10);
	kchan_extents_add(extents, 200, 10);
	kchan_extents_add(extents, 50, 10);
	KUNIT_EXPECT_EQ(test, extents->count, 3);
	expect_extent(test, extents, 0, 50, 60);
	/* Behind, before, inside, and the same again. */
	kchan_extents_add(extents, 110, 5);
	kchan_extents_add(extents, 95, 5);
	kchan_extents_add(extents, 100, 2);
	kchan_extents_add(extents, 95, 20);
	KUNIT_EXPECT_EQ(test, extents->count, 3);
	expect_extent(test, extents, 1, 95, 115);
	/* One that covers all three, and more. */
	kchan_extents_add(extents, 40, 500);
	KUNIT_EXPECT_EQ(test, extents->count, 1);
	expect_extent(test, extents, 0, 40, 540);
}

static void one_that_joins_two_ends_where_the_later_does(struct kunit *test)
{
	struct kchan_extents *extents = extents_new(test);

	KUNIT_ASSERT_NOT_NULL(test, extents);
	kchan_extents_add(extents, 0, 10);
	kchan_extents_add(extents, 20, 30);
	kchan_extents_add(extents, 90, 10);
	kchan_extents_add(extents, 5, 20);
	KUNIT_EXPECT_EQ(test, extents->count, 2);
	expect_extent(test, extents, 0, 0, 50);
	expect_extent(test, extents, 1, 90, 100);
}

/* Too many: the closest two are told as one, nothing is forgotten. */
static void full_set_joins_the_closest(struct kunit *test)
{
	struct kchan_extents *extents = extents_new(test);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, extents);
	for (i = 0; i < KCHAN_MAX_EXTENTS; i++)
		kchan_extents_add(extents, (u64)i * SZ_1M, SZ_4K);
	KUNIT_EXPECT_EQ(test, extents->count, KCHAN_MAX_EXTENTS);
	kchan_extents_add(extents, 7 * SZ_1M + SZ_8K, SZ_4K);
	KUNIT_EXPECT_EQ(test, extents->count, KCHAN_MAX_EXTENTS);
	expect_extent(test, extents, 7, 7 * SZ_1M, 7 * SZ_1M + SZ_8K + SZ_4K);
	expect_extent(test, extents, 8, 8 * SZ_1M, 8 * SZ_1M + SZ_4K);
	for (i = 0; i < 1000; i++)
		kchan_extents_add(extents, (u64)(i * 37 % 1000) * SZ_64K, 512);
	KUNIT_EXPECT_LE(test, extents->count, KCHAN_MAX_EXTENTS);
	KUNIT_EXPECT_EQ(test, extents->at[0].offset, 0);
	KUNIT_EXPECT_EQ(test, extents->at[extents->count - 1].end,
			999ULL * SZ_64K + 512);
	for (i = 1; i < extents->count; i++)
		KUNIT_EXPECT_LT(test, extents->at[i - 1].end,
				extents->at[i].offset);
}

/* ---- The region ----------------------------------------------------------- */

struct fixture {
	struct kchan_region region;
	u8 buffer[3 * PAGE_SIZE];
};

static int init(struct kunit *test)
{
	struct fixture *fixture = kunit_kzalloc(test, sizeof(*fixture),
						GFP_KERNEL);

	if (!fixture)
		return -ENOMEM;
	kchan_region_init(&fixture->region, SZ_1M);
	test->priv = fixture;
	return 0;
}

static void exit(struct kunit *test)
{
	struct fixture *fixture = test->priv;

	if (fixture)
		kchan_region_destroy(&fixture->region);
}

static unsigned long pages_of(struct kchan_region *region)
{
	unsigned long index, count = 0;
	struct page *page;

	xa_for_each(&region->pages, index, page)
		count++;
	return count;
}

static bool is(const u8 *from, u8 byte, size_t length)
{
	return !memchr_inv(from, byte, length);
}

static void holes_are_zeros_and_cost_nothing(struct kunit *test)
{
	struct fixture *fixture = test->priv;

	memset(fixture->buffer, 0xff, sizeof(fixture->buffer));
	kchan_region_read(&fixture->region, SZ_1M - sizeof(fixture->buffer),
			  fixture->buffer, sizeof(fixture->buffer));
	KUNIT_EXPECT_TRUE(test, is(fixture->buffer, 0, sizeof(fixture->buffer)));
	kchan_region_discard(&fixture->region, 0, SZ_1M);
	KUNIT_EXPECT_EQ(test, pages_of(&fixture->region), 0);
}

static void writes_cross_pages(struct kunit *test)
{
	struct fixture *fixture = test->priv;
	const size_t length = PAGE_SIZE + 2;

	memset(fixture->buffer, 0x11, length);
	KUNIT_EXPECT_EQ(test, kchan_region_write(&fixture->region,
						 PAGE_SIZE - 1,
						 fixture->buffer, length), 0);
	KUNIT_EXPECT_EQ(test, pages_of(&fixture->region), 3);
	kchan_region_read(&fixture->region, 0, fixture->buffer, 3 * PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, is(fixture->buffer, 0, PAGE_SIZE - 1));
	KUNIT_EXPECT_TRUE(test, is(fixture->buffer + PAGE_SIZE - 1, 0x11,
				   length));
	KUNIT_EXPECT_TRUE(test, is(fixture->buffer + PAGE_SIZE - 1 + length, 0,
				   2 * PAGE_SIZE + 1 - length));
}

static void discard_frees_whole_pages_and_clears_parts(struct kunit *test)
{
	struct fixture *fixture = test->priv;

	memset(fixture->buffer, 0x22, sizeof(fixture->buffer));
	KUNIT_EXPECT_EQ(test, kchan_region_write(&fixture->region, 0,
						 fixture->buffer,
						 sizeof(fixture->buffer)), 0);
	kchan_region_discard(&fixture->region, PAGE_SIZE - 5, PAGE_SIZE + 10);
	KUNIT_EXPECT_EQ(test, pages_of(&fixture->region), 2);
	kchan_region_read(&fixture->region, 0, fixture->buffer,
			  sizeof(fixture->buffer));
	KUNIT_EXPECT_TRUE(test, is(fixture->buffer, 0x22, PAGE_SIZE - 5));
	KUNIT_EXPECT_TRUE(test, is(fixture->buffer + PAGE_SIZE - 5, 0,
				   PAGE_SIZE + 10));
	KUNIT_EXPECT_TRUE(test, is(fixture->buffer + 2 * PAGE_SIZE + 5, 0x22,
				   PAGE_SIZE - 5));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(neighbours_become_one),
	KUNIT_CASE(one_that_joins_two_ends_where_the_later_does),
	KUNIT_CASE(full_set_joins_the_closest),
	KUNIT_CASE(holes_are_zeros_and_cost_nothing),
	KUNIT_CASE(writes_cross_pages),
	KUNIT_CASE(discard_frees_whole_pages_and_clears_parts),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_block",
	.init = init,
	.exit = exit,
	.test_cases = cases,
};
kunit_test_suite(suite);
