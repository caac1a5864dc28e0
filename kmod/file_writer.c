// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) "kchan: " fmt

#include "file_writer.h"

#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "channel.h"
#include "frame.h"

#define RETRY_MS 200 /* after a write that failed */

/* ---- The batch ----------------------------------------------------------- */

/* Where the last whole frame in the file ends. */
static loff_t whole_end(const struct kchan_file_writer *writer)
{
	return writer->output.position - (writer->done - writer->counted);
}

/* Counts the frames that are in the file to their end. */
static void count_frames(struct kchan_file_writer *writer)
{
	while (writer->counted < writer->done) {
		const struct kchan_frame *frame =
			(void *)writer->batch + writer->counted;
		const u32 end = writer->counted +
				kchan_frame_bytes(frame->length);

		if (end > writer->done)
			break;
		writer->counted = end;
		writer->now.records++;
		writer->now.sequence = frame->sequence;
	}
}

static void note_error(struct kchan_file_writer *writer, int err,
		       const char *consequence)
{
	/* A signal to who hands over the next file; it will be tried again. */
	if (err == -EINTR || err == -ERESTARTSYS || writer->now.error == -err)
		return;
	writer->now.error = -err;
	pr_warn_ratelimited("channel %s: its file cannot be written (error %d): %s\n",
			    writer->queue.ch->name, -err, consequence);
}

/* False: something is left, to be tried again. */
static bool write_batch(struct kchan_file_writer *writer)
{
	while (writer->done < writer->used) {
		ssize_t written = kchan_output_write(
			&writer->output, writer->batch + writer->done,
			writer->used - writer->done);

		if (written < 0) {
			writer->failed = true;
			note_error(writer, written,
				   "records wait in the queue");
			return false;
		}
		writer->done += written;
		writer->now.error = 0;
		count_frames(writer);
	}
	writer->used = 0;
	writer->done = 0;
	writer->counted = 0;
	return true;
}

/* ---- Turns --------------------------------------------------------------- */

static struct kchan_file_writer *writer_of(struct kchan_queue *queue)
{
	return container_of(queue, struct kchan_file_writer, queue);
}

static void begin(struct kchan_queue *queue)
{
	struct kchan_file_writer *writer = writer_of(queue);

	writer->failed = false;
	writer->full = false;
}

static bool take(struct kchan_queue *queue, const struct kchan_record *record,
		 u64 lost, u64 sequence)
{
	struct kchan_file_writer *writer = writer_of(queue);
	const u32 bytes = kchan_frame_bytes(record->length);

	if (!writer->output.file)
		return false;
	writer->full = !kchan_output_has_room(
		&writer->output, writer->used - writer->done + bytes);
	if (writer->full)
		return false;
	if (writer->used + bytes > writer->batch_bytes && !write_batch(writer))
		return false;
	kchan_frame_write(writer->batch + writer->used, record->type,
			  record->flags, record->boottime_ns, sequence,
			  record + 1, record->length);
	writer->used += bytes;
	return true;
}

static bool trouble_is_news(const struct kchan_file_writer *writer)
{
	return writer->status.lost != writer->seen.lost ||
	       writer->status.error != writer->seen.error ||
	       writer->status.full != writer->seen.full;
}

static bool status_is_news(const struct kchan_file_writer *writer)
{
	return writer->status.records != writer->seen.records ||
	       trouble_is_news(writer);
}

static void publish(struct kchan_file_writer *writer)
{
	struct kchan_file_status *now = &writer->now;
	bool news;

	now->has_file = writer->output.file != NULL;
	now->full = now->has_file && writer->full;
	now->position = now->has_file ? whole_end(writer) : 0;
	now->synced = now->has_file ? min(writer->output.synced,
					  now->position) : 0;
	/* All that was taken is in the file: so are losses that follow it. */
	if (!writer->used)
		now->sequence = writer->queue.sequence;
	now->lost = now->sequence - now->records;

	spin_lock(&writer->status_lock);
	writer->status = *now;
	news = status_is_news(writer);
	spin_unlock(&writer->status_lock);
	if (news)
		wake_up_interruptible_poll(&writer->holder,
					   EPOLLIN | EPOLLRDNORM | EPOLLPRI);
}

static void sync(struct kchan_file_writer *writer, bool last)
{
	int err = kchan_output_sync(&writer->output, last);

	if (err)
		note_error(writer, err, "what was written may be lost");
}

static void end(struct kchan_queue *queue)
{
	struct kchan_file_writer *writer = writer_of(queue);

	if (writer->output.file) {
		if (!writer->failed)
			write_batch(writer);
		sync(writer, false);
	}
	if (writer->failed)
		queue->again = msecs_to_jiffies(RETRY_MS);
	publish(writer);
}

