// SPDX-License-Identifier: GPL-2.0
/*
 * write(): each record goes to the module's receive callback before the next is
 * looked at, so that the count that write() returns says what was taken.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "channel.h"
#include "chardev.h"
#include "device.h"
#include "frame.h"

/* One record of `length` bytes from what is written. 0 or a negative errno. */
static int take(struct kchan *ch, u16 type, u32 length, struct iov_iter *from)
{
	void *payload = kvmalloc(max(length, 1U), GFP_KERNEL);
	int err = -EFAULT;

	if (!payload)
		return -ENOMEM;
	if (copy_from_iter_full(payload, length, from))
		err = kchan_receive(ch, type, payload, length);
	kvfree(payload);
	return err;
}

/*
 * To the node: one record, or of a stream of bytes as many as it takes. Bytes
 * taken, at least one, or a negative errno.
 */
static ssize_t take_payload(struct kchan_file *file, struct iov_iter *from)
{
	const struct kchan_chardev *chardev = file->ch->transport_priv;
	size_t length = iov_iter_count(from);
	int err;

	if (chardev->byte_stream)
		length = min_t(size_t, length, file->ch->max_record_bytes);
	else if (length > file->ch->max_record_bytes)
		return -EMSGSIZE;
	err = take(file->ch, chardev->write_type, length, from);
	return err ? err : (ssize_t)length;
}

static ssize_t take_frame(struct kchan_file *file, struct iov_iter *from)
{
	struct kchan_frame frame;
	u32 bytes;
	int err;

	if (iov_iter_count(from) < sizeof(frame))
		return -EBADMSG;
	if (!copy_from_iter_full(&frame, sizeof(frame), from))
		return -EFAULT;
	if (!kchan_frame_is_sane(&frame))
		return -EBADMSG;
	bytes = kchan_frame_bytes(frame.length);
	if (iov_iter_count(from) < bytes - sizeof(frame))
		return -EBADMSG;
	if (frame.length > file->ch->max_record_bytes)
		return -EMSGSIZE;
	err = take(file->ch, frame.type, frame.length, from);
	iov_iter_advance(from, bytes - sizeof(frame) - frame.length);
	return err ? err : (ssize_t)bytes;
}

ssize_t kchan_chardev_write(struct kchan_file *file, struct kiocb *iocb,
			    struct iov_iter *from)
{
	ssize_t done = 0;

	if (!(file->ch->direction & KCHAN_DIRECTION_TO_KERNEL))
		return -EOPNOTSUPP;
	while (iov_iter_count(from)) {
		const ssize_t taken = file->is_node ? take_payload(file, from) :
						      take_frame(file, from);

		if (taken < 0)
			return done ? done : taken;
		done += taken;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}
