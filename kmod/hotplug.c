// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) "kchan: " fmt

#include "hotplug.h"

#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/printk.h>

#include "channel.h"
#include "notify.h"
#include "rings.h"

static int hotplug_state;

/*
 * Runs for each online CPU from kchan_hotplug_add(), where an error is the
 * activation's; and when a CPU comes up, which must not fail for want of a
 * ring: what that CPU emits is then lost, and counted so.
 */
static int prepare_cpu(unsigned int cpu, struct hlist_node *node)
{
	struct kchan *ch = hlist_entry(node, struct kchan, hotplug);
	struct kchan_channel_ring *ring = per_cpu_ptr(ch->rings, cpu);
	int err;

	if (ring->memory)
		return 0;
	err = kchan_ring_add_memory(ch, ring);
	if (!READ_ONCE(ch->live))
		return err;
	if (err)
		pr_warn("channel %s: no memory for the ring of CPU %u, its records are lost\n",
			ch->name, cpu);
	else
		kchan_notify_ring(ch, cpu);
	return 0;
}

int kchan_hotplug_init(void)
{
	int state = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN,
					    "kchan:prepare", prepare_cpu, NULL);

	if (state < 0)
		return state;
	hotplug_state = state;
	return 0;
}

void kchan_hotplug_exit(void)
{
	cpuhp_remove_multi_state(hotplug_state);
}

int kchan_hotplug_add(struct kchan *ch)
{
	return cpuhp_state_add_instance(hotplug_state, &ch->hotplug);
}

void kchan_hotplug_remove(struct kchan *ch)
{
	cpuhp_state_remove_instance_nocalls(hotplug_state, &ch->hotplug);
}
