/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VALUE transport: words that are set, not streamed. They lie in a page
 * that user space maps read-only, so the kernel may work on it in place.
 *
 *	value.c		the words, and the module's way to them
 *	value_change.c	user space's way to change them
 *	value_watch.c	who is told of a change
 *	value_file.c	attached files of /dev/kchan; the transport's table
 *	value_sysfs.c	/sys/class/kchan/<channel>/values/<field>
 *	value_spec.c	what a module may declare
 *
 * Locks, outermost first: kchan.callbacks (a change by user space), the
 * admission's mutex (KCHAN_POLICY_MUTEX), kchan_values.lock (any but LOCK_FREE).
 */
#ifndef _KCHAN_VALUE_H
#define _KCHAN_VALUE_H

#include <kchan.h>
#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

struct kchan_value_sysfs;

/*
 * One-shot requests to be told of the next change: set by who looks, before it
 * looks; taken by the first change after that. So a word that nobody watches
 * costs its writer two loads, and one that somebody watches one interrupt for
 * each look, however often it changes.
 */
struct kchan_value_watch {
	atomic_t files; /* some poll() waits for any word */
	atomic64_t words; /* bits: sysfs has shown this word */
	atomic64_t due; /* bits: of those, to be told now */
	struct irq_work work;
	wait_queue_head_t files_waiting;
};

struct kchan_values {
	struct kchan *ch;
	struct kchan_value_page *page;
	u32 count; /* of words */
	u64 writable; /* bits: by user space */
	struct kchan_value_sysfs *sysfs;
	struct kchan_value_watch watch;

	/* Not LOCK_FREE: */
	raw_spinlock_t lock; /* held over each change of the page */
	unsigned long irq_flags; /* from kchan_values_begin() to _end() */
	u64 draft[KCHAN_MAX_WORDS]; /* likewise */
};

/* value_spec.c: what is wrong with a spec of this transport, or NULL. */
const char *kchan_value_conflict(const struct kchan_spec *spec);

/* value.c. The words of a VALUE channel. */
struct kchan_values *kchan_values_create(struct kchan *ch,
					 const struct kchan_spec *spec);
void kchan_values_destroy(struct kchan_values *values);

/* All words as one. */
void kchan_values_read(struct kchan_values *values,
		       struct kchan_value_read *snapshot);

static inline u64 kchan_values_version(const struct kchan_values *values)
{
	/* A change that is being made is none yet. */
	return READ_ONCE(values->page->version) & ~1ULL;
}

/*
 * value_change.c: a change that user space asks for. Fills in the out fields.
 * EINVAL, ERANGE, EPERM, EINTR, ESHUTDOWN, or what ops->set_value says.
 */
int kchan_value_change(struct kchan_values *values,
		       struct kchan_value_change *change);

/* value_watch.c */
void kchan_value_watch_init(struct kchan_values *values);
/* Nobody changes a word any more. */
void kchan_value_watch_sync(struct kchan_values *values);
/* Whoever looks after this has returned is told of what changes after. */
void kchan_value_watch_all(struct kchan_values *values);
void kchan_value_watch_word(struct kchan_values *values, u32 word);
/* `words` (bits) have changed; after a full barrier. Any context. */
void kchan_value_changed(struct kchan_values *values, u64 words);

/* value_sysfs.c */
int kchan_value_sysfs_create(struct kchan_values *values,
			     const struct kchan_type *type);
void kchan_value_sysfs_destroy(struct kchan_values *values);
int kchan_value_sysfs_appear(struct kchan_values *values);
/* No show or store runs any more, and none comes. */
void kchan_value_sysfs_disappear(struct kchan_values *values);
/* Wakes who polls this word's attribute. From irq_work. */
void kchan_value_sysfs_notify(struct kchan_values *values, u32 word);

#endif
