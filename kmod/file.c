// SPDX-License-Identifier: GPL-2.0
/*
 * The FILE transport: the kernel writes a regular file, or reads commands from
 * one. Files to be written are handed over by the channel's holder, a file of
 * /dev/kchan of which there is one at a time; commands by it, too, or by any
 * number of its writers. What the holder has handed over outlives it, as long as
 * the channel lingers: the next one goes on where it was.
 */
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "channel.h"
#include "device.h"
#include "file_commands.h"
#include "file_writer.h"

struct file_channel {
	struct kchan_file_writer writer;
	unsigned long has_holder; /* bit 0 */
};

/* ---- KCHAN_IOC_FILE_HAND ------------------------------------------------- */

static int check_hand(const struct kchan *ch, const struct kchan_file_hand *hand)
{
	const bool by_bytes = hand->sync == KCHAN_SYNC_BYTES;
	const bool is_output = hand->role == KCHAN_FILE_OUTPUT;

	if (memchr_inv(hand->reserved, 0, sizeof(hand->reserved)) ||
	    hand->sync > KCHAN_SYNC_ALWAYS || by_bytes != !!hand->sync_bytes)
		return -EINVAL;
	if (is_output ? hand->text : hand->max_bytes)
		return -EINVAL;
	/* Else an empty file might have no room for what is left over. */
	if (hand->max_bytes && hand->max_bytes < KCHAN_FILE_MIN_BYTES)
		return -EINVAL;
	switch (hand->role) {
	case KCHAN_FILE_OUTPUT:
		return ch->direction & KCHAN_DIRECTION_TO_USER ? 0 :
								 -EOPNOTSUPP;
	case KCHAN_FILE_COMMANDS:
		/* Nothing is written: there is nothing to synchronise. */
		if (hand->sync != KCHAN_SYNC_NONE)
			return -EINVAL;
		return ch->direction & KCHAN_DIRECTION_TO_KERNEL ? 0 :
								   -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

static int hand_over(struct file_channel *channel, struct kchan *ch,
		     struct kchan_file_hand *hand, char *words)
{
	const bool output = hand->role == KCHAN_FILE_OUTPUT;
	struct file *file;
	int err;

	file = kchan_file_from_fd(hand->fd, output ? FMODE_WRITE : FMODE_READ);
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (output) {
		err = kchan_file_writer_turn_to(&channel->writer, file, hand);
		if (!err)
			return 0;
	} else {
		err = kchan_file_read_commands(ch, file, hand, words);
	}
	fput(file);
	return err;
}

static const struct kchan_file_ops writer_ops;

static long ioctl_hand(struct kchan_file *file, void __user *user)
{
	char words[KCHAN_DOC_BYTES] = "";
	struct kchan_file_hand hand;
	char __user *text;
	int err;

	if (copy_from_user(&hand, user, sizeof(hand)))
		return -EFAULT;
	err = check_hand(file->ch, &hand);
	if (err)
		return err;
	if (hand.role == KCHAN_FILE_OUTPUT && file->ops == &writer_ops)
		return -EOPNOTSUPP;
	text = u64_to_user_ptr(hand.text);
	/* Before anything is taken. */
	if (text && put_user('\0', text))
		return -EFAULT;
	hand.status = 0;
	hand.position = 0;
	hand.sequence = 0;
	hand.records = 0;
	err = hand_over(file->priv, file->ch, &hand, words);
	/* Also where commands ended in an error: how many came before it. */
	if (copy_to_user(user, &hand, sizeof(hand)) ||
	    (text && copy_to_user(text, words, strlen(words) + 1)))
		return -EFAULT;
	return err;
}

/* ---- The holder's file --------------------------------------------------- */

static long ioctl_status(struct kchan_file *file, void __user *user)
{
	struct file_channel *channel = file->priv;
	struct kchan_file_status status;

	kchan_file_writer_status(&channel->writer, &status);
	return copy_to_user(user, &status, sizeof(status)) ? -EFAULT : 0;
}

static long ioctl(struct kchan_file *file, unsigned int command,
		  void __user *user)
{
	switch (command) {
	case KCHAN_IOC_FILE_HAND:
		return ioctl_hand(file, user);
	case KCHAN_IOC_FILE_STATUS:
		return ioctl_status(file, user);
	default:
		return -ENOTTY;
	}
}

static __poll_t poll(struct kchan_file *file, struct file *raw,
		     poll_table *table)
{
	struct file_channel *channel = file->priv;

	return kchan_file_writer_poll(&channel->writer, raw, table);
}

static int attach_holder(struct kchan_file *file, struct kchan *ch,
			 struct kchan_attach *request)
{
	struct file_channel *channel = ch->transport_priv;
	int err;

	if (test_and_set_bit_lock(0, &channel->has_holder))
		return -EBUSY;
	kchan_file_writer_unsee(&channel->writer);
	err = kchan_demand_get(ch, NULL);
	if (err) {
		clear_bit_unlock(0, &channel->has_holder);
		return err;
	}
	request->generation = ch->generation;
	request->data_bytes = 0;
	file->priv = channel;
	return 0;
}

/* The kernel keeps the file that it writes: until the linger is over, at most. */
static void release(struct kchan_file *file)
{
	struct file_channel *channel = file->priv;

	clear_bit_unlock(0, &channel->has_holder);
	kchan_demand_put(file->ch);
}

/* ---- A writer's file ----------------------------------------------------- */

static long writer_ioctl(struct kchan_file *file, unsigned int command,
			 void __user *user)
{
	return command == KCHAN_IOC_FILE_HAND ? ioctl_hand(file, user) : -ENOTTY;
}

static __poll_t writer_poll(struct kchan_file *file, struct file *raw,
			    poll_table *table)
{
	return poll(file, raw, table) & EPOLLHUP ?: EPOLLOUT | EPOLLWRNORM;
}

static const struct kchan_file_ops writer_ops = {
	.ioctl = writer_ioctl,
	.poll = writer_poll,
};

static int attach_writer(struct kchan_file *file, struct kchan *ch,
			 struct kchan_attach *request)
{
	if (!(ch->direction & KCHAN_DIRECTION_TO_KERNEL))
		return -EOPNOTSUPP;
	request->generation = READ_ONCE(ch->generation);
	request->data_bytes = 0;
	file->ops = &writer_ops;
	file->priv = ch->transport_priv;
	return 0;
}

static int attach(struct kchan_file *file, struct kchan *ch,
		  struct kchan_attach *request)
{
	if (request->cpu != KCHAN_CPU_SHARED)
		return -ENXIO;
	return request->role == KCHAN_ROLE_WRITER ?
		       attach_writer(file, ch, request) :
		       attach_holder(file, ch, request);
}

static const struct kchan_file_ops file_ops = {
	.attach = attach,
	.release = release,
	.ioctl = ioctl,
	.poll = poll,
};

/* ---- The transport ------------------------------------------------------- */

static int create(struct kchan *ch, const struct kchan_spec *spec)
{
	struct file_channel *channel = kzalloc(sizeof(*channel), GFP_KERNEL);

	if (!channel)
		return -ENOMEM;
	kchan_file_writer_init(&channel->writer, ch);
	ch->transport_priv = channel;
	return 0;
}

static void destroy(struct kchan *ch)
{
	struct file_channel *channel = ch->transport_priv;

	if (!channel)
		return;
	kchan_file_writer_destroy(&channel->writer);
	kfree(channel);
}

static int start(struct kchan *ch)
{
	struct file_channel *channel = ch->transport_priv;

	return kchan_file_writer_start(&channel->writer, ch->generation);
}

static void stop(struct kchan *ch)
{
	struct file_channel *channel = ch->transport_priv;

	kchan_file_writer_stop(&channel->writer);
}

static void dead(struct kchan *ch)
{
	struct file_channel *channel = ch->transport_priv;

	kchan_file_writer_dead(&channel->writer);
}

static void wake(struct kchan *ch)
{
	struct file_channel *channel = ch->transport_priv;

	kchan_queue_kick(&channel->writer.queue);
}

static const char *conflict(const struct kchan_spec *spec)
{
	if (spec->direction & KCHAN_DIRECTION_TO_KERNEL &&
	    (!spec->ops || !spec->ops->receive))
		return "a channel to the kernel needs ops->receive";
	return NULL;
}

const struct kchan_transport_ops kchan_file_transport = {
	.volume = KCHAN_VOLUME_STREAM,
	.directions = KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL,
	.shared = true,
	.rings = true,
	.highest_context = KCHAN_CONTEXT_NMI,
	.conflict = conflict,
	.create = create,
	.destroy = destroy,
	.start = start,
	.stop = stop,
	.dead = dead,
	.wake = wake,
	.file = &file_ops,
};
