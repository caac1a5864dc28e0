// SPDX-License-Identifier: GPL-2.0
/*
 * A relay channel as a module has it without kchan: relay_write() of a payload
 * that holds its time. It overwrites, so no reader is needed.
 */
#include <linux/debugfs.h>
#include <linux/relay.h>
#include <linux/sizes.h>
#include <linux/timekeeping.h>

#include "bench.h"

#define SUBBUF_BYTES SZ_512K
#define SUBBUFS 8

static struct dentry *folder;
static struct rchan *chan;

static struct dentry *create_file(const char *name, struct dentry *parent,
				  umode_t mode, struct rchan_buf *buf,
				  int *is_global)
{
	return debugfs_create_file(name, mode, parent, buf,
				   &relay_file_operations);
}

static int remove_file(struct dentry *file)
{
	debugfs_remove(file);
	return 0;
}

static int start_subbuf(struct rchan_buf *buf, void *subbuf, void *previous,
			size_t previous_padding)
{
	return 1; /* over the oldest */
}

static const struct rchan_callbacks callbacks = {
	.create_buf_file = create_file,
	.remove_buf_file = remove_file,
	.subbuf_start = start_subbuf,
};

int bench_raw_relay_write(struct bench_method *method,
			  struct bench_sample *sample, u32 bytes)
{
	if (!chan)
		return -ENODEV;
	sample->boottime_ns = ktime_get_boot_fast_ns();
	relay_write(chan, sample, bytes);
	return 0;
}

/* Without debugfs there is no relay to compare with: each write says so. */
int bench_raw_relay_init(void)
{
	folder = debugfs_create_dir("kchan_bench", NULL);
	if (IS_ERR(folder))
		return 0;
	chan = relay_open("raw", folder, SUBBUF_BYTES, SUBBUFS, &callbacks,
			  NULL);
	if (chan)
		return 0;
	debugfs_remove(folder);
	return -ENOMEM;
}

void bench_raw_relay_exit(void)
{
	if (chan)
		relay_close(chan);
	debugfs_remove(folder);
}
