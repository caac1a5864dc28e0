// SPDX-License-Identifier: GPL-2.0
/*
 * The data side of a GENL channel: a queue whose records are multicast. Writers
 * cannot multicast themselves: they may hold the run queue's lock.
 *
 * While somebody has the channel enabled and nobody listens, records are
 * discarded and their numbers go by.
 */
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "channel.h"
#include "compat.h"
#include "genl.h"
#include "queue.h"

#define MESSAGE_BYTES (16U << 10) /* unless one record is larger */
#define RETRY_MS 100 /* after a message could not be allocated */

struct genl_queue {
	struct kchan_queue base;

	/* Protected by base.lock. */
	u64 told; /* the SEQUENCE of the last message */
	bool listeners;
	struct sk_buff *skb; /* the message being filled */
	void *header;
};

static struct genl_queue *to_genl_queue(struct kchan_queue *base)
{
	return container_of(base, struct genl_queue, base);
}

/* What a message takes beside its records, and a record beside its payload. */
static size_t message_overhead(void)
{
	return nla_total_size(sizeof(u32)) +
	       2 * nla_total_size_64bit(sizeof(u64));
}

static size_t record_bytes(u32 payload_bytes)
{
	return nla_total_size(0) + 3 * nla_total_size_64bit(sizeof(u64)) +
	       nla_total_size(sizeof(u32)) + nla_total_size(sizeof(u16)) +
	       nla_total_size(payload_bytes);
}

static bool message_begin(struct genl_queue *queue, size_t bytes)
{
	struct sk_buff *skb;

	bytes = max_t(size_t, message_overhead() + bytes, MESSAGE_BYTES);
	skb = genlmsg_new(bytes, GFP_KERNEL | __GFP_NOWARN);
	if (!skb) {
		queue->base.again = msecs_to_jiffies(RETRY_MS);
		return false;
	}
	queue->header = genlmsg_put(skb, 0, 0, &kchan_genl_family, 0,
				    KCHAN_CMD_RECORDS_NTF);
	if (!queue->header ||
	    nla_put_u32(skb, KCHAN_A_CHANNEL_ID, queue->base.ch->id) ||
	    nla_put_u64_64bit(skb, KCHAN_A_GENERATION, queue->base.ch->generation,
			      KCHAN_A_PAD)) {
		nlmsg_free(skb);
		return false;
	}
	queue->skb = skb;
	return true;
}

static void message_send(struct genl_queue *queue)
{
	struct sk_buff *skb = queue->skb;

	if (!skb)
		return;
	queue->skb = NULL;
	queue->told = queue->base.sequence;
	if (WARN_ON_ONCE(nla_put_u64_64bit(skb, KCHAN_A_SEQUENCE,
					   queue->base.sequence, KCHAN_A_PAD))) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, queue->header);
	/* A full socket's owner learns it by ENOBUFS and from SEQUENCE. */
	genlmsg_multicast(&kchan_genl_family, skb, 0, KCHAN_GROUP_RECORDS,
			  GFP_KERNEL);
}

static int put_record(struct sk_buff *skb, const struct kchan_record *record,
		      u64 lost, u64 sequence)
{
	struct nlattr *nest = nla_nest_start(skb, KCHAN_A_RECORD);

	if (!nest ||
	    nla_put_u64_64bit(skb, KCHAN_RECORD_A_SEQUENCE, sequence,
			      KCHAN_RECORD_A_PAD) ||
	    (lost && nla_put_u64_64bit(skb, KCHAN_RECORD_A_LOST_BEFORE, lost,
				       KCHAN_RECORD_A_PAD)) ||
	    nla_put_u64_64bit(skb, KCHAN_RECORD_A_BOOTTIME_NS,
			      record->boottime_ns, KCHAN_RECORD_A_PAD) ||
	    nla_put_u32(skb, KCHAN_RECORD_A_CPU, record->flags) ||
	    nla_put_u16(skb, KCHAN_RECORD_A_TYPE, record->type) ||
	    nla_put(skb, KCHAN_RECORD_A_PAYLOAD, record->length, record + 1))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static void begin(struct kchan_queue *base)
{
	to_genl_queue(base)->listeners = genl_has_listeners(
		&kchan_genl_family, &init_net, KCHAN_GROUP_RECORDS);
}

/* Puts one record into a message; makes room for it first. */
static bool take(struct kchan_queue *base, const struct kchan_record *record,
		 u64 lost, u64 sequence)
{
	struct genl_queue *queue = to_genl_queue(base);
	const size_t bytes = record_bytes(record->length);

	if (!queue->listeners)
		return true;
	if (queue->skb &&
	    skb_tailroom(queue->skb) < bytes + message_overhead())
		message_send(queue);
	if (!queue->skb && !message_begin(queue, bytes))
		return false;
	return !WARN_ON_ONCE(put_record(queue->skb, record, lost, sequence));
}

/* Sends what there is; where only losses are new, a message that says so. */
static void end(struct kchan_queue *base)
{
	struct genl_queue *queue = to_genl_queue(base);

	if (!queue->listeners)
		queue->told = base->sequence;
	if (!queue->skb && queue->told != base->sequence)
		message_begin(queue, 0);
	message_send(queue);
}

static const struct kchan_queue_ops queue_ops = {
	.begin = begin,
	.take = take,
	.end = end,
};

static int create(struct kchan *ch, const struct kchan_spec *spec)
{
	struct genl_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);

	if (!queue)
		return -ENOMEM;
	kchan_queue_init(&queue->base, ch, &queue_ops);
	ch->transport_priv = queue;
	return 0;
}

static void destroy(struct kchan *ch)
{
	struct genl_queue *queue = ch->transport_priv;

	if (!queue)
		return;
	kchan_queue_destroy(&queue->base);
	kfree(queue);
}

static int start(struct kchan *ch)
{
	struct genl_queue *queue = ch->transport_priv;

	queue->told = 0;
	kchan_queue_start(&queue->base);
	return 0;
}

static void stop(struct kchan *ch)
{
	struct genl_queue *queue = ch->transport_priv;

	kchan_queue_stop(&queue->base);
}

/* Something to send, or somebody to send it to. */
static void kick(struct kchan *ch)
{
	struct genl_queue *queue = ch->transport_priv;

	kchan_queue_kick(&queue->base);
}

static u64 sequence(struct kchan *ch)
{
	struct genl_queue *queue = ch->transport_priv;

	return kchan_queue_sequence(&queue->base);
}

static const char *conflict(const struct kchan_spec *spec)
{
	if (spec->direction & KCHAN_DIRECTION_TO_KERNEL &&
	    (!spec->ops || !spec->ops->receive))
		return "a channel to the kernel needs ops->receive";
	if (spec->max_record_bytes > KCHAN_GENL_MAX_RECORD_BYTES)
		return "max_record_bytes is too large for a netlink message";
	return NULL;
}

const struct kchan_transport_ops kchan_genl_transport = {
	.volume = KCHAN_VOLUME_MESSAGES,
	.directions = KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL,
	.shared = true,
	.rings = true,
	.highest_context = KCHAN_CONTEXT_NMI,
	.enabled_by_socket = true,
	.conflict = conflict,
	.create = create,
	.destroy = destroy,
	.start = start,
	.stop = stop,
	.resume = kick,
	.wake = kick,
	.sequence = sequence,
};
