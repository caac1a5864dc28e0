/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages of one ring and the kernel's mapping of them, in the order in
 * which mmap() offsets name them: consumer, producer, info, the data, the data
 * again. So pages[pgoff] is what a reader's fault wants, and a record that
 * runs over the end of the data is contiguous for the kernel too.
 */
#ifndef _KCHAN_MEMORY_H
#define _KCHAN_MEMORY_H

#include <linux/mm_types.h>
#include <linux/types.h>

struct kchan_memory {
	size_t data_bytes;
	unsigned long page_count; /* of pages[]: each data page is in it twice */
	struct page **pages;
	void *base; /* where pages[0] is mapped */
};

/*
 * The size of each of `rings` rings within a budget, a power of two. 0: not
 * even the smallest fits.
 */
u64 kchan_ring_bytes(u64 budget_bytes, u32 rings);

/* The largest budget that this machine's memory allows. */
u64 kchan_max_budget_bytes(void);

/* Zeroed. NULL: no memory, or the caller is being killed. May sleep. */
struct kchan_memory *kchan_memory_alloc(u64 data_bytes, int node);

/* Nobody may use the kernel's mapping any more; readers keep their pages. */
void kchan_memory_free(struct kchan_memory *memory);

#endif
