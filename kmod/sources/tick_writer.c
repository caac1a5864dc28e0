// SPDX-License-Identifier: GPL-2.0
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "tick_writer.h"

/* More activations a second would leave the CPU no time for anything else. */
#define MIN_PERIOD_NS (50 * NSEC_PER_USEC)
/* Between two activations of a timer; or as long as the first one took. */
#define MIN_PAUSE_NS (20 * NSEC_PER_USEC)
/* "As fast as it can" in an interrupt: this many in each shortest period. */
#define UNPACED_BURST 64

void tick_writer_init(struct tick_writer *writer, struct kchan *channel,
		      u32 cpu, enum tick_kind kind)
{
	*writer = (struct tick_writer){
		.channel = channel,
		.cpu = cpu,
		.kind = kind,
	};
}

static u32 fill_bytes(const struct tick_writer *writer)
{
	return writer->size - sizeof(struct tick_record);
}

/* The CRC-32 of zlib and Ethernet. */
static void seal(const struct tick_writer *writer)
{
	writer->record->checksum =
		~crc32_le(~0U, (u8 *)(writer->record + 1), fill_bytes(writer));
}

/* A rate that a burst cannot reach at the shortest period gets a larger one. */
static void pace(struct tick_writer *writer, const struct tick_config *config)
{
	bool in_interrupt = writer->kind == TICK_KIND_SOFTIRQ ||
			    writer->kind == TICK_KIND_HARDIRQ;

	writer->burst = config->burst;
	writer->period_ns = 0;
	if (config->rate_hz) {
		writer->burst = max(writer->burst,
				    DIV64_U64_ROUND_UP(config->rate_hz * MIN_PERIOD_NS,
						       NSEC_PER_SEC));
		writer->period_ns = div64_u64(writer->burst * NSEC_PER_SEC,
					      config->rate_hz);
	} else if (in_interrupt) {
		writer->burst = max_t(u64, writer->burst, UNPACED_BURST);
		writer->period_ns = MIN_PERIOD_NS;
	}
}

int tick_writer_prepare(struct tick_writer *writer,
			const struct tick_config *config)
{
	writer->record = kzalloc(config->size, GFP_KERNEL);
	if (!writer->record)
		return -ENOMEM;
	writer->size = config->size;
	writer->checksum_each = config->checksum;
	writer->endless = !config->count;
	writer->left = config->count;
	pace(writer, config);

	writer->record->writer = writer->cpu * TICK_KINDS + writer->kind;
	writer->record->size = writer->size;
	writer->record->fill = KCHAN_LOC(sizeof(struct tick_record),
					 fill_bytes(writer));
	get_random_bytes(writer->record + 1, fill_bytes(writer));
	seal(writer);
	return 0;
}

static enum tick_context context_now(void)
{
	if (in_hardirq())
		return TICK_CONTEXT_HARDIRQ;
	if (in_serving_softirq())
		return TICK_CONTEXT_SOFTIRQ;
	return TICK_CONTEXT_PROCESS;
}

/* No two records have the same fill, so that a mixture of two shows. */
static void renew_fill(struct tick_writer *writer)
{
	u64 mark = writer->counter + 1;

	memcpy(writer->record + 1, &mark, min_t(u32, fill_bytes(writer), sizeof(mark)));
	seal(writer);
}

int tick_writer_write(struct tick_writer *writer)
{
	struct tick_record *record = writer->record;
	int err;

	record->counter = writer->counter + 1;
	record->cpu = raw_smp_processor_id();
	record->context = context_now();
	if (writer->checksum_each)
		renew_fill(writer);
	err = kchan_emit(writer->channel, TICK_RECORD, record, writer->size);
	/* Without a reader it is no attempt: nothing takes a number. */
	if (err != -ENODEV)
		writer->counter++;
	return err;
}

static bool finished(const struct tick_writer *writer)
{
	return !writer->endless && !writer->left;
}

