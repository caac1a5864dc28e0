/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kchan: the in-kernel API. A module describes a channel, registers it and
 * emits records; user space finds it, its schema and its parameters by itself.
 *
 *	struct greeting { u64 count; char who[16]; };
 *
 *	static const struct kchan_field greeting_fields[] = {
 *		KCHAN_FIELD(struct greeting, count, U64),
 *		KCHAN_FIELD(struct greeting, who, STRING),
 *	};
 *	static const struct kchan_type greeting_type =
 *		KCHAN_TYPE_OUT(1, "greeting", struct greeting, greeting_fields);
 *
 *	ch = kchan_register(&(struct kchan_spec){ .name = "hello",
 *		.transport = KCHAN_TRANSPORT_RING, .types = &greeting_type,
 *		.type_count = 1, .context = KCHAN_CONTEXT_PROCESS });
 *	kchan_emit(ch, 1, &(struct greeting){ 1, "world" },
 *		   sizeof(struct greeting));
 *	kchan_unregister(ch);
 */
#ifndef _KCHAN_H
#define _KCHAN_H

#include <kchan_schema.h>
#include <linux/compiler.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/types.h>
#include <uapi/linux/kchan.h>

struct kchan;

/* max_record_bytes of a GENL channel: an attribute's length has 16 bits. */
#define KCHAN_GENL_MAX_RECORD_BYTES (60U << 10)

/* ---- Channels ------------------------------------------------------------ */

/* A value of the source that user space may read and set. */
struct kchan_param {
	const char *name;
	const char *unit;
	const char *doc;
	u64 min;
	u64 max;
	u64 value; /* the default */
};

/*
 * All callbacks run in process context, may sleep, and are never called again
 * once kchan_unregister() has returned. They may come before kchan_register()
 * has: use the channel that they are given. Any may be NULL.
 *
 * enable, disable: called in turn, one at a time per channel: the first reader
 * came; the last one's linger is over (or the channel is being unregistered).
 * A source does its work only between the two. enable returns 0 or a negative
 * errno, which the reader's attach returns.
 *
 * receive: one record from user space, already copied to kernel memory and at
 * least as long as its type's fixed part. Several calls may run at once. The
 * return value is the status that the sender gets; on error it may set a text
 * by NL_SET_ERR_MSG(extack, ..), of which a doorbell and a file of commands take
 * KCHAN_DOC_BYTES.
 * Who calls can be killed: wait killably, and return -EINTR or -ERESTARTSYS for
 * a record that is not taken.
 *
 * set_value: VALUE channels: user space wants the word to become `value`; the
 * word is changed when this returns 0, unless it has changed meanwhile (then it
 * is asked again). An error refuses it. Who calls can be killed, as above.
 *
 * block_written: BLOCK channels: user space has written, or discarded, this
 * part. Called from a work item, one call at a time, once for a run of
 * neighbouring writes; when there are many, the part may include what lies
 * between two. An fsync() of user space waits for it, as does the channel's
 * end, and the kernel's block layer lets nobody be killed meanwhile: it must
 * come to an end by itself, soon.
 *
 * set_param: param is the index in kchan_spec.params, value is in its range.
 * May be called whether enabled or not. On success the value is kept and
 * shown. An error refuses it.
 */
struct kchan_ops {
	int (*enable)(struct kchan *ch, void *priv);
	void (*disable)(struct kchan *ch, void *priv);
	int (*receive)(struct kchan *ch, void *priv, u16 type,
		       const void *payload, u32 length,
		       struct netlink_ext_ack *extack);
	int (*set_param)(struct kchan *ch, void *priv, u32 param, u64 value,
			 struct netlink_ext_ack *extack);
	int (*set_value)(struct kchan *ch, void *priv, u32 word, u64 value);
	void (*block_written)(struct kchan *ch, void *priv, u64 offset,
			      u64 length);
};

/* What only one transport needs to know. Zero means the default. */
struct kchan_chardev_spec {
	bool byte_stream; /* record boundaries do not matter */
};

struct kchan_relay_spec {
	u32 subbuf_count; /* per CPU, at least 2; default 8 */
	bool overwrite; /* new records win over old; default: they are lost */
};

struct kchan_block_spec {
	u64 capacity_bytes; /* required; a multiple of block_bytes */
	u32 block_bytes; /* 512 to the page size, a power of two; default 512 */
	bool read_only; /* for user space */
};

struct kchan_log_spec {
	u8 level; /* LOGLEVEL_*; 0: LOGLEVEL_INFO */
	u32 interval_ms; /* of the rate limit; default 5000 */
	u32 burst; /* lines in an interval; default 100 */
};

/*
 * What a channel is. Everything is copied; strings, types and params need not
 * outlive the call. Zero means the default where one is named.
 */
