// SPDX-License-Identifier: GPL-2.0
/*
 * The disk. Its requests are carried out where they are submitted: in memory
 * there is nothing to wait for but memory itself, and at a flush the module.
 *
 * The kernel looks for no partitions on it: what lies there is the module's.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/cpu.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "block.h"
#include "channel.h"
#include "compat.h"

#define QUEUE_DEPTH 128

static u64 offset_of(const struct request *rq)
{
	return (u64)blk_rq_pos(rq) << SECTOR_SHIFT;
}

/* One segment lies in one page, of the caller and, by alignment, of ours. */
static int copy(struct kchan_region *region, struct request *rq)
{
	u64 offset = offset_of(rq);
	struct req_iterator iter;
	struct bio_vec segment;
	int err = 0;

	rq_for_each_segment(segment, rq, iter) {
		void *memory = bvec_kmap_local(&segment);

		if (op_is_write(req_op(rq)))
			err = kchan_region_write(region, offset, memory,
						 segment.bv_len);
		else
			kchan_region_read(region, offset, memory,
					  segment.bv_len);
		kunmap_local(memory);
		if (err)
			break;
		offset += segment.bv_len;
	}
	return err;
}

static int change(struct kchan_block *block, struct request *rq)
{
	const u64 offset = offset_of(rq);
	const u64 length = blk_rq_bytes(rq);
	int err = 0;

	/* Whatever has got past the disk's own flag. */
	if (block->read_only)
		return -EROFS;
	if (req_op(rq) == REQ_OP_WRITE)
		err = copy(&block->region, rq);
	else
		kchan_region_discard(&block->region, offset, length);
	/* Of a write that failed, a part may be there. */
	kchan_block_written_add(block, offset, length);
	return err;
}

static int carry_out(struct kchan_block *block, struct request *rq)
{
	switch (req_op(rq)) {
	case REQ_OP_READ:
		return copy(&block->region, rq);
	case REQ_OP_WRITE:
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		return change(block, rq);
	case REQ_OP_FLUSH:
		kchan_block_written_flush(block);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* BLK_MQ_F_BLOCKING: may sleep. */
static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx,
			     const struct blk_mq_queue_data *queued)
{
	struct request *rq = queued->rq;
	unsigned int scope;
	int err;

	blk_mq_start_request(rq);
	/* Memory for it must not wait for another request. */
	scope = memalloc_noio_save();
	err = carry_out(rq->q->queuedata, rq);
	memalloc_noio_restore(scope);
	blk_mq_end_request(rq, errno_to_blk_status(err));
	return BLK_STS_OK;
}

static const struct blk_mq_ops queue_ops = { .queue_rq = queue_rq };

/* The owner: who has the disk open pins the core, not the channel's module. */
static const struct block_device_operations disk_ops = { .owner = THIS_MODULE };

static int create_disk(struct kchan_block *block)
{
	struct gendisk *disk;

	/*
	 * blk-mq hears of CPUs that go offline before it has initialised what
	 * it then looks at (blk_mq_init_allocated_queue(), seen on 6.12): none
	 * may go meanwhile.
	 */
	cpu_hotplug_disable();
	disk = kchan_alloc_disk(&block->tags, block->block_bytes, block);
	cpu_hotplug_enable();
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	snprintf(disk->disk_name, sizeof(disk->disk_name),
		 KCHAN_NODE_PREFIX "%s", block->ch->name);
	disk->flags |= GENHD_FL_NO_PART;
	disk->fops = &disk_ops;
	set_capacity(disk, block->region.bytes >> SECTOR_SHIFT);
	set_disk_ro(disk, block->read_only);
	block->disk = disk;
	return 0;
}

int kchan_block_disk_appear(struct kchan_block *block)
{
	int err;

	block->tags = (struct blk_mq_tag_set){
		.ops = &queue_ops,
		.nr_hw_queues = 1,
		.queue_depth = QUEUE_DEPTH,
		.numa_node = NUMA_NO_NODE,
		.flags = BLK_MQ_F_BLOCKING | BLK_MQ_F_NO_SCHED_BY_DEFAULT,
	};
	err = blk_mq_alloc_tag_set(&block->tags);
	if (err)
		return err;
	err = create_disk(block);
	if (err)
		goto err_free_tags;
	err = add_disk(block->disk);
	if (err)
		goto err_put_disk;
	return 0;

err_put_disk:
	put_disk(block->disk);
	block->disk = NULL;
err_free_tags:
	blk_mq_free_tag_set(&block->tags);
	return err;
}

void kchan_block_disk_dead(struct kchan_block *block)
{
	if (block->disk)
		blk_mark_disk_dead(block->disk);
}

void kchan_block_disk_disappear(struct kchan_block *block)
{
	/* Waits for its requests. Those who have it open keep only the disk. */
	del_gendisk(block->disk);
	put_disk(block->disk);
	block->disk = NULL;
	blk_mq_free_tag_set(&block->tags);
}
