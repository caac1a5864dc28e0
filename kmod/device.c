// SPDX-License-Identifier: GPL-2.0
/*
 * The operations' owner pins this module, and only this one, for as long as a
 * file or a mapping exists: a channel's own module may go at any time.
 */
#include "device.h"

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "channel.h"
#include "rings.h"

struct attachment {
	struct mutex lock; /* one ATTACH at a time */
	struct kchan_channel_ring *ring; /* set once; NULL: not attached */
};

struct kchan_channel_ring *kchan_file_ring(const struct file *file)
{
	const struct attachment *attachment = file->private_data;

	/* Pairs with the store-release in attach(). */
	return smp_load_acquire(&attachment->ring);
}

static int device_open(struct inode *inode, struct file *file)
{
	struct attachment *attachment;

	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL);
	if (!attachment)
		return -ENOMEM;
	mutex_init(&attachment->lock);
	file->private_data = attachment;
	return nonseekable_open(inode, file);
}

static void detach(struct kchan_channel_ring *ring)
{
	struct kchan *ch = ring->ch;

	clear_bit_unlock(0, &ring->has_reader);
	kchan_demand_put(ch);
	kchan_put(ch);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct attachment *attachment = file->private_data;

	if (attachment->ring)
		detach(attachment->ring);
	kfree(attachment);
	return 0;
}

/* ---- ATTACH -------------------------------------------------------------- */

static int check_request(const struct kchan_attach *request)
{
	if (request->abi_major != KCHAN_ABI_MAJOR)
		return -EPROTONOSUPPORT;
	if (memchr_inv(request->reserved, 0, sizeof(request->reserved)))
		return -EINVAL;
	if (strnlen(request->channel, KCHAN_NAME_BYTES) == KCHAN_NAME_BYTES)
		return -EINVAL;
	return 0;
}

/*
 * Claims a ring and enables its channel. On success the channel's reference is
 * the claim's.
 */
static struct kchan_channel_ring *claim(struct kchan *ch, u32 cpu)
{
	struct kchan_channel_ring *ring;
	int err;

	if (ch->transport != KCHAN_TRANSPORT_RING ||
	    !(ch->direction & KCHAN_DIRECTION_TO_USER))
		return ERR_PTR(-EOPNOTSUPP);
	ring = kchan_channel_ring(ch, cpu);
	if (!ring)
		return ERR_PTR(-ENXIO);
	if (test_and_set_bit_lock(0, &ring->has_reader))
		return ERR_PTR(-EBUSY);
	err = kchan_demand_get(ch, NULL);
	if (err)
		goto err_unclaim;
	/* Pairs with the store-release in kchan_ring_add_memory(). */
	if (!smp_load_acquire(&ring->memory)) {
		/* The CPU was never up; RING_NEW_NTF tells when it is. */
		err = -ENXIO;
		goto err_put_demand;
	}
	return ring;

err_put_demand:
	kchan_demand_put(ch);
err_unclaim:
	clear_bit_unlock(0, &ring->has_reader);
	return ERR_PTR(err);
}

static int attach(struct attachment *attachment, struct kchan_attach *request)
{
	struct kchan_channel_ring *ring;
	struct kchan *ch;

	if (attachment->ring)
		return -EALREADY;
	if (kchan_quiesced())
		return -ESHUTDOWN;
	ch = kchan_find(request->channel);
	if (!ch)
		return -ENOENT;
	ring = claim(ch, request->cpu);
	if (IS_ERR(ring)) {
		kchan_put(ch);
		return PTR_ERR(ring);
	}
	request->generation = ch->generation;
	request->data_bytes = ring->memory->data_bytes;
	/* Pairs with the load-acquire in kchan_file_ring(). */
	smp_store_release(&attachment->ring, ring);
	return 0;
}

static long ioctl_attach(struct file *file, void __user *user)
{
	struct attachment *attachment = file->private_data;
	struct kchan_attach request;
	int err;

	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) !=
	    (FMODE_READ | FMODE_WRITE))
		return -EBADF;
	if (copy_from_user(&request, user, sizeof(request)))
		return -EFAULT;
	err = check_request(&request);
	if (!err) {
		mutex_lock(&attachment->lock);
		err = attach(attachment, &request);
		mutex_unlock(&attachment->lock);
	}
	if (err && err != -EPROTONOSUPPORT)
		return err;
	/* Who speaks another ABI learns ours. */
	request.abi_major = KCHAN_ABI_MAJOR;
	request.abi_minor = KCHAN_ABI_MINOR;
	if (copy_to_user(user, &request, sizeof(request)))
		return -EFAULT;
	return err;
}

static long ioctl_counters(struct file *file, void __user *user)
{
	const struct kchan_channel_ring *ring = kchan_file_ring(file);
	struct kchan_ring_counters counters;

	if (!ring)
		return -ENOTCONN;
	kchan_ring_read_counters(&ring->core, &counters);
	return copy_to_user(user, &counters, sizeof(counters)) ? -EFAULT : 0;
}

static long device_ioctl(struct file *file, unsigned int command,
			 unsigned long argument)
{
	switch (command) {
	case KCHAN_IOC_ATTACH:
		return ioctl_attach(file, (void __user *)argument);
	case KCHAN_IOC_COUNTERS:
		return ioctl_counters(file, (void __user *)argument);
	default:
		return -ENOTTY;
	}
}

static __poll_t device_poll(struct file *file, struct poll_table_struct *table)
{
	struct kchan_channel_ring *ring = kchan_file_ring(file);
	__poll_t events = 0;
	u32 mask;

	if (!ring)
		return EPOLLERR;
	poll_wait(file, &ring->readers, table);
	mask = kchan_ring_poll_mask(&ring->core);
	if (mask & KCHAN_RING_READABLE)
		events |= EPOLLIN | EPOLLRDNORM;
	if (mask & KCHAN_RING_LOST)
		events |= EPOLLPRI;
	if (mask & KCHAN_RING_DEAD)
		events |= EPOLLHUP;
	return events;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = kchan_device_mmap,
	.poll = device_poll,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KCHAN_DEVICE_NAME,
	.mode = 0600, /* until udev gives it to the group kchan */
	.fops = &device_operations,
};

int __init kchan_device_init(void)
{
	return misc_register(&device);
}

void kchan_device_exit(void)
{
	misc_deregister(&device);
}
