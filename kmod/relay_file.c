// SPDX-License-Identifier: GPL-2.0
/*
 * The RELAY transport: the file of one CPU's buffer in debugfs. It holds the
 * buffer's memory (by relay's count) and struct kchan_relay, so it can be read
 * to the end after both are closed; its operations' owner pins this module.
 *
 * It has neither mmap() nor an ioctl(), and so can be read where the kernel is
 * locked down.
 */
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "relay.h"

struct reader {
	struct rchan_buf *buf; /* relay's: must come first, see open() */
	struct kchan_relay *relay;
	struct kchan_relay_buffer *buffer;
	u32 copy_bytes;
	u8 copy[] __aligned(8);
};

/* A part of a sub-buffer that can be read. */
struct extent {
	u64 subbuf; /* its number, from the start */
	u64 position; /* the first byte */
	u64 bytes; /* 0: there is nothing to read */
};

size_t kchan_relay_whole_frames(const void *frames, size_t bytes,
				u64 *sequence)
{
	size_t whole = 0;

	while (bytes - whole >= sizeof(struct kchan_frame)) {
		const struct kchan_frame *frame = frames + whole;

		if (WARN_ON_ONCE(!kchan_frame_is_sane(frame)) ||
		    kchan_frame_bytes(frame->length) > bytes - whole)
			break;
		whole += kchan_frame_bytes(frame->length);
		*sequence = frame->sequence;
	}
	return whole;
}

/* Where sub-buffers that are closed end, padding follows. */
static struct extent peek(const struct reader *reader)
{
	const struct kchan_relay *relay = reader->relay;
	const struct kchan_relay_buffer *buffer = reader->buffer;
	/* Pairs with the store-releases in put_frame() and subbuf_start(). */
	const u64 written = smp_load_acquire(&buffer->written);
	const u64 size = relay->subbuf_bytes, count = relay->subbuf_count;
	const u64 current_subbuf = div64_u64(written, size);
	struct extent extent = { .position = READ_ONCE(buffer->position) };
	u64 end = written;

	extent.subbuf = div64_u64(extent.position, size);
	if (relay->overwrite && current_subbuf - extent.subbuf >= count) {
		/* The oldest that is not being overwritten. */
		extent.subbuf = current_subbuf - count + 1;
		extent.position = extent.subbuf * size;
	}
	while (extent.subbuf < current_subbuf) {
		end = (extent.subbuf + 1) * size -
		      READ_ONCE(reader->buf->padding[extent.subbuf % count]);
		if (extent.position < end)
			break;
		extent.subbuf++;
		extent.position = extent.subbuf * size;
		end = written;
	}
	extent.bytes = end - extent.position;
	return extent;
}

/*
 * Copies whole frames, as many as fit into `limit` bytes. Returns their length,
 * 0 if there are none, or -EMSGSIZE.
 */
static ssize_t copy_frames(struct reader *reader, size_t limit,
			   struct extent *extent, u64 *sequence)
{
	const struct kchan_relay *relay = reader->relay;
	size_t whole;

	do {
		const void *from;
		u64 offset;

		*extent = peek(reader);
		if (!extent->bytes)
			return 0;
		limit = min_t(size_t, limit, reader->copy_bytes);
		offset = extent->position -
			 extent->subbuf * relay->subbuf_bytes;
		from = reader->buf->start +
		       extent->subbuf % relay->subbuf_count *
			       relay->subbuf_bytes +
		       offset;
		extent->bytes = min_t(u64, extent->bytes, limit);
		memcpy(reader->copy, from, extent->bytes);
		/* Pairs with the barrier in subbuf_start(). */
		smp_rmb();
		/* Overwritten meanwhile: look again where the oldest is. */
	} while (relay->overwrite &&
		 div64_u64(READ_ONCE(reader->buffer->written),
			   relay->subbuf_bytes) - extent->subbuf >=
			 relay->subbuf_count);

	whole = kchan_relay_whole_frames(reader->copy, extent->bytes, sequence);
	return whole ?: -EMSGSIZE;
}

/*
 * Losses that no record follows. Returns the length of a frame that tells them,
 * 0 if there are none (or there are records, that come first), or -EMSGSIZE.
 */
static ssize_t put_tail(struct reader *reader, size_t limit, u64 *sequence)
{
	/* Pairs with the store-release in count_lost(). */
	const u64 tail = smp_load_acquire(&reader->buffer->tail);

	if (tail <= reader->buffer->seen || peek(reader).bytes)
		return 0;
	if (limit < sizeof(struct kchan_frame))
		return -EMSGSIZE;
	*sequence = tail;
	kchan_frame_write(reader->copy, KCHAN_FRAME_LOST, reader->buf->cpu,
			  ktime_get_boot_fast_ns(), tail, NULL, 0);
	return sizeof(struct kchan_frame);
}

