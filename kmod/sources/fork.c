// SPDX-License-Identifier: GPL-2.0
/* fork: a process, or on request a thread, was made. */
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/mm_types.h>
#include <trace/events/sched.h>

#include "probe.h"
#include "process.h"

#define FORK_RECORD 1

struct fork_record {
	struct process_identity process; /* the child */
	u32 parent_pid;
	u32 parent_tgid;
	char parent_comm[TASK_COMM_LEN];
};

static_assert(offsetof(struct fork_record, process) == 0);
static_assert(sizeof(struct fork_record) == 88);

static const struct kchan_field fork_fields[] = {
	PROCESS_IDENTITY_FIELDS,
	KCHAN_FIELD(struct fork_record, parent_pid, U32,
		    .doc = "thread id of the caller of fork or clone"),
	KCHAN_FIELD(struct fork_record, parent_tgid, U32,
		    .doc = "process id of the caller; ppid differs from it with CLONE_PARENT"),
	KCHAN_FIELD(struct fork_record, parent_comm, STRING,
		    .doc = "the caller's short name"),
};

static const struct kchan_type fork_type =
	KCHAN_TYPE_OUT(FORK_RECORD, "fork", struct fork_record, fork_fields,
		       .doc =
		    "A child was made and is about to run for the first time; pid .. net_ns are the child's.");

enum fork_param { FORK_PARAM_THREADS };

static const struct kchan_param fork_params[] = {
	[FORK_PARAM_THREADS] = {
		.name = "threads",
		.doc = "1: also a record for each new thread of a process (tgid differs from pid)",
		.max = 1,
	},
};

static bool fork_threads;

static void probe_fork(void *ch, struct task_struct *parent,
		       struct task_struct *child)
{
	struct fork_record record;

	if (child->pid != child->tgid && !READ_ONCE(fork_threads))
		return;
	process_identity_fill(&record.process, child);
	record.parent_pid = parent->pid;
	record.parent_tgid = parent->tgid;
	strscpy_pad(record.parent_comm, parent->comm,
		    sizeof(record.parent_comm));
	kchan_emit(ch, FORK_RECORD, &record, sizeof(record));
}

static int fork_set_param(struct kchan *ch, void *priv, u32 param, u64 value,
			  struct netlink_ext_ack *extack)
{
	WRITE_ONCE(fork_threads, value);
	return 0;
}

static struct source_probe fork_probe =
	SOURCE_PROBE(sched_process_fork, probe_fork);
static struct source_probes fork_probes = { &fork_probe, 1 };

static const struct kchan_ops fork_ops = {
	.enable = source_probes_enable,
	.disable = source_probes_disable,
	.set_param = fork_set_param,
};

struct source fork_source = {
	.spec = {
		.name = "fork",
		.doc = "Processes that are made, and threads on request",
		.transport = KCHAN_TRANSPORT_RING,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = &fork_type,
		.type_count = 1,
		.params = fork_params,
		.param_count = ARRAY_SIZE(fork_params),
		.ops = &fork_ops,
		.priv = &fork_probes,
	},
	.prepare = source_probes_prepare,
};
