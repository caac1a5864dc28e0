// SPDX-License-Identifier: GPL-2.0
/*
 * exit: a process has ended, with the status that its parent will see.
 *
 * Not from the tracepoint sched_process_exit: that is hit by each thread, and
 * nothing there tells which one is the last (signal->live may be 0 for several
 * of them at once). The first thread is no better: it may end long before the
 * process does. acct_process() is called exactly once for each process, by the
 * thread that ended it, when the status is final.
 */
#define pr_fmt(fmt) "kchan_sources: " fmt

#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "process.h"

#define EXIT_RECORD 1
#define EXIT_SYMBOL "acct_process"

struct exit_record {
	struct process_identity process;
	u64 duration_ns;
	u8 exit_code;
	u8 signal;
	u8 core_dumped;
	u8 reserved[5];
};

static_assert(offsetof(struct exit_record, process) == 0);
static_assert(sizeof(struct exit_record) == 80);

static const struct kchan_name signal_names[] = {
	{ 0, "none" },		{ SIGHUP, "SIGHUP" },
	{ SIGINT, "SIGINT" },	{ SIGQUIT, "SIGQUIT" },
	{ SIGILL, "SIGILL" },	{ SIGTRAP, "SIGTRAP" },
	{ SIGABRT, "SIGABRT" }, { SIGBUS, "SIGBUS" },
	{ SIGFPE, "SIGFPE" },	{ SIGKILL, "SIGKILL" },
	{ SIGUSR1, "SIGUSR1" }, { SIGSEGV, "SIGSEGV" },
	{ SIGUSR2, "SIGUSR2" }, { SIGPIPE, "SIGPIPE" },
	{ SIGALRM, "SIGALRM" }, { SIGTERM, "SIGTERM" },
	{ SIGXCPU, "SIGXCPU" }, { SIGXFSZ, "SIGXFSZ" },
	{ SIGVTALRM, "SIGVTALRM" }, { SIGPROF, "SIGPROF" },
	{ SIGIO, "SIGIO" },	{ SIGSYS, "SIGSYS" },
};

static const struct kchan_field exit_fields[] = {
	PROCESS_IDENTITY_FIELDS,
	KCHAN_FIELD(struct exit_record, duration_ns, U64, .unit = "ns",
		    .doc = "from the process's start to its end, suspend included"),
	KCHAN_FIELD(struct exit_record, exit_code, U8,
		    .doc = "what it gave to exit(); 0 if a signal ended it"),
	KCHAN_FIELD(struct exit_record, signal, U8,
		    .doc = "the signal that ended it",
		    .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(signal_names)),
	KCHAN_FIELD(struct exit_record, core_dumped, BOOL,
		    .doc = "a core dump was written"),
};

static const struct kchan_type exit_type =
	KCHAN_TYPE_OUT(EXIT_RECORD, "exit", struct exit_record, exit_fields,
		       .doc =
		    "A process ended: its last thread is gone. One record for each process, none for its threads.");

/* As wait_task_zombie() has it. */
static int wait_status(const struct task_struct *leader)
{
	const struct signal_struct *signal = leader->signal;

	return signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code :
						   leader->exit_code;
}

static struct kchan *exit_channel;

/* In the last thread, which still has its namespaces. */
static int probe_exit(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct task_struct *leader = current->group_leader;
	struct exit_record record = {};
	int status = wait_status(leader);

	process_identity_fill(&record.process, current);
	/* The process is called and dated by its first thread. */
	record.process.pid = leader->pid;
	record.process.ns_pid = task_tgid_nr_ns(current,
						task_active_pid_ns(current));
	record.process.start_boottime_ns = leader->start_boottime;
	strscpy_pad(record.process.comm, leader->comm,
		    sizeof(record.process.comm));

	record.duration_ns = ktime_get_boot_fast_ns() - leader->start_boottime;
	record.exit_code = status >> 8;
	record.signal = status & 0x7f;
	record.core_dumped = !!(status & 0x80);
	kchan_emit(exit_channel, EXIT_RECORD, &record, sizeof(record));
	return 0;
}

static struct kprobe exit_kprobe;

/* A kprobe cannot be registered again as unregistering left it. */
static int register_exit_kprobe(u32 flags)
{
	exit_kprobe = (struct kprobe){
		.symbol_name = EXIT_SYMBOL,
		.pre_handler = probe_exit,
		.flags = flags,
	};
	return register_kprobe(&exit_kprobe);
}

static int exit_prepare(struct source *source)
{
	int err = register_exit_kprobe(KPROBE_FLAG_DISABLED);

	if (err) {
		pr_info("no channel %s: cannot probe %s(): %pe\n",
			source->spec.name, EXIT_SYMBOL, ERR_PTR(err));
		return -EOPNOTSUPP;
	}
	unregister_kprobe(&exit_kprobe);
	return 0;
}

static int exit_enable(struct kchan *ch, void *priv)
{
	exit_channel = ch;
	return register_exit_kprobe(0);
}

/* unregister_kprobe() waits until no probe runs. */
static void exit_disable(struct kchan *ch, void *priv)
{
	unregister_kprobe(&exit_kprobe);
}

static const struct kchan_ops exit_ops = {
	.enable = exit_enable,
	.disable = exit_disable,
};

struct source exit_source = {
	.spec = {
		.name = "exit",
		.doc = "Processes that end, and how",
		.transport = KCHAN_TRANSPORT_RING,
		/* A kprobe that ftrace does not carry is a trap, as an NMI is. */
		.context = KCHAN_CONTEXT_NMI,
		.types = &exit_type,
		.type_count = 1,
		.ops = &exit_ops,
	},
	.prepare = exit_prepare,
};
