// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) "kchan: " fmt

#include "schema.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "compat.h"

/* The length of an attribute, and so of KCHAN_A_SCHEMA, is 16 bits wide. */
#define MAX_ENCODED_BYTES (U16_MAX - NLA_HDRLEN)

static int put_names(struct sk_buff *skb, const struct kchan_field *field)
{
	u32 i;

	for (i = 0; i < field->name_count; i++) {
		const struct kchan_name *name = &field->names[i];
		struct nlattr *nest;

		nest = nla_nest_start(skb, KCHAN_FIELD_A_NAME_OF);
		if (!nest ||
		    nla_put_u64_64bit(skb, KCHAN_NAME_A_VALUE, name->value,
				      KCHAN_NAME_A_PAD) ||
		    nla_put_string(skb, KCHAN_NAME_A_NAME, name->name))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int put_fields(struct sk_buff *skb, int attr,
		      const struct kchan_field *fields, u32 count);

/* No deeper than the check lets structures go. */
static int put_field(struct sk_buff *skb, int attr,
		     const struct kchan_field *field)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest ||
	    nla_put_string(skb, KCHAN_FIELD_A_NAME, field->name) ||
	    nla_put_u32(skb, KCHAN_FIELD_A_KIND, field->kind) ||
	    nla_put_u32(skb, KCHAN_FIELD_A_DISPLAY, field->display) ||
	    nla_put_u32(skb, KCHAN_FIELD_A_OFFSET, field->offset) ||
	    nla_put_u32(skb, KCHAN_FIELD_A_SIZE, field->size))
		return -EMSGSIZE;
	if (field->unit &&
	    nla_put_string(skb, KCHAN_FIELD_A_UNIT, field->unit))
		return -EMSGSIZE;
	if (field->doc && nla_put_string(skb, KCHAN_FIELD_A_DOC, field->doc))
		return -EMSGSIZE;
	if (field->writable && nla_put_flag(skb, KCHAN_FIELD_A_WRITABLE))
		return -EMSGSIZE;
	if (field->kind == KCHAN_FIELD_STRUCT &&
	    nla_put_u32(skb, KCHAN_FIELD_A_ELEMENT_BYTES, field->element_size))
		return -EMSGSIZE;
	if (put_names(skb, field) ||
	    put_fields(skb, KCHAN_FIELD_A_MEMBER, field->members,
		       field->member_count))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_fields(struct sk_buff *skb, int attr,
		      const struct kchan_field *fields, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (put_field(skb, attr, &fields[i]))
			return -EMSGSIZE;
	}
	return 0;
}

static int put_type(struct sk_buff *skb, const struct kchan_type *type)
{
	struct nlattr *nest = nla_nest_start(skb, KCHAN_SCHEMA_A_TYPE);

	if (!nest || nla_put_u16(skb, KCHAN_TYPE_A_ID, type->id) ||
	    nla_put_string(skb, KCHAN_TYPE_A_NAME, type->name) ||
	    nla_put_u32(skb, KCHAN_TYPE_A_DIRECTION, type->direction) ||
	    nla_put_u32(skb, KCHAN_TYPE_A_SIZE,
			kchan_schema_fixed_bytes(type)))
		return -EMSGSIZE;
	if (type->doc && nla_put_string(skb, KCHAN_TYPE_A_DOC, type->doc))
		return -EMSGSIZE;
	if (put_fields(skb, KCHAN_TYPE_A_FIELD, type->fields,
		       type->field_count))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_types(struct sk_buff *skb, const struct kchan_spec *spec)
{
	const u32 byte_order = IS_ENABLED(CONFIG_CPU_BIG_ENDIAN) ?
				       KCHAN_BYTE_ORDER_BIG :
				       KCHAN_BYTE_ORDER_LITTLE;
	u32 i;

	if (nla_put_u32(skb, KCHAN_SCHEMA_A_BYTE_ORDER, byte_order))
		return -EMSGSIZE;
	for (i = 0; i < spec->type_count; i++) {
		if (put_type(skb, &spec->types[i]))
			return -EMSGSIZE;
	}
	return 0;
}

/* Encodes into a buffer that grows until the schema fits. */
static int encode(struct kchan_schema *schema, const struct kchan_spec *spec)
{
	size_t size;

	for (size = 4096; size <= 2 * MAX_ENCODED_BYTES; size *= 2) {
		struct sk_buff *skb = alloc_skb(size, GFP_KERNEL);
		int err;

		if (!skb)
			return -ENOMEM;
		err = put_types(skb, spec);
		if (!err && skb->len <= MAX_ENCODED_BYTES) {
			schema->encoded_bytes = skb->len;
			schema->encoded = kvmemdup(skb->data, skb->len,
						   GFP_KERNEL);
			kfree_skb(skb);
			return schema->encoded ? 0 : -ENOMEM;
		}
		kfree_skb(skb);
	}
	pr_err("channel %s: schema: larger than %u bytes, shorten the docs\n",
	       spec->name, MAX_ENCODED_BYTES);
	return -EINVAL;
}

struct kchan_schema *kchan_schema_create(const struct kchan_spec *spec)
{
	struct kchan_schema *schema;
	int err;
	u32 i;

	err = kchan_schema_check(spec);
	if (err)
		return ERR_PTR(err);

	schema = kzalloc(struct_size(schema, types, spec->type_count),
			 GFP_KERNEL);
	if (!schema)
		return ERR_PTR(-ENOMEM);
	schema->type_count = spec->type_count;
	for (i = 0; i < spec->type_count; i++) {
		schema->types[i].id = spec->types[i].id;
		schema->types[i].direction = spec->types[i].direction;
		schema->types[i].size =
			kchan_schema_fixed_bytes(&spec->types[i]);
	}
	err = encode(schema, spec);
	if (err) {
		kfree(schema);
		return ERR_PTR(err);
	}
	return schema;
}

void kchan_schema_free(struct kchan_schema *schema)
{
	if (!schema)
		return;
	kvfree(schema->encoded);
	kfree(schema);
}

const struct kchan_schema_type *
kchan_schema_find(const struct kchan_schema *schema, u16 id)
{
	u32 i;

	for (i = 0; i < schema->type_count; i++) {
		if (schema->types[i].id == id)
			return &schema->types[i];
	}
	return NULL;
}

int kchan_schema_put(struct sk_buff *skb, const struct kchan_schema *schema)
{
	return nla_put(skb, KCHAN_A_SCHEMA | NLA_F_NESTED,
		       schema->encoded_bytes, schema->encoded);
}
