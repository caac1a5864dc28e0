/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that are bound to a channel: of /dev/kchan by KCHAN_IOC_ATTACH, of a
 * channel's own device node when it is opened. What such a file can do is its
 * transport's.
 */
#ifndef _KCHAN_DEVICE_H
#define _KCHAN_DEVICE_H

#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>

#include "transport.h"

struct kchan;

struct kchan_file {
	struct mutex lock; /* one ATTACH at a time */
	const struct kchan_file_ops *ops; /* attach may choose others */
	void *priv; /* the transport's */
	fmode_t mode; /* what it was opened for */
	bool is_node; /* a channel's own node, for programs that know no frames */
	struct kchan *ch; /* set once, last; NULL: not bound */
};

int kchan_device_init(void);
void kchan_device_exit(void);

/* The bound channel's file; NULL: not bound. */
struct kchan_file *kchan_file_bound(const struct file *file);

/*
 * Opens a channel's own node: a file that is bound from the start. For the
 * open() of an inode whose channel the caller holds a reference to, which
 * passes to the file on success.
 */
int kchan_node_open(struct inode *inode, struct file *file, struct kchan *ch);
/* The operations of such nodes, but for open. */
extern const struct file_operations kchan_file_operations;

/* ring_mmap.c */
int kchan_ring_mmap(struct kchan_file *file, struct vm_area_struct *vma);

#endif
