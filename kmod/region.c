// SPDX-License-Identifier: GPL-2.0
#include "region.h"

#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

static spinlock_t *lock_of(struct kchan_region *region, unsigned long index)
{
	return &region->locks[index % KCHAN_REGION_LOCKS];
}

/* Of [offset, ..) what lies in offset's page. */
static size_t in_page(u64 offset, u64 length)
{
	return min_t(u64, length, PAGE_SIZE - offset_in_page(offset));
}

/* The page's memory, or NULL. It stays while the page's lock is held. */
static void *memory_of(struct kchan_region *region, unsigned long index)
{
	struct page *page = xa_load(&region->pages, index);

	return page ? page_address(page) : NULL;
}

static void read_in_page(struct kchan_region *region, u64 offset, void *to,
			 size_t length)
{
	const unsigned long index = offset >> PAGE_SHIFT;
	const void *memory;

	spin_lock(lock_of(region, index));
	memory = memory_of(region, index);
	if (memory)
		memcpy(to, memory + offset_in_page(offset), length);
	else
		memset(to, 0, length);
	spin_unlock(lock_of(region, index));
}

/* False: there is no page. */
static bool write_in_page(struct kchan_region *region, u64 offset,
			  const void *from, size_t length)
{
	const unsigned long index = offset >> PAGE_SHIFT;
	void *memory;

	spin_lock(lock_of(region, index));
	memory = memory_of(region, index);
	if (memory)
		memcpy(memory + offset_in_page(offset), from, length);
	spin_unlock(lock_of(region, index));
	return memory;
}

/* Somebody else may be faster, or discard it again at once. */
static int add_page(struct kchan_region *region, unsigned long index)
{
	/* A region is not worth another process's life. */
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO |
				       __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	int err;

	if (!page)
		return -ENOMEM;
	err = xa_insert(&region->pages, index, page, GFP_KERNEL);
	if (err)
		__free_page(page);
	return err == -EBUSY ? 0 : err;
}

static void discard_page(struct kchan_region *region, unsigned long index)
{
	struct page *page;

	spin_lock(lock_of(region, index));
	page = xa_erase(&region->pages, index);
	spin_unlock(lock_of(region, index));
	if (page)
		__free_page(page);
}

static void discard_in_page(struct kchan_region *region, u64 offset,
			    size_t length)
{
	const unsigned long index = offset >> PAGE_SHIFT;
	void *memory;

	if (length == PAGE_SIZE) {
		discard_page(region, index);
		return;
	}
	spin_lock(lock_of(region, index));
	memory = memory_of(region, index);
	if (memory)
		memset(memory + offset_in_page(offset), 0, length);
	spin_unlock(lock_of(region, index));
}

void kchan_region_read(struct kchan_region *region, u64 offset, void *to,
		       size_t length)
{
	while (length) {
		const size_t part = in_page(offset, length);

		read_in_page(region, offset, to, part);
		offset += part;
		to += part;
		length -= part;
		cond_resched();
	}
}

int kchan_region_write(struct kchan_region *region, u64 offset,
		       const void *from, size_t length)
{
	while (length) {
		const size_t part = in_page(offset, length);

		while (!write_in_page(region, offset, from, part)) {
			int err = add_page(region, offset >> PAGE_SHIFT);

			if (err)
				return err;
		}
		offset += part;
		from += part;
		length -= part;
		cond_resched();
	}
	return 0;
}

void kchan_region_discard(struct kchan_region *region, u64 offset, u64 length)
{
	while (length) {
		const size_t part = in_page(offset, length);

		discard_in_page(region, offset, part);
		offset += part;
		length -= part;
		cond_resched();
	}
}

void kchan_region_init(struct kchan_region *region, u64 bytes)
{
	size_t i;

	region->bytes = bytes;
	xa_init(&region->pages);
	for (i = 0; i < KCHAN_REGION_LOCKS; i++)
		spin_lock_init(&region->locks[i]);
}

void kchan_region_destroy(struct kchan_region *region)
{
	struct page *page;
	unsigned long index;

	xa_for_each(&region->pages, index, page) {
		__free_page(page);
		cond_resched();
	}
	xa_destroy(&region->pages);
}
