// SPDX-License-Identifier: GPL-2.0
#include "readers.h"

#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

struct waiter {
	struct list_head node;
	struct task_struct *task;
	bool chosen; /* the turn is this one's */
};

void kchan_readers_init(struct kchan_readers *readers)
{
	spin_lock_init(&readers->lock);
	INIT_LIST_HEAD(&readers->waiters);
	readers->taken = false;
	readers->called = false;
	readers->turned_away = false;
}

static void take_turn(struct kchan_readers *readers)
{
	readers->taken = true;
	readers->called = false;
	readers->turned_away = false;
}

/* Hands the turn, which nobody has, to the first; false: nobody waits. */
static bool choose(struct kchan_readers *readers)
{
	struct waiter *first = list_first_entry_or_null(
		&readers->waiters, struct waiter, node);

	if (!first)
		return false;
	list_del(&first->node);
	first->chosen = true;
	take_turn(readers);
	/* Under the lock: the waiter is on a stack that may go with it. */
	wake_up_process(first->task);
	return true;
}

/* Called with the lock held and the waiter listed, returns without either. */
static int sleep_until_chosen(struct kchan_readers *readers,
			      struct waiter *waiter)
	__releases(&readers->lock)
{
	int err = 0;

	while (!waiter->chosen) {
		if (signal_pending(current)) {
			list_del(&waiter->node);
			err = -ERESTARTSYS;
			break;
		}
		__set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock_irq(&readers->lock);
		schedule();
		spin_lock_irq(&readers->lock);
	}
	spin_unlock_irq(&readers->lock);
	return err;
}

int kchan_readers_enter(struct kchan_readers *readers, bool wait)
{
	struct waiter waiter = { .task = current };

	spin_lock_irq(&readers->lock);
	if (!readers->taken && list_empty(&readers->waiters)) {
		take_turn(readers);
		spin_unlock_irq(&readers->lock);
		return 0;
	}
	if (!wait) {
		readers->turned_away = true;
		spin_unlock_irq(&readers->lock);
		return -EAGAIN;
	}
	list_add_tail(&waiter.node, &readers->waiters);
	return sleep_until_chosen(readers, &waiter);
}

int kchan_readers_again(struct kchan_readers *readers)
{
	struct waiter waiter = { .task = current };

	spin_lock_irq(&readers->lock);
	if (readers->called) {
		/* While it looked. */
		readers->called = false;
		spin_unlock_irq(&readers->lock);
		return 0;
	}
	readers->taken = false;
	list_add(&waiter.node, &readers->waiters);
	return sleep_until_chosen(readers, &waiter);
}

bool kchan_readers_leave(struct kchan_readers *readers, bool more)
{
	bool unserved;

	spin_lock_irq(&readers->lock);
	readers->taken = false;
	readers->called |= more;
	unserved = readers->called && readers->turned_away;
	if (readers->called)
		choose(readers);
	spin_unlock_irq(&readers->lock);
	return unserved;
}

void kchan_readers_call(struct kchan_readers *readers)
{
	unsigned long flags;

	spin_lock_irqsave(&readers->lock, flags);
	if (readers->taken || !choose(readers))
		readers->called = true;
	spin_unlock_irqrestore(&readers->lock, flags);
}
