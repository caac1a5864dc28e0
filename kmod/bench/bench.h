/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kchan_bench: one channel for each method and lock, which are written to as
 * fast, or as slowly, as the channel bench.control is told. For `kchan bench
 * methods`, which knows the layouts of struct bench_run and bench_result.
 */
#ifndef _KCHAN_BENCH_H
#define _KCHAN_BENCH_H

#include <kchan.h>

#define BENCH_MIN_BYTES sizeof(struct bench_sample)
#define BENCH_MAX_BYTES 4096U
#define BENCH_MAX_BATCH 1000000U

/* What the channels carry. */
struct bench_sample {
	u64 count; /* of the run, from 1 */
	u64 boottime_ns; /* when its batch began */
	u8 fill[];
};

/* "Write so many records, and say what it cost." */
struct bench_run {
	u64 id; /* comes back in the result */
	u64 records; /* by each CPU */
	u64 pace_ns; /* between the beginnings of two batches; 0: none */
	u32 bytes; /* of each payload */
	u32 batch; /* records that are timed as one */
	u32 cpu; /* the first */
	u32 cpus; /* how many write at once */
	char channel[KCHAN_NAME_BYTES];
};

struct bench_result {
	u64 id;
	u64 emitted;
	u64 refused; /* counted lost by the channel */
	u64 absent; /* nobody read: neither */
	u64 emit_ns; /* of all CPUs, in the calls */
	u64 start_ns; /* boottime */
	u64 end_ns;
	u64 stopped; /* the module is going: not all was tried */
};

/* One thing to write to. */
struct bench_method {
	struct kchan_spec spec;
	struct kchan *ch; /* NULL: not a channel */
	bool text; /* its records are lines */
	/* NULL: kchan_emit(). */
	int (*write)(struct bench_method *method,
		     struct bench_sample *sample, u32 bytes);
};

/* channels.c */
int bench_channels_init(void);
void bench_channels_exit(void);
struct bench_method *bench_method_find(const char *name);

/* run.c. start: -EBUSY: one is running; `control` gets the result. */
int bench_runs_init(void);
int bench_run_start(struct kchan *control, struct bench_method *method,
		    const struct bench_run *run);
/* Ends what runs; nothing starts any more. */
void bench_runs_stop(void);
void bench_runs_exit(void);

#define BENCH_TYPE_RUN 1
#define BENCH_TYPE_RESULT 2

/* raw_relay.c: what relay costs without kchan. */
int bench_raw_relay_init(void);
void bench_raw_relay_exit(void);
int bench_raw_relay_write(struct bench_method *method,
			  struct bench_sample *sample, u32 bytes);

#endif
