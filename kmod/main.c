// SPDX-License-Identifier: GPL-2.0
/*
 * kchan.ko, the core: a registry of channels, their transports, and the two
 * ways in, /dev/kchan and the generic-netlink family. It has no channels of
 * its own.
 */
#include <linux/module.h>

#include "chardev.h"
#include "class.h"
#include "device.h"
#include "genl.h"
#include "hotplug.h"
#include "relay.h"
#include "version.h"

static int __init kchan_init(void)
{
	int err;

	err = kchan_hotplug_init();
	if (err)
		return err;
	err = kchan_class_init();
	if (err)
		goto err_hotplug_exit;
	kchan_relay_init();
	err = kchan_chardev_init();
	if (err)
		goto err_relay_exit;
	err = kchan_genl_init();
	if (err)
		goto err_chardev_exit;
	err = kchan_device_init();
	if (err)
		goto err_genl_exit;
	return 0;

err_genl_exit:
	kchan_genl_exit();
err_chardev_exit:
	kchan_chardev_exit();
err_relay_exit:
	kchan_relay_exit();
	kchan_class_exit();
err_hotplug_exit:
	kchan_hotplug_exit();
	return err;
}

static void __exit kchan_exit(void)
{
	kchan_device_exit();
	kchan_genl_exit();
	kchan_chardev_exit();
	kchan_relay_exit();
	kchan_class_exit();
	kchan_hotplug_exit();
}

module_init(kchan_init);
module_exit(kchan_exit);

MODULE_DESCRIPTION("Channels between the kernel and user space");
MODULE_AUTHOR("The kchan authors");
MODULE_VERSION(KCHAN_VERSION);
MODULE_LICENSE("GPL");
