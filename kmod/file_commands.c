// SPDX-License-Identifier: GPL-2.0
#include "file_commands.h"

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "channel.h"
#include "frame.h"

/* The length that was read, less than `bytes` at the end; or an errno. */
static ssize_t read_fully(struct file *file, void *to, size_t bytes,
			  loff_t *position)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t got = kernel_read(file, to + done, bytes - done,
					  position);

		if (got < 0)
			return got;
		if (!got)
			break;
		done += got;
	}
	return done;
}

/*
 * Reads one frame, header, payload and padding. Returns 1, 0 at the end, or an
 * errno. `frame` holds the longest that there is.
 */
static int read_frame(struct file *file, struct kchan_frame *frame,
		      loff_t *position)
{
	ssize_t got = read_fully(file, frame, sizeof(*frame), position);
	u32 rest;

	if (got <= 0)
		return got;
	if (got < sizeof(*frame) || !kchan_frame_is_sane(frame))
		return -EBADMSG;
	rest = kchan_frame_bytes(frame->length) - sizeof(*frame);
	got = read_fully(file, frame + 1, rest, position);
	if (got < 0)
		return got;
	return got < rest ? -EBADMSG : 1;
}

/* One after the other; `frame` is where each is kept meanwhile. */
static int take_frames(struct kchan *ch, struct file *file,
		       struct kchan_frame *frame, struct kchan_file_hand *hand,
		       char *words)
{
	loff_t position = hand->position;
	char said[KCHAN_DOC_BYTES];
	int err;

	while ((err = read_frame(file, frame, &position)) > 0) {
		int status;

		said[0] = '\0';
		status = kchan_receive_words(ch, frame->type, frame + 1,
					     frame->length, said);
		/* Not the callback's word for it: it was not looked at. */
		if (status == -ESHUTDOWN && READ_ONCE(ch->deaf))
			return status;
		if (status == -EINTR && fatal_signal_pending(current))
			return hand->records ? 0 : status;
		if (status && !hand->status) {
			hand->status = -status;
			strscpy(words, said, KCHAN_DOC_BYTES);
		}
		hand->position = position;
		hand->records++;
		if (fatal_signal_pending(current))
			return 0;
		cond_resched();
	}
	return err;
}

int kchan_file_read_commands(struct kchan *ch, struct file *file,
			     struct kchan_file_hand *hand, char *words)
{
	struct kchan_frame *frame;
	int err;

	frame = kvmalloc(kchan_frame_bytes(KCHAN_MAX_RECORD_BYTES),
			 GFP_KERNEL);
	if (!frame)
		return -ENOMEM;
	/* As read() does: nobody else moves the position meanwhile. */
	err = mutex_lock_killable(&file->f_pos_lock);
	if (err)
		goto out_free;
	hand->position = file->f_pos;
	err = take_frames(ch, file, frame, hand, words);
	file->f_pos = hand->position;
	mutex_unlock(&file->f_pos_lock);
out_free:
	kvfree(frame);
	return err;
}
