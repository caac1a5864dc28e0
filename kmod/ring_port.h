/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the ring core needs from its surroundings, under the kernel's names: in
 * the kernel the real thing, in user space the few lines of user/port.h, so
 * that ring.c runs under sanitizers, fuzzers and benchmarks unchanged.
 */
#ifndef _KCHAN_RING_PORT_H
#define _KCHAN_RING_PORT_H

#ifdef __KERNEL__

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/hardirq.h>
#include <linux/irqflags.h>
#include <linux/log2.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <asm/barrier.h>
#include <asm/local64.h>
#include "compat.h"

static inline u64 kchan_port_boottime_ns(void)
{
	return ktime_get_boot_fast_ns();
}

#else
#include "user/port.h"
#endif

#endif
