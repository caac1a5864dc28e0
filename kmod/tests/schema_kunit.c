// SPDX-License-Identifier: GPL-2.0
/* Schemas: what is refused, and that what is exported is what was declared. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "attributes.h"
#include "schema.h"
#include "specs.h"

/* A record of one good field of 16 bytes and one that a test spoils. */
static int check_field(const struct kchan_field *field)
{
	const struct kchan_field fields[] = {
		{ .name = "good", .kind = KCHAN_FIELD_BYTES, .size = 16 },
		*field,
	};
	const struct kchan_type type = {
		.id = 1,
		.direction = KCHAN_DIRECTION_TO_USER,
		.name = "record",
		.size = 64,
		.fields = fields,
		.field_count = ARRAY_SIZE(fields),
	};
	struct kchan_spec spec = resolved_spec();

	spec.types = &type;
	return kchan_schema_check(&spec);
}

static const struct kchan_name flag_names[] = { { 1, "up" }, { 2, "down" } };
static const struct kchan_name bad_names[] = { { 1, "up" }, { 2, "no word" } };

static const struct kchan_field good_fields[] = {
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = 63, .size = 1 },
	{ .name = "f", .kind = KCHAN_FIELD_S64, .offset = 16, .size = 48 },
	{ .name = "f", .kind = KCHAN_FIELD_STRING_LOC, .offset = 16, .size = 4 },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES, .offset = 16, .size = 4,
	  .display = KCHAN_DISPLAY_IPV4 },
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = 16, .size = 16,
	  .display = KCHAN_DISPLAY_IP },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES, .offset = 16, .size = 6,
	  .display = KCHAN_DISPLAY_MAC },
	{ .name = "f", .kind = KCHAN_FIELD_U16, .offset = 16, .size = 2,
	  .display = KCHAN_DISPLAY_PORT },
	{ .name = "f", .kind = KCHAN_FIELD_U32, .offset = 16, .size = 4,
	  .display = KCHAN_DISPLAY_FLAGS, KCHAN_NAMES(flag_names) },
};

static const struct kchan_field bad_fields[] = {
	{ .name = NULL, .kind = KCHAN_FIELD_U8, .offset = 16, .size = 1 },
	{ .name = "a-b", .kind = KCHAN_FIELD_U8, .offset = 16, .size = 1 },
	{ .name = "good", .kind = KCHAN_FIELD_U8, .offset = 16, .size = 1 },
	{ .name = "f", .kind = KCHAN_FIELD_UNSPEC, .offset = 16, .size = 1 },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES_REST + 1, .offset = 16, .size = 4 },
	{ .name = "f", .kind = KCHAN_FIELD_U32, .offset = 16, .size = 0 },
	{ .name = "f", .kind = KCHAN_FIELD_U32, .offset = 16, .size = 6 },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES_LOC, .offset = 16, .size = 8 },
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = 64, .size = 1 },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES, .offset = 60, .size = 5 },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES, .offset = 17, .size = U32_MAX },
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = U32_MAX, .size = 1 },
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = 15, .size = 1 },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES, .offset = 16, .size = 5,
	  .display = KCHAN_DISPLAY_IPV4 },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES, .offset = 16, .size = 4,
	  .display = KCHAN_DISPLAY_IPV6 },
	{ .name = "f", .kind = KCHAN_FIELD_U64, .offset = 16, .size = 8,
	  .display = KCHAN_DISPLAY_PORT },
	{ .name = "f", .kind = KCHAN_FIELD_STRING, .offset = 16, .size = 8,
	  .display = KCHAN_DISPLAY_HEX },
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = 16, .size = 1,
	  .display = KCHAN_DISPLAY_IP + 1 },
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = 16, .size = 1,
	  .display = KCHAN_DISPLAY_ENUM },
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = 16, .size = 1,
	  KCHAN_NAMES(flag_names) },
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = 16, .size = 1,
	  .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(bad_names) },
	{ .name = "f", .kind = KCHAN_FIELD_U8, .offset = 16, .size = 1,
	  .unit = "0123456789abcdef" },
};

static void fields_are_checked(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good_fields); i++)
		KUNIT_EXPECT_EQ_MSG(test, check_field(&good_fields[i]), 0,
				    "good field %zu", i);
	for (i = 0; i < ARRAY_SIZE(bad_fields); i++)
		KUNIT_EXPECT_EQ_MSG(test, check_field(&bad_fields[i]), -EINVAL,
				    "bad field %zu", i);
}

#define TYPE(...)                                                        \
	{                                                                \
		.id = 2, .direction = KCHAN_DIRECTION_TO_USER,           \
		.name = "second", .size = 8, __VA_ARGS__                 \
	}

