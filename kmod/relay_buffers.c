// SPDX-License-Identifier: GPL-2.0
/* The RELAY transport: the buffers and who writes them. See relay.h. */
#include "relay.h"

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "channel.h"

bool kchan_relay_cut(u64 bytes, u32 wanted, u32 max_record_bytes, u32 *count,
		     u32 *subbuf_bytes)
{
	const u64 fit = div_u64(bytes, kchan_frame_bytes(max_record_bytes));

	if (fit < 2)
		return false;
	*count = min_t(u64, wanted, fit);
	*subbuf_bytes = rounddown(div_u64(bytes, *count), KCHAN_RECORD_ALIGN);
	return true;
}

/* ---- Writing: this CPU's buffer, interrupts off -------------------------- */

static void count_lost(struct kchan_relay_buffer *buffer, u64 *cause, u64 count)
{
	WRITE_ONCE(*cause, *cause + count);
	WRITE_ONCE(buffer->counters.lost, buffer->counters.lost + count);
	/* The records before it: pairs with the load-acquire in put_tail(). */
	smp_store_release(&buffer->tail, buffer->sequence);
}

/* Those who met us: a probe on something that a write calls, an NMI. */
static void count_interrupted(struct kchan_relay_buffer *buffer)
{
	u64 count;

	if (likely(!atomic64_read(&buffer->interrupted)))
		return;
	count = (u64)atomic64_xchg(&buffer->interrupted, 0);
	buffer->sequence += count;
	count_lost(buffer, &buffer->counters.lost_contended, count);
}

/* False: this attempt interrupts another one, which will count it. */
static bool enter(struct kchan_relay_buffer *buffer)
{
	if (unlikely(READ_ONCE(buffer->busy))) {
		atomic64_inc(&buffer->interrupted);
		return false;
	}
	WRITE_ONCE(buffer->busy, true);
	barrier();
	buffer->sequence++;
	return true;
}

static void leave(struct kchan_relay_buffer *buffer)
{
	do {
		WRITE_ONCE(buffer->busy, true);
		barrier();
		count_interrupted(buffer);
		barrier();
		WRITE_ONCE(buffer->busy, false);
		/* Or one that still saw busy would not be counted. */
		barrier();
	} while (unlikely(atomic64_read(&buffer->interrupted)));

	/*
	 * What there is to read before `waiting`. Pairs with the barrier in
	 * wait_for_more().
	 */
	smp_mb();
	if (unlikely(READ_ONCE(buffer->waiting))) {
		WRITE_ONCE(buffer->waiting, false);
		WRITE_ONCE(buffer->counters.wakeups,
			   buffer->counters.wakeups + 1);
		irq_work_queue(&buffer->wake);
	}
}

static int put_frame(const struct kchan_relay *relay,
		     struct kchan_relay_buffer *buffer, u16 type,
		     const void *payload, u32 length)
{
	struct kchan_ring_counters *counters = &buffer->counters;
	/* Pairs with the store-release in subbuf_start(). */
	struct rchan_buf *buf = smp_load_acquire(&buffer->buf);
	const u32 bytes = kchan_frame_bytes(length);

	if (unlikely(length > relay->max_record_bytes)) {
		count_lost(buffer, &counters->lost_oversize, 1);
		return -EMSGSIZE;
	}
	if (unlikely(!buf)) {
		count_lost(buffer, &counters->lost_no_ring, 1);
		return -ENOBUFS;
	}
	if (unlikely(buf->offset + bytes > relay->subbuf_bytes) &&
	    !relay_switch_subbuf(buf, bytes)) {
		count_lost(buffer, &counters->lost_full, 1);
		return -ENOBUFS;
	}
	kchan_frame_write(buf->data + buf->offset, type, smp_processor_id(),
			  ktime_get_boot_fast_ns(), buffer->sequence, payload,
			  length);
	buf->offset += bytes;
	/* The frame before its end. Pairs with the load-acquire in peek(). */
	smp_store_release(&buffer->written, buffer->written + bytes);
	WRITE_ONCE(counters->records, counters->records + 1);
	WRITE_ONCE(counters->bytes, counters->bytes + bytes);
	return 0;
}

int kchan_relay_write(struct kchan_relay *relay, u16 type,
		      const void *payload, u32 length)
{
	struct kchan_relay_buffer *buffer = this_cpu_ptr(relay->buffers);
	unsigned long flags;
	int err = -EBUSY;

	local_irq_save(flags);
	if (likely(enter(buffer))) {
		err = put_frame(relay, buffer, type, payload, length);
		leave(buffer);
	}
	local_irq_restore(flags);
	return err;
}

void kchan_relay_refuse(struct kchan_relay *relay)
{
	struct kchan_relay_buffer *buffer = this_cpu_ptr(relay->buffers);
	unsigned long flags;

	local_irq_save(flags);
	if (enter(buffer)) {
		count_lost(buffer, &buffer->counters.lost_contended, 1);
		leave(buffer);
	}
	local_irq_restore(flags);
}

static void wake_reader(struct irq_work *work)
{
	struct kchan_relay_buffer *buffer =
		container_of(work, struct kchan_relay_buffer, wake);

	wake_up_interruptible_poll(&buffer->readers, EPOLLIN | EPOLLRDNORM);
}

