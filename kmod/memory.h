/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages of one ring and the kernel's mapping of them, in the order in
 * which mmap() offsets name them: those before the data (of a ring that the
 * kernel writes: consumer, producer, info), the data, the data again. So
 * pages[pgoff] is what a fault wants, and a record that runs over the end of
 * the data is contiguous for the kernel too.
 */
#ifndef _KCHAN_MEMORY_H
#define _KCHAN_MEMORY_H

#include <linux/mm_types.h>
#include <linux/types.h>

struct kchan_memory {
	size_t data_bytes;
	unsigned long first_pages; /* before the data */
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
struct kchan_memory *kchan_memory_alloc(unsigned long first_pages,
					u64 data_bytes, int node);

/* Nobody may use the kernel's mapping any more; readers keep their pages. */
void kchan_memory_free(struct kchan_memory *memory);

/* ---- ring_mmap.c --------------------------------------------------------- */

/*
 * Lets a part of it be mapped, shared and never executable. The range is the
 * caller's to check; the memory lives as long as the mapped file.
 */
int kchan_memory_map(struct kchan_memory *memory, struct vm_area_struct *vma,
		     bool writable);

#endif
