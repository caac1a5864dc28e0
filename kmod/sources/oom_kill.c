// SPDX-License-Identifier: GPL-2.0
/* oom_kill: the kernel kills a process because memory is exhausted. */
#include <linux/cgroup.h>
#include <linux/kernel.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <trace/events/oom.h>

#include "probe.h"
#include "process.h"

#define OOM_KILL_RECORD 1

struct oom_kill_record {
	struct process_identity process;
	u64 memcg_id;
	u64 total_vm_bytes;
	u64 anon_rss_bytes;
	u64 file_rss_bytes;
	u64 shmem_rss_bytes;
	u64 page_table_bytes;
	s32 oom_score_adj;
	u32 reserved;
};

static_assert(offsetof(struct oom_kill_record, process) == 0);
static_assert(sizeof(struct oom_kill_record) == 120);

static const struct kchan_field oom_kill_fields[] = {
	PROCESS_IDENTITY_FIELDS,
	KCHAN_FIELD(struct oom_kill_record, memcg_id, U64,
		    .doc =
		    "the memory cgroup it is charged to: inode number of its directory; 0 without memory cgroups"),
	KCHAN_FIELD(struct oom_kill_record, total_vm_bytes, U64, .unit = "bytes",
		    .doc = "address space"),
	KCHAN_FIELD(struct oom_kill_record, anon_rss_bytes, U64, .unit = "bytes",
		    .doc = "resident anonymous memory"),
	KCHAN_FIELD(struct oom_kill_record, file_rss_bytes, U64, .unit = "bytes",
		    .doc = "resident file pages"),
	KCHAN_FIELD(struct oom_kill_record, shmem_rss_bytes, U64, .unit = "bytes",
		    .doc = "resident shared memory and tmpfs pages"),
	KCHAN_FIELD(struct oom_kill_record, page_table_bytes, U64, .unit = "bytes",
		    .doc = "its page tables"),
	KCHAN_FIELD(struct oom_kill_record, oom_score_adj, S32,
		    .doc = "-1000 .. 1000: how much it was preferred as a victim"),
};

static const struct kchan_type oom_kill_type =
	KCHAN_TYPE_OUT(OOM_KILL_RECORD, "oom_kill", struct oom_kill_record,
		       oom_kill_fields,
		       .doc = "A process was chosen as a victim and is being killed.");

static u64 pages_to_bytes(unsigned long pages)
{
	return (u64)pages << PAGE_SHIFT;
}

static u64 rss_bytes(struct mm_struct *mm, int kind)
{
	return pages_to_bytes(get_mm_counter(mm, kind));
}

static u64 memory_cgroup_id(struct task_struct *task)
{
	struct mem_cgroup *memcg;
	u64 id = 0;

	rcu_read_lock();
	memcg = mem_cgroup_disabled() ? NULL : mem_cgroup_from_task(task);
	if (memcg)
		id = cgroup_id(memcg->css.cgroup);
	rcu_read_unlock();
	return id;
}

/* The victim is current or task_lock() is held, so its mm stays. */
static void probe_oom_kill(void *ch, struct task_struct *task, uid_t uid)
{
	const struct mm_struct *mm = task->mm;
	struct oom_kill_record record = {
		.memcg_id = memory_cgroup_id(task),
		.total_vm_bytes = pages_to_bytes(mm->total_vm),
		.anon_rss_bytes = rss_bytes(task->mm, MM_ANONPAGES),
		.file_rss_bytes = rss_bytes(task->mm, MM_FILEPAGES),
		.shmem_rss_bytes = rss_bytes(task->mm, MM_SHMEMPAGES),
		.page_table_bytes = mm_pgtables_bytes(mm),
		.oom_score_adj = task->signal->oom_score_adj,
	};

	process_identity_fill(&record.process, task);
	kchan_emit(ch, OOM_KILL_RECORD, &record, sizeof(record));
}

/* 6.1 before 6.1.129 gives the number only. */
static void probe_oom_kill_pid(void *ch, int pid)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(find_pid_ns(pid, &init_pid_ns), PIDTYPE_PID);
	if (task)
		probe_oom_kill(ch, task, 0);
	rcu_read_unlock();
}

static struct source_probe oom_kill_probe =
	SOURCE_PROBE_EITHER(mark_victim, probe_oom_kill, probe_oom_kill_pid);
static struct source_probes oom_kill_probes = { &oom_kill_probe, 1 };

struct source oom_kill_source = {
	.spec = {
		.name = "oom_kill",
		.doc = "Processes that are killed for want of memory",
		.transport = KCHAN_TRANSPORT_RING,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = &oom_kill_type,
		.type_count = 1,
		.ops = &source_probe_ops,
		.priv = &oom_kill_probes,
	},
	.prepare = source_probes_prepare,
};
