// SPDX-License-Identifier: GPL-2.0
/* Schemas: structures in records, and fields that take what is left. */
#include <kunit/test.h>
#include <linux/err.h>
#include <net/netlink.h>

#include "attributes.h"
#include "schema.h"
#include "specs.h"

struct point {
	u32 x;
	s32 y[2];
	char tag[4];
};

static const struct kchan_field point_fields[] = {
	KCHAN_FIELD(struct point, x, U32),
	KCHAN_FIELD(struct point, y, S32),
	KCHAN_FIELD(struct point, tag, STRING),
};

static const struct kchan_field deep_fields[] = {
	{ .name = "x", .kind = KCHAN_FIELD_U32, .size = 4 },
};

/* Structures in each other, of which the record's own field is one more. */
#define NEST(_name, _inside)                                              \
	static const struct kchan_field _name[] = {                       \
		{ .name = "in", .kind = KCHAN_FIELD_STRUCT, .size = 4,    \
		  .element_size = 4, .members = (_inside),                \
		  .member_count = ARRAY_SIZE(_inside) },                  \
	}
NEST(depth1_fields, deep_fields);
NEST(depth2_fields, depth1_fields);
NEST(depth3_fields, depth2_fields);
NEST(depth4_fields, depth3_fields);

static const struct kchan_field twin_fields[] = {
	{ .name = "x", .kind = KCHAN_FIELD_U32, .size = 4 },
	{ .name = "x", .kind = KCHAN_FIELD_U32, .offset = 4, .size = 4 },
};
static const struct kchan_field crossing_fields[] = {
	{ .name = "x", .kind = KCHAN_FIELD_U32, .size = 4 },
	{ .name = "y", .kind = KCHAN_FIELD_U32, .offset = 2, .size = 4 },
};
static const struct kchan_field outside_fields[] = {
	{ .name = "x", .kind = KCHAN_FIELD_U64, .offset = 4, .size = 8 },
};
static const struct kchan_field inner_rest_fields[] = {
	{ .name = "x", .kind = KCHAN_FIELD_BYTES_REST, .offset = 8 },
};

#define STRUCT_FIELD(_size, _element, _members)                           \
	{ .name = "f", .kind = KCHAN_FIELD_STRUCT, .offset = 16,          \
	  .size = (_size), .element_size = (_element),                    \
	  .members = (_members), .member_count = ARRAY_SIZE(_members) }

static const struct kchan_field good_structs[] = {
	STRUCT_FIELD(16, 16, point_fields),
	STRUCT_FIELD(48, 16, point_fields),
	STRUCT_FIELD(4, 4, depth3_fields),
	{ .name = "f", .kind = KCHAN_FIELD_STRING_REST, .offset = 16 },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES_REST, .offset = 64,
	  .display = KCHAN_DISPLAY_HEX },
};

static const struct kchan_field bad_structs[] = {
	STRUCT_FIELD(0, 16, point_fields),
	STRUCT_FIELD(17, 16, point_fields),
	STRUCT_FIELD(16, 0, point_fields),
	STRUCT_FIELD(8, 8, point_fields), /* a member is outside */
	STRUCT_FIELD(64, 16, point_fields), /* ends after the record */
	STRUCT_FIELD(4, 4, depth4_fields), /* five deep */
	STRUCT_FIELD(8, 8, twin_fields),
	STRUCT_FIELD(8, 8, crossing_fields),
	STRUCT_FIELD(8, 8, outside_fields),
	STRUCT_FIELD(8, 8, inner_rest_fields),
	{ .name = "f", .kind = KCHAN_FIELD_STRUCT, .offset = 16, .size = 4,
	  .element_size = 4 },
	{ .name = "f", .kind = KCHAN_FIELD_STRUCT, .offset = 16, .size = 4,
	  .element_size = 4, .members = deep_fields, .member_count = 1,
	  .display = KCHAN_DISPLAY_HEX },
	{ .name = "f", .kind = KCHAN_FIELD_U32, .offset = 16, .size = 4,
	  .members = deep_fields, .member_count = 1 },
	{ .name = "f", .kind = KCHAN_FIELD_STRING_REST, .offset = 16, .size = 4 },
	{ .name = "f", .kind = KCHAN_FIELD_STRING_REST, .offset = 15 },
	{ .name = "f", .kind = KCHAN_FIELD_BYTES_REST, .offset = 65 },
	{ .name = "f", .kind = KCHAN_FIELD_STRING_REST, .offset = 16,
	  .display = KCHAN_DISPLAY_HEX },
	{ .name = "f", .kind = KCHAN_FIELD_U64, .offset = 16, .size = 8,
	  .writable = true }, /* not of a VALUE channel */
};

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

static void structures_are_checked(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good_structs); i++)
		KUNIT_EXPECT_EQ_MSG(test, check_field(&good_structs[i]), 0,
				    "good structure %zu", i);
	for (i = 0; i < ARRAY_SIZE(bad_structs); i++)
		KUNIT_EXPECT_EQ_MSG(test, check_field(&bad_structs[i]), -EINVAL,
				    "bad structure %zu", i);
}

