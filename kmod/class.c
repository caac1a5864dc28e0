// SPDX-License-Identifier: GPL-2.0
#include "class.h"

#include <linux/slab.h>

#include "channel.h"
#include "compat.h"

static char *node_name(KCHAN_CONST_DEVICE *device, umode_t *mode)
{
	if (mode)
		*mode = 0600; /* until udev says otherwise */
	return kasprintf(GFP_KERNEL, KCHAN_NODE_PREFIX "%s", dev_name(device));
}

static struct class *class;

int __init kchan_class_init(void)
{
	class = kchan_class_create("kchan");
	if (IS_ERR(class))
		return PTR_ERR(class);
	class->devnode = node_name;
	return 0;
}

void kchan_class_exit(void)
{
	class_destroy(class);
}

struct device *kchan_class_device(struct kchan *ch, dev_t devt,
				  const struct attribute_group **groups)
{
	return device_create_with_groups(class, NULL, devt, ch, groups, "%s",
					 ch->name);
}
