/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The FILE transport's writer: takes records from the channel's queue, makes
 * frames of them in one buffer, and appends these to the file that it was given,
 * also while the channel lingers without a holder. Without a file, or with one
 * that is as long as it may get, records wait in the queue.
 *
 * Nothing that was taken is given up while there is hope: what a write leaves
 * over is written later, at the same place or, as whole frames, to the next
 * file. So a frame is torn only while the disk is full, and only at a file's
 * end. Until then the queue fills, and counts what it loses.
 *
 * Process context; all but status, poll and holder functions are serialised by
 * the queue's lock.
 */
#ifndef _KCHAN_FILE_WRITER_H
#define _KCHAN_FILE_WRITER_H

#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "file_output.h"
#include "queue.h"

struct kchan_file_writer {
	struct kchan_queue queue;

	/* Under the queue's lock. */
	struct kchan_output output;
	u8 *batch; /* frames; NULL: not started */
	u32 batch_bytes;
	u32 used; /* of batch */
	u32 done; /* of these, in the file */
	u32 counted; /* of these, as whole frames */
	bool failed; /* a write has, in this turn */
	bool full; /* the next record would make the file too long */
	struct kchan_file_status now;

	spinlock_t status_lock; /* protects all below */
	struct kchan_file_status status; /* `now`, at the end of a turn */
	struct kchan_file_status seen; /* by the holder */
	bool dead;
	wait_queue_head_t holder;
};

void kchan_file_writer_init(struct kchan_file_writer *writer, struct kchan *ch);
void kchan_file_writer_destroy(struct kchan_file_writer *writer);

/* A new generation. ENOMEM. */
int kchan_file_writer_start(struct kchan_file_writer *writer, u64 generation);
/*
 * No record follows: writes what is queued, lets go of the file. What could not
 * be written is lost.
 */
void kchan_file_writer_stop(struct kchan_file_writer *writer);
/* Tells the holder. */
void kchan_file_writer_dead(struct kchan_file_writer *writer);

/*
 * From here on this file, whose reference it takes over on success. Fills in
 * what was written to the previous one. EINTR, ESHUTDOWN.
 */
int kchan_file_writer_turn_to(struct kchan_file_writer *writer,
			      struct file *file,
			      struct kchan_file_hand *hand);
/* The holder has then seen it. */
void kchan_file_writer_status(struct kchan_file_writer *writer,
			      struct kchan_file_status *status);
__poll_t kchan_file_writer_poll(struct kchan_file_writer *writer,
				struct file *raw, poll_table *table);
/* A holder that has seen nothing yet. */
void kchan_file_writer_unsee(struct kchan_file_writer *writer);

#endif
