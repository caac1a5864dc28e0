// SPDX-License-Identifier: GPL-2.0
/*
 * A change that user space asks for, by ioctl or sysfs: the module is asked
 * first, in process context and without a lock on the words, so it may sleep;
 * then the word is swapped if it is still what the module was asked about.
 */
#include <linux/bits.h>
#include <linux/sched/signal.h>

#include "channel.h"
#include "value.h"

static int check(const struct kchan_values *values,
		 const struct kchan_value_change *change)
{
	if (change->reserved || change->operation < KCHAN_VALUE_SET ||
	    change->operation > KCHAN_VALUE_COMPARE_AND_SWAP)
		return -EINVAL;
	if (change->word >= values->count)
		return -ERANGE;
	return values->writable & BIT_ULL(change->word) ? 0 : -EPERM;
}

static int ask(struct kchan *ch, u32 word, u64 value)
{
	if (!ch->ops.set_value)
		return 0;
	return kchan_callback_status(ch->ops.set_value(ch, ch->priv, word,
						       value));
}

/* Between kchan_enter() and kchan_leave(). */
static int try_until_changed(struct kchan *ch, struct kchan_value_change *change)
{
	u64 seen;
	int err;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		change->before = kchan_value_get(ch, change->word);
		change->after = change->before;
		change->applied = 0;
		if (change->operation == KCHAN_VALUE_COMPARE_AND_SWAP &&
		    change->before != change->expected)
			return 0;
		if (change->operation == KCHAN_VALUE_ADD)
			change->after += change->operand;
		else
			change->after = change->operand;
		err = ask(ch, change->word, change->after);
		if (err)
			return err;
		seen = change->before;
	} while (!kchan_value_cmpxchg(ch, change->word, &seen, change->after));
	change->applied = 1;
	return 0;
}

int kchan_value_change(struct kchan_values *values,
		       struct kchan_value_change *change)
{
	struct kchan *ch = values->ch;
	int err = check(values, change);

	if (err)
		return err;
	err = kchan_enter(ch);
	if (err)
		return err;
	err = try_until_changed(ch, change);
	kchan_leave(ch);
	return err;
}
