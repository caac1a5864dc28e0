/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data side of a GENL channel. Writers put records into the channel's
 * shared ring, which is never mapped; a work item takes them out in order and
 * multicasts them. Writers cannot multicast themselves: they may hold the run
 * queue's lock.
 *
 * While somebody has the channel enabled and nobody listens, records are
 * discarded and their numbers go by. While it only lingers they stay queued, as
 * those of a mapped ring do, so that a reader's restart misses what fits.
 */
#ifndef _KCHAN_GENL_RECORDS_H
#define _KCHAN_GENL_RECORDS_H

#include <linux/types.h>

struct kchan;
struct kchan_genl_queue;

struct kchan_genl_queue *kchan_genl_queue_create(struct kchan *ch);
void kchan_genl_queue_destroy(struct kchan_genl_queue *queue);

/* A new generation, before its first writer. */
void kchan_genl_queue_start(struct kchan_genl_queue *queue);
/* The last writer is gone: sends what is queued, and no more once it returns. */
void kchan_genl_queue_stop(struct kchan_genl_queue *queue);

/*
 * Something to send, or somebody to send it to. Between start and stop; any
 * context but NMI.
 */
void kchan_genl_queue_kick(struct kchan_genl_queue *queue);

/* The last number that was sent or discarded so far. Process context. */
u64 kchan_genl_queue_sequence(struct kchan_genl_queue *queue);

#endif
