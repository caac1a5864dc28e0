// SPDX-License-Identifier: GPL-2.0
/*
 * tick: a generator of records for tests and benchmarks. The same on three
 * channels: per-CPU rings, a shared ring, generic netlink.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>

#include "tick_writers.h"

#define TICK_MAX_BURST 1000000

static_assert(sizeof(struct tick_record) == 32);

static const struct kchan_name tick_context_names[] = {
	{ TICK_CONTEXT_PROCESS, "process" },
	{ TICK_CONTEXT_SOFTIRQ, "softirq" },
	{ TICK_CONTEXT_HARDIRQ, "hardirq" },
};

static const struct kchan_field tick_record_fields[] = {
	KCHAN_FIELD(struct tick_record, counter, U64,
		    .doc =
		    "from 1, the writer's own number of this record; a gap is as long as what was lost"),
	KCHAN_FIELD(struct tick_record, writer, U32,
		    .doc =
		    "who wrote it: 4 * CPU + 0 process, 1 softirq, 2 hardirq, 3 burst command"),
	KCHAN_FIELD(struct tick_record, cpu, U32, .doc = "where it was written"),
	KCHAN_FIELD(struct tick_record, context, U32,
		    .doc = "the context that it was written in",
		    .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(tick_context_names)),
	KCHAN_FIELD(struct tick_record, size, U32, .unit = "bytes",
		    .doc = "of the whole payload"),
	KCHAN_FIELD(struct tick_record, checksum, U32,
		    .doc = "CRC-32 (zlib's) of fill", .display = KCHAN_DISPLAY_HEX),
	KCHAN_FIELD(struct tick_record, fill, BYTES_LOC, .doc = "arbitrary bytes"),
};

struct tick_burst {
	u32 count;
};

static const struct kchan_field tick_burst_fields[] = {
	KCHAN_FIELD(struct tick_burst, count, U32,
		    .doc = "records to write, 1 .. 1000000"),
};

static const struct kchan_type tick_types[] = {
	KCHAN_TYPE_OUT(TICK_RECORD, "tick", struct tick_record, tick_record_fields,
		       .doc = "One generated record."),
	KCHAN_TYPE_IN(TICK_BURST, "burst", struct tick_burst, tick_burst_fields,
		      .doc = "Write exactly this many records now, as fast as possible."),
};

/* In the order of struct tick_config's members. */
static const struct kchan_param tick_params[] = {
	{ .name = "rate_hz", .unit = "records/s", .max = 100000000, .value = 10,
	  .doc =
		    "records a second of each writer; 0: as fast as it can, in interrupts 64 each 50 us" },
	{ .name = "size", .unit = "bytes", .value = 64,
	  .min = sizeof(struct tick_record), .max = TICK_MAX_BYTES,
	  .doc = "payload of a record" },
	{ .name = "burst", .unit = "records", .min = 1, .max = 10000, .value = 1,
	  .doc = "at least this many at each activation of a writer" },
	{ .name = "context", .max = TICK_CONTEXT_MIXED,
	  .doc = "0 process, 1 softirq, 2 hardirq; 3: one writer of each kind on each CPU" },
	{ .name = "cpus", .unit = "CPUs", .min = 1, .max = 4096, .value = 1,
	  .doc = "how many of the CPUs that are online write" },
	{ .name = "count", .unit = "records", .max = U64_MAX,
	  .doc =
		    "each writer stops after this many, counted since it was read first or a parameter was set; 0: never" },
	{ .name = "checksum", .max = 1, .value = 1,
	  .doc =
		    "1: fill and checksum differ from record to record; 0: they stay, which costs less" },
};

static_assert(ARRAY_SIZE(tick_params) * sizeof(u64) == sizeof(struct tick_config));

struct tick {
	/* Before kchan_register(), the callbacks' values are the defaults. */
	union {
		struct tick_config config;
		u64 values[ARRAY_SIZE(tick_params)];
	};
	struct mutex lock; /* everything here */
	struct tick_writers *writers; /* NULL: disabled */
};

static int tick_enable(struct kchan *ch, void *priv)
{
	struct tick_writers *writers = tick_writers_create(ch);
	struct tick *tick = priv;
	int err;

	if (IS_ERR(writers))
		return PTR_ERR(writers);
	mutex_lock(&tick->lock);
	err = tick_writers_start(writers, &tick->config);
	if (!err)
		tick->writers = writers;
	mutex_unlock(&tick->lock);
	if (err)
		tick_writers_destroy(writers);
	return err;
}

