// SPDX-License-Identifier: GPL-2.0
/*
 * The file system: one folder, whose files are found by asking the service and
 * whose bytes are in the blocks. `ls` shows what has been looked up.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "compat.h"
#include "queuefs.h"

#define MAGIC 0x71667331
#define COPY_BYTES PAGE_SIZE

static const struct queuefs_extent *extent_of(const struct inode *inode)
{
	return inode->i_private;
}

/* ---- Files --------------------------------------------------------------- */

static ssize_t copy_out(const struct inode *inode, loff_t position, size_t length,
			void *page, struct iov_iter *to)
{
	const size_t part = min_t(size_t, length, COPY_BYTES);
	int err = queuefs_read_blocks(extent_of(inode)->offset + position, page,
				      part);
	size_t copied;

	if (err)
		return err;
	copied = copy_to_iter(page, part, to);
	return copied ? copied : -EFAULT;
}

static ssize_t copy_in(struct inode *inode, loff_t position, size_t length,
		       void *page, struct iov_iter *from)
{
	const size_t part = min_t(size_t, length, COPY_BYTES);
	const size_t copied = copy_from_iter(page, part, from);
	int err;

	if (!copied)
		return -EFAULT;
	err = queuefs_write_blocks(extent_of(inode)->offset + position, page,
				   copied);
	return err ? err : copied;
}

static ssize_t file_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	void *page = kmalloc(COPY_BYTES, GFP_KERNEL);
	ssize_t done = 0, part = 0;
	size_t left;

	if (!page)
		return -ENOMEM;
	inode_lock_shared(inode);
	left = iocb->ki_pos < i_size_read(inode) ?
		       min_t(u64, iov_iter_count(to),
			     i_size_read(inode) - iocb->ki_pos) :
		       0;
	while (left) {
		part = copy_out(inode, iocb->ki_pos, left, page, to);
		if (part < 0)
			break;
		iocb->ki_pos += part;
		done += part;
		left -= part;
	}
	inode_unlock_shared(inode);
	kfree(page);
	return done ? done : part;
}

static void tell_changed(struct inode *inode, u64 position, u64 length)
{
	const struct queuefs_changed changed = {
		.ino = inode->i_ino,
		.size = i_size_read(inode),
		.written = { .offset = extent_of(inode)->offset + position,
			     .length = length },
	};

	queuefs_send_changed(&changed);
}

static ssize_t write_locked(struct kiocb *iocb, struct iov_iter *from,
			    void *page)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	const loff_t room = extent_of(inode)->length;
	ssize_t done = 0, part = generic_write_checks(iocb, from);
	const loff_t start = iocb->ki_pos;
	size_t left;

	if (part <= 0)
		return part;
	if (start >= room)
		return -ENOSPC;
	left = min_t(u64, iov_iter_count(from), room - start);
	while (left) {
		part = copy_in(inode, iocb->ki_pos, left, page, from);
		if (part < 0)
			break;
		iocb->ki_pos += part;
		done += part;
		left -= part;
	}
	if (!done)
		return part;
	if (iocb->ki_pos > i_size_read(inode))
		i_size_write(inode, iocb->ki_pos);
	tell_changed(inode, start, done);
	return done;
}

static ssize_t file_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	void *page = kmalloc(COPY_BYTES, GFP_KERNEL);
	ssize_t done;

	if (!page)
		return -ENOMEM;
	inode_lock(inode);
	done = write_locked(iocb, from, page);
	inode_unlock(inode);
	kfree(page);
	return done;
}

static const struct file_operations file_operations = {
	.owner = THIS_MODULE,
	.read_iter = file_read,
	.write_iter = file_write,
	.llseek = generic_file_llseek,
	.fsync = noop_fsync, /* nothing is cached */
};

/* ---- The folder ---------------------------------------------------------- */

static struct inode *inode_new(struct super_block *sb, u64 ino, umode_t mode)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return NULL;
	inode->i_ino = ino;
	inode->i_mode = mode;
	inode->i_uid = GLOBAL_ROOT_UID;
	inode->i_gid = GLOBAL_ROOT_GID;
	kchan_inode_init_times(inode);
	return inode;
}

static struct inode *file_inode_new(struct super_block *sb,
				    const struct queuefs_inode *record)
{
	struct inode *inode = inode_new(sb, record->ino, S_IFREG | record->mode);

	if (!inode)
		return NULL;
	inode->i_private = kmemdup(&record->extent, sizeof(record->extent),
				   GFP_KERNEL);
	if (!inode->i_private) {
		iput(inode);
		return NULL;
	}
	inode->i_fop = &file_operations;
	i_size_write(inode, record->size);
	return inode;
}

static struct dentry *lookup(struct inode *folder, struct dentry *dentry,
			     unsigned int flags)
{
	struct queuefs_inode record;
	struct inode *inode;
	int err;

	if (dentry->d_name.len >= QUEUEFS_NAME_BYTES)
		return ERR_PTR(-ENAMETOOLONG);
	err = queuefs_ask(dentry->d_name.name, &record);
	if (err) /* not remembered: it may exist next time */
		return ERR_PTR(err);
	inode = file_inode_new(folder->i_sb, &record);
	return inode ? d_splice_alias(inode, dentry) : ERR_PTR(-ENOMEM);
}

static const struct inode_operations folder_operations = { .lookup = lookup };

static void evict_inode(struct inode *inode)
{
	clear_inode(inode);
	kfree(inode->i_private);
}

static const struct super_operations super_operations = {
	.statfs = simple_statfs,
	.drop_inode = generic_delete_inode,
	.evict_inode = evict_inode,
};

static int fill_super(struct super_block *sb, struct fs_context *context)
{
	struct inode *root;

	sb->s_magic = MAGIC;
	sb->s_maxbytes = QUEUEFS_CAPACITY_BYTES;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_op = &super_operations;
	sb->s_time_gran = 1;

	root = inode_new(sb, 1, S_IFDIR | 0755);
	if (!root)
		return -ENOMEM;
	root->i_op = &folder_operations;
	root->i_fop = &simple_dir_operations;
	set_nlink(root, 2);
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

/* One instance: there is one service. */
static int get_tree(struct fs_context *context)
{
	return get_tree_single(context, fill_super);
}

static const struct fs_context_operations context_operations = {
	.get_tree = get_tree,
};

static int init_fs_context(struct fs_context *context)
{
	context->ops = &context_operations;
	return 0;
}

static struct file_system_type type = {
	.owner = THIS_MODULE,
	.name = "kchan_queuefs",
	.init_fs_context = init_fs_context,
	.kill_sb = kill_anon_super,
};

int queuefs_fs_init(void)
{
	return register_filesystem(&type);
}

void queuefs_fs_exit(void)
{
	unregister_filesystem(&type);
}
