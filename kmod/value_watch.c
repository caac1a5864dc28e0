// SPDX-License-Identifier: GPL-2.0
/*
 * Who is told of a change. Writers may hold any lock, the run queue's too, so
 * everybody is woken from irq_work.
 */
#include <linux/bits.h>
#include <linux/poll.h>

#include "value.h"

static void tell(struct irq_work *work)
{
	struct kchan_values *values =
		container_of(work, struct kchan_values, watch.work);
	u64 due = atomic64_xchg(&values->watch.due, 0);

	wake_up_interruptible_poll(&values->watch.files_waiting,
				   EPOLLIN | EPOLLRDNORM | EPOLLPRI);
	while (due) {
		kchan_value_sysfs_notify(values, __ffs64(due));
		due &= due - 1;
	}
}

void kchan_value_watch_init(struct kchan_values *values)
{
	init_irq_work(&values->watch.work, tell);
	init_waitqueue_head(&values->watch.files_waiting);
}

void kchan_value_watch_sync(struct kchan_values *values)
{
	irq_work_sync(&values->watch.work);
}

void kchan_value_watch_all(struct kchan_values *values)
{
	atomic_set(&values->watch.files, 1);
	/* Then look: pairs with the full barriers before _changed(). */
	smp_mb();
}

void kchan_value_watch_word(struct kchan_values *values, u32 word)
{
	atomic64_or(BIT_ULL(word), &values->watch.words);
	/* Then look: pairs with the full barriers before _changed(). */
	smp_mb();
}

void kchan_value_changed(struct kchan_values *values, u64 words)
{
	struct kchan_value_watch *watch = &values->watch;
	bool anybody;

	anybody = atomic_read(&watch->files) && atomic_xchg(&watch->files, 0);
	if (atomic64_read(&watch->words) & words) {
		words &= atomic64_fetch_andnot(words, &watch->words);
		atomic64_or(words, &watch->due);
		anybody |= words != 0;
	}
	if (anybody)
		irq_work_queue(&watch->work);
}
