// SPDX-License-Identifier: GPL-2.0
/*
 * The ring core: what the reader's side asks of a ring, and a reader inside
 * the kernel. The one in user space is the bridge's RingReader.
 */
#include "ring.h"

u32 kchan_ring_poll_mask(const struct kchan_ring *ring)
{
	u32 mask = 0;

	/* Pairs with the store-release in kchan_ring_mark_dead(). */
	if (smp_load_acquire(&ring->dead))
		mask |= KCHAN_RING_DEAD;
	/* Pairs with the store-release in kchan_ring_attach_memory(). */
	if (!smp_load_acquire(&ring->has_memory))
		return mask;

	if (READ_ONCE(ring->published) >= READ_ONCE(ring->consumer->wake_pos))
		mask |= KCHAN_RING_READABLE;
	if ((u64)atomic64_read(&ring->lost) !=
	    READ_ONCE(ring->consumer->lost_seen))
		mask |= KCHAN_RING_LOST;
	return mask;
}

u64 kchan_ring_fill_bytes(const struct kchan_ring *ring)
{
	u64 fill;

	/* Pairs with the store-release in kchan_ring_attach_memory(). */
	if (!smp_load_acquire(&ring->has_memory))
		return 0;
	fill = READ_ONCE(ring->published) -
	       READ_ONCE(ring->consumer->consumer_pos);
	return fill <= ring->data_bytes ? fill : 0;
}

void kchan_ring_read_counters(const struct kchan_ring *ring,
			      struct kchan_ring_counters *counters)
{
	memset(counters, 0, sizeof(*counters));
	counters->generation = ring->generation;
	counters->records = (u64)local64_read(&ring->records);
	counters->bytes = (u64)local64_read(&ring->bytes);
	counters->discarded = (u64)atomic64_read(&ring->discarded);
	counters->lost = (u64)atomic64_read(&ring->lost);
	counters->lost_full = (u64)atomic64_read(&ring->lost_full);
	counters->lost_no_ring = (u64)atomic64_read(&ring->lost_no_ring);
	counters->lost_contended = (u64)atomic64_read(&ring->lost_contended);
	counters->lost_oversize = (u64)atomic64_read(&ring->lost_oversize);
	counters->bad_consumer_pos =
		(u64)atomic64_read(&ring->bad_consumer_pos);
	counters->wakeups = (u64)atomic64_read(&ring->wakeups);
}

void kchan_ring_mark_dead(struct kchan_ring *ring)
{
	/* Pairs with the load-acquire in kchan_ring_poll_mask(). */
	smp_store_release(&ring->dead, 1);
	/* The next writer has to pass kchan_ring_make_space(), which turns it away. */
	WRITE_ONCE(ring->limit, 0);
	/* Pairs with the store-release in kchan_ring_attach_memory(). */
	if (!smp_load_acquire(&ring->has_memory))
		return;
	/*
	 * Every record before the state. Pairs with the load-acquire in
	 * RingReader::dead(): who sees DEAD and drains once more has it all.
	 */
	smp_store_release(&ring->info->state, KCHAN_STATE_DEAD);
}

/* ---- A reader inside the kernel ------------------------------------------ */

void kchan_ring_consumer_init(struct kchan_ring_consumer *consumer,
			      struct kchan_ring *ring)
{
	memset(consumer, 0, sizeof(*consumer));
	consumer->ring = ring;
}

static const struct kchan_record *record_at(const struct kchan_ring *ring,
					    u64 position)
{
	return (const struct kchan_record *)(ring->data +
					     (position & ring->mask));
}

u64 kchan_ring_consume(struct kchan_ring_consumer *consumer,
		       kchan_ring_consume_fn fn, void *context)
{
	struct kchan_ring *ring = consumer->ring;
	u64 end, taken = 0;

	/* Pairs with the store-release in kchan_ring_attach_memory(). */
	if (!smp_load_acquire(&ring->has_memory))
		return 0;
	/* Pairs with the store-release in store_producer_page(). */
	end = smp_load_acquire(&ring->producer->producer_pos);

	while (consumer->position != end) {
		const struct kchan_record *record =
			record_at(ring, consumer->position);
		u64 carried = consumer->carried + record->lost_before;
		u64 lost = 0;

		if (carried > consumer->accounted)
			lost = carried - consumer->accounted;

		if (!(record->length & KCHAN_RECORD_DISCARD)) {
			if (!fn(context, record, lost,
				consumer->sequence + lost + 1))
				break;
			consumer->sequence += lost + 1;
			consumer->accounted += lost;
			taken++;
		}
		/* A discarded record's losses stay for the next, or the tail. */
		consumer->carried = carried;
		consumer->position +=
			KCHAN_RING_RECORD_BYTES(record->length &
						KCHAN_RECORD_LENGTH_MASK);
	}

	/* What we read before its space. Pairs with kchan_ring_make_space(). */
	smp_store_release(&ring->consumer->consumer_pos, consumer->position);
	return taken;
}

u64 kchan_ring_consume_tail_loss(struct kchan_ring_consumer *consumer)
{
	struct kchan_ring *ring = consumer->ring;
	u64 lost = (u64)atomic64_read(&ring->lost);
	u64 fresh = lost - consumer->accounted;

	/*
	 * lost before producer_pos: a record that was stored before one of
	 * these losses must have its number first. Pairs with the full barrier
	 * in kchan_ring_count_lost().
	 */
	smp_rmb();
	/* Pairs with the store-release in kchan_ring_attach_memory(). */
	if (smp_load_acquire(&ring->has_memory) &&
	    READ_ONCE(ring->producer->producer_pos) != consumer->position)
		return 0;

	consumer->accounted = lost;
	consumer->sequence += fresh;
	return fresh;
}

bool kchan_ring_consume_arm(struct kchan_ring_consumer *consumer)
{
	struct kchan_ring *ring = consumer->ring;

	/* Pairs with the store-release in kchan_ring_attach_memory(). */
	if (!smp_load_acquire(&ring->has_memory))
		return false;
	WRITE_ONCE(ring->consumer->lost_seen, consumer->accounted);
	WRITE_ONCE(ring->consumer->wake_pos, consumer->position + 1);
	/* Pairs with the ones in wake_if_reached() and kchan_ring_count_lost(). */
	smp_mb();
	return (kchan_ring_poll_mask(ring) &
		(KCHAN_RING_READABLE | KCHAN_RING_LOST)) != 0;
}
