/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The BLOCK transport: a region of memory that the module reads and writes by
 * calls, and user space through a disk, /dev/kchan.<channel>.
 *
 *	region.c	the memory
 *	block.c		the module's side; the transport's table
 *	block_disk.c	the disk, and what becomes of its requests
 *	block_written.c	the module is told what user space has written
 *	extents.c	which parts that is
 */
#ifndef _KCHAN_BLOCK_H
#define _KCHAN_BLOCK_H

#include <kchan.h>
#include <linux/blk-mq.h>
#include <linux/workqueue.h>

#include "extents.h"
#include "region.h"

/* Parts of the region that user space has written and the module not heard of. */
struct kchan_block_written {
	spinlock_t lock;
	struct kchan_extents extents;
	struct work_struct work;
	/* Its own: a flush, which writing back memory may need, waits for it. */
	struct workqueue_struct *queue; /* NULL: the module does not ask */
};

struct kchan_block {
	struct kchan *ch;
	u32 block_bytes;
	bool read_only; /* for user space */
	struct kchan_region region;
	struct kchan_block_written written;
	struct blk_mq_tag_set tags;
	struct gendisk *disk; /* from appear to disappear */
};

/* block_disk.c: what user space sees. Nobody is in it after _disappear(). */
int kchan_block_disk_appear(struct kchan_block *block);
void kchan_block_disk_disappear(struct kchan_block *block);
/* Who has it open gets errors from now on. */
void kchan_block_disk_dead(struct kchan_block *block);

/* block_written.c */
int kchan_block_written_init(struct kchan_block *block);
void kchan_block_written_destroy(struct kchan_block *block);
/* User space has changed this part; before it is told that it is done. */
void kchan_block_written_add(struct kchan_block *block, u64 offset, u64 length);
/* The module has heard of everything before, or will hear nothing any more. */
void kchan_block_written_flush(struct kchan_block *block);

#endif
