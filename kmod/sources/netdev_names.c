// SPDX-License-Identifier: GPL-2.0
#include <linux/hashtable.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "netdev_names.h"

struct known_name {
	struct hlist_node node;
	const struct net_device *device;
	char name[IFNAMSIZ];
};

static DEFINE_HASHTABLE(known_names, 8);

static struct known_name *find(const struct net_device *device)
{
	struct known_name *known;

	hash_for_each_possible(known_names, known, node, (unsigned long)device)
		if (known->device == device)
			return known;
	return NULL;
}

static struct known_name *add(const struct net_device *device)
{
	struct known_name *known = kzalloc(sizeof(*known), GFP_KERNEL);

	if (known) {
		known->device = device;
		hash_add(known_names, &known->node, (unsigned long)device);
	}
	return known;
}

void netdev_names_learn(const struct net_device *device, char *old_name)
{
	struct known_name *known = find(device);

	if (old_name)
		strscpy_pad(old_name, known ? known->name : "", IFNAMSIZ);
	if (!known)
		known = add(device);
	/* Without memory for it, the next rename tells no old name. */
	if (known)
		strscpy(known->name, device->name, sizeof(known->name));
}

static void forget(struct known_name *known)
{
	hash_del(&known->node);
	kfree(known);
}

void netdev_names_forget(const struct net_device *device)
{
	struct known_name *known = find(device);

	if (known)
		forget(known);
}

void netdev_names_forget_all(void)
{
	struct known_name *known;
	struct hlist_node *next;
	int bucket;

	hash_for_each_safe(known_names, bucket, next, known, node)
		forget(known);
}
