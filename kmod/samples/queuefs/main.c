// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

#include "queuefs.h"

static int __init queuefs_init(void)
{
	int err = queuefs_queues_init();

	if (err)
		return err;
	err = queuefs_fs_init();
	if (err)
		queuefs_queues_exit();
	return err;
}

/* No mount is left, or the module could not be unloaded: nobody asks. */
static void __exit queuefs_exit(void)
{
	queuefs_fs_exit();
	queuefs_queues_exit();
}

module_init(queuefs_init);
module_exit(queuefs_exit);

MODULE_DESCRIPTION("A file system served through three kchan queues");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS_FS("kchan_queuefs");
