/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One writer of tick records: one CPU, one context, one counter.
 *
 * A process-context writer is a thread bound to its CPU, the two interrupt
 * writers are high-resolution timers pinned to theirs. Writers of one CPU do
 * interrupt each other: that is what they are for.
 *
 * Thread safety: the calls for one writer come one at a time, in process
 * context, and may sleep.
 */
#ifndef _KCHAN_SOURCE_TICK_WRITER_H
#define _KCHAN_SOURCE_TICK_WRITER_H

#include <linux/hrtimer.h>
#include <linux/sched.h>

#include "tick.h"

/* One for each context, and one for the burst command. */
enum tick_kind {
	TICK_KIND_PROCESS = TICK_CONTEXT_PROCESS,
	TICK_KIND_SOFTIRQ = TICK_CONTEXT_SOFTIRQ,
	TICK_KIND_HARDIRQ = TICK_CONTEXT_HARDIRQ,
	TICK_KIND_COMMAND = 3,
	TICK_KINDS = 4,
};

struct tick_writer {
	struct kchan *channel;
	u32 cpu;
	enum tick_kind kind;
	u64 counter; /* attempts so far; kept over stop and start */

	/* Set by tick_writer_prepare(). */
	struct tick_record *record;
	u32 size;
	bool checksum_each;
	bool endless;
	u64 left; /* records until it stops, unless endless */
	u64 burst; /* records in one activation */
	u64 period_ns; /* from one activation to the next; 0: none */

	struct task_struct *thread;
	struct hrtimer timer;
};

void tick_writer_init(struct tick_writer *writer, struct kchan *channel,
		      u32 cpu, enum tick_kind kind);

/*
 * Makes the record that the writer will write. Returns 0 or -ENOMEM. Undone by
 * tick_writer_stop().
 */
int tick_writer_prepare(struct tick_writer *writer,
			const struct tick_config *config);

/* Writes one record now, on the writer's CPU. As kchan_emit(). */
int tick_writer_write(struct tick_writer *writer);

/*
 * Prepares it and lets it run on its CPU, which must be online (cpus_read_lock()
 * held). Returns 0 or a negative errno, and then it is stopped.
 */
int tick_writer_start(struct tick_writer *writer,
		      const struct tick_config *config);

/* When it has returned, the writer writes no more. A stopped one may be stopped. */
void tick_writer_stop(struct tick_writer *writer);

#endif