static const struct kchan_queue_ops queue_ops = {
	.begin = begin,
	.take = take,
	.end = end,
	.lingers = true,
};

/* ---- Files --------------------------------------------------------------- */

/*
 * Returns how long the file is now. What is left over starts with a whole
 * frame, for the next file.
 */
static u64 close_output(struct kchan_file_writer *writer)
{
	loff_t end;

	if (!writer->output.file)
		return 0;
	write_batch(writer);
	end = whole_end(writer);
	kchan_output_cut(&writer->output, end);
	sync(writer, true);
	kchan_output_close(&writer->output);
	writer->done = writer->counted;
	return end;
}

int kchan_file_writer_turn_to(struct kchan_file_writer *writer,
			      struct file *file, struct kchan_file_hand *hand)
{
	int err = mutex_lock_killable(&writer->queue.lock);

	if (err)
		return err;
	if (!writer->queue.started) {
		mutex_unlock(&writer->queue.lock);
		return -ESHUTDOWN;
	}
	hand->position = close_output(writer);
	publish(writer);
	hand->sequence = writer->now.sequence;
	kchan_output_open(&writer->output, file, hand);
	writer->full = false;
	publish(writer);
	mutex_unlock(&writer->queue.lock);
	kchan_queue_kick(&writer->queue);
	return 0;
}

/* ---- Life ---------------------------------------------------------------- */

void kchan_file_writer_init(struct kchan_file_writer *writer, struct kchan *ch)
{
	kchan_queue_init(&writer->queue, ch, &queue_ops);
	spin_lock_init(&writer->status_lock);
	init_waitqueue_head(&writer->holder);
}

void kchan_file_writer_destroy(struct kchan_file_writer *writer)
{
	kchan_queue_destroy(&writer->queue);
}

int kchan_file_writer_start(struct kchan_file_writer *writer, u64 generation)
{
	const u32 longest =
		kchan_frame_bytes(writer->queue.ch->max_record_bytes);

	writer->batch_bytes = max_t(u32, SZ_64K, longest);
	writer->batch = kvmalloc(writer->batch_bytes, GFP_KERNEL);
	if (!writer->batch)
		return -ENOMEM;
	writer->now = (struct kchan_file_status){ .generation = generation };
	kchan_queue_start(&writer->queue);
	mutex_lock(&writer->queue.lock);
	publish(writer);
	mutex_unlock(&writer->queue.lock);
	return 0;
}

static bool give_up(void *context, const struct kchan_record *record, u64 lost,
		    u64 sequence)
{
	return true;
}

void kchan_file_writer_stop(struct kchan_file_writer *writer)
{
	struct kchan_queue *queue = &writer->queue;

	kchan_queue_stop(queue);
	mutex_lock(&queue->lock);
	close_output(writer);
	kchan_ring_consume(&queue->consumer, give_up, NULL);
	kchan_ring_consume_tail_loss(&queue->consumer);
	queue->sequence = queue->consumer.sequence;
	writer->used = 0;
	writer->done = 0;
	writer->counted = 0;
	publish(writer);
	kvfree(writer->batch);
	writer->batch = NULL;
	mutex_unlock(&queue->lock);
}

/* ---- The holder ---------------------------------------------------------- */

void kchan_file_writer_dead(struct kchan_file_writer *writer)
{
	spin_lock(&writer->status_lock);
	writer->dead = true;
	spin_unlock(&writer->status_lock);
	wake_up_interruptible_poll(&writer->holder, EPOLLIN | EPOLLHUP);
}

void kchan_file_writer_unsee(struct kchan_file_writer *writer)
{
	spin_lock(&writer->status_lock);
	writer->seen = (struct kchan_file_status){};
	spin_unlock(&writer->status_lock);
}

void kchan_file_writer_status(struct kchan_file_writer *writer,
			      struct kchan_file_status *status)
{
	spin_lock(&writer->status_lock);
	*status = writer->status;
	writer->seen = writer->status;
	spin_unlock(&writer->status_lock);
}

__poll_t kchan_file_writer_poll(struct kchan_file_writer *writer,
				struct file *raw, poll_table *table)
{
	__poll_t events = 0;

	poll_wait(raw, &writer->holder, table);
	spin_lock(&writer->status_lock);
	if (writer->status.records != writer->seen.records)
		events |= EPOLLIN | EPOLLRDNORM;
	if (trouble_is_news(writer))
		events |= EPOLLPRI;
	if (writer->dead)
		events |= EPOLLHUP;
	spin_unlock(&writer->status_lock);
	return events;
}
