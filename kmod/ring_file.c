// SPDX-License-Identifier: GPL-2.0
/*
 * The RING transport: its readers' files. Mapping is in ring_mmap.c, files that
 * write to the kernel in ring_writer_file.c.
 */
#include <linux/uaccess.h>

#include "channel.h"
#include "device.h"
#include "ring_writers.h"
#include "rings.h"

static void unclaim(struct kchan_channel_ring *ring)
{
	clear_bit_unlock(0, &ring->has_reader);
}

static int claim(struct kchan *ch, u32 cpu, struct kchan_channel_ring **claimed)
{
	struct kchan_channel_ring *ring = kchan_channel_ring(ch, cpu);
	int err;

	if (!ring)
		return -ENXIO;
	if (test_and_set_bit_lock(0, &ring->has_reader))
		return -EBUSY;
	err = kchan_demand_get(ch, NULL);
	if (err)
		goto err_unclaim;
	/* Pairs with the store-release in kchan_ring_add_memory(). */
	if (!smp_load_acquire(&ring->memory)) {
		/* The CPU was never up; RING_NEW_NTF tells when it is. */
		err = -ENXIO;
		goto err_put_demand;
	}
	*claimed = ring;
	return 0;

err_put_demand:
	kchan_demand_put(ch);
err_unclaim:
	unclaim(ring);
	return err;
}

static int attach(struct kchan_file *file, struct kchan *ch,
		  struct kchan_attach *request)
{
	struct kchan_channel_ring *ring;
	int err;

	if (request->role == KCHAN_ROLE_WRITER)
		return kchan_ring_attach_writer(file, ch, request);
	if (!(ch->direction & KCHAN_DIRECTION_TO_USER))
		return -EOPNOTSUPP;
	err = claim(ch, request->cpu, &ring);
	if (err)
		return err;
	request->generation = ch->generation;
	request->data_bytes = ring->memory->data_bytes;
	file->priv = ring;
	return 0;
}

static void release(struct kchan_file *file)
{
	unclaim(file->priv);
	kchan_demand_put(file->ch);
}

static long read_counters(struct kchan_file *file, unsigned int command,
			  void __user *user)
{
	const struct kchan_channel_ring *ring = file->priv;
	struct kchan_ring_counters counters;

	if (command != KCHAN_IOC_COUNTERS)
		return -ENOTTY;
	kchan_ring_read_counters(&ring->core, &counters);
	return copy_to_user(user, &counters, sizeof(counters)) ? -EFAULT : 0;
}

static __poll_t poll(struct kchan_file *file, struct file *raw,
		     poll_table *table)
{
	struct kchan_channel_ring *ring = file->priv;
	__poll_t events = 0;
	u32 mask;

	poll_wait(raw, &ring->readers, table);
	mask = kchan_ring_poll_mask(&ring->core);
	if (mask & KCHAN_RING_READABLE)
		events |= EPOLLIN | EPOLLRDNORM;
	if (mask & KCHAN_RING_LOST)
		events |= EPOLLPRI;
	if (mask & KCHAN_RING_DEAD)
		events |= EPOLLHUP;
	return events;
}

static const struct kchan_file_ops reader_ops = {
	.attach = attach,
	.release = release,
	.ioctl = read_counters,
	.poll = poll,
	.mmap = kchan_ring_mmap,
};

static const char *conflict(const struct kchan_spec *spec)
{
	if (spec->direction & KCHAN_DIRECTION_TO_KERNEL &&
	    (!spec->ops || !spec->ops->receive))
		return "a channel to the kernel needs ops->receive";
	return NULL;
}

const struct kchan_transport_ops kchan_ring_transport = {
	.volume = KCHAN_VOLUME_STREAM,
	.directions = KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL,
	.per_cpu = true,
	.shared = true,
	.rings = true,
	.highest_context = KCHAN_CONTEXT_NMI,
	.conflict = conflict,
	.create = kchan_ring_writers_create,
	.destroy = kchan_ring_writers_destroy,
	.dead = kchan_ring_writers_dead,
	.file = &reader_ops,
};
