// SPDX-License-Identifier: GPL-2.0
/* What may stand in a line of the kernel log, and where it is cut. */
#include <kunit/test.h>
#include <linux/string.h>

#include "log_text.h"

#define SMALLEST 8

/* Fills what is behind `bytes`, to see that nothing is written there. */
static const char *show(struct kunit *test, size_t bytes, const char *text,
			u32 length)
{
	static char to[64];

	KUNIT_ASSERT_LT(test, bytes, sizeof(to));
	memset(to, '#', sizeof(to));
	kchan_log_text(to, bytes, text, length);
	KUNIT_EXPECT_LT(test, strnlen(to, sizeof(to)), bytes);
	KUNIT_EXPECT_NULL(test, memchr_inv(to + bytes, '#', sizeof(to) - bytes));
	return to;
}

#define EXPECT_SHOWN(test, bytes, text, shown)                           \
	KUNIT_EXPECT_STREQ(test, show(test, bytes, text, sizeof(text) - 1), \
			   shown)

static void what_is_printable_stays(struct kunit *test)
{
	EXPECT_SHOWN(test, 40, "hello, ~world! <0>%s", "hello, ~world! <0>%s");
	EXPECT_SHOWN(test, 40, "", "");
}

static void what_is_not_can_be_told(struct kunit *test)
{
	EXPECT_SHOWN(test, 40, "a\nb", "a\\x0ab");
	EXPECT_SHOWN(test, 40, "\x1b[31m\x7f", "\\x1b[31m\\x7f");
	EXPECT_SHOWN(test, 40, "\xc3\xa9\xff\x80", "\\xc3\\xa9\\xff\\x80");
	/* So that "\x0a" that was said is not taken for a newline. */
	EXPECT_SHOWN(test, 40, "\\x0a", "\\x5cx0a");
}

static void text_ends_at_its_nul_and_one_newline_is_habit(struct kunit *test)
{
	EXPECT_SHOWN(test, 40, "ends\0here", "ends");
	EXPECT_SHOWN(test, 40, "\0", "");
	EXPECT_SHOWN(test, 40, "line\n", "line");
	EXPECT_SHOWN(test, 40, "line\n\0more", "line");
	EXPECT_SHOWN(test, 40, "line\n\n", "line\\x0a");
	EXPECT_SHOWN(test, 40, "\n", "");
	/* Not one byte behind the length, NUL or not. */
	KUNIT_EXPECT_STREQ(test, show(test, 40, "abcdef", 3), "abc");
	KUNIT_EXPECT_STREQ(test, show(test, 40, "ab\ncdef", 3), "ab");
}

static void what_does_not_fit_is_cut_with_a_mark(struct kunit *test)
{
	EXPECT_SHOWN(test, 11, "0123456789", "0123456789");
	EXPECT_SHOWN(test, 11, "0123456789a", "0123456...");
	EXPECT_SHOWN(test, SMALLEST, "0123456", "0123456");
	EXPECT_SHOWN(test, SMALLEST, "01234567", "0123...");
}

static void no_escape_is_cut_in_two(struct kunit *test)
{
	EXPECT_SHOWN(test, 13, "\x01\x02\x03", "\\x01\\x02\\x03");
	EXPECT_SHOWN(test, 12, "\x01\x02\x03", "\\x01\\x02...");
	EXPECT_SHOWN(test, 11, "\x01\x02\x03", "\\x01...");
	EXPECT_SHOWN(test, SMALLEST, "\x01\x02", "\\x01...");
	EXPECT_SHOWN(test, 13, "abcdef\x01\x02", "abcdef...");
	EXPECT_SHOWN(test, 14, "abcdef\x01\x02", "abcdef\\x01...");
}

/* Each length against each place for it. */
static void nothing_is_written_behind_its_place(struct kunit *test)
{
	static const char texts[2][33] = {
		"0123456789abcdef0123456789abcdef",
		"a\001b\002\003cc\004\005\006ddd\377\376",
	};
	size_t bytes, i;
	u32 length;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		for (bytes = SMALLEST; bytes < 40; bytes++) {
			for (length = 0; length < sizeof(texts[i]); length++)
				show(test, bytes, texts[i], length);
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(what_is_printable_stays),
	KUNIT_CASE(what_is_not_can_be_told),
	KUNIT_CASE(text_ends_at_its_nul_and_one_newline_is_habit),
	KUNIT_CASE(what_does_not_fit_is_cut_with_a_mark),
	KUNIT_CASE(no_escape_is_cut_in_two),
	KUNIT_CASE(nothing_is_written_behind_its_place),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_log_text",
	.test_cases = cases,
};
kunit_test_suite(suite);
