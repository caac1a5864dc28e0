// SPDX-License-Identifier: GPL-2.0
/* The RING transport towards the kernel: its writers' files and their memory. */
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "channel.h"
#include "ring_writers.h"

#define DEFAULT_DATA_BYTES SZ_256K

/* Of one channel, together; kchan.transport_priv. */
struct writers {
	struct mutex lock;
	u32 count;
	u64 bytes; /* of their areas; within the channel's budget */
	wait_queue_head_t waiting; /* for the channel's end */
};

int kchan_ring_writers_create(struct kchan *ch, const struct kchan_spec *spec)
{
	struct writers *writers;

	if (!(ch->direction & KCHAN_DIRECTION_TO_KERNEL))
		return 0;
	writers = kzalloc(sizeof(*writers), GFP_KERNEL);
	if (!writers)
		return -ENOMEM;
	mutex_init(&writers->lock);
	init_waitqueue_head(&writers->waiting);
	ch->transport_priv = writers;
	return 0;
}

void kchan_ring_writers_destroy(struct kchan *ch)
{
	kfree(ch->transport_priv);
}

void kchan_ring_writers_dead(struct kchan *ch)
{
	struct writers *writers = ch->transport_priv;

	if (writers)
		wake_up_interruptible_poll(&writers->waiting, EPOLLHUP);
}

/* ---- How much they may have ---------------------------------------------- */

static int charge(struct kchan *ch, u64 bytes)
{
	struct writers *writers = ch->transport_priv;
	int err = 0;

	mutex_lock(&writers->lock);
	if (writers->count == KCHAN_MAX_RING_WRITERS) {
		err = -EBUSY;
	} else if (writers->bytes + bytes > READ_ONCE(ch->budget_bytes)) {
		err = -E2BIG;
	} else {
		writers->count++;
		writers->bytes += bytes;
	}
	mutex_unlock(&writers->lock);
	return err;
}

static void uncharge(struct kchan *ch, u64 bytes)
{
	struct writers *writers = ch->transport_priv;

	mutex_lock(&writers->lock);
	writers->count--;
	writers->bytes -= bytes;
	mutex_unlock(&writers->lock);
}

/* 0: not a size that an area can have. */
static u64 data_bytes(const struct kchan *ch, u64 wanted)
{
	const u64 longest = KCHAN_RING_RECORD_BYTES(ch->max_record_bytes);
	const u64 smallest = max3((u64)KCHAN_MIN_RING_BYTES, (u64)PAGE_SIZE,
				  roundup_pow_of_two(longest));

	if (!wanted)
		return clamp_t(u64, rounddown_pow_of_two(ch->budget_bytes),
			       smallest, max_t(u64, DEFAULT_DATA_BYTES, smallest));
	if (!is_power_of_2(wanted) || wanted < smallest ||
	    wanted > KCHAN_MAX_RING_BYTES)
		return 0;
	return wanted;
}

/* ---- One writer ---------------------------------------------------------- */

static struct kchan_ring_writer *writer_new(const struct kchan *ch, u64 bytes)
{
	struct kchan_ring_writer *writer;

	writer = kzalloc(sizeof(*writer), GFP_KERNEL);
	if (!writer)
		return NULL;
	mutex_init(&writer->lock);
	writer->max_payload_bytes = ch->max_record_bytes;
	writer->payload = kvmalloc(ch->max_record_bytes, GFP_KERNEL);
	if (!writer->payload)
		goto err_free_writer;
	writer->memory = kchan_memory_alloc(0, bytes, NUMA_NO_NODE);
	if (!writer->memory)
		goto err_free_payload;
	return writer;

err_free_payload:
	kvfree(writer->payload);
err_free_writer:
	kfree(writer);
	return NULL;
}

static void release(struct kchan_file *file)
{
	struct kchan_ring_writer *writer = file->priv;
	const u64 bytes = writer->memory->data_bytes;

	kchan_memory_free(writer->memory);
	kvfree(writer->payload);
	kfree(writer);
	uncharge(file->ch, bytes);
}

static long ioctl(struct kchan_file *file, unsigned int command,
		  void __user *user)
{
	if (command != KCHAN_IOC_DOORBELL)
		return -ENOTTY;
	return kchan_ring_doorbell(file->ch, file->priv, user);
}

static __poll_t poll(struct kchan_file *file, struct file *raw,
		     poll_table *table)
{
	struct writers *writers = file->ch->transport_priv;

	poll_wait(raw, &writers->waiting, table);
	return READ_ONCE(file->ch->state) == KCHAN_STATE_DEAD ?
		       EPOLLHUP :
		       EPOLLOUT | EPOLLWRNORM;
}

static int mmap(struct kchan_file *file, struct vm_area_struct *vma)
{
	const struct kchan_ring_writer *writer = file->priv;
	struct kchan_memory *memory = writer->memory;
	const unsigned long pages = vma_pages(vma);

	/* Once, or twice in a row; nothing of it alone. */
	if (vma->vm_pgoff || (pages != memory->page_count &&
			      pages != memory->page_count / 2))
		return -EINVAL;
	return kchan_memory_map(memory, vma, true);
}

static const struct kchan_file_ops writer_ops = {
	.release = release,
	.ioctl = ioctl,
	.poll = poll,
	.mmap = mmap,
};

int kchan_ring_attach_writer(struct kchan_file *file, struct kchan *ch,
			     struct kchan_attach *request)
{
	struct kchan_ring_writer *writer;
	u64 bytes;
	int err;

	if (!(ch->direction & KCHAN_DIRECTION_TO_KERNEL))
		return -EOPNOTSUPP;
	if (request->cpu != KCHAN_CPU_SHARED)
		return -ENXIO;
	bytes = data_bytes(ch, request->data_bytes);
	if (!bytes)
		return -EINVAL;
	err = charge(ch, bytes);
	if (err)
		return err;
	writer = writer_new(ch, bytes);
	if (!writer) {
		uncharge(ch, bytes);
		return fatal_signal_pending(current) ? -EINTR : -ENOMEM;
	}
	request->generation = READ_ONCE(ch->generation);
	request->data_bytes = bytes;
	file->ops = &writer_ops;
	file->priv = writer;
	return 0;
}
