// SPDX-License-Identifier: GPL-2.0
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "issue_table.h"

#define ISSUE_TABLE_BITS 13 /* 8192 requests in flight, 128 KiB */
#define ISSUE_TABLE_PROBES 16 /* slots that a request may lie in */

struct issue_slot {
	const struct request *request; /* NULL: free */
	u64 issued_ns;
};

struct issue_table {
	struct issue_slot slots[1 << ISSUE_TABLE_BITS];
};

struct issue_table *issue_table_alloc(void)
{
	return kvzalloc(sizeof(struct issue_table), GFP_KERNEL);
}

static struct issue_slot *slot_at(struct issue_table *table,
				  const struct request *rq, unsigned int probe)
{
	u32 start = hash_ptr(rq, ISSUE_TABLE_BITS);

	return &table->slots[(start + probe) % ARRAY_SIZE(table->slots)];
}

static struct issue_slot *find(struct issue_table *table,
			       const struct request *rq)
{
	unsigned int probe;

	for (probe = 0; probe < ISSUE_TABLE_PROBES; probe++) {
		struct issue_slot *slot = slot_at(table, rq, probe);

		if (READ_ONCE(slot->request) == rq)
			return slot;
	}
	return NULL;
}

static struct issue_slot *claim(struct issue_table *table,
				const struct request *rq)
{
	unsigned int probe;

	for (probe = 0; probe < ISSUE_TABLE_PROBES; probe++) {
		struct issue_slot *slot = slot_at(table, rq, probe);

		if (!READ_ONCE(slot->request) &&
		    !cmpxchg(&slot->request, NULL, rq))
			return slot;
	}
	return NULL;
}

void issue_table_put(struct issue_table *table, const struct request *rq,
		     u64 issued_ns)
{
	struct issue_slot *slot = find(table, rq) ?: claim(table, rq);

	if (slot)
		slot->issued_ns = issued_ns;
}

u64 issue_table_get(struct issue_table *table, const struct request *rq,
		    bool last)
{
	struct issue_slot *slot = find(table, rq);
	u64 issued_ns;

	if (!slot)
		return 0;
	issued_ns = slot->issued_ns;
	if (!last)
		return issued_ns;
	/* Pairs with the cmpxchg in claim(): its owner stores after our load. */
	smp_store_release(&slot->request, NULL);
	return issued_ns;
}
