// SPDX-License-Identifier: GPL-2.0
/* When requests were issued: kept while there is room, never mixed up. */
#include <kunit/test.h>
#include <linux/mm.h>

#include "sources/issue_table.h"

#define MORE_THAN_FIT 20000

/* The table only compares addresses. */
static const struct request *request(unsigned long number)
{
	return (const struct request *)(0x1000 + number * 64);
}

static int issue_table_init(struct kunit *test)
{
	test->priv = issue_table_alloc();
	return test->priv ? 0 : -ENOMEM;
}

static void issue_table_exit(struct kunit *test)
{
	kvfree(test->priv);
}

static void remembers_until_the_last_completion(struct kunit *test)
{
	struct issue_table *table = test->priv;

	issue_table_put(table, request(1), 111);
	issue_table_put(table, request(2), 222);
	KUNIT_EXPECT_EQ(test, issue_table_get(table, request(1), false), 111);
	KUNIT_EXPECT_EQ(test, issue_table_get(table, request(1), true), 111);
	KUNIT_EXPECT_EQ(test, issue_table_get(table, request(1), true), 0);
	KUNIT_EXPECT_EQ(test, issue_table_get(table, request(2), true), 222);
}

static void unknown_request_has_no_time(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, issue_table_get(test->priv, request(1), true), 0);
}

static void counts_from_the_last_issue(struct kunit *test)
{
	struct issue_table *table = test->priv;

	issue_table_put(table, request(1), 111);
	issue_table_put(table, request(1), 333);
	KUNIT_EXPECT_EQ(test, issue_table_get(table, request(1), true), 333);
	KUNIT_EXPECT_EQ(test, issue_table_get(table, request(1), true), 0);
}

/* Returns how many were remembered, each with its own time. */
static unsigned long fill_and_empty(struct kunit *test)
{
	struct issue_table *table = test->priv;
	unsigned long i, remembered = 0;

	for (i = 0; i < MORE_THAN_FIT; i++)
		issue_table_put(table, request(i), i + 1);
	for (i = 0; i < MORE_THAN_FIT; i++) {
		u64 issued_ns = issue_table_get(table, request(i), true);

		if (!issued_ns)
			continue;
		KUNIT_EXPECT_EQ(test, issued_ns, i + 1);
		remembered++;
	}
	return remembered;
}

static void full_table_forgets_and_recovers(struct kunit *test)
{
	unsigned long remembered = fill_and_empty(test);

	KUNIT_EXPECT_GT(test, remembered, 4096);
	KUNIT_EXPECT_LE(test, remembered, 8192);
	/* Nothing was left behind. */
	KUNIT_EXPECT_EQ(test, fill_and_empty(test), remembered);
}

static struct kunit_case issue_table_cases[] = {
	KUNIT_CASE(remembers_until_the_last_completion),
	KUNIT_CASE(unknown_request_has_no_time),
	KUNIT_CASE(counts_from_the_last_issue),
	KUNIT_CASE(full_table_forgets_and_recovers),
	{}
};

static struct kunit_suite issue_table_suite = {
	.name = "kchan_issue_table",
	.init = issue_table_init,
	.exit = issue_table_exit,
	.test_cases = issue_table_cases,
};

kunit_test_suite(issue_table_suite);
