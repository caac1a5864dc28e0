/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rings of a channel. Unless it says otherwise, the caller of a function
 * holds kchan.demand or has the channel for itself.
 */
#ifndef _KCHAN_RINGS_H
#define _KCHAN_RINGS_H

#include "channel.h"

/*
 * The ring of a CPU (KCHAN_CPU_SHARED for the shared one); NULL: none such.
 * By anyone who holds a reference to the channel.
 */
struct kchan_channel_ring *kchan_channel_ring(struct kchan *ch, u32 cpu);

/*
 * How many buffers share the channel's budget, also of transports whose buffers
 * are not rings; 0: its memory is not buffers.
 */
static inline u32 kchan_ring_count(const struct kchan *ch)
{
	if (ch->layout == KCHAN_LAYOUT_PER_CPU)
		return num_possible_cpus();
	return ch->layout == KCHAN_LAYOUT_SHARED ? 1 : 0;
}

/* Rings without memory and without writers. ENOMEM. */
int kchan_rings_create(struct kchan *ch);
void kchan_rings_destroy(struct kchan *ch);

/* Counters to zero, before the first writer of a generation. */
void kchan_rings_reset(struct kchan *ch, u64 generation);

/*
 * Gives one ring its memory. Its CPU is not writing, or loses what it writes,
 * until this returns. hotplug.c calls it without kchan.demand. ENOMEM.
 */
int kchan_ring_add_memory(struct kchan *ch, struct kchan_channel_ring *ring);

/* Neither writer nor reader is left. */
void kchan_rings_free_memory(struct kchan *ch);

/* Stores DEAD and wakes the readers. No writer is left. */
void kchan_rings_mark_dead(struct kchan *ch);

/* Waits for wake-ups under way. No writer is left. */
void kchan_rings_sync_wakes(struct kchan *ch);

/* All rings: for_each_ring(ch, ring, cpu) { .. }. */
#define kchan_for_each_ring(ch, ring, cpu)                               \
	for ((cpu) = kchan_first_ring(ch);                               \
	     ((ring) = kchan_channel_ring(ch, cpu)) != NULL;             \
	     (cpu) = kchan_ring_after(ch, cpu))

static inline u32 kchan_ring_after(const struct kchan *ch, u32 cpu)
{
	return ch->shared ? 0 : cpumask_next(cpu, cpu_possible_mask);
}

static inline u32 kchan_first_ring(const struct kchan *ch)
{
	return ch->shared ? KCHAN_CPU_SHARED :
			    cpumask_first(cpu_possible_mask);
}

#endif
