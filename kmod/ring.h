/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ring core: one ring of records, its writers and its counters. What lies
 * in the mapped pages is in uapi/linux/kchan.h; why, in docs/ring_format.md.
 *
 * A ring has one of two kinds of writers, chosen by its owner, never mixed:
 *
 * - its own CPU's: kchan_ring_reserve() + kchan_ring_commit() or _discard(),
 *   and kchan_ring_emit(). No lock. The caller has preemption off from reserve
 *   to commit; interrupts and NMIs of that CPU may write in between.
 * - everyone: kchan_ring_emit_shared(), under a raw spinlock, in any context.
 *
 * All other functions may be called by anyone unless they say otherwise.
 *
 * Lifetime: the ring allocates nothing. Its owner gives it memory and takes
 * both back when no writer and no reader is left. A ring without memory is a
 * ring all the same: it counts what it loses and carries that to the first
 * record it can store.
 *
 * Trust: the consumer page belongs to user space. Its consumer_pos enters the
 * space check only, wake_pos and lost_seen only the decision to wake. Nothing
 * is ever read back from the other pages but the headers of records.
 */
#ifndef _KCHAN_RING_H
#define _KCHAN_RING_H

#include "ring_port.h"
#include <uapi/linux/kchan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a record takes of the ring, for a payload of `length` bytes. */
#define KCHAN_RING_RECORD_BYTES(length)                           \
	ALIGN((u64)sizeof(struct kchan_record) + (u64)(length), \
	      (u64)KCHAN_RECORD_ALIGN)

/* Zeroed, page-aligned memory. The data area is mapped twice in a row. */
struct kchan_ring_memory {
	struct kchan_consumer_page *consumer;
	struct kchan_producer_page *producer;
	struct kchan_info_page *info;
	void *data;
	u64 data_bytes; /* power of two; of one of the two mappings */
	u32 page_bytes;
};

struct kchan_ring {
	/* Every write touches these. */
	local64_t head; /* reserved up to here */
	u64 limit; /* may be reserved up to here without looking again */
	u64 published; /* complete up to here */
	u8 *data;
	u64 mask;
	local64_t records; /* committed */
	local64_t carried; /* losses carried in headers */
	atomic64_t lost;

	struct kchan_producer_page *producer;
	struct kchan_consumer_page *consumer;
	local64_t bytes;
	u64 version; /* of the producer page */
	u32 max_payload_bytes;
	u32 nest; /* writers of this CPU between reserve and commit */

	/* Shared writers. */
	raw_spinlock_t lock;
	int owner; /* CPU that holds the lock, or -1 */

	/*
	 * Called by a writer, in its context, with preemption off: the reader
	 * is to be woken. Must not wake by itself (the writer may hold the run
	 * queue's lock): the kernel queues irq_work.
	 */
	void (*wake)(struct kchan_ring *ring);

	/* Seldom touched. */
	struct kchan_info_page *info;
	u64 data_bytes;
	u64 generation;
	u32 cpu; /* or KCHAN_CPU_SHARED */
	u32 has_memory; /* store-release by attach_memory */
	u32 dead;
	atomic64_t discarded;
	atomic64_t lost_full;
	atomic64_t lost_no_ring;
	atomic64_t lost_contended;
	atomic64_t lost_oversize;
	atomic64_t bad_consumer_pos;
	atomic64_t wakeups;
	char channel[KCHAN_NAME_BYTES];
};

struct kchan_ring_config {
	const char *channel; /* copied */
	u64 generation; /* not zero */
	u32 cpu; /* or KCHAN_CPU_SHARED */
	u32 max_payload_bytes; /* at most KCHAN_MAX_RECORD_BYTES */
	void (*wake)(struct kchan_ring *ring);
};

/* Before any writer. Process context. */
void kchan_ring_init(struct kchan_ring *ring,
		     const struct kchan_ring_config *config);

/*
 * Once, also while writers of other CPUs or of a shared ring lose records for
 * want of it. Fills in the info page. Process context.
 */
