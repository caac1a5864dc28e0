/* SPDX-License-Identifier: GPL-2.0 */
/* What is in a nest of netlink attributes; what is not there fails the test. */
#ifndef _KCHAN_TESTS_ATTRIBUTES_H
#define _KCHAN_TESTS_ATTRIBUTES_H

#include <kunit/test.h>
#include <net/netlink.h>

/* The index-th attribute of this type. */
static inline struct nlattr *nth(struct kunit *test, struct nlattr *nest, int type,
			  int index)
{
	struct nlattr *attr, *found = NULL;
	int rem;

	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) == type && !index--)
			found = attr;
	}
	KUNIT_ASSERT_NOT_NULL(test, found);
	return found;
}

static inline struct nlattr *only(struct kunit *test, struct nlattr *nest, int type)
{
	return nth(test, nest, type, 0);
}

static inline u32 number(struct kunit *test, struct nlattr *nest, int type)
{
	return nla_get_u32(only(test, nest, type));
}

#endif
