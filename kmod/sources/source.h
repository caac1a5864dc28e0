/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kchan_sources: what a source is. Each has one file, one channel and one
 * struct source, which main.c registers. A source costs nothing until its
 * channel is read: probes and timers exist between ops->enable and
 * ops->disable only.
 */
#ifndef _KCHAN_SOURCE_H
#define _KCHAN_SOURCE_H

#include <kchan.h>

struct source {
	struct kchan_spec spec;
	/*
	 * Finds what the source hooks into. NULL: nothing is needed. Returns
	 * -EOPNOTSUPP, having logged why, when this kernel does not have it:
	 * then the channel is not registered.
	 */
	int (*prepare)(struct source *source);
	struct kchan *channel; /* NULL: not registered */
};

extern struct source tick_source;
extern struct source tick_shared_source;
extern struct source tick_genl_source;
extern struct source exec_source;
extern struct source exit_source;
extern struct source fork_source;
extern struct source oom_kill_source;
extern struct source netdev_source;
extern struct source sock_state_source;
extern struct source tcp_retransmit_source;
extern struct source block_io_source;

#endif
