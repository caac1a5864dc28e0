/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sparse memory with byte addresses: pages come with the first write and go
 * with a discard; what was never written reads as zeros.
 *
 * Any number may read, write and discard at once. What lies in one page is read
 * and written as one. Process context; may sleep, to allocate, within the
 * caller's memalloc scope.
 */
#ifndef _KCHAN_REGION_H
#define _KCHAN_REGION_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

#define KCHAN_REGION_LOCKS 64

struct kchan_region {
	u64 bytes;
	struct xarray pages; /* by page number; each page is freed by its lock's holder */
	spinlock_t locks[KCHAN_REGION_LOCKS]; /* of a page's content, by its number */
};

void kchan_region_init(struct kchan_region *region, u64 bytes);
void kchan_region_destroy(struct kchan_region *region);

/* All offsets and lengths lie inside. */
void kchan_region_read(struct kchan_region *region, u64 offset, void *to,
		       size_t length);
/* ENOMEM: a part may have been written. */
int kchan_region_write(struct kchan_region *region, u64 offset,
		       const void *from, size_t length);
/* Zeros from now on. */
void kchan_region_discard(struct kchan_region *region, u64 offset, u64 length);

#endif
