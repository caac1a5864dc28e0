// SPDX-License-Identifier: GPL-2.0
/*
 * read(): payloads from a channel's node, frames from an attached file. Records
 * are copied to user space straight from the ring, which gets their space back
 * when the whole call is done; one that could not be copied stays.
 */
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "channel.h"
#include "chardev.h"
#include "device.h"
#include "frame.h"

/* One read(). */
struct reading {
	struct kchan_chardev *chardev;
	struct iov_iter *to;
	bool (*give)(struct reading *reading, const struct kchan_record *record,
		     u64 sequence);
	size_t done; /* bytes given to user space */
	int err; /* why the next record was not */
};

/* All or nothing. */
static bool copy(struct reading *reading, const void *from, size_t bytes)
{
	size_t copied = copy_to_iter(from, bytes, reading->to);

	if (copied == bytes)
		return true;
	iov_iter_revert(reading->to, copied);
	reading->err = -EFAULT;
	return false;
}

static bool fits(struct reading *reading, size_t bytes)
{
	if (iov_iter_count(reading->to) >= bytes)
		return true;
	reading->err = -EMSGSIZE;
	return false;
}

/* ---- Frames -------------------------------------------------------------- */

static bool copy_frame(struct reading *reading, const struct kchan_frame *frame,
		       const void *payload)
{
	static const u8 zeros[KCHAN_RECORD_ALIGN];
	const size_t bytes = kchan_frame_bytes(frame->length);
	const size_t padding = bytes - sizeof(*frame) - frame->length;

	if (!fits(reading, bytes) || !copy(reading, frame, sizeof(*frame)))
		return false;
	if (!copy(reading, payload, frame->length)) {
		iov_iter_revert(reading->to, sizeof(*frame));
		return false;
	}
	if (!copy(reading, zeros, padding)) {
		iov_iter_revert(reading->to, bytes - padding);
		return false;
	}
	reading->done += bytes;
	return true;
}

static bool give_frame(struct reading *reading,
		       const struct kchan_record *record, u64 sequence)
{
	const u32 given = reading->chardev->offset;
	const struct kchan_frame frame = {
		.magic = KCHAN_FRAME_MAGIC,
		.length = record->length - given,
		.type = record->type,
		.cpu = record->flags, /* a queue keeps it there */
		.boottime_ns = record->boottime_ns,
		.sequence = sequence,
	};

	return copy_frame(reading, &frame, (const u8 *)(record + 1) + given);
}

/* Losses that no record follows: the queue is empty. */
static void give_losses(struct reading *reading)
{
	struct kchan_chardev *chardev = reading->chardev;
	const struct kchan_frame frame = {
		.magic = KCHAN_FRAME_MAGIC,
		.type = KCHAN_FRAME_LOST,
		.sequence = chardev->consumer.sequence,
	};

	if (chardev->told != frame.sequence &&
	    copy_frame(reading, &frame, NULL))
		WRITE_ONCE(chardev->told, frame.sequence);
}

/* ---- Payloads ------------------------------------------------------------ */

static bool give_payload(struct reading *reading,
			 const struct kchan_record *record, u64 sequence)
{
	if (!record->length)
		return true;
	if (reading->done || !fits(reading, record->length) ||
	    !copy(reading, record + 1, record->length))
		return false;
	reading->done = record->length;
	return true;
}

/* True once the whole record is given. */
static bool give_bytes(struct reading *reading,
		       const struct kchan_record *record, u64 sequence)
{
	struct kchan_chardev *chardev = reading->chardev;
	const size_t bytes = min_t(size_t, record->length - chardev->offset,
				   iov_iter_count(reading->to));
	const size_t copied = copy_to_iter((const u8 *)(record + 1) +
						   chardev->offset,
					   bytes, reading->to);

	reading->done += copied;
	chardev->offset += copied;
	if (copied < bytes)
		reading->err = -EFAULT;
	return chardev->offset == record->length;
}

/* ---- Both ---------------------------------------------------------------- */

static bool take(void *context, const struct kchan_record *record, u64 lost,
		 u64 sequence)
{
	struct reading *reading = context;
	struct kchan_chardev *chardev = reading->chardev;

	if (!reading->give(reading, record, sequence))
		return false;
	chardev->offset = 0;
	WRITE_ONCE(chardev->told, sequence);
	return true;
}

/* With the turn. Bytes, an error, or 0: nothing there. */
static ssize_t take_all(struct kchan_file *file, struct iov_iter *to)
{
	struct kchan_chardev *chardev = file->ch->transport_priv;
	struct reading reading = {
		.chardev = chardev,
		.to = to,
		.give = !file->is_node		? give_frame :
			chardev->byte_stream ? give_bytes :
					       give_payload,
	};

	kchan_ring_consume(&chardev->consumer, take, &reading);
	if (!reading.err) {
		kchan_ring_consume_tail_loss(&chardev->consumer);
		if (!file->is_node)
			give_losses(&reading);
	}
	return reading.done ? (ssize_t)reading.done : reading.err;
}

static void leave(struct kchan *ch, bool more)
{
	struct kchan_chardev *chardev = ch->transport_priv;

	if (kchan_readers_leave(&chardev->readers, more))
		wake_up_interruptible_poll(&ch->shared->readers,
					   EPOLLIN | EPOLLRDNORM);
}

ssize_t kchan_chardev_read(struct kchan_file *file, struct kiocb *iocb,
			   struct iov_iter *to)
{
	struct kchan_chardev *chardev = file->ch->transport_priv;
	const bool wait = !(iocb->ki_filp->f_flags & O_NONBLOCK);
	bool dead, more;
	ssize_t taken;
	int err;

	if (!(file->ch->direction & KCHAN_DIRECTION_TO_USER))
		return -EOPNOTSUPP;
	if (!iov_iter_count(to))
		return 0;
	err = kchan_readers_enter(&chardev->readers, wait);
	while (!err) {
		/* Before the records. Pairs with the store-release in dead(). */
		dead = smp_load_acquire(&chardev->dead);
		taken = take_all(file, to);
		more = kchan_ring_consume_arm(&chardev->consumer);
		if (taken || dead || (!wait && !more)) {
			/* Each that waits is to learn of the end. */
			leave(file->ch, more || dead);
			return taken || dead ? taken : -EAGAIN;
		}
		if (!more) {
			err = kchan_readers_again(&chardev->readers);
		} else if (signal_pending(current)) {
			leave(file->ch, more);
			err = -ERESTARTSYS;
		}
	}
	return err;
}

bool kchan_chardev_readable(const struct kchan_file *file)
{
	const struct kchan_chardev *chardev = file->ch->transport_priv;
	const struct kchan_ring_consumer *consumer = &chardev->consumer;
	const struct kchan_ring *ring = &file->ch->shared->core;

	if (!(file->mode & FMODE_READ))
		return false;
	if (READ_ONCE(ring->published) != READ_ONCE(consumer->position))
		return true;
	return !file->is_node &&
	       (READ_ONCE(chardev->told) != READ_ONCE(consumer->sequence) ||
		(u64)atomic64_read(&ring->lost) !=
			READ_ONCE(consumer->accounted));
}