static void activate(struct tick_writer *writer)
{
	u64 i;

	for (i = 0; i < writer->burst && !finished(writer); i++) {
		if (tick_writer_write(writer) == -ENODEV)
			return;
		if (!writer->endless)
			writer->left--;
	}
}

/*
 * After an activation that took from `start` to `end`. Late ones are not made
 * up for, and a timer takes at most half of its CPU.
 */
static void set_next_expiry(struct tick_writer *writer, ktime_t start,
			    ktime_t end)
{
	s64 pause_ns = max_t(s64, ktime_sub(end, start), MIN_PAUSE_NS);
	ktime_t earliest = ktime_add_ns(end, pause_ns);

	hrtimer_forward(&writer->timer, end, ns_to_ktime(writer->period_ns));
	if (ktime_before(hrtimer_get_expires(&writer->timer), earliest))
		hrtimer_set_expires(&writer->timer, earliest);
}

static enum hrtimer_restart timer_expired(struct hrtimer *timer)
{
	struct tick_writer *writer = container_of(timer, struct tick_writer, timer);
	ktime_t start = ktime_get();

	activate(writer);
	if (finished(writer))
		return HRTIMER_NORESTART;
	set_next_expiry(writer, start, ktime_get());
	return HRTIMER_RESTART;
}

/* On the writer's CPU. */
static void start_timer(void *arg)
{
	struct tick_writer *writer = arg;
	enum hrtimer_mode mode = writer->kind == TICK_KIND_SOFTIRQ ?
					 HRTIMER_MODE_REL_PINNED_SOFT :
					 HRTIMER_MODE_REL_PINNED_HARD;

	hrtimer_start(&writer->timer, ns_to_ktime(writer->period_ns), mode);
}

static int start_as_timer(struct tick_writer *writer)
{
	enum hrtimer_mode mode = writer->kind == TICK_KIND_SOFTIRQ ?
					 HRTIMER_MODE_REL_SOFT :
					 HRTIMER_MODE_REL_HARD;

	hrtimer_init(&writer->timer, CLOCK_MONOTONIC, mode);
	writer->timer.function = timer_expired;
	return smp_call_function_single(writer->cpu, start_timer, writer, true);
}

static void sleep_until(ktime_t due)
{
	set_current_state(TASK_INTERRUPTIBLE);
	if (!kthread_should_stop())
		schedule_hrtimeout(&due, HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

static void sleep_until_stopped(void)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

static int run_thread(void *arg)
{
	struct tick_writer *writer = arg;
	ktime_t due = ktime_get();
	bool at_home;

	/*
	 * It is stopped before its CPU goes offline, but not before the CPU
	 * sends others away.
	 */
	migrate_disable();
	at_home = raw_smp_processor_id() == writer->cpu;
	while (at_home && !kthread_should_stop() && !finished(writer)) {
		activate(writer);
		if (writer->period_ns) {
			/* Late ones are not made up for. */
			due = max_t(ktime_t, ktime_add_ns(due, writer->period_ns),
				    ktime_get());
			sleep_until(due);
		}
		cond_resched();
	}
	sleep_until_stopped();
	migrate_enable();
	return 0;
}

static int start_as_thread(struct tick_writer *writer)
{
	struct task_struct *thread;

	thread = kthread_create(run_thread, writer, "kchan_tick/%u", writer->cpu);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	kthread_bind(thread, writer->cpu);
	writer->thread = thread;
	wake_up_process(thread);
	return 0;
}

int tick_writer_start(struct tick_writer *writer,
		      const struct tick_config *config)
{
	int err = tick_writer_prepare(writer, config);

	if (err)
		return err;
	err = writer->kind == TICK_KIND_PROCESS ? start_as_thread(writer) :
						  start_as_timer(writer);
	if (err)
		tick_writer_stop(writer);
	return err;
}

void tick_writer_stop(struct tick_writer *writer)
{
	if (writer->thread)
		kthread_stop(writer->thread);
	writer->thread = NULL;
	if (writer->timer.function)
		hrtimer_cancel(&writer->timer);
	writer->timer.function = NULL;
	kfree(writer->record);
	writer->record = NULL;
}