struct kchan_spec {
	const char *name; /* [a-z0-9_.-], a letter first, < KCHAN_NAME_BYTES */
	const char *doc;
	enum kchan_transport transport;
	u32 direction; /* KCHAN_DIRECTION_*; default TO_USER */
	enum kchan_layout layout; /* default PER_CPU */
	enum kchan_policy policy; /* default: LOCK_FREE, or SPINLOCK if SHARED */
	u32 semaphore_count; /* for KCHAN_POLICY_SEMAPHORE */
	enum kchan_context context; /* highest context it is emitted from */
	u32 max_record_bytes; /* default 4096 */
	u64 budget_bytes; /* default KCHAN_DEFAULT_BUDGET_BYTES */
	u32 linger_ms; /* default KCHAN_DEFAULT_LINGER_MS */
	const struct kchan_type *types;
	u32 type_count;
	const struct kchan_param *params;
	u32 param_count;
	const struct kchan_ops *ops;
	void *priv; /* given to the callbacks */
	struct kchan_chardev_spec chardev;
	struct kchan_relay_spec relay;
	struct kchan_block_spec block;
	struct kchan_log_spec log;
};

/*
 * Registers a channel and announces it. Process context, may sleep.
 *
 * Returns the channel or an ERR_PTR: EEXIST (the name is taken), EINVAL (with
 * one line in the kernel log that says what is wrong: policy against context,
 * overlapping fields, ..), ENOMEM, ESHUTDOWN (quiesced).
 */
struct kchan *__kchan_register(const struct kchan_spec *spec,
			       struct module *owner);
/* Variadic, or the commas of a compound literal would end the argument. */
#define kchan_register(...) __kchan_register((__VA_ARGS__), THIS_MODULE)

/*
 * Unregisters: stops new attaches and callbacks, waits for running ones, stops
 * the source (ops->disable), publishes what was written, marks the rings DEAD
 * and wakes their readers. Readers keep their mapping and may finish reading.
 * Process context, sleeps. The caller must have made sure that nobody calls
 * kchan_emit() or kchan_reserve() on it any more when this is called outside
 * of ops->disable (probes unregistered and synchronised there). NULL and
 * ERR_PTR are ignored.
 */
void kchan_unregister(struct kchan *ch);

/* True while somebody reads: to skip work whose record nobody would get. */
bool kchan_is_live(const struct kchan *ch);

/*
 * Writes one record of `length` bytes from the channel's context or below.
 *
 * Returns 0; or -ENODEV: nobody reads (not a loss); -ENOBUFS, -EBUSY,
 * -EMSGSIZE: counted lost (full or no ring; contended; too long). With a
 * policy that sleeps (MUTEX, SEMAPHORE): -EINTR on a fatal signal, not counted,
 * the caller keeps its record.
 */
int kchan_emit(struct kchan *ch, u16 type, const void *payload, u32 length);

/*
 * The same without the copy: write into the ring in place. Per-CPU rings with
 * KCHAN_POLICY_LOCK_FREE only. Preemption is off from a successful reserve to
 * commit or discard, which must follow on the same CPU; do not sleep between.
 *
 * Returns the payload's address, 8-aligned and uninitialised, or NULL: nobody
 * reads or the record was counted lost.
 */
struct kchan_slot {
	void *payload;
	struct kchan_ring *ring; /* private */
	struct kchan_record *record; /* private */
};
void *kchan_reserve(struct kchan *ch, u16 type, u32 length,
		    struct kchan_slot *slot);
void kchan_commit(struct kchan_slot *slot);
void kchan_discard(struct kchan_slot *slot);

/* ---- VALUE channels ------------------------------------------------------- */

/*
 * The words of a VALUE channel: the fields of its one record type, U64 or S64,
 * by index. They live from registration to unregistration whether anybody
 * looks or not, and start at 0. Any context up to the channel's.
 *
 * With KCHAN_POLICY_LOCK_FREE each word is atomic by itself. With any other
 * policy all words are one value: change them between kchan_values_begin() and
 * _end(), readers see either all of the changes or none; the single-word
 * functions below then take the same lock.
 */
u64 kchan_value_get(const struct kchan *ch, u32 word);
void kchan_value_set(struct kchan *ch, u32 word, u64 value);
/* Returns the new value. */
u64 kchan_value_add(struct kchan *ch, u32 word, u64 delta);
/* True: it was *old and is `value` now. False: *old is what it is. */
bool kchan_value_cmpxchg(struct kchan *ch, u32 word, u64 *old, u64 value);

/*
 * Returns the words, to be changed in place, or NULL: the channel is lock-free
 * (with a warning), or the policy sleeps and a fatal signal came. With
 * KCHAN_POLICY_SPINLOCK interrupts are off until kchan_values_end(): a few
 * stores only.
 */
u64 *kchan_values_begin(struct kchan *ch);
void kchan_values_end(struct kchan *ch);

/* ---- BLOCK channels ------------------------------------------------------- */

/*
 * The module's side of the region. Process context; any offset and length
 * inside the capacity. What was never written reads as zeros. Not atomic
 * against user space's requests beyond one block. 0, -ERANGE, -ENOMEM, -EINTR.
 *
 * User space that goes through the page cache does not see later writes of the
 * module: it opens the device with O_DIRECT.
 *
 * A BLOCK channel is always on: it is LIVE, and ops->enable has been called, when
 * kchan_register() returns.
 */
int kchan_block_read(struct kchan *ch, u64 offset, void *to, size_t length);
int kchan_block_write(struct kchan *ch, u64 offset, const void *from,
		      size_t length);

#endif /* _KCHAN_H */