static void types_are_checked(struct kunit *test)
{
	const struct kchan_type good = TYPE();
	struct kchan_type types[2] = { test_type, good };
	struct kchan_spec spec = resolved_spec();

	spec.types = types;
	spec.type_count = 2;
	KUNIT_EXPECT_EQ(test, kchan_schema_check(&spec), 0);

#define EXPECT_REFUSED(member, value)                                    \
	do {                                                             \
		types[1] = good;                                         \
		types[1].member = (value);                               \
		KUNIT_EXPECT_EQ(test, kchan_schema_check(&spec), -EINVAL); \
	} while (0)
	EXPECT_REFUSED(id, 0);
	EXPECT_REFUSED(id, test_type.id);
	EXPECT_REFUSED(name, NULL);
	EXPECT_REFUSED(name, test_type.name);
	EXPECT_REFUSED(direction, 0);
	EXPECT_REFUSED(direction, KCHAN_DIRECTION_TO_KERNEL);
	EXPECT_REFUSED(size, 4097);
	EXPECT_REFUSED(field_count, 1);
	EXPECT_REFUSED(field_count, KCHAN_MAX_FIELDS + 1);
#undef EXPECT_REFUSED

	spec.type_count = 0;
	KUNIT_EXPECT_EQ(test, kchan_schema_check(&spec), -EINVAL);
}

static void export_is_what_was_declared(struct kunit *test)
{
	const struct kchan_spec spec = resolved_spec();
	struct kchan_schema *schema = kchan_schema_create(&spec);
	struct nlattr *type, *field;
	struct sk_buff *skb;

	KUNIT_ASSERT_FALSE(test, IS_ERR(schema));
	skb = alloc_skb(4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, kchan_schema_put(skb, schema), 0);

	type = only(test, (struct nlattr *)skb->data, KCHAN_SCHEMA_A_TYPE);
	KUNIT_EXPECT_EQ(test, nla_get_u32(only(test, type, KCHAN_TYPE_A_SIZE)),
			sizeof(struct test_record));
	field = only(test, type, KCHAN_TYPE_A_FIELD);
	KUNIT_EXPECT_STREQ(test,
			   (char *)nla_data(only(test, field,
						 KCHAN_FIELD_A_NAME)),
			   "counter");
	KUNIT_EXPECT_STREQ(test,
			   (char *)nla_data(only(test, field,
						 KCHAN_FIELD_A_UNIT)),
			   "records");

	KUNIT_ASSERT_NOT_NULL(test, kchan_schema_find(schema, 1));
	KUNIT_EXPECT_EQ(test, kchan_schema_find(schema, 1)->size,
			sizeof(struct test_record));
	KUNIT_EXPECT_NULL(test, kchan_schema_find(schema, 2));
	kfree_skb(skb);
	kchan_schema_free(schema);
}

#define MANY_FIELDS KCHAN_MAX_FIELDS

/* As many and as wordy fields as the rest allows: more than 64 KiB of them. */
static void schema_that_fits_no_message_is_refused(struct kunit *test)
{
	struct kchan_field *fields;
	struct kchan_type types[3];
	struct kchan_spec spec = resolved_spec();
	char (*names)[8];
	char *doc;
	u32 i;

	fields = kunit_kcalloc(test, MANY_FIELDS, sizeof(*fields), GFP_KERNEL);
	names = kunit_kcalloc(test, MANY_FIELDS, sizeof(*names), GFP_KERNEL);
	doc = kunit_kzalloc(test, KCHAN_DOC_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, fields && names && doc);
	memset(doc, 'd', KCHAN_DOC_BYTES - 1);
	for (i = 0; i < MANY_FIELDS; i++) {
		snprintf(names[i], sizeof(names[i]), "f%u", i);
		fields[i] = (struct kchan_field){
			.name = names[i], .doc = doc, .kind = KCHAN_FIELD_U64,
			.offset = 8 * i, .size = 8,
		};
	}
	for (i = 0; i < ARRAY_SIZE(types); i++)
		types[i] = (struct kchan_type){
			.id = i + 1, .name = names[i], .size = 8 * MANY_FIELDS,
			.direction = KCHAN_DIRECTION_TO_USER,
			.fields = fields, .field_count = MANY_FIELDS,
		};
	spec.types = types;
	spec.type_count = ARRAY_SIZE(types);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kchan_schema_create(&spec)), -EINVAL);
	spec.type_count = 1;
	kchan_schema_free(kchan_schema_create(&spec));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(fields_are_checked),
	KUNIT_CASE(types_are_checked),
	KUNIT_CASE(export_is_what_was_declared),
	KUNIT_CASE(schema_that_fits_no_message_is_refused),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_schema",
	.test_cases = cases,
};
kunit_test_suite(suite);
