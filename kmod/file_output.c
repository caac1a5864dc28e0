// SPDX-License-Identifier: GPL-2.0
#include "file_output.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/sched/signal.h>

/* A file system that has nothing to synchronise stores nothing, or in memory. */
static bool keeps_files(const struct file *file)
{
	const unsigned long magic = file_inode(file)->i_sb->s_magic;

	if (!file->f_op->fsync)
		return false;
	return file->f_op->fsync != noop_fsync || magic == TMPFS_MAGIC ||
	       magic == RAMFS_MAGIC;
}

/* One that the kernel can read and write as it does. */
static bool is_suitable(const struct file *file)
{
	return S_ISREG(file_inode(file)->i_mode) && keeps_files(file) &&
	       file->f_op->read_iter && file->f_op->write_iter &&
	       !(file->f_flags & O_DIRECT);
}

struct file *kchan_file_from_fd(int fd, fmode_t mode)
{
	struct file *file = fget(fd);
	int err;

	if (!file)
		return ERR_PTR(-EBADF);
	err = -EINVAL;
	if (!is_suitable(file))
		goto err_put;
	err = -EBADF;
	if (!(file->f_mode & mode))
		goto err_put;
	return file;

err_put:
	fput(file);
	return ERR_PTR(err);
}

void kchan_output_open(struct kchan_output *output, struct file *file,
		       const struct kchan_file_hand *hand)
{
	*output = (struct kchan_output){
		.file = file,
		.sync = hand->sync,
		.sync_bytes = hand->sync_bytes,
		.max_bytes = hand->max_bytes ?: U64_MAX,
		.limit = rlimit(RLIMIT_FSIZE),
		.position = i_size_read(file_inode(file)),
	};
}

bool kchan_output_has_room(const struct kchan_output *output, u64 bytes)
{
	return (u64)output->position + bytes <= output->max_bytes;
}

ssize_t kchan_output_write(struct kchan_output *output, const void *bytes,
			   size_t count)
{
	const struct cred *ours;
	ssize_t written;

	if ((u64)output->position + count > output->limit ||
	    !kchan_output_has_room(output, count))
		return -EFBIG;
	ours = override_creds(output->file->f_cred);
	written = kernel_write(output->file, bytes, count, &output->position);
	revert_creds(ours);
	if (written > 0)
		output->unsynced += written;
	return written ?: -EIO;
}

static bool sync_is_due(const struct kchan_output *output, bool last)
{
	if (!output->unsynced)
		return false;
	switch (output->sync) {
	case KCHAN_SYNC_ALWAYS:
		return true;
	case KCHAN_SYNC_BYTES:
		return last || output->unsynced >= output->sync_bytes;
	default:
		return false;
	}
}

int kchan_output_sync(struct kchan_output *output, bool last)
{
	int err;

	if (!sync_is_due(output, last))
		return 0;
	/* The data, and what is needed to find it. */
	err = vfs_fsync(output->file, 1);
	/* The next one may succeed without what this one was for. */
	output->sync_failed |= err != 0;
	output->unsynced = 0;
	if (!output->sync_failed)
		output->synced = output->position;
	return err;
}

void kchan_output_cut(struct kchan_output *output, loff_t end)
{
	const struct cred *ours;

	if (end == output->position ||
	    i_size_read(file_inode(output->file)) != output->position)
		return;
	ours = override_creds(output->file->f_cred);
	if (!vfs_truncate(&output->file->f_path, end))
		output->position = end;
	revert_creds(ours);
}

void kchan_output_close(struct kchan_output *output)
{
	fput(output->file);
	output->file = NULL;
}
