// SPDX-License-Identifier: GPL-2.0
/*
 * The LOG transport: a queue whose records become lines of the kernel log. Not
 * printed where they are emitted: a probe may hold a lock that the console
 * wants, too. The rate limit is here and not in the writer, so that what it
 * withholds has its number, and its count is printed.
 */
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/kern_levels.h>
#include <linux/slab.h>

#include "channel.h"
#include "class.h"
#include "log_text.h"
#include "queue.h"

#define DEFAULT_INTERVAL_MS 5000
#define DEFAULT_BURST 100

/*
 * With "<channel>#<sequence>: " before it, a line is shorter than the 976 bytes
 * that a record of the kernel log can be, and with each byte escaped once more
 * by /dev/kmsg shorter than a read from there.
 */
#define TEXT_BYTES 800

struct log {
	struct kchan_queue queue;
	struct device *device; /* whom the lines are from */
	int level;
	unsigned long interval; /* jiffies */
	u32 burst;

	/* Protected by queue.lock. */
	unsigned long interval_end; /* of the current one */
	u32 written; /* in it */
	u64 seen; /* numbers up to this one are written or withheld */
	u64 withheld; /* by the limit, or lost; not summed up yet */
	char text[TEXT_BYTES];
};

static struct log *to_log(struct kchan_queue *queue)
{
	return container_of(queue, struct log, queue);
}

/* ---- What a turn does ---------------------------------------------------- */

static void sum_up(struct log *log)
{
	if (!log->withheld)
		return;
	dev_printk_emit(log->level, log->device,
			"%s: %llu lines withheld, up to #%llu",
			log->queue.ch->name, log->withheld,
			log->queue.sequence);
	log->withheld = 0;
}

static void next_interval_if_over(struct log *log)
{
	if (time_before(jiffies, log->interval_end))
		return;
	sum_up(log);
	log->interval_end = jiffies + log->interval;
	log->written = 0;
}

static void begin(struct kchan_queue *queue)
{
	next_interval_if_over(to_log(queue));
}

/* Numbers below `sequence` that have not come are lost. */
static void see(struct log *log, u64 sequence)
{
	log->withheld += sequence - log->seen;
	log->seen = sequence;
}

static bool take(struct kchan_queue *queue, const struct kchan_record *record,
		 u64 lost, u64 sequence)
{
	struct log *log = to_log(queue);

	see(log, sequence);
	if (log->written == log->burst)
		return true;
	log->written++;
	log->withheld--;
	kchan_log_text(log->text, sizeof(log->text),
		       (const char *)(record + 1), record->length);
	dev_printk_emit(log->level, log->device, "%s#%llu: %s",
			queue->ch->name, sequence, log->text);
	return true;
}

static void end(struct kchan_queue *queue)
{
	struct log *log = to_log(queue);

	see(log, queue->sequence);
	/* Somebody has to come back for the sum. */
	if (log->withheld)
		queue->again = max(1L, (long)(log->interval_end - jiffies));
}

static const struct kchan_queue_ops queue_ops = {
	.begin = begin,
	.take = take,
	.end = end,
};

/* ---- The channel's side -------------------------------------------------- */

static const struct kchan_field line_fields[] = {
	{ .name = "text", .kind = KCHAN_FIELD_STRING_REST },
};

static const struct kchan_type line_type = {
	.id = KCHAN_LOG_TYPE_LINE,
	.direction = KCHAN_DIRECTION_TO_USER,
	.name = "line",
	.fields = line_fields,
	.field_count = ARRAY_SIZE(line_fields),
};

static const char *conflict(const struct kchan_spec *spec)
{
	if (spec->types != &line_type)
		return "its records are lines of text: it declares no types";
	if (spec->log.level > LOGLEVEL_DEBUG)
		return "no such log level";
	return NULL;
}

static int create(struct kchan *ch, const struct kchan_spec *spec)
{
	struct log *log = kzalloc(sizeof(*log), GFP_KERNEL);

	if (!log)
		return -ENOMEM;
	kchan_queue_init(&log->queue, ch, &queue_ops);
	log->level = spec->log.level ?: LOGLEVEL_INFO;
	log->interval = msecs_to_jiffies(spec->log.interval_ms ?:
						 DEFAULT_INTERVAL_MS);
	log->burst = spec->log.burst ?: DEFAULT_BURST;
	ch->transport_priv = log;
	return 0;
}

static void destroy(struct kchan *ch)
{
	struct log *log = ch->transport_priv;

	if (!log)
		return;
	kchan_queue_destroy(&log->queue);
	kfree(log);
}

static int appear(struct kchan *ch)
{
	struct log *log = ch->transport_priv;

	log->device = kchan_class_device(ch, 0, NULL);
	return PTR_ERR_OR_ZERO(log->device);
}

static void disappear(struct kchan *ch)
{
	struct log *log = ch->transport_priv;

	device_unregister(log->device);
}

static int start(struct kchan *ch)
{
	struct log *log = ch->transport_priv;

	log->interval_end = jiffies;
	log->seen = 0;
	log->withheld = 0;
	kchan_queue_start(&log->queue);
	return 0;
}

static void stop(struct kchan *ch)
{
	struct log *log = ch->transport_priv;

	kchan_queue_stop(&log->queue);
	sum_up(log);
}

static void kick(struct kchan *ch)
{
	struct log *log = ch->transport_priv;

	kchan_queue_kick(&log->queue);
}

static u64 sequence(struct kchan *ch)
{
	struct log *log = ch->transport_priv;

	return kchan_queue_sequence(&log->queue);
}

const struct kchan_transport_ops kchan_log_transport = {
	.volume = KCHAN_VOLUME_MESSAGES,
	.directions = KCHAN_DIRECTION_TO_USER,
	.shared = true,
	.rings = true,
	.highest_context = KCHAN_CONTEXT_NMI,
	.enabled_by_socket = true,
	.types = &line_type,
	.type_count = 1,
	.conflict = conflict,
	.create = create,
	.destroy = destroy,
	.appear = appear,
	.disappear = disappear,
	.start = start,
	.stop = stop,
	.resume = kick,
	.wake = kick,
	.sequence = sequence,
};
