/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CHARDEV transport: a queue that is emptied by read(), in the reader's own
 * context. Whoever has the readers' turn is the ring's only consumer, so the
 * turn protects what is said to be the reader's.
 */
#ifndef _KCHAN_CHARDEV_H
#define _KCHAN_CHARDEV_H

#include "readers.h"
#include "ring.h"

struct device;
struct iov_iter;
struct kchan;
struct kchan_file;

struct kchan_chardev {
	struct device *device; /* the node */
	u32 minor;
	bool byte_stream;
	u16 write_type; /* of what is written to the node; 0: none */

	bool dead; /* no record follows */
	struct kchan_readers readers;

	/* The reader's; poll() looks at it, too. */
	struct kchan_ring_consumer consumer;
	u64 told; /* last number that a reader was told of */
	u32 offset; /* of the next record, given already (byte_stream) */
};

/* ---- chardev_read.c ------------------------------------------------------ */

ssize_t kchan_chardev_read(struct kchan_file *file, struct kiocb *iocb,
			   struct iov_iter *to);

/* Whether a read would find something. Never sleeps. */
bool kchan_chardev_readable(const struct kchan_file *file);

/* ---- chardev_write.c ----------------------------------------------------- */

ssize_t kchan_chardev_write(struct kchan_file *file, struct kiocb *iocb,
			    struct iov_iter *from);

/* ---- chardev_node.c ------------------------------------------------------ */

int kchan_chardev_init(void);
void kchan_chardev_exit(void);

/* /dev/kchan.<channel>. EBUSY: there are too many. */
int kchan_node_add(struct kchan *ch, struct kchan_chardev *chardev);
/* Who opens the node now finds no channel; open files keep theirs. */
void kchan_node_remove(struct kchan_chardev *chardev);

#endif
