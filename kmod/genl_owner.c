// SPDX-License-Identifier: GPL-2.0
/*
 * Which sockets have which channels enabled. A socket is named by its
 * network namespace and port; its demand ends when it is released, which works
 * on kernels whose families are not told who binds to their groups, too.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "channel.h"
#include "genl.h"

struct owner {
	struct list_head node;
	const struct net *net; /* compared, never followed */
	u32 portid;
	struct kchan *ch; /* one reference, one demand */
};

static DEFINE_MUTEX(owners_lock);
static LIST_HEAD(owners);

/* ch == NULL: any channel. */
static struct owner *find_locked(const struct net *net, u32 portid,
				 const struct kchan *ch)
{
	struct owner *owner;

	list_for_each_entry(owner, &owners, node) {
		if (owner->net == net && owner->portid == portid &&
		    (!ch || owner->ch == ch))
			return owner;
	}
	return NULL;
}

static struct owner *take(const struct net *net, u32 portid,
			  const struct kchan *ch)
{
	struct owner *owner;

	mutex_lock(&owners_lock);
	owner = find_locked(net, portid, ch);
	if (owner)
		list_del(&owner->node);
	mutex_unlock(&owners_lock);
	return owner;
}

static void end(struct owner *owner)
{
	kchan_demand_put(owner->ch);
	kchan_put(owner->ch);
	kfree(owner);
}

/* Takes over the caller's reference and demand unless the socket has both. */
static int own(const struct net *net, u32 portid, struct kchan *ch)
{
	struct owner *owner = kzalloc(sizeof(*owner), GFP_KERNEL);

	if (!owner)
		return -ENOMEM;
	owner->net = net;
	owner->portid = portid;
	owner->ch = ch;

	mutex_lock(&owners_lock);
	if (find_locked(net, portid, ch)) {
		mutex_unlock(&owners_lock);
		end(owner);
		return 0;
	}
	list_add(&owner->node, &owners);
	mutex_unlock(&owners_lock);
	return 0;
}

static int put_enabled(struct sk_buff *skb, const struct kchan *ch,
		       u64 sequence)
{
	if (nla_put_string(skb, KCHAN_A_CHANNEL_NAME, ch->name) ||
	    nla_put_u64_64bit(skb, KCHAN_A_GENERATION,
			      READ_ONCE(ch->generation), KCHAN_A_PAD) ||
	    nla_put_u64_64bit(skb, KCHAN_A_SEQUENCE, sequence, KCHAN_A_PAD))
		return -EMSGSIZE;
	return 0;
}

/* On success the channel's reference belongs to the owner. */
static int enable(struct kchan *ch, struct genl_info *info)
{
	struct sk_buff *reply;
	void *header;
	u64 sequence;
	int err;

	reply = kchan_genl_reply_new(info, NLMSG_DEFAULT_SIZE, &header);
	if (!reply)
		return -ENOMEM;
	err = kchan_demand_get(ch, &sequence);
	if (err) {
		if (err == -ESHUTDOWN)
			NL_SET_ERR_MSG(info->extack, "the channel is dead");
		else
			NL_SET_ERR_MSG(info->extack,
				       "the channel's source cannot be enabled");
		goto err_free_reply;
	}
	/* Before own(), which may give the channel away. */
	err = put_enabled(reply, ch, sequence);
	if (err)
		goto err_put_demand;
	err = own(genl_info_net(info), info->snd_portid, ch);
	if (err)
		goto err_put_demand;
	kchan_genl_reply(reply, info, header, 0);
	return 0;

err_put_demand:
	kchan_demand_put(ch);
err_free_reply:
	nlmsg_free(reply);
	return err;
}

static int check_enable(const struct kchan *ch, struct genl_info *info)
{
	if (!ch->transport_ops->enabled_by_socket ||
	    !(ch->direction & KCHAN_DIRECTION_TO_USER)) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[KCHAN_A_CHANNEL_NAME],
				    "the channel is turned on otherwise: attach to it");
		return -EOPNOTSUPP;
	}
	/* A socket elsewhere would hear nothing. */
	if (ch->transport == KCHAN_TRANSPORT_GENL &&
	    !net_eq(genl_info_net(info), &init_net)) {
		NL_SET_ERR_MSG(info->extack,
			       "records come in the initial network namespace only");
		return -EOPNOTSUPP;
	}
	return 0;
}

int kchan_genl_enable(struct sk_buff *skb, struct genl_info *info)
{
	struct kchan *ch = kchan_genl_channel(info);
	int err;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	err = check_enable(ch, info) ?: enable(ch, info);
	if (!err)
		return 0;
	kchan_put(ch);
	/* Of itself netlink would not answer -EINTR, which a source may say. */
	return kchan_genl_answer(skb, info, err);
}

int kchan_genl_disable(struct sk_buff *skb, struct genl_info *info)
{
	struct kchan *ch = kchan_genl_channel(info);
	struct owner *owner;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	owner = take(genl_info_net(info), info->snd_portid, ch);
	kchan_put(ch);
	if (!owner) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[KCHAN_A_CHANNEL_NAME],
				    "this socket has not enabled the channel");
		return -ENOENT;
	}
	end(owner);
	return 0;
}

static int socket_released(struct notifier_block *block, unsigned long event,
			   void *data)
{
	const struct netlink_notify *notify = data;
	struct owner *owner;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	while ((owner = take(notify->net, notify->portid, NULL)))
		end(owner);
	return NOTIFY_DONE;
}

static struct notifier_block release_notifier = {
	.notifier_call = socket_released,
};

int __init kchan_genl_owner_init(void)
{
	return netlink_register_notifier(&release_notifier);
}

/* Sockets may outlive the module; by now no operation runs. */
void kchan_genl_owner_exit(void)
{
	struct owner *owner, *next;

	netlink_unregister_notifier(&release_notifier);
	list_for_each_entry_safe(owner, next, &owners, node)
		end(owner);
}
