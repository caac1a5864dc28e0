/* SPDX-License-Identifier: GPL-2.0 */
/* tick: what its writers write, and what they are told. */
#ifndef _KCHAN_SOURCE_TICK_H
#define _KCHAN_SOURCE_TICK_H

#include "source.h"

#define TICK_RECORD 1
#define TICK_BURST 2

/* With its header it fits the smallest ring: no budget is too small for it. */
#define TICK_MAX_BYTES (KCHAN_MIN_RING_BYTES - sizeof(struct kchan_record))

/*
 * `fill` bytes follow. counter has no gaps but those of lost records: each
 * attempt to write takes the next number.
 */
struct tick_record {
	u64 counter;
	u32 writer;
	u32 cpu;
	u32 context;
	u32 size;
	u32 checksum;
	u32 fill;
};

enum tick_context {
	TICK_CONTEXT_PROCESS = 0,
	TICK_CONTEXT_SOFTIRQ = 1,
	TICK_CONTEXT_HARDIRQ = 2,
	TICK_CONTEXT_MIXED = 3, /* of the configuration only */
};

/* The parameters, in the order of tick_params. */
struct tick_config {
	u64 rate_hz;
	u64 size;
	u64 burst;
	u64 context;
	u64 cpus;
	u64 count;
	u64 checksum;
};

#endif
