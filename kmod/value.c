// SPDX-License-Identifier: GPL-2.0
/*
 * The words of a VALUE channel, and the module's way to them.
 *
 * LOCK_FREE: each word is an atomic of its own; the version follows, two for
 * each change. With a lock, the module changes a draft, and what differs goes
 * into the page at once, under a raw spinlock: who reads the mapped page waits
 * for a few stores, never for a writer that sleeps between begin and end.
 */
#include "value.h"

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "channel.h"

/* The module names words by constants: a wrong one is its bug. */
static struct kchan_values *values_of(const struct kchan *ch, u32 word)
{
	struct kchan_values *values;

	if (WARN_ON_ONCE(ch->transport != KCHAN_TRANSPORT_VALUE))
		return NULL;
	values = ch->transport_priv;
	return WARN_ON_ONCE(word >= values->count) ? NULL : values;
}

static bool lock_free(const struct kchan_values *values)
{
	return values->ch->policy == KCHAN_POLICY_LOCK_FREE;
}

/* ---- LOCK_FREE ------------------------------------------------------------ */

static atomic64_t *atom(struct kchan_values *values, u32 word)
{
	return (atomic64_t *)&values->page->words[word];
}

/* Behind the word's atomic operation, which is a full barrier. */
static void count_change(struct kchan_values *values, u32 word)
{
	WRITE_ONCE(values->page->boottime_ns, ktime_get_boot_fast_ns());
	/* A full barrier: who sees the version sees the word. */
	atomic64_add_return(2, (atomic64_t *)&values->page->version);
	kchan_value_changed(values, BIT_ULL(word));
}

/* ---- One writer at a time ------------------------------------------------- */

static void admit(struct kchan_values *values)
{
	if (values->ch->policy == KCHAN_POLICY_MUTEX)
		mutex_lock(&values->ch->admission.mutex);
}

static void dismiss(struct kchan_values *values)
{
	if (values->ch->policy == KCHAN_POLICY_MUTEX)
		mutex_unlock(&values->ch->admission.mutex);
}

static bool differs(const struct kchan_values *values, u32 word)
{
	return values->page->words[word] != values->draft[word];
}

/*
 * Brings the draft into the page. Under values->lock. Returns which words have
 * changed.
 */
static u64 publish(struct kchan_values *values)
{
	struct kchan_value_page *page = values->page;
	const u64 version = page->version;
	u64 changed = 0;
	u32 i;

	for (i = 0; i < values->count; i++) {
		if (differs(values, i))
			changed |= BIT_ULL(i);
	}
	if (!changed)
		return 0;
	WRITE_ONCE(page->version, version + 1);
	/* Odd before any word: pairs with the reader's barrier behind them. */
	smp_wmb();
	for (i = 0; i < values->count; i++) {
		if (changed & BIT_ULL(i))
			WRITE_ONCE(page->words[i], values->draft[i]);
	}
	WRITE_ONCE(page->boottime_ns, ktime_get_boot_fast_ns());
	/* Pairs with the reader's load-acquire of an even version. */
	smp_store_release(&page->version, version + 2);
	/* The version before the watch: pairs with kchan_value_watch_*(). */
	smp_mb();
	return changed;
}

static void begin(struct kchan_values *values)
{
	unsigned long flags;

	/* Mutex writers change their draft with interrupts on. */
	if (values->ch->policy == KCHAN_POLICY_SPINLOCK) {
		raw_spin_lock_irqsave(&values->lock, flags);
		values->irq_flags = flags;
		__release(&values->lock); /* for sparse: end() unlocks */
	}
	memcpy(values->draft, values->page->words,
	       values->count * sizeof(values->draft[0]));
}

static void end(struct kchan_values *values)
{
	unsigned long flags;
	u64 changed;

	if (values->ch->policy == KCHAN_POLICY_SPINLOCK) {
		__acquire(&values->lock); /* for sparse: begin() locked */
		flags = values->irq_flags;
	} else {
		raw_spin_lock_irqsave(&values->lock, flags);
	}
	changed = publish(values);
	raw_spin_unlock_irqrestore(&values->lock, flags);
	if (changed)
		kchan_value_changed(values, changed);
}

static u64 draft_word(struct kchan_values *values, u32 word)
{
	admit(values);
	begin(values);
	return values->draft[word];
}

static void publish_word(struct kchan_values *values, u32 word, u64 value)
{
	values->draft[word] = value;
	end(values);
	dismiss(values);
}

/* ---- kchan.h -------------------------------------------------------------- */

