/* SPDX-License-Identifier: GPL-2.0 */
/* Something valid for a test to spoil. */
#ifndef _KCHAN_TESTS_SPECS_H
#define _KCHAN_TESTS_SPECS_H

#include <kchan.h>

struct test_record {
	u64 counter;
	u32 flags;
	char comm[12];
};

static const struct kchan_field test_fields[] = {
	KCHAN_FIELD(struct test_record, counter, U64, .unit = "records"),
	KCHAN_FIELD(struct test_record, flags, U32),
	KCHAN_FIELD(struct test_record, comm, STRING, .doc = "who"),
};

static const struct kchan_type test_type =
	KCHAN_TYPE_OUT(1, "record", struct test_record, test_fields);

static inline struct kchan_spec test_spec(void)
{
	return (struct kchan_spec){
		.name = "kunit",
		.transport = KCHAN_TRANSPORT_RING,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = &test_type,
		.type_count = 1,
	};
}

/* With the defaults that a schema's check looks at. */
static inline struct kchan_spec resolved_spec(void)
{
	struct kchan_spec spec = test_spec();

	spec.direction = KCHAN_DIRECTION_TO_USER;
	spec.max_record_bytes = 4096;
	return spec;
}

#endif
