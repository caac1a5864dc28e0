/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A channel's record schema: checked once at registration, and kept in the
 * form in which it is exported (the attributes inside KCHAN_A_SCHEMA) beside
 * the little that the module itself needs of it.
 */
#ifndef _KCHAN_SCHEMA_H
#define _KCHAN_SCHEMA_H

#include <kchan.h>

struct sk_buff;

struct kchan_schema_type {
	u16 id;
	u32 direction;
	u32 size; /* of the fixed part */
};

struct kchan_schema {
	u32 encoded_bytes;
	void *encoded;
	u32 type_count;
	struct kchan_schema_type types[];
};

/*
 * Checks and copies the types of a spec whose name, direction and
 * max_record_bytes are set. ERR_PTR: EINVAL (said in the kernel log), ENOMEM.
 */
struct kchan_schema *kchan_schema_create(const struct kchan_spec *spec);
void kchan_schema_free(struct kchan_schema *schema);

/* NULL: no such type. */
const struct kchan_schema_type *
kchan_schema_find(const struct kchan_schema *schema, u16 id);

/* Appends KCHAN_A_SCHEMA. EMSGSIZE: no room. */
int kchan_schema_put(struct sk_buff *skb, const struct kchan_schema *schema);

/* schema_check.c: one line in the kernel log says what is wrong. */
int kchan_schema_check(const struct kchan_spec *spec);

/* ---- schema_field.c ------------------------------------------------------ */

/* The same for the fields of one type whose name is good. */
int kchan_schema_check_fields(const struct kchan_spec *spec,
			      const struct kchan_type *type);

/* What the shortest payload of a checked type has. */
u32 kchan_schema_fixed_bytes(const struct kchan_type *type);

bool kchan_schema_is_word(const char *name);
/* NULL fits. */
bool kchan_schema_fits(const char *text, size_t bytes);

#endif