u64 kchan_value_get(const struct kchan *ch, u32 word)
{
	const struct kchan_values *values = values_of(ch, word);

	return values ? READ_ONCE(values->page->words[word]) : 0;
}
EXPORT_SYMBOL_GPL(kchan_value_get);

void kchan_value_set(struct kchan *ch, u32 word, u64 value)
{
	struct kchan_values *values = values_of(ch, word);

	if (!values)
		return;
	if (!lock_free(values)) {
		draft_word(values, word);
		publish_word(values, word, value);
	} else if ((u64)atomic64_xchg(atom(values, word), value) != value) {
		count_change(values, word);
	}
}
EXPORT_SYMBOL_GPL(kchan_value_set);

u64 kchan_value_add(struct kchan *ch, u32 word, u64 delta)
{
	struct kchan_values *values = values_of(ch, word);
	u64 value;

	if (!values)
		return 0;
	if (lock_free(values)) {
		value = atomic64_add_return(delta, atom(values, word));
		if (delta)
			count_change(values, word);
	} else {
		value = draft_word(values, word) + delta;
		publish_word(values, word, value);
	}
	return value;
}
EXPORT_SYMBOL_GPL(kchan_value_add);

bool kchan_value_cmpxchg(struct kchan *ch, u32 word, u64 *old, u64 value)
{
	struct kchan_values *values = values_of(ch, word);
	const u64 expected = *old;

	if (!values)
		return false;
	if (lock_free(values)) {
		*old = atomic64_cmpxchg(atom(values, word), expected, value);
		if (*old == expected && value != expected)
			count_change(values, word);
	} else {
		*old = draft_word(values, word);
		publish_word(values, word, *old == expected ? value : *old);
	}
	return *old == expected;
}
EXPORT_SYMBOL_GPL(kchan_value_cmpxchg);

u64 *kchan_values_begin(struct kchan *ch)
{
	struct kchan_values *values = values_of(ch, 0);

	if (!values || WARN_ON_ONCE(lock_free(values)))
		return NULL;
	if (ch->sleeps && kchan_admission_enter(&ch->admission))
		return NULL;
	begin(values);
	return values->draft;
}
EXPORT_SYMBOL_GPL(kchan_values_begin);

void kchan_values_end(struct kchan *ch)
{
	struct kchan_values *values = ch->transport_priv;

	end(values);
	dismiss(values);
}
EXPORT_SYMBOL_GPL(kchan_values_end);

/* ---- The core's side ------------------------------------------------------ */

static void copy_out(const struct kchan_values *values,
		     struct kchan_value_read *snapshot)
{
	u32 i;

	snapshot->boottime_ns = READ_ONCE(values->page->boottime_ns);
	for (i = 0; i < values->count; i++)
		snapshot->words[i] = READ_ONCE(values->page->words[i]);
}

void kchan_values_read(struct kchan_values *values,
		       struct kchan_value_read *snapshot)
{
	unsigned long flags;

	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->word_count = values->count;
	/* DEAD before the words: then these are the last. */
	snapshot->state = smp_load_acquire(&values->page->state);
	if (lock_free(values)) {
		/* Words may be newer than the version, never older. */
		snapshot->version = smp_load_acquire(&values->page->version);
		copy_out(values, snapshot);
		return;
	}
	raw_spin_lock_irqsave(&values->lock, flags);
	snapshot->version = values->page->version;
	copy_out(values, snapshot);
	raw_spin_unlock_irqrestore(&values->lock, flags);
}

struct kchan_values *kchan_values_create(struct kchan *ch,
					 const struct kchan_spec *spec)
{
	const struct kchan_type *type = spec->types;
	struct kchan_values *values;
	u32 i;

	BUILD_BUG_ON(sizeof(struct kchan_value_page) > PAGE_SIZE);
	BUILD_BUG_ON(BITS_PER_TYPE(values->writable) < KCHAN_MAX_WORDS);
	values = kzalloc(sizeof(*values), GFP_KERNEL);
	if (!values)
		return NULL;
	values->page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!values->page) {
		kfree(values);
		return NULL;
	}
	values->ch = ch;
	values->count = type->field_count;
	for (i = 0; i < type->field_count; i++) {
		if (type->fields[i].writable)
			values->writable |= BIT_ULL(i);
	}
	raw_spin_lock_init(&values->lock);
	kchan_value_watch_init(values);
	values->page->magic = KCHAN_VALUE_MAGIC;
	values->page->word_count = values->count;
	values->page->state = KCHAN_STATE_IDLE;
	return values;
}

void kchan_values_destroy(struct kchan_values *values)
{
	/* Mappings that are still being torn down hold the page by themselves. */
	free_page((unsigned long)values->page);
	kfree(values);
}
