/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The RELAY transport. relay_buffers.c writes, relay_file.c is the reader's
 * file, relay.c the transport.
 *
 * Memory, files and sub-buffers are those of kernel/relay.c. Its read() is not
 * used: it does not see an overwritten sub-buffer change under its hands, and
 * gives torn records. Where the writer is, is published here instead, as a
 * position: the number of the sub-buffer, counted from the start, times its
 * size, plus the offset in it. The unused end of a sub-buffer is in
 * rchan_buf.padding.
 */
#ifndef _KCHAN_RELAY_H
#define _KCHAN_RELAY_H

#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/relay.h>
#include <linux/wait.h>

#include "frame.h"

struct dentry;
struct kchan;
struct kchan_relay;

/* The buffer of one CPU. */
struct kchan_relay_buffer {
	/* Written by the CPU alone, interrupts off. */
	struct rchan_buf *buf; /* NULL: none yet, or never up */
	u64 written; /* everything below is complete, or padding */
	u64 sequence; /* attempts */
	u64 tail; /* the last attempt that was lost */
	bool busy; /* a write is under way */
	atomic64_t interrupted; /* attempts of whoever interrupted it */
	struct kchan_ring_counters counters;

	/* The reader's; it survives the reader. */
	struct mutex reading;
	u64 position; /* everything below has been read */
	u64 seen; /* the last number that was read, or told as lost */
	unsigned long has_reader; /* bit 0 */

	bool waiting; /* the reader found nothing: wake it */
	struct irq_work wake;
	wait_queue_head_t readers;
};

/* All buffers of one generation; files may outlive it. */
struct kchan_relay {
	struct kref ref;
	struct rchan *chan; /* NULL once it is closed */
	struct kchan_relay_buffer __percpu *buffers;
	struct dentry *folder;
	int error; /* why a file could not be made */
	bool closed; /* no record follows */
	bool overwrite;
	u32 max_record_bytes;
	u32 subbuf_count;
	u32 subbuf_bytes;
};

/* ---- relay_buffers.c ----------------------------------------------------- */

/*
 * How one CPU's share of the budget is cut: into `wanted` sub-buffers, or fewer
 * if the longest record would not fit into one. False: not even two would do.
 */
bool kchan_relay_cut(u64 bytes, u32 wanted, u32 max_record_bytes, u32 *count,
		     u32 *subbuf_bytes);

/*
 * Buffers and their files, in a new folder of `parent`. An ERR_PTR: ENOMEM, or
 * what debugfs says. Process context.
 */
struct kchan_relay *kchan_relay_open(const struct kchan *ch, u32 subbuf_count,
				     u32 subbuf_bytes, bool overwrite,
				     struct dentry *parent);
/* No writer is left. Files that are open can be read to the end. */
void kchan_relay_close(struct kchan_relay *relay);
void kchan_relay_put(struct kchan_relay *relay);

/*
 * Writes a frame to this CPU's buffer; preemption is off. 0, or the loss that
 * it has counted: -ENOBUFS, -EMSGSIZE, -EBUSY.
 */
int kchan_relay_write(struct kchan_relay *relay, u16 type,
		      const void *payload, u32 length);
/* Counts an attempt that did not come this far; preemption is off. */
void kchan_relay_refuse(struct kchan_relay *relay);

static inline struct kchan_relay_buffer *
kchan_relay_buffer(const struct kchan_relay *relay, u32 cpu)
{
	return per_cpu_ptr(relay->buffers, cpu);
}

/* ---- relay_file.c -------------------------------------------------------- */

extern const struct file_operations kchan_relay_file_operations;

/*
 * The length of the whole frames at the start of `bytes` bytes, and the number
 * of the last of them.
 */
size_t kchan_relay_whole_frames(const void *frames, size_t bytes,
				u64 *sequence);

/* ---- relay.c ------------------------------------------------------------- */

void kchan_relay_init(void);
void kchan_relay_exit(void);

#endif
