// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) "kchan_sources: " fmt

#include "tick_writers.h"

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/printk.h>

struct tick_writer *tick_writers_get(struct tick_writers *writers, u32 cpu,
				     enum tick_kind kind)
{
	return &writers->each[cpu * TICK_KINDS + kind];
}

/* ---- With the lock ------------------------------------------------------- */

static void stop_cpu(struct tick_writers *writers, u32 cpu)
{
	enum tick_kind kind;

	for (kind = TICK_KIND_PROCESS; kind <= TICK_KIND_HARDIRQ; kind++)
		tick_writer_stop(tick_writers_get(writers, cpu, kind));
	cpumask_clear_cpu(cpu, &writers->running);
}

static int start_cpu(struct tick_writers *writers, u32 cpu)
{
	const u64 wanted = writers->config.context;
	enum tick_kind kind;
	int err;

	if (cpumask_weight(&writers->running) >= writers->config.cpus)
		return 0;
	cpumask_set_cpu(cpu, &writers->running);
	for (kind = TICK_KIND_PROCESS; kind <= TICK_KIND_HARDIRQ; kind++) {
		if (wanted != TICK_CONTEXT_MIXED && wanted != (u64)kind)
			continue;
		err = tick_writer_start(tick_writers_get(writers, cpu, kind),
					&writers->config);
		if (err) {
			stop_cpu(writers, cpu);
			return err;
		}
	}
	return 0;
}

static void stop_all(struct tick_writers *writers)
{
	u32 cpu;

	writers->config.cpus = 0;
	for_each_cpu(cpu, &writers->running)
		stop_cpu(writers, cpu);
}

static int start_all(struct tick_writers *writers,
		     const struct tick_config *config)
{
	u32 cpu;
	int err;

	writers->config = *config;
	for_each_online_cpu(cpu) {
		err = start_cpu(writers, cpu);
		if (err) {
			stop_all(writers);
			return err;
		}
	}
	return 0;
}

/* ---- CPUs that come and go ----------------------------------------------- */

/* That it has no writers does not keep a CPU down. */
static int cpu_up(unsigned int cpu, struct hlist_node *node)
{
	struct tick_writers *writers =
		hlist_entry(node, struct tick_writers, hotplug);
	int err;

	mutex_lock(&writers->lock);
	err = start_cpu(writers, cpu);
	mutex_unlock(&writers->lock);
	if (err)
		pr_warn("tick: CPU %u has come up without writers: %pe\n", cpu,
			ERR_PTR(err));
	return 0;
}

static int cpu_down(unsigned int cpu, struct hlist_node *node)
{
	struct tick_writers *writers =
		hlist_entry(node, struct tick_writers, hotplug);

	mutex_lock(&writers->lock);
	stop_cpu(writers, cpu);
	mutex_unlock(&writers->lock);
	return 0;
}

static int follow_cpus(struct tick_writers *writers)
{
	int state = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "kchan:tick",
					    cpu_up, cpu_down);
	int err;

	if (state < 0)
		return state;
	err = cpuhp_state_add_instance_nocalls(state, &writers->hotplug);
	if (err)
		cpuhp_remove_multi_state(state);
	writers->hotplug_state = state;
	return err;
}

/* ---- Of a channel -------------------------------------------------------- */

struct tick_writers *tick_writers_create(struct kchan *ch)
{
	struct tick_writers *writers;
	u32 i;
	int err;

	writers = kvzalloc(struct_size(writers, each, nr_cpu_ids * TICK_KINDS),
			   GFP_KERNEL);
	if (!writers)
		return ERR_PTR(-ENOMEM);
	mutex_init(&writers->lock);
	for (i = 0; i < nr_cpu_ids * TICK_KINDS; i++)
		tick_writer_init(&writers->each[i], ch, i / TICK_KINDS,
				 i % TICK_KINDS);
	err = follow_cpus(writers);
	if (err) {
		kvfree(writers);
		return ERR_PTR(err);
	}
	return writers;
}

void tick_writers_destroy(struct tick_writers *writers)
{
	cpuhp_state_remove_instance_nocalls(writers->hotplug_state,
					    &writers->hotplug);
	cpuhp_remove_multi_state(writers->hotplug_state);
	kvfree(writers);
}

int tick_writers_start(struct tick_writers *writers,
		       const struct tick_config *config)
{
	int err;

	cpus_read_lock();
	mutex_lock(&writers->lock);
	err = start_all(writers, config);
	mutex_unlock(&writers->lock);
	cpus_read_unlock();
	return err;
}

void tick_writers_stop(struct tick_writers *writers)
{
	mutex_lock(&writers->lock);
	stop_all(writers);
	mutex_unlock(&writers->lock);
}
