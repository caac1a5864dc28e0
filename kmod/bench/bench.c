// SPDX-License-Identifier: GPL-2.0
/* The control channel, by which user space runs the others. */
#include "bench.h"

#include <linux/err.h>
#include <linux/string.h>

static const struct kchan_field run_fields[] = {
	KCHAN_FIELD(struct bench_run, id, U64),
	KCHAN_FIELD(struct bench_run, records, U64, .doc = "by each CPU"),
	KCHAN_FIELD(struct bench_run, pace_ns, U64, .unit = "ns",
		    .doc = "between the beginnings of two batches"),
	KCHAN_FIELD(struct bench_run, bytes, U32, .unit = "B"),
	KCHAN_FIELD(struct bench_run, batch, U32,
		    .doc = "records that are timed as one"),
	KCHAN_FIELD(struct bench_run, cpu, U32, .doc = "the first"),
	KCHAN_FIELD(struct bench_run, cpus, U32, .doc = "that write at once"),
	KCHAN_FIELD(struct bench_run, channel, STRING),
};

static const struct kchan_field result_fields[] = {
	KCHAN_FIELD(struct bench_result, id, U64),
	KCHAN_FIELD(struct bench_result, emitted, U64),
	KCHAN_FIELD(struct bench_result, refused, U64, .doc = "counted lost"),
	KCHAN_FIELD(struct bench_result, absent, U64, .doc = "nobody read"),
	KCHAN_FIELD(struct bench_result, emit_ns, U64, .unit = "ns",
		    .doc = "in the calls, of all CPUs"),
	KCHAN_FIELD(struct bench_result, start_ns, U64, .unit = "ns"),
	KCHAN_FIELD(struct bench_result, end_ns, U64, .unit = "ns"),
	KCHAN_FIELD(struct bench_result, stopped, U64,
		    .doc = "not all was tried"),
};

static const struct kchan_type types[] = {
	KCHAN_TYPE_IN(BENCH_TYPE_RUN, "run", struct bench_run, run_fields),
	KCHAN_TYPE_OUT(BENCH_TYPE_RESULT, "result", struct bench_result,
		       result_fields),
};

static struct kchan *control;

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct bench_run *run = payload;
	struct bench_method *method;
	int err;

	if (strnlen(run->channel, sizeof(run->channel)) == sizeof(run->channel))
		return -EINVAL;
	method = bench_method_find(run->channel);
	if (!method) {
		NL_SET_ERR_MSG(extack, "no such channel");
		return -ENOENT;
	}
	if (run->bytes < BENCH_MIN_BYTES || run->bytes > BENCH_MAX_BYTES ||
	    !run->batch || run->batch > BENCH_MAX_BATCH) {
		NL_SET_ERR_MSG(extack, "no such size of records or batches");
		return -EINVAL;
	}
	err = bench_run_start(ch, method, run);
	if (err == -EINVAL)
		NL_SET_ERR_MSG(extack, "not all of these CPUs are online");
	if (err == -EBUSY)
		NL_SET_ERR_MSG(extack, "a run has not come to its end");
	return err;
}

static const struct kchan_ops ops = { .receive = receive };

static int __init bench_init(void)
{
	int err;

	err = bench_runs_init();
	if (err)
		return err;
	err = bench_raw_relay_init();
	if (err)
		goto err_runs;
	err = bench_channels_init();
	if (err)
		goto err_raw_relay;
	/* The last one: a run needs all of the above. */
	control = kchan_register(&(struct kchan_spec){
		.name = "bench.control",
		.doc = "Runs the other channels of kchan_bench",
		.transport = KCHAN_TRANSPORT_GENL,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = types,
		.type_count = ARRAY_SIZE(types),
		.ops = &ops,
	});
	if (!IS_ERR(control))
		return 0;
	err = PTR_ERR(control);
	bench_channels_exit();
err_raw_relay:
	bench_raw_relay_exit();
err_runs:
	bench_runs_exit();
	return err;
}

static void __exit bench_exit(void)
{
	bench_runs_stop();
	kchan_unregister(control);
	bench_channels_exit();
	bench_raw_relay_exit();
	bench_runs_exit();
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Measures kchan's channels");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
