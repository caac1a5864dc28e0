/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What both kinds of writers do with a record: space, header, publishing. The
 * steps that every record takes are inline; what is seldom is in ring.c.
 */
#ifndef _KCHAN_RING_WRITER_H
#define _KCHAN_RING_WRITER_H

#include "ring.h"

/*
 * Counts an attempt lost by this cause, and wakes for the first loss that the
 * reader has not seen.
 */
void kchan_ring_count_lost(struct kchan_ring *ring, atomic64_t *cause);

/*
 * The losses that no header carries yet; now this one's does. To be called
 * after the space was reserved: a header that is never written must not take
 * losses with it.
 */
u64 kchan_ring_take_lost(struct kchan_ring *ring);

/* Looks where the reader is and moves limit. 0, or the loss it has counted. */
int kchan_ring_make_space(struct kchan_ring *ring, u64 new_head);

void kchan_ring_wake_reader(struct kchan_ring *ring);

static inline int check_length(struct kchan_ring *ring, u32 length)
{
	if (likely(length <= READ_ONCE(ring->max_payload_bytes)))
		return 0;
	kchan_ring_count_lost(ring, &ring->lost_oversize);
	return -EMSGSIZE;
}

/* limit is 0 without memory and for the dead: the slow path knows both. */
static inline int check_space(struct kchan_ring *ring, u64 new_head)
{
	if (likely(new_head <= READ_ONCE(ring->limit)))
		return 0;
	return kchan_ring_make_space(ring, new_head);
}

static inline struct kchan_record *write_header(struct kchan_ring *ring,
						u64 position, u16 type,
						u16 flags, u32 length)
{
	struct kchan_record *record =
		(struct kchan_record *)(ring->data + (position & ring->mask));

	record->length = length;
	record->type = type;
	record->flags = flags;
	record->boottime_ns = kchan_port_boottime_ns();
	record->lost_before = 0;
	if (unlikely(atomic64_read(&ring->lost) !=
		     local64_read(&ring->carried)))
		record->lost_before = kchan_ring_take_lost(ring);
	return record;
}

/*
 * Moves producer_pos to the head. Everything below it is complete: the caller
 * is the only writer (lock held), or the outermost of its CPU, and those that
 * interrupted it have come to their end. Returns the new position.
 */
static inline u64 store_producer_page(struct kchan_ring *ring)
{
	struct kchan_producer_page *page = ring->producer;
	u64 version = ring->version;
	u64 head, records, carried;

	/* A nested writer moves the head first: unchanged means none came. */
	do {
		head = (u64)local64_read(&ring->head);
		records = (u64)local64_read(&ring->records);
		carried = (u64)local64_read(&ring->carried);
	} while (unlikely(head != (u64)local64_read(&ring->head)));

	/*
	 * Before the page: a reader may release what it finds there at once,
	 * and a nested writer must not take that position for a lie.
	 */
	WRITE_ONCE(ring->published, head);

	WRITE_ONCE(page->version, version + 1);
	/* Odd before the three change. Pairs with ReadProducerState(). */
	smp_wmb();
	/*
	 * The records before the position. Pairs with the load-acquire in
	 * RingReader::Drain().
	 */
	smp_store_release(&page->producer_pos, head);
	WRITE_ONCE(page->producer_seq, records + carried);
	WRITE_ONCE(page->producer_lost, carried);
	/* The three before even. Pairs with ReadProducerState(). */
	smp_store_release(&page->version, version + 2);
	ring->version = version + 2;
	return head;
}

/* Wakes if the step from `before` to `now` reached wake_pos. */
static inline void wake_if_reached(struct kchan_ring *ring, u64 before, u64 now)
{
	/*
	 * producer_pos before wake_pos. Pairs with the barrier between the
	 * store of wake_pos and the second look: RingReader::Arm(),
	 * kchan_ring_consume_arm(). Without either, both sides may miss the
	 * other's store and the reader sleeps on a record.
	 */
	smp_mb();
	if (unlikely(READ_ONCE(ring->consumer->wake_pos) - before - 1 <
		     now - before))
		kchan_ring_wake_reader(ring);
}

#endif