static void only_the_last_field_takes_the_rest(struct kunit *test)
{
	const struct kchan_field fields[] = {
		{ .name = "rest", .kind = KCHAN_FIELD_BYTES_REST, .offset = 8 },
		{ .name = "before", .kind = KCHAN_FIELD_U64, .size = 8 },
	};
	const struct kchan_type type = {
		.id = 1, .direction = KCHAN_DIRECTION_TO_USER, .name = "record",
		.size = 8, .fields = fields, .field_count = ARRAY_SIZE(fields),
	};
	struct kchan_spec spec = resolved_spec();

	spec.types = &type;
	KUNIT_EXPECT_EQ(test, kchan_schema_check(&spec), -EINVAL);
}

/* A record whose one field has as many members as it says. */
static int check_members(struct kunit *test, u32 count)
{
	struct kchan_field *members;
	char (*names)[8];
	struct kchan_field field;
	struct kchan_type type = {
		.id = 1, .direction = KCHAN_DIRECTION_TO_USER, .name = "record",
		.size = count, .fields = &field, .field_count = 1,
	};
	struct kchan_spec spec = resolved_spec();
	u32 i;

	members = kunit_kcalloc(test, count, sizeof(*members), GFP_KERNEL);
	names = kunit_kcalloc(test, count, sizeof(*names), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, members && names);
	for (i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "m%u", i);
		members[i] = (struct kchan_field){ .name = names[i],
						   .kind = KCHAN_FIELD_U8,
						   .offset = i, .size = 1 };
	}
	field = (struct kchan_field){ .name = "f", .kind = KCHAN_FIELD_STRUCT,
				      .size = count, .element_size = count,
				      .members = members,
				      .member_count = count };
	spec.types = &type;
	return kchan_schema_check(&spec);
}

static void members_count_as_fields(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, check_members(test, KCHAN_MAX_FIELDS - 1), 0);
	KUNIT_EXPECT_EQ(test, check_members(test, KCHAN_MAX_FIELDS), -EINVAL);
}

struct drawing {
	u64 id;
	struct point points[2];
	u8 kind;
	char title[];
};

static const struct kchan_field drawing_fields[] = {
	KCHAN_FIELD(struct drawing, id, U64),
	KCHAN_FIELD_STRUCT_OF(struct drawing, points, struct point, point_fields),
	KCHAN_FIELD(struct drawing, kind, U8),
	KCHAN_FIELD_REST(struct drawing, title, STRING),
};

static const struct kchan_type drawing_type =
	KCHAN_TYPE_OUT(1, "drawing", struct drawing, drawing_fields);

static void structures_and_rests_are_exported(struct kunit *test)
{
	struct kchan_spec spec = resolved_spec();
	struct kchan_schema *schema;
	struct nlattr *type, *points, *y, *title;
	struct sk_buff *skb;

	spec.types = &drawing_type;
	schema = kchan_schema_create(&spec);
	KUNIT_ASSERT_FALSE(test, IS_ERR(schema));
	skb = alloc_skb(4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, kchan_schema_put(skb, schema), 0);

	type = only(test, (struct nlattr *)skb->data, KCHAN_SCHEMA_A_TYPE);
	points = nth(test, type, KCHAN_TYPE_A_FIELD, 1);
	KUNIT_EXPECT_EQ(test, number(test, points, KCHAN_FIELD_A_KIND),
			KCHAN_FIELD_STRUCT);
	KUNIT_EXPECT_EQ(test, number(test, points, KCHAN_FIELD_A_SIZE),
			2 * sizeof(struct point));
	KUNIT_EXPECT_EQ(test, number(test, points, KCHAN_FIELD_A_ELEMENT_BYTES),
			sizeof(struct point));
	y = nth(test, points, KCHAN_FIELD_A_MEMBER, 1);
	KUNIT_EXPECT_EQ(test, number(test, y, KCHAN_FIELD_A_OFFSET),
			offsetof(struct point, y));
	title = nth(test, type, KCHAN_TYPE_A_FIELD, 3);
	KUNIT_EXPECT_EQ(test, number(test, title, KCHAN_FIELD_A_SIZE), 0);

	/* The fixed part ends where the rest starts, not with the padding. */
	KUNIT_EXPECT_LT(test, offsetof(struct drawing, title),
			sizeof(struct drawing));
	KUNIT_EXPECT_EQ(test, number(test, type, KCHAN_TYPE_A_SIZE),
			offsetof(struct drawing, title));
	KUNIT_EXPECT_EQ(test, kchan_schema_find(schema, 1)->size,
			offsetof(struct drawing, title));
	kfree_skb(skb);
	kchan_schema_free(schema);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(structures_are_checked),
	KUNIT_CASE(only_the_last_field_takes_the_rest),
	KUNIT_CASE(members_count_as_fields),
	KUNIT_CASE(structures_and_rests_are_exported),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_schema_struct",
	.test_cases = cases,
};
kunit_test_suite(suite);
