/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sources that hang on tracepoints. Most tracepoints are not exported to
 * modules, so they are found by name among those built into the kernel.
 *
 * A probe gets the channel as its first argument and runs with preemption off
 * in whatever context the tracepoint is hit: it does not sleep and takes no
 * lock.
 */
#ifndef _KCHAN_SOURCE_PROBE_H
#define _KCHAN_SOURCE_PROBE_H

#include <linux/build_bug.h>
#include <linux/tracepoint.h>

#include "source.h"

struct source_probe {
	const char *name; /* of the tracepoint */
	void *function;
	struct tracepoint *tracepoint; /* found by source_probes_prepare() */
};

/* kchan_spec.priv of a source that uses source_probe_ops. */
struct source_probes {
	struct source_probe *probes;
	unsigned int count;
};

/*
 * Tracepoints change their arguments, also in stable updates, and a probe of
 * another type would read garbage: it does not compile. The trace header must
 * be included before.
 */
#define SOURCE_PROBE_FITS(_name, _function)                                    \
	__builtin_types_compatible_p(typeof(check_trace_callback_type_##_name),\
				     void(typeof(_function) *))

#define SOURCE_PROBE(_name, _function)                                         \
	SOURCE_PROBE_EITHER(_name, _function, _function)

/* For the kernels before a change and after it: the one that fits is taken. */
#define SOURCE_PROBE_EITHER(_name, _newer, _older)                             \
	{                                                                      \
		.name = #_name,                                                \
		.function = (SOURCE_PROBE_FITS(_name, _newer) ?                \
			     (void *)(_newer) : (void *)(_older)) +            \
			BUILD_BUG_ON_ZERO(!SOURCE_PROBE_FITS(_name, _newer) && \
					  !SOURCE_PROBE_FITS(_name, _older)),  \
	}

int source_probes_prepare(struct source *source);
int source_probes_enable(struct kchan *ch, void *priv);

/* When it has returned, no probe runs any more. */
void source_probes_disable(struct kchan *ch, void *priv);

extern const struct kchan_ops source_probe_ops;

#endif
