// SPDX-License-Identifier: GPL-2.0
/*
 * Tells the module what user space has written, from a work item: requests do
 * not wait for it, but a flush does. So fsync() means that the module has
 * heard of it.
 *
 * Nothing here can be killed, since whoever called fsync() is not here: a flush
 * comes from a worker of the block layer, for which the caller waits in its
 * uninterruptible way.
 */
#include <linux/sched/mm.h>

#include "block.h"
#include "channel.h"

static void take(struct kchan_block_written *written,
		 struct kchan_extents *extents)
{
	spin_lock(&written->lock);
	*extents = written->extents;
	written->extents.count = 0;
	spin_unlock(&written->lock);
}

static void tell(struct work_struct *work)
{
	struct kchan_block *block =
		container_of(work, struct kchan_block, written.work);
	struct kchan *ch = block->ch;
	struct kchan_extents extents;
	unsigned int scope;
	u32 i;

	down_read(&ch->callbacks);
	take(&block->written, &extents);
	/* Reclaim may wait for a flush, which waits for us. */
	scope = memalloc_noio_save();
	for (i = 0; i < extents.count && !ch->deaf; i++)
		ch->ops.block_written(ch, ch->priv, extents.at[i].offset,
				      extents.at[i].end - extents.at[i].offset);
	memalloc_noio_restore(scope);
	up_read(&ch->callbacks);
}

int kchan_block_written_init(struct kchan_block *block)
{
	struct kchan_block_written *written = &block->written;

	spin_lock_init(&written->lock);
	INIT_WORK(&written->work, tell);
	if (!block->ch->ops.block_written)
		return 0;
	written->queue = alloc_workqueue("kchan.%s",
					 WQ_MEM_RECLAIM | WQ_UNBOUND, 1,
					 block->ch->name);
	return written->queue ? 0 : -ENOMEM;
}

void kchan_block_written_destroy(struct kchan_block *block)
{
	if (block->written.queue)
		destroy_workqueue(block->written.queue);
}

void kchan_block_written_add(struct kchan_block *block, u64 offset, u64 length)
{
	struct kchan_block_written *written = &block->written;

	if (!written->queue || !length)
		return;
	spin_lock(&written->lock);
	kchan_extents_add(&written->extents, offset, length);
	spin_unlock(&written->lock);
	queue_work(written->queue, &written->work);
}

void kchan_block_written_flush(struct kchan_block *block)
{
	if (block->written.queue)
		flush_work(&block->written.work);
}
