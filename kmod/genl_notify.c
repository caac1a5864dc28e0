// SPDX-License-Identifier: GPL-2.0
/* Announcements go to every network namespace: the family is in each. */
#include <linux/rcupdate.h>

#include "channel.h"
#include "genl.h"
#include "notify.h"

static struct sk_buff *message_new(enum kchan_cmd command, size_t bytes,
				   void **header)
{
	struct sk_buff *skb = genlmsg_new(bytes, GFP_KERNEL);

	if (!skb)
		return NULL;
	*header = genlmsg_put(skb, 0, 0, &kchan_genl_family, 0, command);
	if (*header)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

static void message_send(struct sk_buff *skb, void *header, int err)
{
	if (err) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	rcu_read_lock();
	/* Nobody listening is no error. */
	genlmsg_multicast_allns(&kchan_genl_family, skb, 0,
				KCHAN_GROUP_CHANNELS);
	rcu_read_unlock();
}

static int put_deleted(struct sk_buff *skb, const struct kchan *ch)
{
	if (nla_put_u32(skb, KCHAN_A_CHANNEL_ID, ch->id) ||
	    nla_put_string(skb, KCHAN_A_CHANNEL_NAME, ch->name))
		return -EMSGSIZE;
	return 0;
}

void kchan_notify_channel(struct kchan *ch, enum kchan_cmd command)
{
	struct sk_buff *skb;
	void *header;

	/* Nobody has heard of it. */
	if (!READ_ONCE(ch->listed))
		return;
	skb = message_new(command, KCHAN_CHANNEL_MESSAGE_BYTES, &header);
	if (!skb)
		return;
	message_send(skb, header,
		     command == KCHAN_CMD_CHANNEL_DEL_NTF ?
			     put_deleted(skb, ch) :
			     kchan_genl_put_channel(skb, ch));
}

void kchan_notify_ring(struct kchan *ch, u32 cpu)
{
	struct sk_buff *skb;
	void *header;
	int err;

	skb = message_new(KCHAN_CMD_RING_NEW_NTF, NLMSG_DEFAULT_SIZE, &header);
	if (!skb)
		return;
	err = nla_put_string(skb, KCHAN_A_CHANNEL_NAME, ch->name) ?:
	      nla_put_u32(skb, KCHAN_A_CPU, cpu);
	message_send(skb, header, err);
}

void kchan_notify_quiesce(void)
{
	struct sk_buff *skb;
	void *header;

	skb = message_new(KCHAN_CMD_QUIESCE_NTF, NLMSG_DEFAULT_SIZE, &header);
	if (skb)
		message_send(skb, header, 0);
}
