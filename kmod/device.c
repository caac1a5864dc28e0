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

struct kchan_file *kchan_file_bound(const struct file *file)
{
	struct kchan_file *bound = file->private_data;

	/* Pairs with the store-release in bind(). */
	return smp_load_acquire(&bound->ch) ? bound : NULL;
}

static struct kchan_file *file_new(fmode_t mode)
{
	struct kchan_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return NULL;
	mutex_init(&file->lock);
	file->mode = mode;
	return file;
}

/* On success the channel's reference is the file's. */
static int bind(struct kchan_file *file, struct kchan *ch,
		struct kchan_attach *request)
{
	int err;

	if (!ch->transport_ops->file)
		return -EOPNOTSUPP;
	file->ops = ch->transport_ops->file;
	/* attach works on the channel already. */
	err = file->ops->attach(file, ch, request);
	if (err)
		return err;
	/* Pairs with the load-acquire in kchan_file_bound(). */
	smp_store_release(&file->ch, ch);
	return 0;
}

static int device_open(struct inode *inode, struct file *file)
{
	file->private_data = file_new(file->f_mode);
	if (!file->private_data)
		return -ENOMEM;
	return nonseekable_open(inode, file);
}

int kchan_node_open(struct inode *inode, struct file *file, struct kchan *ch)
{
	struct kchan_attach request = { .cpu = KCHAN_CPU_SHARED };
	struct kchan_file *bound = file_new(file->f_mode);
	int err;

	if (!bound)
		return -ENOMEM;
	bound->is_node = true;
	err = bind(bound, ch, &request);
	if (err) {
		kfree(bound);
		return err;
	}
	file->private_data = bound;
	return nonseekable_open(inode, file);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct kchan_file *bound = file->private_data;

	if (bound->ch) {
		if (bound->ops->release)
			bound->ops->release(bound);
		kchan_put(bound->ch);
	}
	kfree(bound);
	return 0;
}

/* ---- ATTACH -------------------------------------------------------------- */

static int check_request(const struct kchan_attach *request)
{
	if (request->abi_major != KCHAN_ABI_MAJOR)
		return -EPROTONOSUPPORT;
	if (request->role > KCHAN_ROLE_WRITER || request->reserved0 ||
	    memchr_inv(request->reserved, 0, sizeof(request->reserved)))
		return -EINVAL;
	if (strnlen(request->channel, KCHAN_NAME_BYTES) == KCHAN_NAME_BYTES)
		return -EINVAL;
	return 0;
}

static int attach(struct kchan_file *file, struct kchan_attach *request)
{
	struct kchan *ch;
	int err;

	if (file->ch)
		return -EALREADY;
	if (kchan_quiesced())
		return -ESHUTDOWN;
	ch = kchan_find(request->channel);
	if (!ch)
		return -ENOENT;
	/* Records as bytes can be written by who does not read them. */
	if (!(file->mode & FMODE_READ) &&
	    ch->transport != KCHAN_TRANSPORT_CHARDEV)
		err = -EBADF;
	else
		err = bind(file, ch, request);
	if (err)
		kchan_put(ch);
	return err;
}

static long ioctl_attach(struct file *raw, void __user *user)
{
	struct kchan_file *file = raw->private_data;
	struct kchan_attach request;
	int err;

	if (!(raw->f_mode & FMODE_WRITE))
		return -EBADF;
	if (copy_from_user(&request, user, sizeof(request)))
		return -EFAULT;
	err = check_request(&request);
	if (!err) {
		mutex_lock(&file->lock);
		err = attach(file, &request);
		mutex_unlock(&file->lock);
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

/* ---- What a bound file does is its transport's --------------------------- */

static long device_ioctl(struct file *raw, unsigned int command,
			 unsigned long argument)
{
	void __user *user = (void __user *)argument;
	struct kchan_file *file;

	if (command == KCHAN_IOC_ATTACH)
		return ioctl_attach(raw, user);
	if (_IOC_TYPE(command) != KCHAN_IOC_MAGIC)
		return -ENOTTY;
	file = kchan_file_bound(raw);
	if (!file)
		return -ENOTCONN;
	return file->ops->ioctl ? file->ops->ioctl(file, command, user) :
				  -ENOTTY;
}

static __poll_t device_poll(struct file *raw, struct poll_table_struct *table)
{
	struct kchan_file *file = kchan_file_bound(raw);

	if (!file || !file->ops->poll)
		return EPOLLERR;
	return file->ops->poll(file, raw, table);
}

static ssize_t device_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct kchan_file *file = kchan_file_bound(iocb->ki_filp);

	if (!file)
		return -ENOTCONN;
	return file->ops->read ? file->ops->read(file, iocb, to) : -EINVAL;
}

static ssize_t device_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct kchan_file *file = kchan_file_bound(iocb->ki_filp);

	if (!file)
		return -ENOTCONN;
	return file->ops->write ? file->ops->write(file, iocb, from) : -EINVAL;
}

static int device_mmap(struct file *raw, struct vm_area_struct *vma)
{
	struct kchan_file *file = kchan_file_bound(raw);

	if (!file)
		return -ENOTCONN;
	return file->ops->mmap ? file->ops->mmap(file, vma) : -ENODEV;
}

#define FILE_OPERATIONS                                                     \
	.owner = THIS_MODULE, .release = device_release,                    \
	.unlocked_ioctl = device_ioctl, .compat_ioctl = compat_ptr_ioctl,   \
	.read_iter = device_read, .write_iter = device_write,               \
	.mmap = device_mmap, .poll = device_poll

static const struct file_operations device_operations = {
	FILE_OPERATIONS,
	.open = device_open,
};

const struct file_operations kchan_file_operations = { FILE_OPERATIONS };

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