void kchan_ring_attach_memory(struct kchan_ring *ring,
			      const struct kchan_ring_memory *memory);

/* ---- Writers ------------------------------------------------------------- */

/*
 * Reserves a record, counts it lost if it cannot. The payload is `record + 1`,
 * 8-aligned and uninitialised (bytes that earlier records of this ring left).
 *
 * Returns the record or ERR_PTR: -ENOBUFS (full, or no memory yet), -EMSGSIZE
 * (too long), each counted lost; -ENODEV (dead).
 */
struct kchan_record *kchan_ring_reserve(struct kchan_ring *ring, u16 type,
					u32 length);
void kchan_ring_commit(struct kchan_ring *ring, struct kchan_record *record);
/* Withdraws: the record takes no number, but its space until it is read. */
void kchan_ring_discard(struct kchan_ring *ring, struct kchan_record *record);

/* Returns 0 or a negative errno as kchan_ring_reserve(). */
int kchan_ring_emit(struct kchan_ring *ring, u16 type, const void *payload,
		    u32 length);

/*
 * The same for a ring with writers on all CPUs. Also -EBUSY: contended (an NMI
 * met a held lock, or the writer interrupted itself), counted lost. `flags` is
 * for the reader: the CPU, which nothing else tells.
 */
int kchan_ring_emit_shared(struct kchan_ring *ring, u16 type, u16 flags,
			   const void *payload, u32 length);

/*
 * Counts an attempt lost as contended that its owner did not let come this
 * far. Any context, preemption off.
 */
void kchan_ring_refuse(struct kchan_ring *ring);

/* ---- The reader's side --------------------------------------------------- */

#define KCHAN_RING_READABLE (1U << 0) /* published >= wake_pos */
#define KCHAN_RING_LOST (1U << 1) /* lost != lost_seen */
#define KCHAN_RING_DEAD (1U << 2)

/* What poll() reports; to be read after poll_wait(). Never sleeps. */
u32 kchan_ring_poll_mask(const struct kchan_ring *ring);

/* Bytes that the reader has not released yet; a hostile position reads as 0. */
u64 kchan_ring_fill_bytes(const struct kchan_ring *ring);

void kchan_ring_read_counters(const struct kchan_ring *ring,
			      struct kchan_ring_counters *counters);

/*
 * Stores DEAD: no record follows. The caller has made sure that no writer is
 * left, and wakes the reader afterwards. A late writer gets -ENODEV.
 */
void kchan_ring_mark_dead(struct kchan_ring *ring);

/* ---- A reader inside the kernel ------------------------------------------ */

/*
 * Drains a ring whose pages are not mapped to user space, in place. It is the
 * ring's only reader. One thread at a time.
 */
struct kchan_ring_consumer {
	struct kchan_ring *ring;
	u64 position;
	u64 carried; /* losses carried by the headers below position */
	u64 accounted; /* losses numbered so far */
	u64 sequence; /* last number used */
};

/*
 * `lost` numbers before `sequence` were lost and are named for the first time.
 * Returns false to leave the record (and its losses) for the next call.
 */
typedef bool (*kchan_ring_consume_fn)(void *context,
				      const struct kchan_record *record,
				      u64 lost, u64 sequence);

void kchan_ring_consumer_init(struct kchan_ring_consumer *consumer,
			      struct kchan_ring *ring);

/* Returns how many records fn took; their space is free again. */
u64 kchan_ring_consume(struct kchan_ring_consumer *consumer,
		       kchan_ring_consume_fn fn, void *context);

/*
 * Losses that no record has carried yet: numbers them and returns how many
 * there were. 0 while there are records to consume: they come first.
 */
u64 kchan_ring_consume_tail_loss(struct kchan_ring_consumer *consumer);

/* Asks to be woken by the next record or loss; true: look again instead. */
bool kchan_ring_consume_arm(struct kchan_ring_consumer *consumer);

#ifdef __cplusplus
}
#endif

#endif
