// SPDX-License-Identifier: GPL-2.0
/* What a module may declare of a VALUE channel. */
#include "value.h"

/* The words of the page are the record's payload. */
static const char *field_conflict(const struct kchan_field *field, u32 index)
{
	if (field->kind != KCHAN_FIELD_U64 && field->kind != KCHAN_FIELD_S64)
		return "each field of a value channel is a U64 or an S64";
	if (field->size != sizeof(u64))
		return "a field of a value channel is one word, not an array";
	if (field->offset != index * sizeof(u64))
		return "the fields of a value channel are all its words, in order";
	return NULL;
}

static const char *type_conflict(const struct kchan_type *type, bool *writable)
{
	const char *wrong = NULL;
	u32 i;

	if (!type->fields || !type->field_count ||
	    type->field_count > KCHAN_MAX_WORDS)
		return "a value channel has 1 to 64 words, its fields";
	if (type->direction != KCHAN_DIRECTION_TO_USER)
		return "user space reads a value channel's record: its direction is TO_USER, also where words are writable";
	if (type->size != type->field_count * sizeof(u64))
		return "the record of a value channel is its words and nothing else";
	for (i = 0; i < type->field_count && !wrong; i++) {
		wrong = field_conflict(&type->fields[i], i);
		*writable |= type->fields[i].writable;
	}
	return wrong;
}

static const char *policy_conflict(const struct kchan_spec *spec)
{
	if (spec->policy == KCHAN_POLICY_SEMAPHORE)
		return "several writers at once make no single value: use the mutex policy";
	if (spec->policy == KCHAN_POLICY_SPINLOCK &&
	    spec->context == KCHAN_CONTEXT_NMI)
		return "a spinlock cannot be taken in an NMI: use the lock-free policy";
	return NULL;
}

const char *kchan_value_conflict(const struct kchan_spec *spec)
{
	bool writable = false;
	const char *wrong;

	BUILD_BUG_ON(KCHAN_MAX_WORDS != 64); /* as said above */
	if (!spec->types || spec->type_count != 1)
		return "a value channel has exactly one record type, its words";
	wrong = type_conflict(spec->types, &writable) ?: policy_conflict(spec);
	if (wrong)
		return wrong;
	if (!(spec->direction & KCHAN_DIRECTION_TO_USER))
		return "values can be read: the direction needs TO_USER";
	if (writable && !(spec->direction & KCHAN_DIRECTION_TO_KERNEL))
		return "it has writable words: the direction needs TO_KERNEL";
	if (!writable && spec->direction & KCHAN_DIRECTION_TO_KERNEL)
		return "it goes to the kernel: mark at least one field .writable";
	return NULL;
}
