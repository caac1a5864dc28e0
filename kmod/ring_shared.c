// SPDX-License-Identifier: GPL-2.0
/* The ring core: writers of all CPUs, one after the other. */
#include "ring_writer.h"

/*
 * One record under the lock, from reserve to publish: a head that moves before
 * the header is written would let the reader take last lap's bytes for one.
 * No nest: whoever interrupts us cannot get the lock.
 */
static inline int write_locked(struct kchan_ring *ring, u16 type, u16 flags,
			       const void *payload, u32 length, u64 *before,
			       u64 *now)
{
	u64 head = (u64)local64_read(&ring->head);
	u64 new_head = head + KCHAN_RING_RECORD_BYTES(length);
	struct kchan_record *record;
	int error;

	error = check_space(ring, new_head);
	if (unlikely(error))
		return error;

	local64_set(&ring->head, (s64)new_head);
	record = write_header(ring, head, type, flags, length);
	memcpy(record + 1, payload, length);
	local64_inc(&ring->records);
	local64_add((s64)KCHAN_RING_RECORD_BYTES(length), &ring->bytes);
	*before = head;
	*now = store_producer_page(ring);
	return 0;
}

/* Interrupts are off. False: the lock cannot be had from here. */
static inline bool lock_shared(struct kchan_ring *ring)
{
	/* A probe on something that the lock's holder calls: ourselves. */
	if (unlikely(READ_ONCE(ring->owner) == smp_processor_id()))
		return false;
	if (unlikely(in_nmi())) {
		if (!raw_spin_trylock(&ring->lock))
			return false;
	} else {
		raw_spin_lock(&ring->lock);
	}
	WRITE_ONCE(ring->owner, smp_processor_id());
	return true;
}

static inline void unlock_shared(struct kchan_ring *ring)
{
	WRITE_ONCE(ring->owner, -1);
	raw_spin_unlock(&ring->lock);
}

int kchan_ring_emit_shared(struct kchan_ring *ring, u16 type, u16 flags,
			   const void *payload, u32 length)
{
	unsigned long irq_flags;
	u64 before, now;
	int error;

	error = check_length(ring, length);
	if (unlikely(error))
		return error;

	local_irq_save(irq_flags);
	if (likely(lock_shared(ring))) {
		error = write_locked(ring, type, flags, payload, length,
				     &before, &now);
		unlock_shared(ring);
		if (likely(!error))
			wake_if_reached(ring, before, now);
	} else {
		kchan_ring_count_lost(ring, &ring->lost_contended);
		error = -EBUSY;
	}
	local_irq_restore(irq_flags);
	return error;
}
