/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The class "kchan": channels that user space sees in sysfs or has device nodes
 * of are a device each, /sys/class/kchan/<channel>, whose name is what the
 * kernel log tags their lines with. Process context.
 */
#ifndef _KCHAN_CLASS_H
#define _KCHAN_CLASS_H

#include <linux/device.h>

struct kchan;

int kchan_class_init(void);
void kchan_class_exit(void);

/*
 * A channel's device, with its driver data `ch`; devt 0: without a node, else
 * /dev/kchan.<channel>. `groups` may be NULL and must outlive it. An ERR_PTR.
 * Goes with device_unregister().
 */
struct device *kchan_class_device(struct kchan *ch, dev_t devt,
				  const struct attribute_group **groups);

#endif
