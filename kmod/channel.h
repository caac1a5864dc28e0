/* SPDX-License-Identifier: GPL-2.0 */
/*
 * struct kchan and the registry of channels: the names that user space sees.
 *
 * Life of a channel: registered (IDLE) -> somebody demands it (LIVE: rings have
 * memory, the source is enabled) -> nobody did for linger_ms (IDLE again) ->
 * unregistered or quiesced (DEAD for ever). activation.c makes the steps.
 *
 * The structure outlives its registration for as long as a file is attached;
 * provider code (ops) is called only while it is registered.
 *
 * Locks, outermost first:
 *	kchan.demand	one change of demand or state at a time; held over
 *			ops->enable and ops->disable
 *	cpu hotplug	taken inside by hotplug.c; its callbacks take none of ours
 *	registry lock	the list; held over nothing that sleeps for long
 * kchan.callbacks (read side) is held over ops->receive, set_param, set_value
 * and block_written. CHANNEL_SET takes `demand` inside it, nobody the other way
 * round.
 */
#ifndef _KCHAN_CHANNEL_H
#define _KCHAN_CHANNEL_H

#include <kchan.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rwsem.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "memory.h"
#include "params.h"
#include "policy.h"
#include "ring.h"
#include "schema.h"
#include "transport.h"

/* A ring, its memory and its reader. */
struct kchan_channel_ring {
	struct kchan_ring core;
	struct irq_work wake; /* the core wants its reader woken */
	wait_queue_head_t readers;
	struct kchan_memory *memory; /* NULL: none yet */
	struct kchan *ch;
	unsigned long has_reader; /* bit 0 */
};

struct kchan {
	/* What each emit reads. */
	bool live;
	bool sleeps; /* the policy may */
	struct kchan_channel_ring __percpu *rings; /* PER_CPU */
	struct kchan_channel_ring *shared; /* SHARED */
	const struct kchan_transport_ops *transport_ops;
	void *transport_priv;

	struct kchan_admission admission;

	/* As registered; constant. */
	u32 id;
	char name[KCHAN_NAME_BYTES];
	char provider[MODULE_NAME_LEN];
	char *doc; /* NULL: none */
	enum kchan_transport transport;
	u32 direction;
	enum kchan_layout layout;
	enum kchan_policy policy;
	enum kchan_context context;
	u32 max_record_bytes;
	struct kchan_schema *schema;
	struct kchan_ops ops;
	void *priv;

	/* Written under `demand`. */
	struct mutex demand;
	enum kchan_state state;
	u32 users; /* attached files, sockets that have it enabled */
	u64 generation; /* 0 while idle */
	u64 ring_bytes; /* as of now, or of the next activation */
	u64 budget_bytes;
	u32 linger_ms;
	unsigned long linger_end; /* jiffies */
	struct delayed_work linger;

	/* Callbacks from user space. */
	struct rw_semaphore callbacks;
	bool deaf; /* under callbacks: call none any more */
	struct kchan_params params;

	struct kref ref;
	struct list_head node; /* registry */
	bool listed; /* can be found, and is announced; under the registry lock */
	struct hlist_node hotplug;
};

/* Not registered yet. EINVAL (said in the kernel log), ENOMEM. */
struct kchan *kchan_create(const struct kchan_spec *spec, struct module *owner);
void kchan_put(struct kchan *ch);

/* ---- receive.c ----------------------------------------------------------- */

/*
 * 0: the channel's callbacks may be called, and its module, with whatever it
 * has said, stays until kchan_leave(). ESHUTDOWN: the channel is dead. EINTR:
 * the caller is being killed.
 */
int kchan_enter(struct kchan *ch);
void kchan_leave(struct kchan *ch);

/*
 * What a callback has returned, as its caller may pass it on: never positive,
 * and -EINTR for the -ERESTARTSYS that only a system call may end with.
 */
int kchan_callback_status(int status);

/*
 * Hands one record from user space, already in kernel memory, to the channel's
 * receive callback, in the caller's context. Returns what the callback says, or
 * -EOPNOTSUPP (the channel takes none), -EINVAL (no such type, or shorter than
 * its fixed part), -EMSGSIZE, -ESHUTDOWN (dead), -EINTR. Never positive.
 */
int kchan_receive(struct kchan *ch, u16 type, const void *payload, u32 length);

/*
 * The same; the callback's words, if it has any, go to words[KCHAN_DOC_BYTES],
 * which the caller has made empty.
 */
int kchan_receive_words(struct kchan *ch, u16 type, const void *payload,
			u32 length, char *words);

/*
 * The same between kchan_enter() and kchan_leave(). The callback's words are
 * its module's, and may be gone after the latter.
 */
int kchan_receive_entered(struct kchan *ch, u16 type, const void *payload,
			  u32 length, struct netlink_ext_ack *extack);

/* ---- registry.c ---------------------------------------------------------- */

/* A reference, or NULL. */
struct kchan *kchan_find(const char *name);

/* The registered channel with the smallest id above `id`; a reference or NULL. */
struct kchan *kchan_next(u32 id);

u32 kchan_channel_count(void);

/* Changes whenever a channel comes or goes; not 0. */
u32 kchan_registry_generation(void);

/* All channels become DEAD and no new one is accepted. */
void kchan_quiesce(void);
bool kchan_quiesced(void);

/* ---- activation.c -------------------------------------------------------- */

/*
 * Somebody wants the channel's records: enables it if it was idle. ESHUTDOWN
 * if it is dead, E2BIG, ENOMEM, or what ops->enable says. `sequence`, if not
 * NULL: transport_ops->sequence when the demand began.
 */
int kchan_demand_get(struct kchan *ch, u64 *sequence);
/* Not any more: the channel lingers after the last one. */
void kchan_demand_put(struct kchan *ch);

/* Ends the channel: no callback runs, or is called again, once it returns. */
void kchan_kill(struct kchan *ch);

void kchan_linger_work(struct work_struct *work);

#endif
