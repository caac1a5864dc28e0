// SPDX-License-Identifier: GPL-2.0
/*
 * The data side of a GENL channel. Writers put records into the channel's
 * shared ring, which is never mapped; a work item takes them out in order and
 * multicasts them. Writers cannot multicast themselves: they may hold the run
 * queue's lock.
 *
 * While somebody has the channel enabled and nobody listens, records are
 * discarded and their numbers go by. While it only lingers they stay queued, as
 * those of a mapped ring do, so that a reader's restart misses what fits.
 */
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "channel.h"
#include "compat.h"
#include "genl.h"

#define MESSAGE_BYTES (16U << 10) /* unless one record is larger */
#define RETRY_MS 100 /* after a message could not be allocated */
#define RECORDS_PER_TURN 4096 /* then others may have the CPU */

struct genl_queue {
	struct kchan *ch;
	struct delayed_work work;

	struct mutex lock; /* protects all below */
	struct kchan_ring_consumer consumer;
	u64 sequence; /* last number that left the queue */
	u64 told; /* the SEQUENCE of the last message */
	bool listeners;
	struct sk_buff *skb; /* the message being filled */
	void *header;
	u32 taken; /* in this turn */
	bool starved; /* of memory for a message */
};

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
	if (!skb)
		return false;
	queue->header = genlmsg_put(skb, 0, 0, &kchan_genl_family, 0,
				    KCHAN_CMD_RECORDS_NTF);
	if (!queue->header ||
	    nla_put_u32(skb, KCHAN_A_CHANNEL_ID, queue->ch->id) ||
	    nla_put_u64_64bit(skb, KCHAN_A_GENERATION, queue->ch->generation,
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
	queue->told = queue->sequence;
	if (WARN_ON_ONCE(nla_put_u64_64bit(skb, KCHAN_A_SEQUENCE,
					   queue->sequence, KCHAN_A_PAD))) {
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

/* Puts one record into a message; makes room for it first. */
static bool take_record(void *context, const struct kchan_record *record,
			u64 lost, u64 sequence)
{
	const size_t bytes = record_bytes(record->length);
	struct genl_queue *queue = context;

	if (queue->taken == RECORDS_PER_TURN)
		return false;
	if (queue->listeners) {
		if (queue->skb && skb_tailroom(queue->skb) <
					  bytes + message_overhead())
			message_send(queue);
		if (!queue->skb && !message_begin(queue, bytes)) {
			queue->starved = true;
			return false;
		}
		if (WARN_ON_ONCE(put_record(queue->skb, record, lost,
					    sequence)))
			return false;
	}
	queue->taken++;
	queue->sequence = sequence;
	return true;
}

/* Sends what there is; where only losses are new, a message that says so. */
static void tell(struct genl_queue *queue)
{
	if (!queue->listeners)
		queue->told = queue->sequence;
	if (!queue->skb && queue->told != queue->sequence &&
	    !message_begin(queue, 0))
		queue->starved = true;
	message_send(queue);
}

/* One turn; true: there is more. */
static bool drain(struct genl_queue *queue)
{
	queue->taken = 0;
	queue->starved = false;
	kchan_ring_consume(&queue->consumer, take_record, queue);
	if (!queue->starved && queue->taken < RECORDS_PER_TURN) {
		kchan_ring_consume_tail_loss(&queue->consumer);
		queue->sequence = queue->consumer.sequence;
	}
	tell(queue);
	return queue->starved || queue->taken == RECORDS_PER_TURN ||
	       kchan_ring_consume_arm(&queue->consumer);
}

static void drain_work(struct work_struct *work)
{
	struct genl_queue *queue = container_of(
		to_delayed_work(work), struct genl_queue, work);
	unsigned long delay;
	bool more = false;

	mutex_lock(&queue->lock);
	queue->listeners = genl_has_listeners(&kchan_genl_family, &init_net,
					      KCHAN_GROUP_RECORDS);
	if (READ_ONCE(queue->ch->users))
		more = drain(queue);
	delay = queue->starved ? msecs_to_jiffies(RETRY_MS) : 0;
	mutex_unlock(&queue->lock);
	if (more)
		queue_delayed_work(system_unbound_wq, &queue->work, delay);
}

static int create(struct kchan *ch, const struct kchan_spec *spec)
{
	struct genl_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);

	if (!queue)
		return -ENOMEM;
	queue->ch = ch;
	mutex_init(&queue->lock);
	INIT_DELAYED_WORK(&queue->work, drain_work);
	ch->transport_priv = queue;
	return 0;
}

static void destroy(struct kchan *ch)
{
	kfree(ch->transport_priv);
}

static int start(struct kchan *ch)
{
	struct genl_queue *queue = ch->transport_priv;

	mutex_lock(&queue->lock);
	kchan_ring_consumer_init(&queue->consumer, &ch->shared->core);
	kchan_ring_consume_arm(&queue->consumer);
	queue->sequence = 0;
	queue->told = 0;
	mutex_unlock(&queue->lock);
	return 0;
}

/* Sends what is queued, and no more once it returns. */
static void stop(struct kchan *ch)
{
	struct genl_queue *queue = ch->transport_priv;

	cancel_delayed_work_sync(&queue->work);
	mutex_lock(&queue->lock);
	queue->listeners = genl_has_listeners(&kchan_genl_family, &init_net,
					      KCHAN_GROUP_RECORDS);
	while (drain(queue) && !queue->starved)
		;
	mutex_unlock(&queue->lock);
}

/* Something to send, or somebody to send it to. */
static void kick(struct kchan *ch)
{
	struct genl_queue *queue = ch->transport_priv;

	mod_delayed_work(system_unbound_wq, &queue->work, 0);
}

static u64 sequence(struct kchan *ch)
{
	struct genl_queue *queue = ch->transport_priv;
	u64 sequence;

	mutex_lock(&queue->lock);
	sequence = queue->sequence;
	mutex_unlock(&queue->lock);
	return sequence;
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
