// SPDX-License-Identifier: GPL-2.0
/*
 * The ring core: writers. See ring.h for the contract and docs/ring_format.md
 * for the reasons.
 */
#include "ring.h"

void kchan_ring_init(struct kchan_ring *ring,
		     const struct kchan_ring_config *config)
{
	memset(ring, 0, sizeof(*ring));
	raw_spin_lock_init(&ring->lock);
	ring->owner = -1;
	ring->cpu = config->cpu;
	ring->generation = config->generation;
	ring->max_payload_bytes = config->max_payload_bytes;
	ring->wake = config->wake;
	strscpy(ring->channel, config->channel, sizeof(ring->channel));
}

static void fill_info_page(struct kchan_ring *ring, u32 page_bytes)
{
	struct kchan_info_page *info = ring->info;

	info->magic = KCHAN_INFO_MAGIC;
	info->abi_major = KCHAN_ABI_MAJOR;
	info->abi_minor = KCHAN_ABI_MINOR;
	info->features = KCHAN_FEATURE_RING_PER_CPU | KCHAN_FEATURE_RING_SHARED;
	info->generation = ring->generation;
	info->data_bytes = ring->data_bytes;
	info->page_bytes = page_bytes;
	info->cpu = ring->cpu;
	info->clock_id = CLOCK_BOOTTIME;
	info->state = KCHAN_STATE_LIVE;
	strscpy(info->channel, ring->channel, sizeof(info->channel));
}

void kchan_ring_attach_memory(struct kchan_ring *ring,
			      const struct kchan_ring_memory *memory)
{
	if (WARN_ON_ONCE(ring->has_memory ||
			 !is_power_of_2(memory->data_bytes) ||
			 memory->data_bytes > KCHAN_MAX_RING_BYTES))
		return;

	ring->producer = memory->producer;
	ring->consumer = memory->consumer;
	ring->info = memory->info;
	ring->data = (u8 *)memory->data;
	ring->data_bytes = memory->data_bytes;
	ring->mask = memory->data_bytes - 1;
	fill_info_page(ring, memory->page_bytes);
	/* What can never fit is too long, not lost for want of space. */
	if (ring->max_payload_bytes >
	    ring->data_bytes - sizeof(struct kchan_record))
		WRITE_ONCE(ring->max_payload_bytes,
			   (u32)(ring->data_bytes -
				 sizeof(struct kchan_record)));

	/* Pairs with the load-acquires in make_space() and poll_mask(). */
	smp_store_release(&ring->has_memory, 1);
}

/* ---- Losses -------------------------------------------------------------- */

static void wake_reader(struct kchan_ring *ring)
{
	atomic64_inc(&ring->wakeups);
	ring->wake(ring);
}

/*
 * Wakes for the first loss that the reader has not seen; while lost_seen
 * differs, poll() reports the rest. A reader that is about to sleep stores
 * lost_seen, then looks at lost again.
 */
static noinline void count_lost(struct kchan_ring *ring, atomic64_t *cause)
{
	u64 lost;

	atomic64_inc(cause);
	/*
	 * A full barrier, between lost and lost_seen. Pairs with the one after
	 * the store of lost_seen: RingReader::Arm(), kchan_ring_consume_arm().
	 */
	lost = (u64)atomic64_inc_return(&ring->lost);

	if (!smp_load_acquire(&ring->has_memory))
		return;
	if (READ_ONCE(ring->consumer->lost_seen) == lost - 1)
		wake_reader(ring);
}

void kchan_ring_refuse(struct kchan_ring *ring)
{
	count_lost(ring, &ring->lost_contended);
}

/*
 * The losses that no header carries yet; now this one's does. Several contexts
 * of one CPU may come here at once: each loss goes to exactly one of them.
 * To be called after the space was reserved: a header that is never written
 * must not take losses with it.
 */
static noinline u64 take_lost(struct kchan_ring *ring)
{
	s64 carried = local64_read(&ring->carried);
	s64 lost;

	do {
		lost = atomic64_read(&ring->lost);
		/* A nested writer was faster and took later ones, too. */
		if (lost <= carried)
			return 0;
	} while (!local64_try_cmpxchg(&ring->carried, &carried, lost));
	return (u64)(lost - carried);
}

/* ---- Space --------------------------------------------------------------- */

/*
 * limit is in the way: look where the reader is and move it. This is the only
 * place where consumer_pos is looked at.
 *
 * What it may be: at most published, since nothing else can have been read, and
 * at most a ring behind it. So new_head <= limit means that the reservation
 * runs neither into what the reader has not released nor into what a context
 * below us has reserved and not committed yet (limit <= published +
 * data_bytes), whatever user space stored.
 */
static noinline int make_space(struct kchan_ring *ring, u64 new_head)
{
	u64 consumer_pos, published, limit;

	/* Pairs with the store-release in kchan_ring_attach_memory(). */
	if (!smp_load_acquire(&ring->has_memory)) {
		count_lost(ring, &ring->lost_no_ring);
		return -ENOBUFS;
	}
	if (READ_ONCE(ring->dead))
		return -ENODEV;

	/*
	 * Pairs with the store-release in RingReader::Release(): what we write
	 * comes after what it has read. First consumer_pos, then published: an
	 * interrupt between the two may publish, which the reader may release.
	 */
	consumer_pos = smp_load_acquire(&ring->consumer->consumer_pos);
	published = READ_ONCE(ring->published);

	if (unlikely(published - consumer_pos > ring->data_bytes)) {
		atomic64_inc(&ring->bad_consumer_pos);
		count_lost(ring, &ring->lost_full);
		return -ENOBUFS;
	}

	limit = consumer_pos + ring->data_bytes;
	WRITE_ONCE(ring->limit, limit);
	if (new_head <= limit)
		return 0;

	count_lost(ring, &ring->lost_full);
	return -ENOBUFS;
}

/* limit is 0 without memory and for the dead: both end in make_space(). */
static inline int check_space(struct kchan_ring *ring, u64 new_head)
{
	if (likely(new_head <= READ_ONCE(ring->limit)))
		return 0;
	return make_space(ring, new_head);
}

static inline int check_length(struct kchan_ring *ring, u32 length)
{
	if (likely(length <= READ_ONCE(ring->max_payload_bytes)))
		return 0;
	count_lost(ring, &ring->lost_oversize);
	return -EMSGSIZE;
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
		record->lost_before = take_lost(ring);
	return record;
}

/* ---- Publishing ---------------------------------------------------------- */

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
		wake_reader(ring);
}

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

/* ---- Writers of one CPU -------------------------------------------------- */

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

/* ---- Writers of all CPUs ------------------------------------------------- */

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
		count_lost(ring, &ring->lost_contended);
		error = -EBUSY;
	}
	local_irq_restore(irq_flags);
	return error;
}
