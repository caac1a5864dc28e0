/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The writers of one channel, on the CPUs that are online. A CPU that goes
 * offline stops its writers first, so that none writes elsewhere: the timers of
 * two CPUs on one would leave it no time for anything else. They begin again
 * when it comes back.
 *
 * Thread safety: the calls come one at a time, in process context, and may
 * sleep; CPUs may come and go meanwhile.
 */
#ifndef _KCHAN_SOURCE_TICK_WRITERS_H
#define _KCHAN_SOURCE_TICK_WRITERS_H

#include <linux/cpumask.h>
#include <linux/mutex.h>

#include "tick_writer.h"

struct tick_writers {
	int hotplug_state;
	struct hlist_node hotplug;
	struct mutex lock; /* what follows; taken inside cpus_read_lock() */
	struct tick_config config; /* .cpus is 0 while they are stopped */
	struct cpumask running;
	struct tick_writer each[]; /* TICK_KINDS for each CPU */
};

/* Stopped. An ERR_PTR() where there is no memory, or no hotplug state left. */
struct tick_writers *tick_writers_create(struct kchan *ch);
/* They must be stopped. */
void tick_writers_destroy(struct tick_writers *writers);

struct tick_writer *tick_writers_get(struct tick_writers *writers, u32 cpu,
				     enum tick_kind kind);

/* Those that `config` wants. Returns 0 or a negative errno: then none runs. */
int tick_writers_start(struct tick_writers *writers,
		       const struct tick_config *config);
/* When it has returned, none writes any more. Their counters stay. */
void tick_writers_stop(struct tick_writers *writers);

#endif
