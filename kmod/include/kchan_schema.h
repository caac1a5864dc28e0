/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A record's schema, as a module declares it: for each type of record its
 * fields, checked against the C structure by the compiler (a member whose type
 * is not its kind's does not compile) and against each other at registration.
 * Everything is copied then. Included by kchan.h.
 */
#ifndef _KCHAN_SCHEMA_DECLARE_H
#define _KCHAN_SCHEMA_DECLARE_H

#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <uapi/linux/kchan.h>

struct kchan_name {
	u64 value;
	const char *name;
};

struct kchan_field {
	const char *name;
	const char *unit; /* NULL: none */
	const char *doc; /* NULL: none */
	enum kchan_field_kind kind;
	enum kchan_field_display display;
	u32 offset;
	u32 size;
	const struct kchan_name *names; /* for DISPLAY_ENUM and _FLAGS */
	u32 name_count;
	bool writable; /* VALUE: user space may change this word */
	/* STRUCT: of one element; offsets from its start. */
	u32 element_size;
	const struct kchan_field *members;
	u32 member_count;
};

struct kchan_type {
	u16 id; /* from 1, unique in the channel */
	u32 direction; /* KCHAN_DIRECTION_* */
	const char *name;
	const char *doc;
	/*
	 * Of the fixed part; payloads are at least this long. Of a type that
	 * ends in a REST field, what is before that field: the rest of `size`
	 * is padding of the structure.
	 */
	u32 size;
	const struct kchan_field *fields;
	u32 field_count;
};

#define __KCHAN_MEMBER(_struct, _member) (((_struct *)NULL)->_member)

/*
 * What a member of each kind is in C: of this type, or an array of it. An enum
 * is an integer of its size. To the compiler __be32 is u32; sparse tells them
 * apart, and lets no __be16 pass for U16: PORT is host order.
 */
#define __KCHAN_IS(_value, _type) \
	(__same_type(_value, _type) || __same_type(_value, _type[]))
#define __KCHAN_IS_U8(_value) __KCHAN_IS(_value, unsigned char)
#define __KCHAN_IS_U16(_value) __KCHAN_IS(_value, unsigned short)
#define __KCHAN_IS_U64(_value)                \
	(__KCHAN_IS(_value, unsigned long) || \
	 __KCHAN_IS(_value, unsigned long long))
#define __KCHAN_IS_S8(_value) __KCHAN_IS(_value, signed char)
#define __KCHAN_IS_S16(_value) __KCHAN_IS(_value, short)
#define __KCHAN_IS_S32(_value) __KCHAN_IS(_value, int)
#define __KCHAN_IS_S64(_value) \
	(__KCHAN_IS(_value, long) || __KCHAN_IS(_value, long long))
#define __KCHAN_IS_BOOL(_value) \
	(__KCHAN_IS(_value, bool) || __KCHAN_IS(_value, unsigned char))
#define __KCHAN_IS_STRING(_value) __same_type(_value, char[])
#define __KCHAN_IS_BYTES(_value) (sizeof(_value) > 0) /* of anything */
#define __KCHAN_IS_STRING_LOC(_value) __same_type(_value, unsigned int)
#define __KCHAN_IS_BYTES_LOC(_value) __same_type(_value, unsigned int)
#ifdef __CHECKER__
#define __KCHAN_IS_U32(_value) \
	(__KCHAN_IS(_value, unsigned int) || __KCHAN_IS(_value, __be32))
#else
#define __KCHAN_IS_U32(_value) __KCHAN_IS(_value, unsigned int)
#endif

/* Whether it is a flexible array: it adds nothing to a structure's size. */
#define __KCHAN_IS_FLEXIBLE(_struct, _member, _type)               \
	(__same_type(__KCHAN_MEMBER(_struct, _member), _type[]) && \
	 sizeof(struct {                                           \
		char before;                                       \
		typeof(__KCHAN_MEMBER(_struct, _member)) member;   \
	 }) == 1)

/* 0, or an error that says `_text`. */
#define __KCHAN_REQUIRE(_condition, _text)                                     \
	((u32)sizeof(struct { _Static_assert(_condition, _text); }))

/*
 * One member of a record's structure. Does not compile if the member's type is
 * not the kind's. More members of struct kchan_field (.unit, .doc, .display,
 * .names) may follow as designated initialisers.
 */
#define KCHAN_FIELD(_struct, _member, _kind, ...)                              \
	{                                                                      \
		.name = #_member, .kind = KCHAN_FIELD_##_kind,                 \
		.offset = offsetof(_struct, _member),                          \
		.size = sizeof_field(_struct, _member) +                       \
			__KCHAN_REQUIRE(                                       \
				__KCHAN_IS_##_kind(                            \
					__KCHAN_MEMBER(_struct, _member)),    \
				#_struct "." #_member " is no " #_kind),       \
		__VA_ARGS__                                                    \
	}

/*
 * A member that is a structure, or an array of them, described by fields of its
 * own; at most KCHAN_MAX_STRUCT_DEPTH deep.
 */
#define KCHAN_FIELD_STRUCT_OF(_struct, _member, _element, _members, ...)       \
	{                                                                      \
		.name = #_member, .kind = KCHAN_FIELD_STRUCT,                  \
		.offset = offsetof(_struct, _member),                          \
		.size = sizeof_field(_struct, _member) +                       \
			__KCHAN_REQUIRE(                                       \
				__KCHAN_IS(__KCHAN_MEMBER(_struct, _member),  \
					   _element),                          \
				#_struct "." #_member " is no " #_element),    \
		.element_size = sizeof(_element), .members = (_members),       \
		.member_count = ARRAY_SIZE(_members), __VA_ARGS__              \
	}

/*
 * A flexible array member at the end: char[] for STRING, u8[] for BYTES. What
 * is before it is the fixed part: a payload may end where the array starts.
 */
#define __KCHAN_REST_STRING char
#define __KCHAN_REST_BYTES unsigned char
#define KCHAN_FIELD_REST(_struct, _member, _kind, ...)                         \
	{                                                                      \
		.name = #_member, .kind = KCHAN_FIELD_##_kind##_REST,          \
		.offset = offsetof(_struct, _member),                          \
		.size = __KCHAN_REQUIRE(                                       \
			__KCHAN_IS_FLEXIBLE(_struct, _member,                  \
					    __KCHAN_REST_##_kind),             \
			#_struct "." #_member                                  \
				 " is no flexible array of " #_kind),          \
		__VA_ARGS__                                                    \
	}

#define KCHAN_NAMES(_array) .names = (_array), .name_count = ARRAY_SIZE(_array)

/*
 * The value of a LOC member: `_length` bytes, without a NUL, at `_offset` from
 * the payload's start.
 */
#define KCHAN_LOC(_offset, _length) ((u32)(_offset) | (u32)(_length) << 16)

#define __KCHAN_TYPE(_id, _dir, _name, _struct, _fields, ...)                  \
	{                                                                      \
		.id = (_id), .direction = (_dir), .name = (_name),             \
		.size = sizeof(_struct), .fields = (_fields),                  \
		.field_count = ARRAY_SIZE(_fields), __VA_ARGS__                \
	}
/* A record that the kernel writes; a command that user space sends. */
#define KCHAN_TYPE_OUT(_id, _name, _struct, _fields, ...)                      \
	__KCHAN_TYPE(_id, KCHAN_DIRECTION_TO_USER, _name, _struct, _fields,    \
		     ##__VA_ARGS__)
#define KCHAN_TYPE_IN(_id, _name, _struct, _fields, ...)                       \
	__KCHAN_TYPE(_id, KCHAN_DIRECTION_TO_KERNEL, _name, _struct, _fields,  \
		     ##__VA_ARGS__)

#endif