static bool has_more(const struct reader *reader)
{
	return peek(reader).bytes ||
	       READ_ONCE(reader->buffer->tail) > READ_ONCE(reader->buffer->seen);
}

/* Asks to be woken by the next record or loss; true: look again instead. */
static bool wait_for_more(struct reader *reader)
{
	WRITE_ONCE(reader->buffer->waiting, true);
	/* Pairs with the one in leave(). */
	smp_mb();
	return has_more(reader);
}

static void move_to(struct kchan_relay_buffer *buffer, u64 position,
		    u64 sequence)
{
	WRITE_ONCE(buffer->seen, sequence);
	/* After the copy. Pairs with the load-acquire in subbuf_start(). */
	smp_store_release(&buffer->position, position);
}

/* One portion: its length, 0: nothing to read, or an errno. */
static ssize_t read_some(struct reader *reader, char __user *to, size_t limit)
{
	struct extent extent;
	u64 sequence;
	ssize_t bytes;

	bytes = copy_frames(reader, limit, &extent, &sequence);
	if (bytes > 0) {
		extent.position += bytes;
	} else if (!bytes) {
		bytes = put_tail(reader, limit, &sequence);
		extent = peek(reader);
	}
	if (bytes <= 0)
		return bytes;
	if (copy_to_user(to, reader->copy, bytes))
		return -EFAULT;
	move_to(reader->buffer, extent.position, sequence);
	return bytes;
}

static ssize_t read(struct file *file, char __user *to, size_t count,
		    loff_t *position)
{
	struct reader *reader = file->private_data;
	size_t done = 0;
	ssize_t bytes;

	if (mutex_lock_interruptible(&reader->buffer->reading))
		return -ERESTARTSYS;
	do {
		bytes = read_some(reader, to + done, count - done);
		if (bytes > 0)
			done += bytes;
		else if (bytes || !wait_for_more(reader))
			break;
	} while (done < count && !signal_pending(current));
	mutex_unlock(&reader->buffer->reading);
	return done ?: bytes;
}

static __poll_t poll(struct file *file, poll_table *table)
{
	struct reader *reader = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &reader->buffer->readers, table);
	/* Pairs with the store-release in kchan_relay_close(). */
	if (smp_load_acquire(&reader->relay->closed))
		events |= EPOLLHUP;
	if (has_more(reader) || wait_for_more(reader))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

/* ---- Life ---------------------------------------------------------------- */

/* The file's buffer, if relay has made it ready. */
static struct kchan_relay_buffer *ready_buffer(struct rchan_buf *buf)
{
	struct kchan_relay *relay = buf->chan->private_data;
	struct kchan_relay_buffer *buffer =
		kchan_relay_buffer(relay, READ_ONCE(buf->cpu));

	/* Pairs with the store-release in subbuf_start(). */
	return smp_load_acquire(&buffer->buf) == buf ? buffer : NULL;
}

static struct reader *reader_new(struct rchan_buf *buf)
{
	struct kchan_relay *relay = buf->chan->private_data;
	const u32 bytes = max_t(u32, SZ_64K,
				kchan_frame_bytes(relay->max_record_bytes));
	struct reader *reader;

	reader = kvmalloc(struct_size(reader, copy, bytes), GFP_KERNEL);
	if (!reader)
		return NULL;
	reader->relay = relay;
	reader->copy_bytes = bytes;
	return reader;
}

/* debugfs does not remove the file, nor is the channel closed, meanwhile. */
static int open(struct inode *inode, struct file *file)
{
	struct rchan_buf *buf = inode->i_private;
	struct kchan_relay_buffer *buffer = ready_buffer(buf);
	struct reader *reader;
	int err;

	if (!buffer)
		return -EAGAIN;
	if (test_and_set_bit_lock(0, &buffer->has_reader))
		return -EBUSY;
	err = -ENOMEM;
	reader = reader_new(buf);
	if (!reader)
		goto err_unclaim;
	/* Holds buf. */
	err = relay_file_operations.open(inode, file);
	if (err)
		goto err_free_reader;
	kref_get(&reader->relay->ref);
	reader->buf = buf;
	reader->buffer = buffer;
	file->private_data = reader;
	return 0;

err_free_reader:
	kvfree(reader);
err_unclaim:
	clear_bit_unlock(0, &buffer->has_reader);
	return err;
}

static int release(struct inode *inode, struct file *file)
{
	struct reader *reader = file->private_data;

	WRITE_ONCE(reader->buffer->waiting, false);
	clear_bit_unlock(0, &reader->buffer->has_reader);
	/* Gives buf back. */
	file->private_data = reader->buf;
	relay_file_operations.release(inode, file);
	kchan_relay_put(reader->relay);
	kvfree(reader);
	return 0;
}

const struct file_operations kchan_relay_file_operations = {
	.owner = THIS_MODULE,
	.open = open,
	.release = release,
	.read = read,
	.poll = poll,
};
