// SPDX-License-Identifier: GPL-2.0
/* What a VALUE and a BLOCK channel may declare, and a value's way both ways. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/sizes.h>

#include "channel.h"
#include "value.h"

struct pair {
	u64 first;
	s64 second;
};

struct fixture {
	struct kchan_field fields[2];
	struct kchan_type type;
	struct kchan_spec spec;
};

static int init(struct kunit *test)
{
	struct fixture *fixture = kunit_kzalloc(test, sizeof(*fixture),
						GFP_KERNEL);

	if (!fixture)
		return -ENOMEM;
	*fixture = (struct fixture){
		.fields = {
			KCHAN_FIELD(struct pair, first, U64),
			KCHAN_FIELD(struct pair, second, S64, .writable = true),
		},
		.type = {
			.id = 1, .name = "pair", .size = sizeof(struct pair),
			.direction = KCHAN_DIRECTION_TO_USER,
			.fields = fixture->fields, .field_count = 2,
		},
		.spec = {
			.name = "kunit.value",
			.transport = KCHAN_TRANSPORT_VALUE,
			.direction = KCHAN_DIRECTION_TO_USER |
				     KCHAN_DIRECTION_TO_KERNEL,
			.policy = KCHAN_POLICY_SPINLOCK,
			.context = KCHAN_CONTEXT_HARDIRQ,
			.types = &fixture->type, .type_count = 1,
		},
	};
	test->priv = fixture;
	return 0;
}

#define EXPECT_CONFLICT(test, fixture) \
	KUNIT_EXPECT_NOT_NULL(test, kchan_value_conflict(&(fixture)->spec))

static void words_are_words(struct kunit *test)
{
	struct fixture *fixture = test->priv;
	struct kchan_field *field = &fixture->fields[1];

	KUNIT_EXPECT_NULL(test, kchan_value_conflict(&fixture->spec));
	field->kind = KCHAN_FIELD_U32;
	EXPECT_CONFLICT(test, fixture);
	field->kind = KCHAN_FIELD_S64;
	field->size = 16;
	EXPECT_CONFLICT(test, fixture);
	field->size = 8;
	field->offset = 16;
	EXPECT_CONFLICT(test, fixture);
	field->offset = 8;
	fixture->type.size = 24;
	EXPECT_CONFLICT(test, fixture);
	fixture->type.size = 16;
	fixture->type.field_count = KCHAN_MAX_WORDS + 1;
	EXPECT_CONFLICT(test, fixture);
	fixture->type.field_count = 0;
	EXPECT_CONFLICT(test, fixture);
	fixture->type.field_count = 2;
	fixture->spec.type_count = 2;
	EXPECT_CONFLICT(test, fixture);
	fixture->spec.type_count = 0;
	EXPECT_CONFLICT(test, fixture);
}

static void policy_fits_one_value(struct kunit *test)
{
	struct fixture *fixture = test->priv;

	fixture->spec.context = KCHAN_CONTEXT_NMI;
	EXPECT_CONFLICT(test, fixture);
	fixture->spec.policy = KCHAN_POLICY_LOCK_FREE;
	KUNIT_EXPECT_NULL(test, kchan_value_conflict(&fixture->spec));
	fixture->spec.context = KCHAN_CONTEXT_PROCESS;
	fixture->spec.policy = KCHAN_POLICY_MUTEX;
	KUNIT_EXPECT_NULL(test, kchan_value_conflict(&fixture->spec));
	fixture->spec.policy = KCHAN_POLICY_SEMAPHORE;
	EXPECT_CONFLICT(test, fixture);
}

static void direction_says_whether_words_are_writable(struct kunit *test)
{
	struct fixture *fixture = test->priv;

	fixture->spec.direction = KCHAN_DIRECTION_TO_USER;
	EXPECT_CONFLICT(test, fixture);
	fixture->fields[1].writable = false;
	KUNIT_EXPECT_NULL(test, kchan_value_conflict(&fixture->spec));
	fixture->spec.direction |= KCHAN_DIRECTION_TO_KERNEL;
	EXPECT_CONFLICT(test, fixture);
}

static void draft_is_seen_as_one(struct kunit *test)
{
	struct fixture *fixture = test->priv;
	struct kchan *ch = kchan_register(&fixture->spec);
	struct kchan_value_read all;
	struct kchan_values *values;
	u64 *words;

	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	values = ch->transport_priv;
	words = kchan_values_begin(ch);
	KUNIT_EXPECT_NOT_NULL(test, words);
	words[0] = 1;
	words[1] = 2;
	/* Not yet: a reader of the page sees all of it or nothing. */
	KUNIT_EXPECT_EQ(test, values->page->words[0], 0);
	KUNIT_EXPECT_EQ(test, values->page->version, 0);
	kchan_values_end(ch);
	kchan_values_read(values, &all);
	KUNIT_EXPECT_EQ(test, all.words[0], 1);
	KUNIT_EXPECT_EQ(test, all.words[1], 2);
	KUNIT_EXPECT_EQ(test, all.version, 2);
	/* A draft that says what is there is no change. */
	KUNIT_EXPECT_NOT_NULL(test, kchan_values_begin(ch));
	kchan_values_end(ch);
	KUNIT_EXPECT_EQ(test, kchan_values_version(values), 2);
	KUNIT_EXPECT_EQ(test, kchan_value_add(ch, 1, -5), (u64)-3);
	kchan_unregister(ch);
}

/* ---- BLOCK ---------------------------------------------------------------- */

static void expect_refused(struct kunit *test, const struct kchan_spec *spec)
{
	struct kchan *ch = kchan_register(spec);

	KUNIT_EXPECT_TRUE(test, IS_ERR(ch));
	kchan_unregister(ch);
}

static void disks_that_cannot_be_are_refused(struct kunit *test)
{
	const struct kchan_spec good = {
		.name = "kunit.block",
		.transport = KCHAN_TRANSPORT_BLOCK,
		.context = KCHAN_CONTEXT_PROCESS,
		.block = { .capacity_bytes = SZ_64K, .read_only = true },
	};
	struct kchan *ch = kchan_register(&good);
	struct kchan_spec bad = good;

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(ch), 0);
	kchan_unregister(ch);
	bad.name = "kunit.name.of.26.letters.x";
	expect_refused(test, &bad);
	bad = good;
	bad.block.capacity_bytes = 0;
	expect_refused(test, &bad);
	bad.block.capacity_bytes = SZ_64K + 1;
	expect_refused(test, &bad);
	bad.block.capacity_bytes = 1ULL << 50;
	expect_refused(test, &bad);
	bad = good;
	bad.block.block_bytes = 256;
	expect_refused(test, &bad);
	bad.block.block_bytes = 1536;
	expect_refused(test, &bad);
	bad.block.block_bytes = 2 * PAGE_SIZE;
	expect_refused(test, &bad);
	bad = good;
	bad.block.read_only = false;
	expect_refused(test, &bad);
	bad = good;
	bad.policy = KCHAN_POLICY_SPINLOCK;
	expect_refused(test, &bad);
	bad = good;
	bad.context = KCHAN_CONTEXT_SOFTIRQ;
	expect_refused(test, &bad);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(words_are_words),
	KUNIT_CASE(policy_fits_one_value),
	KUNIT_CASE(direction_says_whether_words_are_writable),
	KUNIT_CASE(draft_is_seen_as_one),
	KUNIT_CASE(disks_that_cannot_be_are_refused),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_value",
	.init = init,
	.test_cases = cases,
};
kunit_test_suite(suite);
