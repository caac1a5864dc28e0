/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The names that network devices have: a rename is announced when the old one
 * is gone. All calls under the RTNL lock.
 */
#ifndef _KCHAN_SOURCE_NETDEV_NAMES_H
#define _KCHAN_SOURCE_NETDEV_NAMES_H

struct net_device;

/*
 * Remembers the device's present name. Copies the one it had, or an empty one,
 * to old_name (IFNAMSIZ bytes) unless that is NULL.
 */
void netdev_names_learn(const struct net_device *device, char *old_name);
void netdev_names_forget(const struct net_device *device);
void netdev_names_forget_all(void);

#endif
