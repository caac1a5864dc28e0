/* SPDX-License-Identifier: GPL-2.0 */
/* Who a process is: the start of every record about one. */
#ifndef _KCHAN_SOURCE_PROCESS_H
#define _KCHAN_SOURCE_PROCESS_H

#include <linux/sched.h>

#include "source.h"

/* First member of a record, so that its fields' offsets hold for both. */
struct process_identity {
	u32 pid;
	u32 tgid;
	u32 ppid;
	u32 ns_pid;
	u32 uid;
	u32 gid;
	char comm[TASK_COMM_LEN];
	u64 cgroup_id;
	u64 start_boottime_ns;
	u32 pid_ns;
	u32 net_ns;
};

#define PROCESS_FIELD(_member, _kind, ...)                                     \
	KCHAN_FIELD(struct process_identity, _member, _kind, __VA_ARGS__)

/* The first fields of such a record. */
#define PROCESS_IDENTITY_FIELDS                                                \
	[0] = PROCESS_FIELD(pid, U32,                                          \
		      .doc = "thread id, in the initial pid namespace"),       \
	PROCESS_FIELD(tgid, U32,                                               \
		      .doc = "process id, in the initial pid namespace"),      \
	PROCESS_FIELD(ppid, U32,                                               \
		      .doc = "the parent's process id, in the initial pid namespace"), \
	PROCESS_FIELD(ns_pid, U32,                                             \
		      .doc = "thread id as its own pid namespace sees it"),    \
	PROCESS_FIELD(uid, U32,                                                \
		      .doc = "real user id, in the initial user namespace"),   \
	PROCESS_FIELD(gid, U32,                                                \
		      .doc = "real group id, in the initial user namespace"),  \
	PROCESS_FIELD(comm, STRING,                                            \
		      .doc = "the thread's short name"),                       \
	PROCESS_FIELD(cgroup_id, U64,                                          \
		      .doc = "cgroup v2: its directory's inode number"),       \
	PROCESS_FIELD(start_boottime_ns, U64,                                  \
		      .unit = "ns", .doc = "CLOCK_BOOTTIME of its start"),     \
	PROCESS_FIELD(pid_ns, U32,                                             \
		      .doc = "inode number of /proc/PID/ns/pid"),              \
	PROCESS_FIELD(net_ns, U32,                                             \
		      .doc = "inode number of /proc/PID/ns/net; 0: it left it")

/*
 * Fills in every byte. For current, or for a task whose namespaces cannot
 * change meanwhile: one that does not run yet, or with task_lock() held. Any
 * context; takes no lock.
 */
void process_identity_fill(struct process_identity *identity,
			   struct task_struct *task);

#endif
