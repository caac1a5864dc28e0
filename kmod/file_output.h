/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A regular file that user space has opened and handed over to be written, and
 * how far the writing is. The caller serialises. Process context.
 *
 * Writes use the rights that the file was opened with, not those of the thread
 * that happens to write: quotas, reserved blocks and the caller's RLIMIT_FSIZE
 * hold. The file, and so its mount, is held until kchan_output_close().
 */
#ifndef _KCHAN_FILE_OUTPUT_H
#define _KCHAN_FILE_OUTPUT_H

#include <linux/fs.h>
#include <uapi/linux/kchan.h>

struct kchan_output {
	struct file *file; /* NULL: none */
	enum kchan_file_sync sync;
	u64 sync_bytes;
	u64 max_bytes; /* how long it may get */
	u64 limit; /* RLIMIT_FSIZE of who handed it over */
	loff_t position; /* where the next byte goes */
	u64 unsynced; /* bytes since the last sync */
	u64 synced; /* below this is on disk; 0: not known */
	bool sync_failed; /* what that was for may be lost: synced stays */
};

/*
 * The file of the caller's descriptor `fd`, a reference, or an ERR_PTR: EBADF
 * (none such, or not opened for `mode`), EINVAL (opened O_DIRECT, or not a
 * regular file that keeps what is written to it, as those in /proc and /sys do
 * not).
 */
struct file *kchan_file_from_fd(int fd, fmode_t mode);

/* Begins at the file's end. Takes over the reference. `hand` was checked. */
void kchan_output_open(struct kchan_output *output, struct file *file,
		       const struct kchan_file_hand *hand);

/* Whether `bytes` more leave it within max_bytes. */
bool kchan_output_has_room(const struct kchan_output *output, u64 bytes);

/*
 * How many bytes were written, at least one; or a negative errno, EFBIG where
 * they would make the file too long.
 */
ssize_t kchan_output_write(struct kchan_output *output, const void *bytes,
			   size_t count);

/* What its policy asks for; `last`: nothing more will be written. */
int kchan_output_sync(struct kchan_output *output, bool last);

/*
 * Removes what was written behind `end`, if that is still the file's end.
 * Nobody is told if that cannot be.
 */
void kchan_output_cut(struct kchan_output *output, loff_t end);

void kchan_output_close(struct kchan_output *output);

#endif
