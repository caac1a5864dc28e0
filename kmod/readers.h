/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Readers that take records in turns: one at a time has the turn, and whoever
 * has waited longest is next. A waiter is woken only to have the turn.
 *
 * A wait queue alone cannot keep that order: between a wake-up and its waiter
 * anybody who comes along would be first.
 */
#ifndef _KCHAN_READERS_H
#define _KCHAN_READERS_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct kchan_readers {
	spinlock_t lock;
	struct list_head waiters; /* the longest first */
	bool taken; /* the turn is */
	bool called; /* there is something, and nobody was woken for it */
	bool turned_away; /* somebody who would not wait, in this turn */
};

void kchan_readers_init(struct kchan_readers *readers);

/*
 * Takes the turn; waits for it if `wait`. Returns 0, -EAGAIN (others were
 * first), or -ERESTARTSYS (a signal). Process context, as the next two.
 */
int kchan_readers_enter(struct kchan_readers *readers, bool wait);

/*
 * The one that has the turn found nothing: gives it up and waits, before all
 * others, until there is something. 0: it has the turn again; -ERESTARTSYS: it
 * has not.
 */
int kchan_readers_again(struct kchan_readers *readers);

/*
 * Gives the turn up; `more`: there is something left for the next. Returns true
 * if there is and somebody went away without it, who may now be polling.
 */
bool kchan_readers_leave(struct kchan_readers *readers, bool more);

/* There is something: wakes the one who has waited longest. Any context but NMI. */
void kchan_readers_call(struct kchan_readers *readers);

#endif