static void tick_disable(struct kchan *ch, void *priv)
{
	struct tick *tick = priv;
	struct tick_writers *writers;

	mutex_lock(&tick->lock);
	writers = tick->writers;
	tick->writers = NULL;
	tick_writers_stop(writers);
	mutex_unlock(&tick->lock);
	tick_writers_destroy(writers);
}

/* While it is read, the writers begin anew; their counters go on. */
static int tick_set_param(struct kchan *ch, void *priv, u32 param, u64 value,
			  struct netlink_ext_ack *extack)
{
	struct tick *tick = priv;
	u64 old;
	int err = 0;

	mutex_lock(&tick->lock);
	old = tick->values[param];
	tick->values[param] = value;
	if (tick->writers) {
		tick_writers_stop(tick->writers);
		err = tick_writers_start(tick->writers, &tick->config);
	}
	if (err) {
		NL_SET_ERR_MSG(extack, "the writers could not be started: they are stopped");
		tick->values[param] = old;
	}
	mutex_unlock(&tick->lock);
	return err;
}

/* On one CPU, or one writer's records would lie in several rings. */
static int write_burst(struct tick *tick, u32 count)
{
	struct tick_writer *writer;
	int err;
	u32 i;

	migrate_disable();
	writer = tick_writers_get(tick->writers, raw_smp_processor_id(),
				  TICK_KIND_COMMAND);
	err = tick_writer_prepare(writer, &tick->config);
	for (i = 0; !err && i < count; i++) {
		int result = tick_writer_write(writer);

		/* A lost record is a result, and counted; the burst goes on. */
		if (result == -ENODEV)
			err = result;
		else if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	tick_writer_stop(writer);
	migrate_enable();
	return err;
}

static int tick_receive(struct kchan *ch, void *priv, u16 type,
			const void *payload, u32 length,
			struct netlink_ext_ack *extack)
{
	const struct tick_burst *burst = payload;
	struct tick *tick = priv;
	int err = -ENODEV;

	if (!burst->count || burst->count > TICK_MAX_BURST) {
		NL_SET_ERR_MSG(extack, "count is not within 1 .. 1000000");
		return -ERANGE;
	}
	mutex_lock(&tick->lock);
	if (tick->writers)
		err = write_burst(tick, burst->count);
	mutex_unlock(&tick->lock);
	if (err == -ENODEV)
		NL_SET_ERR_MSG(extack, "nobody reads this channel");
	return err;
}

static const struct kchan_ops tick_ops = {
	.enable = tick_enable,
	.disable = tick_disable,
	.set_param = tick_set_param,
	.receive = tick_receive,
};

static int tick_prepare(struct source *source)
{
	struct tick *tick = source->spec.priv;
	u32 i;

	mutex_init(&tick->lock);
	for (i = 0; i < ARRAY_SIZE(tick_params); i++)
		tick->values[i] = tick_params[i].value;
	return 0;
}

static struct tick tick, tick_shared, tick_genl;

#define TICK_SPEC(_tick, _doc, ...)                                            \
	{                                                                      \
		.name = #_tick,                                                \
		.doc = _doc,                                                   \
		.direction = KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL, \
		.context = KCHAN_CONTEXT_HARDIRQ,                              \
		.max_record_bytes = TICK_MAX_BYTES,                            \
		.types = tick_types,                                           \
		.type_count = ARRAY_SIZE(tick_types),                          \
		.params = tick_params,                                         \
		.param_count = ARRAY_SIZE(tick_params),                        \
		.ops = &tick_ops,                                              \
		.priv = &(_tick),                                              \
		__VA_ARGS__                                                    \
	}

struct source tick_source = {
	.spec = TICK_SPEC(tick, "Generated records, through a ring for each CPU",
			  .transport = KCHAN_TRANSPORT_RING),
	.prepare = tick_prepare,
};

struct source tick_shared_source = {
	.spec = TICK_SPEC(tick_shared, "Generated records, through one ring for all CPUs",
			  .transport = KCHAN_TRANSPORT_RING,
			  .layout = KCHAN_LAYOUT_SHARED),
	.prepare = tick_prepare,
};

struct source tick_genl_source = {
	.spec = TICK_SPEC(tick_genl, "Generated records, through generic netlink",
			  .transport = KCHAN_TRANSPORT_GENL,
			  .layout = KCHAN_LAYOUT_SHARED),
	.prepare = tick_prepare,
};
