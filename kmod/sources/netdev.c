// SPDX-License-Identifier: GPL-2.0
/*
 * netdev: network devices come, go and change, in all network namespaces. From
 * the kernel's notifier, which runs in process context under the RTNL lock.
 */
#include <linux/if_ether.h>
#include <linux/kernel.h>
#include <linux/netdevice.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <net/net_namespace.h>

#include "netdev_names.h"
#include "source.h"

#define NETDEV_RECORD 1

enum netdev_action {
	NETDEV_ACTION_REGISTER = 1,
	NETDEV_ACTION_UNREGISTER = 2,
	NETDEV_ACTION_UP = 3,
	NETDEV_ACTION_DOWN = 4,
	NETDEV_ACTION_RENAME = 5,
	NETDEV_ACTION_ADDRESS = 6,
	NETDEV_ACTION_MTU = 7,
	NETDEV_ACTION_CHANGE = 8,
};

static const struct kchan_name action_names[] = {
	{ NETDEV_ACTION_REGISTER, "register" },
	{ NETDEV_ACTION_UNREGISTER, "unregister" },
	{ NETDEV_ACTION_UP, "up" },
	{ NETDEV_ACTION_DOWN, "down" },
	{ NETDEV_ACTION_RENAME, "rename" },
	{ NETDEV_ACTION_ADDRESS, "address" },
	{ NETDEV_ACTION_MTU, "mtu" },
	{ NETDEV_ACTION_CHANGE, "change" },
};

static const struct kchan_name flag_names[] = {
	{ IFF_UP, "up" },
	{ IFF_BROADCAST, "broadcast" },
	{ IFF_LOOPBACK, "loopback" },
	{ IFF_POINTOPOINT, "pointopoint" },
	{ IFF_RUNNING, "running" },
	{ IFF_NOARP, "noarp" },
	{ IFF_PROMISC, "promisc" },
	{ IFF_ALLMULTI, "allmulti" },
	{ IFF_MASTER, "master" },
	{ IFF_SLAVE, "slave" },
	{ IFF_MULTICAST, "multicast" },
	{ IFF_LOWER_UP, "lower_up" },
	{ IFF_DORMANT, "dormant" },
};

static const struct kchan_name operstate_names[] = {
	{ IF_OPER_UNKNOWN, "unknown" },
	{ IF_OPER_NOTPRESENT, "notpresent" },
	{ IF_OPER_DOWN, "down" },
	{ IF_OPER_LOWERLAYERDOWN, "lowerlayerdown" },
	{ IF_OPER_TESTING, "testing" },
	{ IF_OPER_DORMANT, "dormant" },
	{ IF_OPER_UP, "up" },
};

struct netdev_record {
	u32 action;
	u32 ifindex;
	char name[IFNAMSIZ];
	char old_name[IFNAMSIZ];
	u32 flags;
	u32 mtu;
	u32 net_ns;
	u16 device_type;
	u8 mac[ETH_ALEN];
	u8 operstate;
	u8 reserved[3];
};

static_assert(sizeof(struct netdev_record) == 64);

static const struct kchan_field netdev_fields[] = {
	KCHAN_FIELD(struct netdev_record, action, U32, .doc = "what happened",
		    .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(action_names)),
	KCHAN_FIELD(struct netdev_record, ifindex, U32,
		    .doc = "the device's number in its network namespace"),
	KCHAN_FIELD(struct netdev_record, name, STRING,
		    .doc = "the device's name, from now on"),
	KCHAN_FIELD(struct netdev_record, old_name, STRING,
		    .doc = "rename: the name until now; otherwise empty"),
	KCHAN_FIELD(struct netdev_record, flags, U32,
		    .doc = "flags as ip link shows them",
		    .display = KCHAN_DISPLAY_FLAGS, KCHAN_NAMES(flag_names)),
	KCHAN_FIELD(struct netdev_record, mtu, U32, .unit = "bytes",
		    .doc = "largest packet"),
	KCHAN_FIELD(struct netdev_record, net_ns, U32,
		    .doc = "network namespace: inode number of /proc/PID/ns/net"),
	KCHAN_FIELD(struct netdev_record, device_type, U16,
		    .doc = "ARPHRD number: 1 Ethernet, 772 loopback"),
	KCHAN_FIELD(struct netdev_record, mac, BYTES,
		    .doc = "hardware address; zeros where it is not 6 bytes long",
		    .display = KCHAN_DISPLAY_MAC),
	KCHAN_FIELD(struct netdev_record, operstate, U8,
		    .doc = "operational state (RFC 2863)",
		    .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(operstate_names)),
};

