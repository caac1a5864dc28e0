// SPDX-License-Identifier: GPL-2.0
/*
 * The ring core: what both kinds of writers share and do seldom. See ring.h for
 * the contract and docs/ring_format.md for the reasons.
 */
#include "ring_writer.h"

/* User space relies on these places: a change is a change of the ABI. */
static_assert(sizeof(struct kchan_record) == 24);
static_assert(offsetof(struct kchan_record, lost_before) == 16);
static_assert(offsetof(struct kchan_consumer_page, wake_pos) == 64);
static_assert(offsetof(struct kchan_consumer_page, lost_seen) == 128);
static_assert(sizeof(struct kchan_consumer_page) == 192);
static_assert(sizeof(struct kchan_producer_page) == 64);
static_assert(offsetof(struct kchan_info_page, state) == 44);
static_assert(sizeof(struct kchan_info_page) == 48 + KCHAN_NAME_BYTES);
static_assert(sizeof(struct kchan_ring_counters) == 128);

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

	/* Pairs with the load-acquires in kchan_ring_make_space() and poll_mask(). */
	smp_store_release(&ring->has_memory, 1);
}

/* ---- Losses -------------------------------------------------------------- */

void kchan_ring_wake_reader(struct kchan_ring *ring)
{
	atomic64_inc(&ring->wakeups);
	ring->wake(ring);
}

/*
 * Wakes for the first loss that the reader has not seen; while lost_seen
 * differs, poll() reports the rest. A reader that is about to sleep stores
 * lost_seen, then looks at lost again.
 */
void kchan_ring_count_lost(struct kchan_ring *ring, atomic64_t *cause)
{
	u64 lost;

	atomic64_inc(cause);
	/*
	 * A full barrier, between lost and lost_seen. Pairs with the one after
	 * the store of lost_seen: RingReader::Arm(), kchan_ring_consume_arm().
	 */
	lost = (u64)atomic64_inc_return(&ring->lost);

	/* Pairs with the store-release in kchan_ring_attach_memory(). */
	if (!smp_load_acquire(&ring->has_memory))
		return;
	if (READ_ONCE(ring->consumer->lost_seen) == lost - 1)
		kchan_ring_wake_reader(ring);
}

void kchan_ring_refuse(struct kchan_ring *ring)
{
	kchan_ring_count_lost(ring, &ring->lost_contended);
}

/* Contexts of one CPU may come here at once: each loss goes to one of them. */
u64 kchan_ring_take_lost(struct kchan_ring *ring)
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
int kchan_ring_make_space(struct kchan_ring *ring, u64 new_head)
{
	u64 consumer_pos, published, limit;

	/* Pairs with the store-release in kchan_ring_attach_memory(). */
	if (!smp_load_acquire(&ring->has_memory)) {
		kchan_ring_count_lost(ring, &ring->lost_no_ring);
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
		kchan_ring_count_lost(ring, &ring->lost_full);
		return -ENOBUFS;
	}

	limit = consumer_pos + ring->data_bytes;
	WRITE_ONCE(ring->limit, limit);
	if (new_head <= limit)
		return 0;

	kchan_ring_count_lost(ring, &ring->lost_full);
	return -ENOBUFS;
}
