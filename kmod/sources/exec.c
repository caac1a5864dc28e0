// SPDX-License-Identifier: GPL-2.0
/* exec: a process has started to run another program. */
#include <linux/binfmts.h>
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <linux/mm_types.h>
#include <trace/events/sched.h>

#include "probe.h"
#include "process.h"

#define EXEC_RECORD 1

struct exec_record {
	struct process_identity process;
	u32 old_pid;
	u32 euid;
	u32 egid;
	u32 filename;
	/* the name's bytes follow */
};

static_assert(offsetof(struct exec_record, process) == 0);
static_assert(sizeof(struct exec_record) == 80);

static const struct kchan_field exec_fields[] = {
	PROCESS_IDENTITY_FIELDS,
	KCHAN_FIELD(struct exec_record, old_pid, U32,
		    .doc =
		    "thread id of the caller before; differs from pid where another thread than the first called exec"),
	KCHAN_FIELD(struct exec_record, euid, U32,
		    .doc = "effective user id from now on, in the initial user namespace"),
	KCHAN_FIELD(struct exec_record, egid, U32,
		    .doc = "effective group id from now on, in the initial user namespace"),
	KCHAN_FIELD(struct exec_record, filename, STRING_LOC,
		    .doc = "the program's path as it was given to execve"),
};

static const struct kchan_type exec_type =
	KCHAN_TYPE_OUT(EXEC_RECORD, "exec", struct exec_record, exec_fields,
		       .doc = "A program was executed; comm and ids are the new ones.");

/* In process context, in the process itself, past the point of no return. */
static void probe_exec(void *ch, struct task_struct *task, pid_t old_pid,
		       struct linux_binprm *bprm)
{
	size_t name_bytes = strnlen(bprm->filename, PATH_MAX);
	const struct cred *cred = current_cred();
	struct exec_record *record;
	struct kchan_slot slot;

	record = kchan_reserve(ch, EXEC_RECORD, sizeof(*record) + name_bytes,
			       &slot);
	if (!record)
		return;
	process_identity_fill(&record->process, task);
	record->old_pid = old_pid;
	record->euid = from_kuid(&init_user_ns, cred->euid);
	record->egid = from_kgid(&init_user_ns, cred->egid);
	record->filename = KCHAN_LOC(sizeof(*record), name_bytes);
	memcpy(record + 1, bprm->filename, name_bytes);
	kchan_commit(&slot);
}

static struct source_probe exec_probe =
	SOURCE_PROBE(sched_process_exec, probe_exec);
static struct source_probes exec_probes = { &exec_probe, 1 };

struct source exec_source = {
	.spec = {
		.name = "exec",
		.doc = "Programs that processes start to run",
		.transport = KCHAN_TRANSPORT_RING,
		.context = KCHAN_CONTEXT_PROCESS,
		.max_record_bytes = sizeof(struct exec_record) + PATH_MAX,
		.types = &exec_type,
		.type_count = 1,
		.ops = &source_probe_ops,
		.priv = &exec_probes,
	},
	.prepare = source_probes_prepare,
};
