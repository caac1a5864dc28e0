// SPDX-License-Identifier: GPL-2.0
/*
 * What the fields of a record, and of the structures in it, must satisfy: names
 * that are unique and printable, places that lie inside and do not overlap,
 * displays that fit their bytes, structures that end.
 */
#define pr_fmt(fmt) "kchan: " fmt

#include <linux/bits.h>
#include <linux/ctype.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "schema.h"

#define MAX_NAMES 256

/* A record, or one element of a STRUCT field in it. */
struct level {
	const struct kchan_spec *spec;
	const struct kchan_type *type;
	const struct kchan_field *fields;
	u32 count;
	u32 size;
	u32 depth; /* 0: the record */
	u32 *left; /* of KCHAN_MAX_FIELDS, members included */
};

#define refuse(level, field, fmt, ...)                                       \
	({                                                                   \
		pr_err("channel %s: type %s: field %s: " fmt "\n",           \
		       (level)->spec->name, (level)->type->name,             \
		       (field)->name ?: "?", ##__VA_ARGS__);                 \
		-EINVAL;                                                     \
	})

bool kchan_schema_is_word(const char *name)
{
	size_t i;

	if (!name || !isalpha(name[0]))
		return false;
	for (i = 0; name[i]; i++) {
		if (i + 1 == KCHAN_NAME_BYTES)
			return false;
		if (!isalnum(name[i]) && name[i] != '_')
			return false;
	}
	return true;
}

bool kchan_schema_fits(const char *text, size_t bytes)
{
	return !text || strnlen(text, bytes) < bytes;
}

/* ---- One field ----------------------------------------------------------- */

static bool is_rest(const struct kchan_field *field)
{
	return field->kind == KCHAN_FIELD_STRING_REST ||
	       field->kind == KCHAN_FIELD_BYTES_REST;
}

static bool is_integer(enum kchan_field_kind kind)
{
	return kind >= KCHAN_FIELD_U8 && kind <= KCHAN_FIELD_S64;
}

/* Bytes of one element; 0: no such kind, or one that has none of its own. */
static u32 element_bytes(const struct kchan_field *field)
{
	switch (field->kind) {
	case KCHAN_FIELD_U8:
	case KCHAN_FIELD_S8:
	case KCHAN_FIELD_BOOL:
	case KCHAN_FIELD_STRING:
	case KCHAN_FIELD_BYTES:
		return 1;
	case KCHAN_FIELD_U16:
	case KCHAN_FIELD_S16:
		return 2;
	case KCHAN_FIELD_U32:
	case KCHAN_FIELD_S32:
	case KCHAN_FIELD_STRING_LOC:
	case KCHAN_FIELD_BYTES_LOC:
		return 4;
	case KCHAN_FIELD_U64:
	case KCHAN_FIELD_S64:
		return 8;
	case KCHAN_FIELD_STRUCT:
		return field->element_size;
	case KCHAN_FIELD_UNSPEC:
	case KCHAN_FIELD_STRING_REST:
	case KCHAN_FIELD_BYTES_REST:
		break;
	}
	return 0;
}

static bool display_fits(const struct kchan_field *field)
{
	const bool bytes = field->kind == KCHAN_FIELD_BYTES ||
			   field->kind == KCHAN_FIELD_U8;

	switch (field->display) {
	case KCHAN_DISPLAY_DEFAULT:
		return true;
	case KCHAN_DISPLAY_HEX:
		return is_integer(field->kind) ||
		       field->kind == KCHAN_FIELD_BYTES ||
		       field->kind == KCHAN_FIELD_BYTES_LOC ||
		       field->kind == KCHAN_FIELD_BYTES_REST;
	case KCHAN_DISPLAY_ENUM:
	case KCHAN_DISPLAY_FLAGS:
		return is_integer(field->kind) && field->name_count;
	case KCHAN_DISPLAY_IPV4:
		return field->size == 4 &&
		       (bytes || field->kind == KCHAN_FIELD_U32);
	case KCHAN_DISPLAY_IPV6:
	case KCHAN_DISPLAY_IP:
		return field->size == 16 && bytes;
	case KCHAN_DISPLAY_MAC:
		return field->size == 6 && bytes;
	case KCHAN_DISPLAY_PORT:
		return field->kind == KCHAN_FIELD_U16;
	}
	return false;
}

static int check_names(const struct level *level,
		       const struct kchan_field *field)
{
	const bool wanted = field->display == KCHAN_DISPLAY_ENUM ||
			    field->display == KCHAN_DISPLAY_FLAGS;
	u32 i;

	if (field->name_count > MAX_NAMES)
		return refuse(level, field, "more than %u names", MAX_NAMES);
	if (field->name_count && (!wanted || !field->names))
		return refuse(level, field,
			      "names need an enum or flags display");
	for (i = 0; i < field->name_count; i++) {
		if (!kchan_schema_is_word(field->names[i].name))
			return refuse(level, field,
				      "the name of value %llu is not a word",
				      field->names[i].value);
	}
	return 0;
}

static int check_place(const struct level *level,
		       const struct kchan_field *field)
{
	const u32 element = element_bytes(field);

	if (field->offset > level->size ||
	    field->size > level->size - field->offset)
		return refuse(level, field, "ends after the %u bytes it is in",
			      level->size);
	if (is_rest(field))
		return field->size ? refuse(level, field,
					    "what takes the rest has size 0") :
				     0;
	if (!element)
		return refuse(level, field, "no such kind, or no element_size: %d",
			      field->kind);
	if (!field->size || field->size % element)
		return refuse(level, field, "size %u is not a multiple of %u",
			      field->size, element);
	if ((field->kind == KCHAN_FIELD_STRING_LOC ||
	     field->kind == KCHAN_FIELD_BYTES_LOC) &&
	    field->size != element)
		return refuse(level, field, "a LOC field has 4 bytes");
	return 0;
}

static int check_alone(const struct level *level,
		       const struct kchan_field *field)
{
	if (!kchan_schema_is_word(field->name))
		return refuse(level, field,
			      "its name is not a word of less than %u letters",
			      KCHAN_NAME_BYTES);
	if (!kchan_schema_fits(field->unit, KCHAN_UNIT_BYTES) ||
	    !kchan_schema_fits(field->doc, KCHAN_DOC_BYTES))
		return refuse(level, field, "unit or doc is too long");
	if (field->kind != KCHAN_FIELD_STRUCT &&
	    (field->element_size || field->member_count))
		return refuse(level, field, "only a STRUCT has members");
	if (field->writable &&
	    level->spec->transport != KCHAN_TRANSPORT_VALUE)
		return refuse(level, field,
			      "only a VALUE channel has writable words");
	if (!display_fits(field))
		return refuse(level, field,
			      "display %d does not fit its kind and size",
			      field->display);
	return check_place(level, field) ?: check_names(level, field);
}

/* ---- Fields beside each other, and inside each other --------------------- */

/* A REST field overlaps what ends after its start. */
static bool overlap(const struct kchan_field *a, const struct kchan_field *b)
{
	return a->offset < (is_rest(b) ? U32_MAX : b->offset + b->size) &&
	       b->offset < (is_rest(a) ? U32_MAX : a->offset + a->size);
}

static int check_beside(const struct level *level, u32 index)
{
	const struct kchan_field *field = &level->fields[index];
	u32 i;

	if (is_rest(field) && (level->depth || index + 1 != level->count))
		return refuse(level, field,
			      "only the record's last field takes the rest");
	for (i = 0; i < index; i++) {
		const struct kchan_field *other = &level->fields[i];

		if (!strcmp(other->name, field->name))
			return refuse(level, field, "there are two");
		if (overlap(other, field))
			return refuse(level, field, "overlaps field %s",
				      other->name);
	}
	return 0;
}

static int check_level(const struct level *level);

/* The recursion ends at the depth that is checked here. */
static int check_members(const struct level *level,
			 const struct kchan_field *field)
{
	const struct level inside = {
		.spec = level->spec,
		.type = level->type,
		.fields = field->members,
		.count = field->member_count,
		.size = field->element_size,
		.depth = level->depth + 1,
		.left = level->left,
	};

	if (inside.depth > KCHAN_MAX_STRUCT_DEPTH)
		return refuse(level, field, "structures more than %u deep",
			      KCHAN_MAX_STRUCT_DEPTH);
	if (!inside.count || !inside.fields)
		return refuse(level, field, "a STRUCT without members");
	if (inside.count > *inside.left)
		return refuse(level, field,
			      "more than %u fields in the type, members included",
			      KCHAN_MAX_FIELDS);
	return check_level(&inside);
}

static int check_level(const struct level *level)
{
	u32 i;

	*level->left -= level->count;
	for (i = 0; i < level->count; i++) {
		const struct kchan_field *field = &level->fields[i];
		int err = check_alone(level, field) ?: check_beside(level, i);

		if (!err && field->kind == KCHAN_FIELD_STRUCT)
			err = check_members(level, field);
		if (err)
			return err;
	}
	return 0;
}

int kchan_schema_check_fields(const struct kchan_spec *spec,
			      const struct kchan_type *type)
{
	u32 left = KCHAN_MAX_FIELDS;
	const struct level record = {
		.spec = spec,
		.type = type,
		.fields = type->fields,
		.count = type->field_count,
		.size = type->size,
		.left = &left,
	};

	if (record.count > left || (record.count && !record.fields)) {
		pr_err("channel %s: type %s: more than %u fields, or NULL\n",
		       spec->name, type->name, KCHAN_MAX_FIELDS);
		return -EINVAL;
	}
	return check_level(&record);
}

u32 kchan_schema_fixed_bytes(const struct kchan_type *type)
{
	const struct kchan_field *last;

	if (!type->field_count)
		return type->size;
	last = &type->fields[type->field_count - 1];
	return is_rest(last) ? last->offset : type->size;
}
