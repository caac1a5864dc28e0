/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kchan_queuefs: a file system whose files live in a service in user space,
 * which may be on another machine. They talk through three queues, each by the
 * method that fits it:
 *
 *	queuefs.commands  chardev  lookups and changes out, answers in
 *	queuefs.inodes    ring     what a file is: in, and what became of it: out
 *	queuefs.blocks    block    what a file holds: both ways, no copy by record
 *
 * One lookup's life:
 *
 *	process		open("/mnt/motd")
 *	queuefs		-> commands: lookup { id 7, name "motd" }; sleeps
 *	service		-> blocks:   what the file holds, at an offset it chose
 *			-> inodes:   inode { id 7, ino, size, offset, .. }
 *			-> commands: answer { id 7, error 0 }
 *	queuefs		wakes, makes the inode; reads go to the blocks
 *
 * A write goes to the blocks, and a `changed` record on queuefs.inodes tells
 * the service, which reads the extent.
 *
 *	insmod kchan_queuefs.ko
 *	queuefs_service.py --server NODE:50051 --root ./files &
 *	mount -t kchan_queuefs none /mnt && cat /mnt/motd
 */
#ifndef _QUEUEFS_H
#define _QUEUEFS_H

#include <kchan.h>
#include <linux/completion.h>
#include <linux/list.h>

struct inode;

#define QUEUEFS_NAME_BYTES 64
#define QUEUEFS_CAPACITY_BYTES (16U << 20)

/* ---- Records ------------------------------------------------------------- */

struct queuefs_lookup {
	u64 id; /* of the request, to be answered */
	char name[QUEUEFS_NAME_BYTES]; /* in the root folder */
};

struct queuefs_answer {
	u64 id;
	s32 error; /* 0, or a positive errno such as ENOENT */
	u32 reserved;
};

/* Where a file is in the blocks. */
struct queuefs_extent {
	u64 offset;
	u64 length; /* room for the file to grow into */
};

struct queuefs_inode {
	u64 id; /* of the request that it belongs to */
	u64 ino; /* the service's own, not 0 */
	u64 size;
	struct queuefs_extent extent;
	u32 mode; /* permission bits */
	u32 reserved;
};

struct queuefs_changed {
	u64 ino;
	u64 size; /* of the file now */
	struct queuefs_extent written; /* in the blocks */
};

/* ---- queues.c ------------------------------------------------------------ */

int queuefs_queues_init(void);
void queuefs_queues_exit(void);

/* ENOTCONN: no service listens; EAGAIN: it does not keep up. */
int queuefs_send_lookup(const struct queuefs_lookup *lookup);
/* Nobody listening is no error: the blocks hold what counts. */
void queuefs_send_changed(const struct queuefs_changed *changed);

int queuefs_read_blocks(u64 offset, void *to, size_t length);
int queuefs_write_blocks(u64 offset, const void *from, size_t length);

/* ---- requests.c ---------------------------------------------------------- */

/*
 * Asks the service for a file and waits for its answer: 0 and the inode, or
 * what the service said, ENOTCONN, ETIMEDOUT, EINTR (a fatal signal), EPROTO
 * (an answer that makes no sense).
 */
int queuefs_ask(const char *name, struct queuefs_inode *inode);

/* The service's side; ENOENT: nobody waits for this id (any more). */
int queuefs_take_inode(const struct queuefs_inode *inode);
int queuefs_take_answer(const struct queuefs_answer *answer);

/* ---- fs.c ---------------------------------------------------------------- */

int queuefs_fs_init(void);
void queuefs_fs_exit(void);

#endif
