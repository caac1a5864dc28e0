// SPDX-License-Identifier: GPL-2.0
#include "memory.h"

#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <uapi/linux/kchan.h>

u64 kchan_ring_bytes(u64 budget_bytes, u32 rings)
{
	const u64 smallest = max_t(u64, KCHAN_MIN_RING_BYTES, PAGE_SIZE);
	const u64 share = div_u64(budget_bytes, rings);

	if (share < smallest)
		return 0;
	return min_t(u64, rounddown_pow_of_two(share), KCHAN_MAX_RING_BYTES);
}

/* A quarter of the machine: telemetry must not be what runs it out. */
u64 kchan_max_budget_bytes(void)
{
	return max_t(u64, (u64)totalram_pages() * PAGE_SIZE / 4,
		     KCHAN_DEFAULT_BUDGET_BYTES);
}

static unsigned long data_pages(const struct kchan_memory *memory)
{
	return memory->data_bytes >> PAGE_SHIFT;
}

static void free_pages_once(struct kchan_memory *memory)
{
	unsigned long i;

	for (i = 0; i < memory->first_pages + data_pages(memory); i++) {
		if (!memory->pages[i])
			break;
		put_page(memory->pages[i]);
	}
}

static bool alloc_pages_once(struct kchan_memory *memory, int node)
{
	/* A ring is not worth another process's life. */
	const gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_RETRY_MAYFAIL |
			  __GFP_NOWARN;
	unsigned long i;

	for (i = 0; i < memory->first_pages + data_pages(memory); i++) {
		if (fatal_signal_pending(current))
			return false;
		memory->pages[i] = alloc_pages_node(node, gfp, 0);
		if (!memory->pages[i])
			return false;
	}
	for (; i < memory->page_count; i++)
		memory->pages[i] = memory->pages[i - data_pages(memory)];
	return true;
}

struct kchan_memory *kchan_memory_alloc(unsigned long first_pages,
					u64 data_bytes, int node)
{
	struct kchan_memory *memory;

	memory = kzalloc(sizeof(*memory), GFP_KERNEL);
	if (!memory)
		return NULL;
	memory->data_bytes = data_bytes;
	memory->first_pages = first_pages;
	memory->page_count = first_pages + 2 * data_pages(memory);
	memory->pages = kvcalloc(memory->page_count, sizeof(*memory->pages),
				 GFP_KERNEL);
	if (!memory->pages)
		goto err_free_memory;
	if (!alloc_pages_once(memory, node))
		goto err_free_pages;
	memory->base = vmap(memory->pages, memory->page_count, VM_MAP,
			    PAGE_KERNEL);
	if (!memory->base)
		goto err_free_pages;
	return memory;

err_free_pages:
	free_pages_once(memory);
	kvfree(memory->pages);
err_free_memory:
	kfree(memory);
	return NULL;
}

void kchan_memory_free(struct kchan_memory *memory)
{
	if (!memory)
		return;
	vunmap(memory->base);
	free_pages_once(memory);
	kvfree(memory->pages);
	kfree(memory);
}