/* ---- What relay asks ----------------------------------------------------- */

/*
 * The current sub-buffer is closed and the next one is to be begun; again and
 * again while that cannot be. Before the first: the buffer is there.
 */
static int subbuf_start(struct rchan_buf *buf, void *subbuf, void *previous,
			size_t padding)
{
	struct kchan_relay *relay = buf->chan->private_data;
	struct kchan_relay_buffer *buffer = kchan_relay_buffer(relay, buf->cpu);
	const u64 closed = buf->subbufs_produced;
	u64 position;

	if (!previous) {
		/* Pairs with the load-acquires in put_frame() and open(). */
		smp_store_release(&buffer->buf, buf);
		return 1;
	}
	/* The padding before it. Pairs with the load-acquire in peek(). */
	smp_store_release(&buffer->written, closed * relay->subbuf_bytes);
	if (relay->overwrite) {
		/*
		 * A reader that finds bytes of the new lap finds the new
		 * position, too. Pairs with the barrier in copy_frames().
		 */
		smp_wmb();
		return 1;
	}
	/*
	 * What the reader has copied may be overwritten. Pairs with the
	 * store-release in move_to().
	 */
	position = smp_load_acquire(&buffer->position);
	return closed - div_u64(position, relay->subbuf_bytes) <
	       relay->subbuf_count;
}

static struct dentry *create_file(const char *filename, struct dentry *parent,
				  umode_t mode, struct rchan_buf *buf,
				  int *is_global)
{
	struct kchan_relay *relay = buf->chan->private_data;
	struct dentry *file;

	/*
	 * Not protected against its removal by debugfs, which would end reading
	 * what is left: the file holds what it needs.
	 */
	file = debugfs_create_file_unsafe(filename, mode, parent, buf,
					  &kchan_relay_file_operations);
	if (IS_ERR(file))
		relay->error = PTR_ERR(file);
	return file;
}

static int remove_file(struct dentry *file)
{
	debugfs_remove(file);
	return 0;
}

static const struct rchan_callbacks callbacks = {
	.subbuf_start = subbuf_start,
	.create_buf_file = create_file,
	.remove_buf_file = remove_file,
};

/* ---- Life ---------------------------------------------------------------- */

static struct kchan_relay *relay_new(void)
{
	struct kchan_relay *relay = kzalloc(sizeof(*relay), GFP_KERNEL);
	u32 cpu;

	if (!relay)
		return NULL;
	relay->buffers = alloc_percpu(struct kchan_relay_buffer);
	if (!relay->buffers) {
		kfree(relay);
		return NULL;
	}
	kref_init(&relay->ref);
	for_each_possible_cpu(cpu) {
		struct kchan_relay_buffer *buffer =
			kchan_relay_buffer(relay, cpu);

		mutex_init(&buffer->reading);
		init_irq_work(&buffer->wake, wake_reader);
		init_waitqueue_head(&buffer->readers);
	}
	return relay;
}

static void relay_free(struct kref *ref)
{
	struct kchan_relay *relay = container_of(ref, struct kchan_relay, ref);

	free_percpu(relay->buffers);
	kfree(relay);
}

void kchan_relay_put(struct kchan_relay *relay)
{
	kref_put(&relay->ref, relay_free);
}

struct kchan_relay *kchan_relay_open(const struct kchan *ch, u32 subbuf_count,
				     u32 subbuf_bytes, bool overwrite,
				     struct dentry *parent)
{
	struct kchan_relay *relay = relay_new();
	int err = -ENOMEM;

	if (!relay)
		return ERR_PTR(-ENOMEM);
	relay->overwrite = overwrite;
	relay->max_record_bytes = ch->max_record_bytes;
	relay->subbuf_count = subbuf_count;
	relay->subbuf_bytes = subbuf_bytes;
	relay->folder = debugfs_create_dir(ch->name, parent);
	if (IS_ERR(relay->folder)) {
		err = PTR_ERR(relay->folder);
		goto err_put;
	}
	relay->chan = relay_open("cpu", relay->folder, subbuf_bytes,
				 subbuf_count, &callbacks, relay);
	if (!relay->chan) {
		err = relay->error ?: -ENOMEM;
		goto err_remove_folder;
	}
	return relay;

err_remove_folder:
	/* Also files of buffers that relay_open() has lost sight of. */
	debugfs_remove(relay->folder);
err_put:
	kchan_relay_put(relay);
	return ERR_PTR(err);
}

void kchan_relay_close(struct kchan_relay *relay)
{
	u32 cpu;

	for_each_possible_cpu(cpu)
		irq_work_sync(&kchan_relay_buffer(relay, cpu)->wake);
	/* No callback of ours runs once it returns, nor does open(). */
	relay_close(relay->chan);
	relay->chan = NULL;
	debugfs_remove(relay->folder);

	/* Every record before it. Pairs with the load-acquire in poll(). */
	smp_store_release(&relay->closed, true);
	for_each_possible_cpu(cpu)
		wake_up_interruptible_poll(
			&kchan_relay_buffer(relay, cpu)->readers,
			EPOLLIN | EPOLLHUP);
}
