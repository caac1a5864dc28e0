// SPDX-License-Identifier: GPL-2.0
/* The RELAY transport: per-CPU buffers that are read through debugfs. */
#define pr_fmt(fmt) "kchan: " fmt

#include "relay.h"

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "channel.h"

#define DEFAULT_SUBBUFS 8
#define FOLDER "kchan" /* in debugfs */

struct relay_channel {
	u32 subbuf_count; /* wanted */
	bool overwrite;
	struct kchan_relay *relay; /* the latest generation's; NULL: none yet */
};

static struct dentry *folder;

void __init kchan_relay_init(void)
{
	/* An error is told to who wants a channel. */
	folder = debugfs_create_dir(FOLDER, NULL);
}

void kchan_relay_exit(void)
{
	debugfs_remove(folder);
}

static const char *conflict(const struct kchan_spec *spec)
{
	if (spec->relay.subbuf_count == 1)
		return "a relay buffer needs at least 2 sub-buffers";
	return NULL;
}

static int create(struct kchan *ch, const struct kchan_spec *spec)
{
	struct relay_channel *channel = kzalloc(sizeof(*channel), GFP_KERNEL);

	if (!channel)
		return -ENOMEM;
	channel->subbuf_count = spec->relay.subbuf_count ?: DEFAULT_SUBBUFS;
	channel->overwrite = spec->relay.overwrite;
	ch->transport_priv = channel;
	return 0;
}

static void forget(struct relay_channel *channel)
{
	if (channel->relay)
		kchan_relay_put(channel->relay);
	channel->relay = NULL;
}

static void destroy(struct kchan *ch)
{
	struct relay_channel *channel = ch->transport_priv;

	if (!channel)
		return;
	forget(channel);
	kfree(channel);
}

static int start(struct kchan *ch)
{
	struct relay_channel *channel = ch->transport_priv;
	struct kchan_relay *relay;
	u32 count, bytes;

	if (!kchan_relay_cut(ch->ring_bytes, channel->subbuf_count,
			     ch->max_record_bytes, &count, &bytes)) {
		pr_warn_ratelimited("channel %s: a CPU's share of its budget, %llu bytes, does not hold two of its longest records: raise the budget\n",
				    ch->name, ch->ring_bytes);
		return -E2BIG;
	}
	if (IS_ERR(folder)) {
		pr_warn_ratelimited("channel %s: relay needs debugfs, which is not available (error %ld): boot with debugfs=on\n",
				    ch->name, -PTR_ERR(folder));
		return -ENODEV;
	}
	relay = kchan_relay_open(ch, count, bytes, channel->overwrite, folder);
	if (IS_ERR(relay)) {
		pr_warn_ratelimited("channel %s: its relay buffers cannot be made (error %ld)\n",
				    ch->name, -PTR_ERR(relay));
		return PTR_ERR(relay);
	}
	forget(channel);
	channel->relay = relay;
	return 0;
}

/* Keeps the counters: the last losses can be asked for when it is dead. */
static void stop(struct kchan *ch)
{
	struct relay_channel *channel = ch->transport_priv;

	kchan_relay_close(channel->relay);
}

static int emit(struct kchan *ch, u16 type, const void *payload, u32 length)
{
	struct relay_channel *channel = ch->transport_priv;

	return kchan_relay_write(channel->relay, type, payload, length);
}

static void refuse(struct kchan *ch)
{
	struct relay_channel *channel = ch->transport_priv;

	kchan_relay_refuse(channel->relay);
}

static bool counters(struct kchan *ch, u32 cpu,
		     struct kchan_ring_counters *counters)
{
	struct relay_channel *channel = ch->transport_priv;
	const struct kchan_relay_buffer *buffer;

	if (!channel->relay || ch->state == KCHAN_STATE_IDLE)
		return false;
	buffer = kchan_relay_buffer(channel->relay, cpu);
	/* A CPU that was never up and lost nothing has nothing to show. */
	if (!READ_ONCE(buffer->buf) && !READ_ONCE(buffer->sequence))
		return false;
	*counters = buffer->counters;
	counters->generation = ch->generation;
	counters->read_sequence = READ_ONCE(buffer->seen);
	return true;
}

static int describe(struct sk_buff *skb, const struct kchan *ch)
{
	const struct relay_channel *channel = ch->transport_priv;
	char path[KCHAN_NAME_BYTES + sizeof("/sys/kernel/debug/" FOLDER "/")];

	snprintf(path, sizeof(path), "/sys/kernel/debug/" FOLDER "/%s",
		 ch->name);
	if (nla_put_string(skb, KCHAN_A_PATH, path) ||
	    (channel->overwrite && nla_put_flag(skb, KCHAN_A_OVERWRITE)))
		return -EMSGSIZE;
	return 0;
}

const struct kchan_transport_ops kchan_relay_transport = {
	.volume = KCHAN_VOLUME_STREAM,
	.directions = KCHAN_DIRECTION_TO_USER,
	.per_cpu = true,
	.highest_context = KCHAN_CONTEXT_HARDIRQ,
	.enabled_by_socket = true,
	.conflict = conflict,
	.create = create,
	.destroy = destroy,
	.start = start,
	.stop = stop,
	.emit = emit,
	.refuse = refuse,
	.describe = describe,
	.counters = counters,
};
