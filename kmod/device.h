/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/kchan: an open file is bound to one ring, which it alone reads. */
#ifndef _KCHAN_DEVICE_H
#define _KCHAN_DEVICE_H

#include <linux/fs.h>
#include <linux/mm_types.h>

struct kchan_channel_ring;

int kchan_device_init(void);
void kchan_device_exit(void);

/* The ring that a file is bound to, for as long as it is open; or NULL. */
struct kchan_channel_ring *kchan_file_ring(const struct file *file);

/* device_mmap.c */
int kchan_device_mmap(struct file *file, struct vm_area_struct *vma);

#endif
