/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file of commands: frames that user space has written into a regular file
 * and that the kernel reads, in the context of who hands it over.
 */
#ifndef _KCHAN_FILE_COMMANDS_H
#define _KCHAN_FILE_COMMANDS_H

#include <linux/fs.h>
#include <uapi/linux/kchan.h>

struct kchan;

/*
 * Hands the frames between the file's position, which it moves, and its end to
 * the channel's receive callback, and fills in what became of them; also where
 * it fails. `words`, KCHAN_DOC_BYTES of them, are the channel's about the first
 * that it refuses; they are left alone if it has none. EBADMSG, ENOMEM, ESHUTDOWN, EINTR (a fatal signal, nothing was
 * taken), or what reading says.
 */
int kchan_file_read_commands(struct kchan *ch, struct file *file,
			     struct kchan_file_hand *hand, char *words);

#endif
