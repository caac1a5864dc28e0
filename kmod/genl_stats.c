// SPDX-License-Identifier: GPL-2.0
/* KCHAN_CMD_STATS_GET: the counters of a channel's rings. */
#include "channel.h"
#include "compat.h"
#include "genl.h"
#include "rings.h"

/* What one RING_STATS nest takes. */
#define RING_STATS_BYTES                                       \
	(nla_total_size(0) + nla_total_size(sizeof(u32)) +     \
	 13 * nla_total_size_64bit(sizeof(u64)) + nla_total_size(0))

struct counter {
	u16 attribute;
	size_t offset;
};

#define COUNTER(ATTRIBUTE, member)                                 \
	{                                                          \
		KCHAN_STATS_A_##ATTRIBUTE,                         \
			offsetof(struct kchan_ring_counters, member) \
	}

static const struct counter counter_attributes[] = {
	COUNTER(RECORDS, records),
	COUNTER(BYTES, bytes),
	COUNTER(DISCARDED, discarded),
	COUNTER(LOST, lost),
	COUNTER(LOST_FULL, lost_full),
	COUNTER(LOST_NO_RING, lost_no_ring),
	COUNTER(LOST_CONTENDED, lost_contended),
	COUNTER(LOST_OVERSIZE, lost_oversize),
	COUNTER(BAD_CONSUMER_POS, bad_consumer_pos),
	COUNTER(WAKEUPS, wakeups),
	COUNTER(READ_SEQUENCE, read_sequence),
};

static int put_counters(struct sk_buff *skb,
			const struct kchan_ring_counters *counters)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counter_attributes); i++) {
		const struct counter *counter = &counter_attributes[i];
		const void *value = (const void *)counters + counter->offset;

		if (nla_put_u64_64bit(skb, counter->attribute,
				      *(const u64 *)value, KCHAN_STATS_A_PAD))
			return -EMSGSIZE;
	}
	return 0;
}

struct usage {
	u64 ring_bytes;
	u64 fill_bytes;
	bool has_reader;
};

static int put_stats(struct sk_buff *skb, u32 cpu, const struct usage *usage,
		     const struct kchan_ring_counters *counters)
{
	struct nlattr *nest = nla_nest_start(skb, KCHAN_A_RING_STATS);

	if (!nest || nla_put_u32(skb, KCHAN_STATS_A_CPU, cpu) ||
	    nla_put_u64_64bit(skb, KCHAN_STATS_A_RING_BYTES, usage->ring_bytes,
			      KCHAN_STATS_A_PAD) ||
	    nla_put_u64_64bit(skb, KCHAN_STATS_A_FILL_BYTES, usage->fill_bytes,
			      KCHAN_STATS_A_PAD) ||
	    put_counters(skb, counters))
		return -EMSGSIZE;
	if (usage->has_reader && nla_put_flag(skb, KCHAN_STATS_A_HAS_READER))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_ring(struct sk_buff *skb, const struct kchan_channel_ring *ring,
		    u32 cpu)
{
	/* Pairs with the store-release in kchan_ring_add_memory(). */
	const struct kchan_memory *memory = smp_load_acquire(&ring->memory);
	struct usage usage = { .has_reader = test_bit(0, &ring->has_reader) };
	struct kchan_ring_counters counters;

	kchan_ring_read_counters(&ring->core, &counters);
	if (!memory && !counters.lost)
		return 0;
	if (memory) {
		usage.fill_bytes = kchan_ring_fill_bytes(&ring->core);
		usage.ring_bytes = memory->data_bytes;
	}
	return put_stats(skb, cpu, &usage, &counters);
}

/* Of a transport that keeps its records otherwise. */
static int put_other(struct sk_buff *skb, struct kchan *ch, u32 cpu)
{
	const struct usage usage = { .ring_bytes = ch->ring_bytes };
	struct kchan_ring_counters counters = {};

	if (!ch->transport_ops->counters(ch, cpu, &counters))
		return 0;
	return put_stats(skb, cpu, &usage, &counters);
}

static int put_others(struct sk_buff *skb, struct kchan *ch)
{
	u32 cpu;

	if (!ch->transport_ops->counters)
		return 0;
	if (ch->layout != KCHAN_LAYOUT_PER_CPU)
		return put_other(skb, ch, KCHAN_CPU_SHARED);
	for_each_possible_cpu(cpu) {
		if (put_other(skb, ch, cpu))
			return -EMSGSIZE;
	}
	return 0;
}

static int put_rings(struct sk_buff *skb, struct kchan *ch)
{
	struct kchan_channel_ring *ring;
	u32 cpu;

	if (nla_put_string(skb, KCHAN_A_CHANNEL_NAME, ch->name) ||
	    nla_put_u64_64bit(skb, KCHAN_A_GENERATION, ch->generation,
			      KCHAN_A_PAD))
		return -EMSGSIZE;
	kchan_for_each_ring(ch, ring, cpu) {
		if (put_ring(skb, ring, cpu))
			return -EMSGSIZE;
	}
	return put_others(skb, ch);
}

int kchan_genl_stats_get(struct sk_buff *skb, struct genl_info *info)
{
	struct kchan *ch = kchan_genl_channel(info);
	struct sk_buff *reply;
	void *header;
	size_t bytes;
	int err;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	bytes = nla_total_size(KCHAN_NAME_BYTES) +
		nla_total_size_64bit(sizeof(u64)) +
		max(kchan_ring_count(ch), 1U) * RING_STATS_BYTES;
	err = -ENOMEM;
	reply = kchan_genl_reply_new(info, bytes, &header);
	if (!reply)
		goto out_put;
	/* The rings' memory stays while we look at it. */
	mutex_lock(&ch->demand);
	err = put_rings(reply, ch);
	mutex_unlock(&ch->demand);
	err = kchan_genl_reply(reply, info, header, err);
out_put:
	kchan_put(ch);
	return err;
}
