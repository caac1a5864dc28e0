/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bounded set of byte ranges, sorted, that remembers what was touched:
 * neighbours become one range, and when there are too many, the two that are
 * closest do. So it never forgets a byte, but may name some that were not
 * touched. The caller locks.
 */
#ifndef _KCHAN_EXTENTS_H
#define _KCHAN_EXTENTS_H

#include <linux/types.h>

#define KCHAN_MAX_EXTENTS 32

struct kchan_extent {
	u64 offset;
	u64 end;
};

struct kchan_extents {
	u32 count;
	struct kchan_extent at[KCHAN_MAX_EXTENTS + 1]; /* one to be merged */
};

/* length is not 0; offset + length does not wrap. */
void kchan_extents_add(struct kchan_extents *extents, u64 offset, u64 length);

#endif
