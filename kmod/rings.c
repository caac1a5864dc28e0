// SPDX-License-Identifier: GPL-2.0
#include "rings.h"

#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/topology.h>
struct kchan_channel_ring *kchan_channel_ring(struct kchan *ch, u32 cpu)
{
	if (ch->shared)
		return cpu == KCHAN_CPU_SHARED ? ch->shared : NULL;
	if (!ch->rings)
		return NULL;
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return NULL;
	return per_cpu_ptr(ch->rings, cpu);
}

/*
 * Called by writers, perhaps under the run queue's lock: the wake-up itself has
 * to wait for an interrupt of its own.
 */
static void queue_wake(struct kchan_ring *core)
{
	struct kchan_channel_ring *ring =
		container_of(core, struct kchan_channel_ring, core);

	irq_work_queue(&ring->wake);
}

static void wake_readers(struct irq_work *work)
{
	struct kchan_channel_ring *ring =
		container_of(work, struct kchan_channel_ring, wake);

	if (ring->ch->transport_ops->wake)
		ring->ch->transport_ops->wake(ring->ch);
	else
		wake_up_interruptible_poll(&ring->readers,
					   EPOLLIN | EPOLLRDNORM | EPOLLPRI);
}

int kchan_rings_create(struct kchan *ch)
{
	struct kchan_channel_ring *ring;
	u32 cpu;

	if (!ch->transport_ops->rings)
		return 0;
	if (ch->layout == KCHAN_LAYOUT_SHARED) {
		ch->shared = kzalloc(sizeof(*ch->shared), GFP_KERNEL);
		if (!ch->shared)
			return -ENOMEM;
	} else {
		ch->rings = alloc_percpu(struct kchan_channel_ring);
		if (!ch->rings)
			return -ENOMEM;
	}
	kchan_for_each_ring(ch, ring, cpu) {
		ring->ch = ch;
		init_irq_work(&ring->wake, wake_readers);
		init_waitqueue_head(&ring->readers);
	}
	return 0;
}

void kchan_rings_destroy(struct kchan *ch)
{
	free_percpu(ch->rings);
	kfree(ch->shared);
}

void kchan_rings_reset(struct kchan *ch, u64 generation)
{
	/* Many CPUs make small rings: what they cannot hold is too long. */
	const u64 longest = min_t(u64, ch->max_record_bytes,
				  ch->ring_bytes - sizeof(struct kchan_record));
	struct kchan_channel_ring *ring;
	u32 cpu;

	kchan_for_each_ring(ch, ring, cpu) {
		const struct kchan_ring_config config = {
			.channel = ch->name,
			.generation = generation,
			.cpu = cpu,
			.max_payload_bytes = longest,
			.wake = queue_wake,
		};

		kchan_ring_init(&ring->core, &config);
	}
}

int kchan_ring_add_memory(struct kchan *ch, struct kchan_channel_ring *ring)
{
	const int node = ch->shared ? NUMA_NO_NODE :
				      cpu_to_node(ring->core.cpu);
	struct kchan_ring_memory view;
	struct kchan_memory *memory;

	memory = kchan_memory_alloc(KCHAN_PAGE_DATA, ch->ring_bytes, node);
	if (!memory)
		return -ENOMEM;
	view = (struct kchan_ring_memory){
		.consumer = memory->base + KCHAN_PAGE_CONSUMER * PAGE_SIZE,
		.producer = memory->base + KCHAN_PAGE_PRODUCER * PAGE_SIZE,
		.info = memory->base + KCHAN_PAGE_INFO * PAGE_SIZE,
		.data = memory->base + KCHAN_PAGE_DATA * PAGE_SIZE,
		.data_bytes = memory->data_bytes,
		.page_bytes = PAGE_SIZE,
	};
	kchan_ring_attach_memory(&ring->core, &view);
	/* Offers the ring to readers: pairs with the load-acquire in device.c. */
	smp_store_release(&ring->memory, memory);
	return 0;
}

void kchan_rings_free_memory(struct kchan *ch)
{
	struct kchan_channel_ring *ring;
	u32 cpu;

	kchan_for_each_ring(ch, ring, cpu) {
		kchan_memory_free(ring->memory);
		ring->memory = NULL;
	}
}

void kchan_rings_mark_dead(struct kchan *ch)
{
	struct kchan_channel_ring *ring;
	u32 cpu;

	kchan_for_each_ring(ch, ring, cpu) {
		if (!ring->memory)
			continue;
		kchan_ring_mark_dead(&ring->core);
		wake_up_interruptible_poll(&ring->readers,
					   EPOLLIN | EPOLLPRI | EPOLLHUP);
	}
}

void kchan_rings_sync_wakes(struct kchan *ch)
{
	struct kchan_channel_ring *ring;
	u32 cpu;

	kchan_for_each_ring(ch, ring, cpu)
		irq_work_sync(&ring->wake);
}
