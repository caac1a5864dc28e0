/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A channel's shared ring, never mapped, that a work item empties in order: so
 * that what a transport does with a record may sleep, whatever context the
 * record was emitted from.
 *
 * While the channel only lingers, records stay queued, as those of a mapped
 * ring do, so that a reader's restart misses what fits; unless the transport has
 * somewhere to put them.
 *
 * All functions are called in process context, under kchan.demand unless they
 * say otherwise.
 */
#ifndef _KCHAN_QUEUE_H
#define _KCHAN_QUEUE_H

#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "ring.h"

struct kchan;
struct kchan_queue;

/*
 * What a transport does in a turn: begin, take for each record, end. All with
 * the queue's lock held; begin and end may be NULL.
 */
struct kchan_queue_ops {
	void (*begin)(struct kchan_queue *queue);
	/*
	 * `lost` numbers before `sequence` were lost. False: not now; the
	 * record stays and the turn ends.
	 */
	bool (*take)(struct kchan_queue *queue,
		     const struct kchan_record *record, u64 lost,
		     u64 sequence);
	/* queue->sequence covers losses that no record follows, too. */
	void (*end)(struct kchan_queue *queue);
	bool lingers; /* has turns also while the channel only lingers */
};

/* A part of the transport's own structure. */
struct kchan_queue {
	struct kchan *ch;
	const struct kchan_queue_ops *ops;
	struct delayed_work work;

	struct mutex lock; /* held over a turn; protects all below */
	bool started; /* the ring has its memory */
	struct kchan_ring_consumer consumer;
	u64 sequence; /* last number that has left */
	u32 taken; /* in this turn */
	bool refused; /* take has, in this turn */
	/*
	 * Set by ops in a turn: the next turn, in jiffies from now, even if
	 * nothing new comes. 0: when there is something new.
	 */
	unsigned long again;
};

void kchan_queue_init(struct kchan_queue *queue, struct kchan *ch,
		      const struct kchan_queue_ops *ops);
/* The channel is being freed. */
void kchan_queue_destroy(struct kchan_queue *queue);

/* A new generation begins: the ring has its memory, no writer yet. */
void kchan_queue_start(struct kchan_queue *queue);

/*
 * No writer is left: takes what is queued until there is no more, or it is
 * refused. No turn follows.
 */
void kchan_queue_stop(struct kchan_queue *queue);

/*
 * There is something to take, or somebody to take it for. Any context, by
 * whoever holds the channel; without effect unless it is started.
 */
void kchan_queue_kick(struct kchan_queue *queue);

/* The last number that has left. Needs no lock. */
u64 kchan_queue_sequence(struct kchan_queue *queue);

#endif
