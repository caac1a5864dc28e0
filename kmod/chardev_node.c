// SPDX-License-Identifier: GPL-2.0
/*
 * The device nodes of CHARDEV channels. One character device takes all minors
 * and lives as long as this module; which channel a minor means is looked up
 * when a node is opened. So a channel may go at any time, also in the middle
 * of an open(), and there is no character device to go with it.
 */
#include <linux/cdev.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/xarray.h>

#include "channel.h"
#include "chardev.h"
#include "class.h"
#include "device.h"

#define MAX_NODES 4096

static dev_t first_node;
static struct cdev nodes_cdev;
/* Channels by minor. A channel is in it from before its node until after. */
static DEFINE_XARRAY_ALLOC(nodes);
/* A stale node of a channel that went must not soon mean another. */
static u32 next_minor;

static struct kchan *find(u32 minor)
{
	struct kchan *ch;

	xa_lock(&nodes);
	ch = xa_load(&nodes, minor);
	if (ch)
		kref_get(&ch->ref);
	xa_unlock(&nodes);
	return ch;
}

static int node_open(struct inode *inode, struct file *file)
{
	struct kchan *ch = find(iminor(inode));
	int err;

	if (!ch)
		return -ENXIO;
	err = kchan_node_open(inode, file, ch);
	if (err) {
		kchan_put(ch);
		return err;
	}
	/* Which pin this module as node_operations do until now. */
	__module_get(kchan_file_operations.owner);
	replace_fops(file, &kchan_file_operations);
	return 0;
}

static const struct file_operations node_operations = {
	.owner = THIS_MODULE,
	.open = node_open,
};

int kchan_node_add(struct kchan *ch, struct kchan_chardev *chardev)
{
	int err;

	err = xa_alloc_cyclic(&nodes, &chardev->minor, ch,
			      XA_LIMIT(0, MAX_NODES - 1), &next_minor,
			      GFP_KERNEL);
	if (err < 0)
		return err;
	chardev->device = kchan_class_device(
		ch, MKDEV(MAJOR(first_node), chardev->minor), NULL);
	if (IS_ERR(chardev->device)) {
		xa_erase(&nodes, chardev->minor);
		return PTR_ERR(chardev->device);
	}
	return 0;
}

void kchan_node_remove(struct kchan_chardev *chardev)
{
	device_unregister(chardev->device);
	xa_erase(&nodes, chardev->minor);
}

int __init kchan_chardev_init(void)
{
	int err;

	err = alloc_chrdev_region(&first_node, 0, MAX_NODES, "kchan");
	if (err)
		return err;
	cdev_init(&nodes_cdev, &node_operations);
	nodes_cdev.owner = THIS_MODULE;
	err = cdev_add(&nodes_cdev, first_node, MAX_NODES);
	if (err)
		unregister_chrdev_region(first_node, MAX_NODES);
	return err;
}

void kchan_chardev_exit(void)
{
	cdev_del(&nodes_cdev);
	unregister_chrdev_region(first_node, MAX_NODES);
}
