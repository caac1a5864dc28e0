// SPDX-License-Identifier: GPL-2.0
/*
 * What a schema must satisfy so that every client can decode by it: names that
 * are unique and printable, fields that lie inside the record and do not
 * overlap, displays that fit their bytes.
 */
#define pr_fmt(fmt) "kchan: " fmt

#include "schema.h"

#include <linux/bits.h>
#include <linux/ctype.h>
#include <linux/printk.h>
#include <linux/string.h>

#define MAX_NAMES 256

struct place {
	const struct kchan_spec *spec;
	const struct kchan_type *type;
};

#define refuse(place, field_name, fmt, ...)                                  \
	({                                                                   \
		pr_err("channel %s: type %s: field %s: " fmt "\n",           \
		       (place)->spec->name, (place)->type->name, field_name, \
		       ##__VA_ARGS__);                                       \
		-EINVAL;                                                     \
	})

static bool is_name(const char *name)
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

static bool fits(const char *text, size_t bytes)
{
	return !text || strnlen(text, bytes) < bytes;
}

/* Bytes of one element; 0: no such kind. */
static u32 element_bytes(enum kchan_field_kind kind)
{
	switch (kind) {
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
	case KCHAN_FIELD_UNSPEC:
	case KCHAN_FIELD_STRUCT:
	case KCHAN_FIELD_STRING_REST:
	case KCHAN_FIELD_BYTES_REST:
		break;
	}
	return 0;
}

static bool is_integer(enum kchan_field_kind kind)
{
	return kind >= KCHAN_FIELD_U8 && kind <= KCHAN_FIELD_S64;
}

static bool display_fits(const struct kchan_field *field)
{
	const bool bytes = field->kind == KCHAN_FIELD_BYTES ||
			   field->kind == KCHAN_FIELD_U8;

	switch (field->display) {
	case KCHAN_DISPLAY_DEFAULT:
		return true;
	case KCHAN_DISPLAY_HEX:
		return field->kind != KCHAN_FIELD_STRING &&
		       field->kind != KCHAN_FIELD_STRING_LOC;
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

static int check_names(const struct place *place,
		       const struct kchan_field *field)
{
	const bool wanted = field->display == KCHAN_DISPLAY_ENUM ||
			    field->display == KCHAN_DISPLAY_FLAGS;
	u32 i;

	if (field->name_count > MAX_NAMES)
		return refuse(place, field->name, "more than %u names",
			      MAX_NAMES);
	if (field->name_count && (!wanted || !field->names))
		return refuse(place, field->name,
			      "names need an enum or flags display");
	for (i = 0; i < field->name_count; i++) {
		if (!is_name(field->names[i].name))
			return refuse(place, field->name,
				      "the name of value %llu is not a word",
				      field->names[i].value);
	}
	return 0;
}

static int check_place_in_record(const struct place *place,
				 const struct kchan_field *field)
{
	const u32 element = element_bytes(field->kind);

	if (!element)
		return refuse(place, field->name, "no such kind: %d",
			      field->kind);
	if (!field->size || field->size % element)
		return refuse(place, field->name,
			      "size %u is not a multiple of %u", field->size,
			      element);
	if ((field->kind == KCHAN_FIELD_STRING_LOC ||
	     field->kind == KCHAN_FIELD_BYTES_LOC) &&
	    field->size != element)
		return refuse(place, field->name, "a LOC field has 4 bytes");
	if (field->offset > place->type->size ||
	    field->size > place->type->size - field->offset)
		return refuse(place, field->name,
			      "ends after the record's %u bytes",
			      place->type->size);
	return 0;
}

static bool overlap(const struct kchan_field *a, const struct kchan_field *b)
{
	return a->offset < b->offset + b->size &&
	       b->offset < a->offset + a->size;
}

static int check_field(const struct place *place, u32 index)
{
	const struct kchan_field *field = &place->type->fields[index];
	int err;
	u32 i;

	if (!is_name(field->name))
		return refuse(place, field->name ?: "?",
			      "its name is not a word of less than %u letters",
			      KCHAN_NAME_BYTES);
	if (!fits(field->unit, KCHAN_UNIT_BYTES) ||
	    !fits(field->doc, KCHAN_DOC_BYTES))
		return refuse(place, field->name, "unit or doc is too long");
	err = check_place_in_record(place, field) ?: check_names(place, field);
	if (err)
		return err;
	if (!display_fits(field))
		return refuse(place, field->name,
			      "display %d does not fit its kind and size",
			      field->display);
	for (i = 0; i < index; i++) {
		const struct kchan_field *other = &place->type->fields[i];

		if (!strcmp(other->name, field->name))
			return refuse(place, field->name, "there are two");
		if (overlap(other, field))
			return refuse(place, field->name, "overlaps field %s",
				      other->name);
	}
	return 0;
}

#define refuse_type(spec, type, fmt, ...)                                  \
	({                                                                 \
		pr_err("channel %s: type %s: " fmt "\n", (spec)->name,     \
		       (type)->name ?: "?", ##__VA_ARGS__);                \
		-EINVAL;                                                   \
	})

static int check_type(const struct kchan_spec *spec, u32 index)
{
	const struct kchan_type *type = &spec->types[index];
	const struct place place = { spec, type };
	u32 i;

	if (!is_name(type->name))
		return refuse_type(spec, type,
				   "its name is not a word of less than %u letters",
				   KCHAN_NAME_BYTES);
	if (!type->id)
		return refuse_type(spec, type, "ids count from 1");
	if (!fits(type->doc, KCHAN_DOC_BYTES))
		return refuse_type(spec, type, "doc is too long");
	if (!type->direction || type->direction & ~spec->direction)
		return refuse_type(spec, type,
				   "direction %#x is not in the channel's %#x",
				   type->direction, spec->direction);
	if (type->size > spec->max_record_bytes)
		return refuse_type(spec, type,
				   "%u bytes exceed max_record_bytes %u",
				   type->size, spec->max_record_bytes);
	if (type->field_count > KCHAN_MAX_FIELDS ||
	    (type->field_count && !type->fields))
		return refuse_type(spec, type, "more than %u fields, or NULL",
				   KCHAN_MAX_FIELDS);
	for (i = 0; i < index; i++) {
		if (spec->types[i].id == type->id ||
		    !strcmp(spec->types[i].name, type->name))
			return refuse_type(spec, type,
					   "id %u or the name is type %s's",
					   type->id, spec->types[i].name);
	}
	for (i = 0; i < type->field_count; i++) {
		int err = check_field(&place, i);

		if (err)
			return err;
	}
	return 0;
}

int kchan_schema_check(const struct kchan_spec *spec)
{
	u32 i;

	if (!spec->types || !spec->type_count ||
	    spec->type_count > KCHAN_MAX_TYPES) {
		pr_err("channel %s: needs 1 to %u record types\n", spec->name,
		       KCHAN_MAX_TYPES);
		return -EINVAL;
	}
	for (i = 0; i < spec->type_count; i++) {
		int err = check_type(spec, i);

		if (err)
			return err;
	}
	return 0;
}
