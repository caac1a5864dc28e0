// SPDX-License-Identifier: GPL-2.0
/*
 * Fields that must not compile, one for each value of MISUSE, and with 0 those
 * that must: scripts/check-misuse builds this once for each. The comment behind
 * a case is what the compiler has to say of it.
 */
#include <kchan.h>
#include <linux/in6.h>

enum color { RED, GREEN };
enum offset { BEFORE = -1, AFTER };

struct point {
	u32 x;
};

struct record {
	u8 u8;
	s8 s8;
	char c;
	bool flag;
	u16 u16;
	__be16 port;
	s16 s16;
	u32 u32;
	__be32 address;
	s32 s32;
	u64 u64;
	s64 s64;
	long word;
	enum color color;
	enum offset offset;
	u32 numbers[3];
	char text[8];
	u8 octets[8];
	struct in6_addr in6;
	struct point point;
	struct point points[2];
	void *pointer;
	char tail[];
};

static const struct kchan_field point_fields[] = {
	KCHAN_FIELD(struct point, x, U32),
};

static const struct kchan_field fields[] __used = {
#if MISUSE == 0
	KCHAN_FIELD(struct record, u8, U8),
	KCHAN_FIELD(struct record, flag, BOOL),
	KCHAN_FIELD(struct record, s8, S8),
	KCHAN_FIELD(struct record, u16, U16),
	KCHAN_FIELD(struct record, s16, S16),
	KCHAN_FIELD(struct record, u32, U32),
	KCHAN_FIELD(struct record, address, U32, .display = KCHAN_DISPLAY_IPV4),
	KCHAN_FIELD(struct record, s32, S32),
	KCHAN_FIELD(struct record, u64, U64),
	KCHAN_FIELD(struct record, s64, S64),
	KCHAN_FIELD(struct record, word, S64),
	KCHAN_FIELD(struct record, color, U32),
	KCHAN_FIELD(struct record, offset, S32),
	KCHAN_FIELD(struct record, numbers, U32),
	KCHAN_FIELD(struct record, text, STRING),
	KCHAN_FIELD(struct record, octets, U8),
	KCHAN_FIELD(struct record, octets, BYTES),
	KCHAN_FIELD(struct record, in6, BYTES),
	KCHAN_FIELD(struct record, u32, BYTES_LOC),
	KCHAN_FIELD_STRUCT_OF(struct record, point, struct point, point_fields),
	KCHAN_FIELD_STRUCT_OF(struct record, points, struct point, point_fields),
	KCHAN_FIELD_REST(struct record, tail, STRING),
#elif MISUSE == 1
	KCHAN_FIELD(struct record, u32, S32), /* struct record.u32 is no S32 */
#elif MISUSE == 2
	KCHAN_FIELD(struct record, s32, U32), /* struct record.s32 is no U32 */
#elif MISUSE == 3
	KCHAN_FIELD(struct record, u64, U32), /* struct record.u64 is no U32 */
#elif MISUSE == 4
	KCHAN_FIELD(struct record, u32, U16), /* struct record.u32 is no U16 */
#elif MISUSE == 5
	KCHAN_FIELD(struct record, octets, STRING), /* struct record.octets is no STRING */
#elif MISUSE == 6
	KCHAN_FIELD(struct record, c, STRING), /* struct record.c is no STRING */
#elif MISUSE == 7
	KCHAN_FIELD(struct record, numbers, U64), /* struct record.numbers is no U64 */
#elif MISUSE == 8
	KCHAN_FIELD(struct record, offset, U32), /* struct record.offset is no U32 */
#elif MISUSE == 9
	KCHAN_FIELD(struct record, point, U32), /* struct record.point is no U32 */
#elif MISUSE == 10
	KCHAN_FIELD(struct record, pointer, U64), /* struct record.pointer is no U64 */
#elif MISUSE == 11
	KCHAN_FIELD(struct record, numbers, BYTES_LOC), /* struct record.numbers is no BYTES_LOC */
#elif MISUSE == 12
	KCHAN_FIELD(struct record, u8, FLOAT), /* KCHAN_FIELD_FLOAT */
#elif MISUSE == 13
	KCHAN_FIELD_STRUCT_OF(struct record, in6, struct point,
			      point_fields), /* struct record.in6 is no struct point */
#elif MISUSE == 14
	KCHAN_FIELD_REST(struct record, text, STRING), /* no flexible array of STRING */
#elif MISUSE == 15
	KCHAN_FIELD_REST(struct record, tail, BYTES), /* no flexible array of BYTES */
#elif MISUSE == 16
	KCHAN_FIELD(struct record, flag, U8), /* struct record.flag is no U8 */
#else
#error "no more cases"
#endif
};
