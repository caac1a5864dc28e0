/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What makes one transport different from another; each is a table of its own
 * in its own file, and transport.c lists them.
 *
 * A transport keeps its records in one of three ways:
 *
 * - rings that readers map (RING);
 * - one shared ring that is never mapped: a queue, which the transport empties
 *   from process context (GENL, CHARDEV, FILE, LOG). So a writer in any context
 *   can use a method that sleeps;
 * - memory of its own (RELAY, VALUE, BLOCK).
 */
#ifndef _KCHAN_TRANSPORT_H
#define _KCHAN_TRANSPORT_H

#include <kchan.h>
#include <linux/fs.h>
#include <linux/poll.h>

struct attribute_group;
struct kchan_file;
struct sk_buff;

/*
 * An open file of /dev/kchan, or of a channel's own node, that is bound to a
 * channel. The file holds a reference to the channel; all but attach are called
 * with the file attached. Any may be NULL.
 */
struct kchan_file_ops {
	/*
	 * Binds: checks the role and the CPU, takes the demand
	 * (kchan_demand_get), fills in the request's out fields and file->priv.
	 * file->ch is not set yet. May choose another file->ops.
	 */
	int (*attach)(struct kchan_file *file, struct kchan *ch,
		      struct kchan_attach *request);
	/* The last reference to the file is gone; gives the demand back. */
	void (*release)(struct kchan_file *file);
	ssize_t (*read)(struct kchan_file *file, struct kiocb *iocb,
			struct iov_iter *to);
	ssize_t (*write)(struct kchan_file *file, struct kiocb *iocb,
			 struct iov_iter *from);
	__poll_t (*poll)(struct kchan_file *file, struct file *raw,
			 poll_table *table);
	/* ENOTTY: not its own. */
	long (*ioctl)(struct kchan_file *file, unsigned int command,
		      void __user *argument);
	int (*mmap)(struct kchan_file *file, struct vm_area_struct *vma);
};

/*
 * All run in process context and under kchan.demand, or while nobody else has
 * the channel, unless they say otherwise. Any may be NULL.
 */
struct kchan_transport_ops {
	enum kchan_volume volume; /* what it is made for */
	u32 directions; /* that it can have; KCHAN_DIRECTION_* */
	bool per_cpu; /* may have KCHAN_LAYOUT_PER_CPU, and then does by default */
	bool shared; /* may have KCHAN_LAYOUT_SHARED */
	bool rings; /* writes into ch->rings or ch->shared */
	bool no_types; /* what it carries are no records: may declare none */
	enum kchan_context highest_context; /* that it may be written from */
	bool enabled_by_socket; /* KCHAN_CMD_ENABLE takes the demand */

	/* Of a channel whose module declares none. */
	const struct kchan_type *types;
	u32 type_count;

	/* NULL, or what is wrong with a spec whose defaults are filled in. */
	const char *(*conflict)(const struct kchan_spec *spec);

	/* ch->transport_priv, for the channel's whole life. */
	int (*create)(struct kchan *ch, const struct kchan_spec *spec);
	void (*destroy)(struct kchan *ch);

	/*
	 * The channel has its name, nobody can find it yet: makes what user
	 * space sees of it beside the family (a node, a disk). Not under
	 * kchan.demand. What appear has made is gone when disappear returns;
	 * no callback of the module runs on its behalf any more.
	 */
	int (*appear)(struct kchan *ch);
	void (*disappear)(struct kchan *ch);

	/* A new generation: before the first writer, rings have memory. */
	int (*start)(struct kchan *ch);
	/* The last writer is gone. A failed start is not followed by it. */
	void (*stop)(struct kchan *ch);
	/* Somebody has come to a channel that is live. */
	void (*resume)(struct kchan *ch);
	/*
	 * No record follows for ever; wakes who waits. After stop, if it was
	 * live; the rings are marked.
	 */
	void (*dead)(struct kchan *ch);

	/*
	 * Writes a record; preemption is off, the channel live. NULL: into its
	 * rings.
	 */
	int (*emit)(struct kchan *ch, u16 type, const void *payload, u32 length);
	/* A sleeping policy has refused a record: count it. NULL: its rings. */
	void (*refuse)(struct kchan *ch);
	/*
	 * The shared ring has a record or a loss that was waited for. From
	 * irq_work. NULL: its readers are woken.
	 */
	void (*wake)(struct kchan *ch);

	/* The last number that has left, for KCHAN_CMD_ENABLE. */
	u64 (*sequence)(struct kchan *ch);
	/* Adds KCHAN_A_* that only this transport has. EMSGSIZE. */
	int (*describe)(struct sk_buff *skb, const struct kchan *ch);
	/*
	 * The counters of one CPU's buffer (KCHAN_CPU_SHARED: of the one), for
	 * transports without rings. False: no such buffer.
	 */
	bool (*counters)(struct kchan *ch, u32 cpu,
			 struct kchan_ring_counters *counters);

	const struct kchan_file_ops *file; /* NULL: no attach */
};

/* NULL: no such transport. */
const struct kchan_transport_ops *
kchan_transport_find(enum kchan_transport transport);

/* KCHAN_FEATURE_* of all that are built in. */
u64 kchan_transport_features(void);

extern const struct kchan_transport_ops kchan_ring_transport;
extern const struct kchan_transport_ops kchan_genl_transport;
extern const struct kchan_transport_ops kchan_chardev_transport;
extern const struct kchan_transport_ops kchan_relay_transport;
extern const struct kchan_transport_ops kchan_value_transport;
extern const struct kchan_transport_ops kchan_block_transport;
extern const struct kchan_transport_ops kchan_file_transport;
extern const struct kchan_transport_ops kchan_log_transport;

#endif
