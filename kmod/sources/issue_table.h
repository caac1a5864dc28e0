/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Remembers when block requests were issued, until they complete.
 *
 * A fixed array with a bounded search: no memory is taken and no lock in the
 * I/O path. A request that finds no place is not remembered, and its latency
 * is then unknown. Any context but NMI; the block layer itself orders a
 * request's issue before its completion, and different requests use different
 * slots.
 */
#ifndef _KCHAN_SOURCE_ISSUE_TABLE_H
#define _KCHAN_SOURCE_ISSUE_TABLE_H

#include <linux/types.h>

struct issue_table;
struct request;

/* NULL: no memory. Free with kvfree(), when nobody uses it any more. */
struct issue_table *issue_table_alloc(void);

/* Issued again, a request counts from then. */
void issue_table_put(struct issue_table *table, const struct request *rq,
		     u64 issued_ns);

/* When it was issued, and forgets it if `last`; 0: unknown. */
u64 issue_table_get(struct issue_table *table, const struct request *rq,
		    bool last);

#endif
