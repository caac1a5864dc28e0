/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that kchan builds for (6.1 and later), in
 * the shape that the newest of them has. Nothing else looks at the version.
 */
#ifndef _KCHAN_COMPAT_H
#define _KCHAN_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/version.h>
#include <asm/local64.h>
#include <net/genetlink.h>

#ifndef CONFIG_64BIT
#error "kchan needs a 64-bit kernel: its positions are 64-bit words that are stored whole"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline bool local64_try_cmpxchg(local64_t *l, s64 *old, s64 new)
{
	s64 seen = local64_cmpxchg(l, *old, new);

	if (likely(seen == *old))
		return true;
	*old = seen;
	return false;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
static inline void *kvmemdup(const void *src, size_t length, gfp_t gfp)
{
	void *copy = kvmalloc(length, gfp);

	if (copy)
		memcpy(copy, src, length);
	return copy;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define kchan_class_create(name) class_create(THIS_MODULE, name)
#else
#define kchan_class_create(name) class_create(name)
#endif

/* What class->devnode is given. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define KCHAN_CONST_DEVICE struct device
#else
#define KCHAN_CONST_DEVICE const struct device
#endif

/* A new inode's times: now. */
static inline void kchan_inode_init_times(struct inode *inode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	inode->i_ctime = current_time(inode);
	inode->i_atime = inode->i_ctime;
	inode->i_mtime = inode->i_ctime;
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	inode->i_atime = inode_set_ctime_current(inode);
	inode->i_mtime = inode->i_atime;
#else
	simple_inode_init_ts(inode);
#endif
}

/* Without it anybody may join: then only the initial namespace protects. */
#ifdef GENL_MCAST_CAP_NET_ADMIN
#define KCHAN_MCAST_CAP_NET_ADMIN .flags = GENL_MCAST_CAP_NET_ADMIN
#else
#define KCHAN_MCAST_CAP_NET_ADMIN
#endif

/* The attributes of a dump request. */
static inline struct nlattr **kchan_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return genl_dumpit_info(cb)->attrs;
#else
	return genl_info_dump(cb)->attrs;
#endif
}

/*
 * What a bio's length in bytes, 32 bits wide, can say, in whole blocks. An old
 * kernel cuts a longer BLKZEROOUT by this limit alone: with a larger one it
 * would zero a part and report success.
 */
#define KCHAN_MAX_DISCARD_SECTORS \
	(round_down(UINT_MAX, (unsigned int)PAGE_SIZE) >> SECTOR_SHIFT)

/*
 * A disk with a volatile cache (so that flushes are seen), whole-page discards
 * and buffers aligned to a block. An ERR_PTR.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
static inline struct gendisk *kchan_alloc_disk(struct blk_mq_tag_set *tags,
					       u32 block_bytes, void *priv)
{
	struct gendisk *disk = blk_mq_alloc_disk(tags, priv);

	if (IS_ERR(disk))
		return disk;
	blk_queue_logical_block_size(disk->queue, block_bytes);
	blk_queue_dma_alignment(disk->queue, block_bytes - 1);
	blk_queue_max_discard_sectors(disk->queue,
				      KCHAN_MAX_DISCARD_SECTORS);
	blk_queue_max_write_zeroes_sectors(disk->queue,
					   KCHAN_MAX_DISCARD_SECTORS);
	disk->queue->limits.discard_granularity = PAGE_SIZE;
	blk_queue_write_cache(disk->queue, true, false);
	blk_queue_flag_set(QUEUE_FLAG_NONROT, disk->queue);
	return disk;
}
#else
static inline struct gendisk *kchan_alloc_disk(struct blk_mq_tag_set *tags,
					       u32 block_bytes, void *priv)
{
	struct queue_limits limits = {
		.logical_block_size = block_bytes,
		.dma_alignment = block_bytes - 1,
		.max_hw_discard_sectors = KCHAN_MAX_DISCARD_SECTORS,
		.max_write_zeroes_sectors = KCHAN_MAX_DISCARD_SECTORS,
		.discard_granularity = PAGE_SIZE,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
		.features = BLK_FEAT_WRITE_CACHE,
#endif
	};
	struct gendisk *disk = blk_mq_alloc_disk(tags, &limits, priv);

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
	if (!IS_ERR(disk)) {
		blk_queue_write_cache(disk->queue, true, false);
		blk_queue_flag_set(QUEUE_FLAG_NONROT, disk->queue);
	}
#endif
	return disk;
}
#endif

#endif
