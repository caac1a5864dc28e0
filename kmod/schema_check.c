// SPDX-License-Identifier: GPL-2.0
/*
 * What a schema must satisfy so that every client can decode by it: here of its
 * types; of their fields in schema_field.c.
 */
#define pr_fmt(fmt) "kchan: " fmt

#include <linux/printk.h>
#include <linux/string.h>

#include "schema.h"
#include "transport.h"

#define refuse_type(spec, type, fmt, ...)                                  \
	({                                                                 \
		pr_err("channel %s: type %s: " fmt "\n", (spec)->name,     \
		       (type)->name ?: "?", ##__VA_ARGS__);                \
		-EINVAL;                                                   \
	})

static int check_type(const struct kchan_spec *spec, u32 index)
{
	const struct kchan_type *type = &spec->types[index];
	u32 i;

	if (!kchan_schema_is_word(type->name))
		return refuse_type(spec, type,
				   "its name is not a word of less than %u letters",
				   KCHAN_NAME_BYTES);
	if (!type->id)
		return refuse_type(spec, type, "ids count from 1");
	if (!kchan_schema_fits(type->doc, KCHAN_DOC_BYTES))
		return refuse_type(spec, type, "doc is too long");
	if (!type->direction || type->direction & ~spec->direction)
		return refuse_type(spec, type,
				   "direction %#x is not in the channel's %#x",
				   type->direction, spec->direction);
	if (type->size > spec->max_record_bytes)
		return refuse_type(spec, type,
				   "%u bytes exceed max_record_bytes %u",
				   type->size, spec->max_record_bytes);
	for (i = 0; i < index; i++) {
		if (spec->types[i].id == type->id ||
		    !strcmp(spec->types[i].name, type->name))
			return refuse_type(spec, type,
					   "id %u or the name is type %s's",
					   type->id, spec->types[i].name);
	}
	return kchan_schema_check_fields(spec, type);
}

int kchan_schema_check(const struct kchan_spec *spec)
{
	u32 i;

	if (!spec->type_count && kchan_transport_find(spec->transport)->no_types)
		return 0;
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