static const struct kchan_type netdev_type =
	KCHAN_TYPE_OUT(NETDEV_RECORD, "netdev", struct netdev_record,
		       netdev_fields,
		       .doc =
		    "A network device came, went or changed; the fields show it as it is afterwards.");

static struct kchan *netdev_channel;

/*
 * While a notifier is registered or unregistered, the kernel replays to it all
 * devices that exist, in this task. They are no news, but have names.
 */
static struct task_struct *replaying;

/* 0: not one that makes a record. */
static u32 action_of(unsigned long event)
{
	switch (event) {
	case NETDEV_REGISTER:
		return NETDEV_ACTION_REGISTER;
	case NETDEV_UNREGISTER:
		return NETDEV_ACTION_UNREGISTER;
	case NETDEV_UP:
		return NETDEV_ACTION_UP;
	case NETDEV_DOWN:
		return NETDEV_ACTION_DOWN;
	case NETDEV_CHANGENAME:
		return NETDEV_ACTION_RENAME;
	case NETDEV_CHANGEADDR:
		return NETDEV_ACTION_ADDRESS;
	case NETDEV_CHANGEMTU:
		return NETDEV_ACTION_MTU;
	case NETDEV_CHANGE:
		return NETDEV_ACTION_CHANGE;
	default:
		return 0;
	}
}

static void keep_names(struct net_device *device, u32 action, char *old_name)
{
	if (action == NETDEV_ACTION_RENAME)
		netdev_names_learn(device, old_name);
	else if (action == NETDEV_ACTION_REGISTER)
		netdev_names_learn(device, NULL);
	else if (action == NETDEV_ACTION_UNREGISTER)
		netdev_names_forget(device);
}

static void fill(struct netdev_record *record, struct net_device *device)
{
	record->ifindex = device->ifindex;
	strscpy_pad(record->name, device->name, sizeof(record->name));
	record->flags = dev_get_flags(device);
	record->mtu = device->mtu;
	record->net_ns = dev_net(device)->ns.inum;
	record->device_type = device->type;
	if (device->addr_len == ETH_ALEN)
		memcpy(record->mac, device->dev_addr, ETH_ALEN);
	record->operstate = READ_ONCE(device->operstate);
}

static int notify(struct notifier_block *block, unsigned long event, void *ptr)
{
	struct net_device *device = netdev_notifier_info_to_dev(ptr);
	struct netdev_record record = { .action = action_of(event) };

	/* NETREG_UNREGISTERED: a reminder to who still holds the device. */
	if (!record.action || device->reg_state == NETREG_UNREGISTERED)
		return NOTIFY_DONE;
	keep_names(device, record.action, record.old_name);
	if (READ_ONCE(replaying) == current)
		return NOTIFY_DONE;
	fill(&record, device);
	kchan_emit(netdev_channel, NETDEV_RECORD, &record, sizeof(record));
	return NOTIFY_DONE;
}

static struct notifier_block netdev_notifier = { .notifier_call = notify };

static int netdev_enable(struct kchan *ch, void *priv)
{
	int err;

	netdev_channel = ch;
	WRITE_ONCE(replaying, current);
	err = register_netdevice_notifier(&netdev_notifier);
	WRITE_ONCE(replaying, NULL);
	return err;
}

static void netdev_disable(struct kchan *ch, void *priv)
{
	WRITE_ONCE(replaying, current);
	unregister_netdevice_notifier(&netdev_notifier);
	WRITE_ONCE(replaying, NULL);
	/* Nobody else looks at them now: the lock is not needed. */
	netdev_names_forget_all();
}

static const struct kchan_ops netdev_ops = {
	.enable = netdev_enable,
	.disable = netdev_disable,
};

struct source netdev_source = {
	.spec = {
		.name = "netdev",
		.doc = "Network devices that come, go and change",
		.transport = KCHAN_TRANSPORT_RING,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = &netdev_type,
		.type_count = 1,
		.ops = &netdev_ops,
	},
};
