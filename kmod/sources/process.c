// SPDX-License-Identifier: GPL-2.0
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "process.h"

static u32 net_namespace(const struct task_struct *task)
{
	const struct nsproxy *namespaces = READ_ONCE(task->nsproxy);

	return namespaces ? namespaces->net_ns->ns.inum : 0;
}

void process_identity_fill(struct process_identity *identity,
			   struct task_struct *task)
{
	struct pid_namespace *pid_namespace = task_active_pid_ns(task);
	const struct cred *cred;

	identity->pid = task->pid;
	identity->tgid = task->tgid;
	identity->ns_pid = task_pid_nr_ns(task, pid_namespace);
	strscpy_pad(identity->comm, task->comm, sizeof(identity->comm));
	identity->start_boottime_ns = task->start_boottime;
	identity->pid_ns = pid_namespace->ns.inum;
	identity->net_ns = net_namespace(task);

	rcu_read_lock();
	cred = __task_cred(task);
	identity->uid = from_kuid(&init_user_ns, cred->uid);
	identity->gid = from_kgid(&init_user_ns, cred->gid);
	identity->ppid = rcu_dereference(task->real_parent)->tgid;
	identity->cgroup_id = cgroup_id(task_dfl_cgroup(task));
	rcu_read_unlock();
}
