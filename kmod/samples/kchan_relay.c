// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_relay: bulk out of an interrupt. A timer of one CPU samples how long it
 * waited for its turn, 1000 times a second while somebody reads, into relay
 * buffers.
 *
 *	kchan tail relay
 *
 * Or by hand, as root, with the channel enabled by somebody:
 *
 *	hexdump -C /sys/kernel/debug/kchan/relay/cpu0
 */
#include <kchan.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>

#define PERIOD_NS NSEC_PER_MSEC

struct sample {
	u64 count;
	u64 late_ns;
};

static const struct kchan_field sample_fields[] = {
	KCHAN_FIELD(struct sample, count, U64, .doc = "samples so far"),
	KCHAN_FIELD(struct sample, late_ns, U64, .unit = "ns",
		    .doc = "between the time asked for and the interrupt"),
};

static const struct kchan_type sample_type =
	KCHAN_TYPE_OUT(1, "sample", struct sample, sample_fields);

static struct kchan *channel;
static struct hrtimer timer;
static struct sample sample;

static enum hrtimer_restart take_sample(struct hrtimer *expired)
{
	const ktime_t now = ktime_get();

	sample.count++;
	sample.late_ns = ktime_to_ns(ktime_sub(now,
					       hrtimer_get_expires(expired)));
	kchan_emit(channel, 1, &sample, sizeof(sample));
	hrtimer_forward(expired, now, ns_to_ktime(PERIOD_NS));
	return HRTIMER_RESTART;
}

static int enable(struct kchan *ch, void *priv)
{
	channel = ch;
	hrtimer_start(&timer, ns_to_ktime(PERIOD_NS), HRTIMER_MODE_REL_PINNED);
	return 0;
}

static void disable(struct kchan *ch, void *priv)
{
	hrtimer_cancel(&timer);
}

static const struct kchan_ops ops = { .enable = enable, .disable = disable };

static int __init relay_sample_init(void)
{
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED);
	timer.function = take_sample;
	channel = kchan_register(&(struct kchan_spec){
		.name = "relay",
		.doc = "How late a timer's interrupt comes",
		.transport = KCHAN_TRANSPORT_RELAY,
		.context = KCHAN_CONTEXT_HARDIRQ,
		.types = &sample_type,
		.type_count = 1,
		.ops = &ops,
		.relay = { .subbuf_count = 16 },
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit relay_sample_exit(void)
{
	kchan_unregister(channel);
}

module_init(relay_sample_init);
module_exit(relay_sample_exit);

MODULE_DESCRIPTION("A kchan channel over relay buffers");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
