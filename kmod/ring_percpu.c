// SPDX-License-Identifier: GPL-2.0
/*
 * The ring core: writers of one CPU. No lock; they nest, as a CPU's contexts
 * do, and the outermost publishes. In the manner of the perf buffer.
 */
#include "ring_writer.h"

/* The outermost writer of a CPU publishes for all that interrupted it. */
static inline void leave(struct kchan_ring *ring)
{
	u64 before, head;

	if (unlikely(READ_ONCE(ring->nest) > 1)) {
		WRITE_ONCE(ring->nest, READ_ONCE(ring->nest) - 1);
		return;
	}
	do {
		WRITE_ONCE(ring->nest, 1);
		barrier();
		before = READ_ONCE(ring->published);
		head = store_producer_page(ring);
		/* Or an interrupt could publish more, and we less after it. */
		barrier();
		WRITE_ONCE(ring->nest, 0);
		/* Or we could miss one that still saw nest, and left it to us. */
		barrier();
		wake_if_reached(ring, before, head);
	} while (unlikely(head != (u64)local64_read(&ring->head)));
}

static inline struct kchan_record *reserve(struct kchan_ring *ring, u16 type,
					   u32 length)
{
	s64 head, new_head;
	int error;

	error = check_length(ring, length);
	if (unlikely(error))
		return (struct kchan_record *)ERR_PTR(error);

	/* Before the head moves, or an interrupt would publish our bytes. */
	WRITE_ONCE(ring->nest, READ_ONCE(ring->nest) + 1);
	barrier();

	head = local64_read(&ring->head);
	do {
		new_head = head + (s64)KCHAN_RING_RECORD_BYTES(length);
		error = check_space(ring, (u64)new_head);
		if (unlikely(error))
			goto err_leave;
	} while (unlikely(!local64_try_cmpxchg(&ring->head, &head, new_head)));

	return write_header(ring, (u64)head, type, 0, length);

err_leave:
	/* Somebody who interrupted us may count on us to publish. */
	if (READ_ONCE(ring->has_memory))
		leave(ring);
	else
		WRITE_ONCE(ring->nest, READ_ONCE(ring->nest) - 1);
	return (struct kchan_record *)ERR_PTR(error);
}

static inline void commit(struct kchan_ring *ring, u32 length)
{
	local64_inc(&ring->records);
	local64_add((s64)KCHAN_RING_RECORD_BYTES(length), &ring->bytes);
	leave(ring);
}

struct kchan_record *kchan_ring_reserve(struct kchan_ring *ring, u16 type,
					u32 length)
{
	return reserve(ring, type, length);
}

void kchan_ring_commit(struct kchan_ring *ring, struct kchan_record *record)
{
	commit(ring, record->length);
}

void kchan_ring_discard(struct kchan_ring *ring, struct kchan_record *record)
{
	record->length |= KCHAN_RECORD_DISCARD;
	atomic64_inc(&ring->discarded);
	leave(ring);
}

int kchan_ring_emit(struct kchan_ring *ring, u16 type, const void *payload,
		    u32 length)
{
	struct kchan_record *record = reserve(ring, type, length);

	if (IS_ERR(record))
		return (int)PTR_ERR(record);
	memcpy(record + 1, payload, length);
	commit(ring, length);
	return 0;
}
