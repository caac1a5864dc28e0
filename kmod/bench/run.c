// SPDX-License-Identifier: GPL-2.0
/*
 * Runs: each CPU's share is written by a worker that is bound to it, in batches
 * that are timed as one, so that the clock costs next to nothing.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "bench.h"

struct share {
	struct work_struct work;
	u64 emitted;
	u64 refused;
	u64 absent;
	u64 emit_ns;
	u64 buffer[BENCH_MAX_BYTES / sizeof(u64)];
};

static DEFINE_MUTEX(lock); /* of starting */
static atomic_t running; /* shares that have not come to their end */
static bool stopping;
static struct workqueue_struct *workers;

/* The one run. Written while none is running. */
static struct bench_run run;
static struct bench_method *method;
static struct kchan *control;
static u64 start_ns;
static struct share *shares; /* one for each possible CPU */

static int write_one(struct bench_sample *sample)
{
	if (!method->text)
		sample->count++;
	if (method->write)
		return method->write(method, sample, run.bytes);
	return kchan_emit(method->ch, 1, sample, run.bytes);
}

static void write_batch(struct share *share, u64 count)
{
	struct bench_sample *sample = (struct bench_sample *)share->buffer;
	const u64 start = ktime_get_ns();

	while (count--) {
		const int err = write_one(sample);

		if (likely(!err))
			share->emitted++;
		else if (err == -ENODEV)
			share->absent++;
		else
			share->refused++;
	}
	share->emit_ns += ktime_get_ns() - start;
}

/* The batch's time, for who measures how long a record is on its way. */
static void stamp(struct share *share)
{
	struct bench_sample *sample = (struct bench_sample *)share->buffer;
	const u64 now = ktime_get_boot_fast_ns();
	char time[24];

	if (!method->text) {
		sample->boottime_ns = now;
		return;
	}
	/* Digits of fixed width, the fill stays behind them. */
	scnprintf(time, sizeof(time), "%020llu ", now);
	memcpy(share->buffer, time, min_t(u32, strlen(time), run.bytes));
}

static void wait_until(ktime_t next)
{
	if (!run.pace_ns) {
		cond_resched();
		return;
	}
	set_current_state(TASK_IDLE);
	schedule_hrtimeout(&next, HRTIMER_MODE_ABS);
}

/* Whoever gets the result may start the next run at once. */
static void end_and_tell(void)
{
	struct kchan *to = control;
	struct bench_result result = {
		.id = run.id,
		.start_ns = start_ns,
		.end_ns = ktime_get_boot_fast_ns(),
		.stopped = READ_ONCE(stopping),
	};
	u32 cpu;

	for_each_possible_cpu(cpu) {
		result.emitted += shares[cpu].emitted;
		result.refused += shares[cpu].refused;
		result.absent += shares[cpu].absent;
		result.emit_ns += shares[cpu].emit_ns;
	}
	atomic_set_release(&running, 0);
	kchan_emit(to, BENCH_TYPE_RESULT, &result, sizeof(result));
}

static void write_share(struct work_struct *work)
{
	struct share *share = container_of(work, struct share, work);
	ktime_t next = ktime_get();
	u64 left = run.records;

	while (left && !READ_ONCE(stopping)) {
		const u64 count = min_t(u64, left, run.batch);

		stamp(share);
		write_batch(share, count);
		left -= count;
		next = ktime_add_ns(next, run.pace_ns);
		wait_until(next);
	}
	/* The last one tells. Orders it after what the others have counted. */
	if (atomic_sub_return(1, &running) == 1)
		end_and_tell();
}

static bool cpus_are_online(const struct bench_run *wanted)
{
	u32 cpu;

	if (!wanted->cpus || wanted->cpus > nr_cpu_ids ||
	    wanted->cpu > nr_cpu_ids - wanted->cpus)
		return false;
	for (cpu = wanted->cpu; cpu < wanted->cpu + wanted->cpus; cpu++)
		if (!cpu_online(cpu))
			return false;
	return true;
}

static void clear_shares(void)
{
	u32 cpu;

	for_each_possible_cpu(cpu) {
		struct share *share = &shares[cpu];

		memset_after(share, 0, work);
		if (method->text)
			memset(share->buffer, '.', sizeof(share->buffer));
	}
}

static int start_locked(struct kchan *to, struct bench_method *what,
			const struct bench_run *wanted)
{
	u32 cpu;

	if (stopping)
		return -ESHUTDOWN;
	/* One more than shares, until the last has told. */
	if (atomic_cmpxchg(&running, 0, wanted->cpus + 1))
		return -EBUSY;
	run = *wanted;
	method = what;
	control = to;
	clear_shares();
	start_ns = ktime_get_boot_fast_ns();
	for (cpu = run.cpu; cpu < run.cpu + run.cpus; cpu++)
		queue_work_on(cpu, workers, &shares[cpu].work);
	return 0;
}

int bench_run_start(struct kchan *to, struct bench_method *what,
		    const struct bench_run *wanted)
{
	int err = -EINVAL;

	cpus_read_lock();
	mutex_lock(&lock);
	if (cpus_are_online(wanted))
		err = start_locked(to, what, wanted);
	mutex_unlock(&lock);
	cpus_read_unlock();
	return err;
}

void bench_runs_stop(void)
{
	mutex_lock(&lock);
	WRITE_ONCE(stopping, true);
	mutex_unlock(&lock);
	flush_workqueue(workers);
}

int bench_runs_init(void)
{
	u32 cpu;

	shares = kvcalloc(nr_cpu_ids, sizeof(*shares), GFP_KERNEL);
	if (!shares)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		INIT_WORK(&shares[cpu].work, write_share);
	/* Others' work on that CPU does not wait for us. */
	workers = alloc_workqueue("kchan_bench", WQ_CPU_INTENSIVE, 0);
	if (workers)
		return 0;
	kvfree(shares);
	return -ENOMEM;
}

void bench_runs_exit(void)
{
	destroy_workqueue(workers);
	kvfree(shares);
}
