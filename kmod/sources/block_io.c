// SPDX-License-Identifier: GPL-2.0
/* block_io: a block device has completed a request. */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <trace/events/block.h>

#include "issue_table.h"
#include "probe.h"

#define BLOCK_IO_RECORD 1

struct block_io_record {
	u32 major;
	u32 minor;
	char disk[DISK_NAME_LEN];
	u32 operation;
	u32 request_flags;
	u64 sector;
	u64 latency_ns;
	u32 bytes;
	s32 error;
	u8 latency_known;
	u8 partial;
	u8 reserved[6];
};

static_assert(sizeof(struct block_io_record) == 80);

#define OPERATION(_operation, _name)                                           \
	{                                                                      \
		(__force u64)REQ_OP_##_operation, _name                        \
	}

static const struct kchan_name operation_names[] = {
	OPERATION(READ, "read"),
	OPERATION(WRITE, "write"),
	OPERATION(FLUSH, "flush"),
	OPERATION(DISCARD, "discard"),
	OPERATION(SECURE_ERASE, "secure_erase"),
	OPERATION(ZONE_APPEND, "zone_append"),
	OPERATION(WRITE_ZEROES, "write_zeroes"),
	OPERATION(ZONE_OPEN, "zone_open"),
	OPERATION(ZONE_CLOSE, "zone_close"),
	OPERATION(ZONE_FINISH, "zone_finish"),
	OPERATION(ZONE_RESET, "zone_reset"),
	OPERATION(ZONE_RESET_ALL, "zone_reset_all"),
	OPERATION(DRV_IN, "driver_in"),
	OPERATION(DRV_OUT, "driver_out"),
};

/* Our own bits: the kernel's move from one version to the next. */
#define BLOCK_IO_SYNC BIT(0)
#define BLOCK_IO_META BIT(1)
#define BLOCK_IO_FUA BIT(2)
#define BLOCK_IO_PREFLUSH BIT(3)
#define BLOCK_IO_READAHEAD BIT(4)

static const struct kchan_name request_flag_names[] = {
	{ BLOCK_IO_SYNC, "sync" },
	{ BLOCK_IO_META, "meta" },
	{ BLOCK_IO_FUA, "fua" },
	{ BLOCK_IO_PREFLUSH, "preflush" },
	{ BLOCK_IO_READAHEAD, "readahead" },
};

static const struct kchan_field block_io_fields[] = {
	KCHAN_FIELD(struct block_io_record, major, U32,
		    .doc = "device number of the whole disk; 0 without one"),
	KCHAN_FIELD(struct block_io_record, minor, U32,
		    .doc = "device number of the whole disk; 0 without one"),
	KCHAN_FIELD(struct block_io_record, disk, STRING,
		    .doc = "name of the disk; empty without one"),
	KCHAN_FIELD(struct block_io_record, operation, U32,
		    .doc = "what was asked of the device",
		    .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(operation_names)),
	KCHAN_FIELD(struct block_io_record, request_flags, U32,
		    .doc = "how it was asked",
		    .display = KCHAN_DISPLAY_FLAGS, KCHAN_NAMES(request_flag_names)),
	KCHAN_FIELD(struct block_io_record, sector, U64, .unit = "512 bytes",
		    .doc = "where on the disk; 0 if the operation has no place"),
	KCHAN_FIELD(struct block_io_record, latency_ns, U64, .unit = "ns",
		    .doc = "from its issue to the driver until now; 0 if latency_known is false"),
	KCHAN_FIELD(struct block_io_record, bytes, U32, .unit = "bytes",
		    .doc = "completed by this"),
	KCHAN_FIELD(struct block_io_record, error, S32,
		    .doc = "0, or a negative errno"),
	KCHAN_FIELD(struct block_io_record, latency_known, BOOL,
		    .doc = "false: issued before the channel was read, or too many in flight"),
	KCHAN_FIELD(struct block_io_record, partial, BOOL,
		    .doc = "more of the same request is still to complete"),
};

static const struct kchan_type block_io_type =
	KCHAN_TYPE_OUT(BLOCK_IO_RECORD, "block_io", struct block_io_record,
		       block_io_fields,
		       .doc =
		    "A request, or part of one, completed. Requests are what drivers see: merged and split, not what programs wrote.");

static struct issue_table *issue_table;

static u32 request_flags(const struct request *rq)
{
	return (rq->cmd_flags & REQ_SYNC ? BLOCK_IO_SYNC : 0) |
	       (rq->cmd_flags & REQ_META ? BLOCK_IO_META : 0) |
	       (rq->cmd_flags & REQ_FUA ? BLOCK_IO_FUA : 0) |
	       (rq->cmd_flags & REQ_PREFLUSH ? BLOCK_IO_PREFLUSH : 0) |
	       (rq->cmd_flags & REQ_RAHEAD ? BLOCK_IO_READAHEAD : 0);
}

static u64 request_sector(struct request *rq)
{
	sector_t sector = blk_rq_pos(rq);

	if (blk_rq_is_passthrough(rq) || sector == (sector_t)-1)
		return 0;
	return sector;
}

static void fill_disk(struct block_io_record *record, const struct request *rq)
{
	const struct gendisk *disk = rq->q->disk;

	if (!disk)
		return;
	record->major = disk->major;
	record->minor = disk->first_minor;
	strscpy_pad(record->disk, disk->disk_name, sizeof(record->disk));
}

static void probe_issue(void *ch, struct request *rq)
{
	issue_table_put(issue_table, rq, ktime_get_mono_fast_ns());
}

static void probe_complete(void *ch, struct request *rq, blk_status_t error,
			   unsigned int bytes)
{
	struct block_io_record record = {
		.operation = (__force u32)req_op(rq),
		.request_flags = request_flags(rq),
		.sector = request_sector(rq),
		.bytes = bytes,
		.error = blk_status_to_errno(error),
		.partial = bytes < blk_rq_bytes(rq),
	};
	u64 issued_ns = issue_table_get(issue_table, rq, !record.partial);

	if (issued_ns) {
		record.latency_ns = ktime_get_mono_fast_ns() - issued_ns;
		record.latency_known = true;
	}
	fill_disk(&record, rq);
	kchan_emit(ch, BLOCK_IO_RECORD, &record, sizeof(record));
}

static struct source_probe block_io_probe_list[] = {
	SOURCE_PROBE(block_rq_issue, probe_issue),
	SOURCE_PROBE(block_rq_complete, probe_complete),
};
static struct source_probes block_io_probes = {
	block_io_probe_list, ARRAY_SIZE(block_io_probe_list)
};

static int block_io_enable(struct kchan *ch, void *priv)
{
	int err;

	issue_table = issue_table_alloc();
	if (!issue_table)
		return -ENOMEM;
	err = source_probes_enable(ch, priv);
	if (err)
		goto err_free_table;
	return 0;

err_free_table:
	kvfree(issue_table);
	return err;
}

static void block_io_disable(struct kchan *ch, void *priv)
{
	source_probes_disable(ch, priv);
	kvfree(issue_table);
}

static const struct kchan_ops block_io_ops = {
	.enable = block_io_enable,
	.disable = block_io_disable,
};

struct source block_io_source = {
	.spec = {
		.name = "block_io",
		.doc = "Block I/O requests that complete, with their latency",
		.transport = KCHAN_TRANSPORT_RING,
		.context = KCHAN_CONTEXT_HARDIRQ,
		.types = &block_io_type,
		.type_count = 1,
		.ops = &block_io_ops,
		.priv = &block_io_probes,
	},
	.prepare = source_probes_prepare,
};
