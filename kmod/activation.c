// SPDX-License-Identifier: GPL-2.0
/*
 * The steps between a channel's states, all under kchan.demand:
 *
 *	IDLE -> LIVE	demand_get: rings get memory, then the source is enabled
 *	LIVE -> IDLE	the linger is over: the source is disabled, writers are
 *			waited for, the memory is freed
 *	any  -> DEAD	kill: the same, but the memory stays for whoever reads
 */
#define pr_fmt(fmt) "kchan: " fmt

#include <linux/jiffies.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>

#include "channel.h"
#include "hotplug.h"
#include "notify.h"
#include "rings.h"

static u64 new_generation(void)
{
	u64 generation;

	do {
		generation = get_random_u64();
	} while (!generation);
	return generation;
}

static int size_rings(struct kchan *ch)
{
	const u32 rings = kchan_ring_count(ch);
	u64 bytes;

	if (!rings)
		return 0;
	bytes = kchan_ring_bytes(ch->budget_bytes, rings);
	if (!bytes) {
		pr_warn_ratelimited("channel %s: %u possible CPUs need more than its budget of %llu bytes: raise the budget, or let its module register a shared ring\n",
				    ch->name, rings, ch->budget_bytes);
		return -E2BIG;
	}
	WRITE_ONCE(ch->ring_bytes, bytes);
	return 0;
}

/* No writer is left, and none comes, once it returns. */
static void stop_writers(struct kchan *ch)
{
	WRITE_ONCE(ch->live, false);
	if (ch->rings)
		kchan_hotplug_remove(ch);
	/* Pairs with the preemption-off sections of emit.c. */
	synchronize_rcu();
	kchan_rings_sync_wakes(ch);
}

static int start_rings(struct kchan *ch)
{
	if (!ch->transport_ops->rings)
		return 0;
	kchan_rings_reset(ch, ch->generation);
	return ch->rings ? kchan_hotplug_add(ch) :
			   kchan_ring_add_memory(ch, ch->shared);
}

static int start_writers(struct kchan *ch)
{
	int err;

	err = start_rings(ch);
	if (err)
		goto err_free_memory;
	if (ch->transport_ops->start) {
		err = ch->transport_ops->start(ch);
		if (err)
			goto err_stop_rings;
	}
	/* Publishes the rings: pairs with the load-acquires in emit.c. */
	smp_store_release(&ch->live, true);
	return 0;

err_stop_rings:
	stop_writers(ch);
err_free_memory:
	kchan_rings_free_memory(ch);
	return err;
}

static void stop(struct kchan *ch)
{
	stop_writers(ch);
	if (ch->transport_ops->stop)
		ch->transport_ops->stop(ch);
}

static int activate(struct kchan *ch)
{
	int err = size_rings(ch);

	if (err)
		return err;
	WRITE_ONCE(ch->generation, new_generation());
	err = start_writers(ch);
	if (err)
		goto err_reset_generation;
	if (ch->ops.enable) {
		err = kchan_callback_status(ch->ops.enable(ch, ch->priv));
		if (err)
			goto err_stop_writers;
	}
	WRITE_ONCE(ch->state, KCHAN_STATE_LIVE);
	kchan_notify_channel(ch, KCHAN_CMD_CHANNEL_CHANGE_NTF);
	return 0;

err_stop_writers:
	stop(ch);
	kchan_rings_free_memory(ch);
err_reset_generation:
	WRITE_ONCE(ch->generation, 0);
	return err;
}

/* What leaving LIVE has in common. */
static void disable(struct kchan *ch)
{
	if (ch->ops.disable)
		ch->ops.disable(ch, ch->priv);
	stop(ch);
}

static void deactivate(struct kchan *ch)
{
	disable(ch);
	kchan_rings_free_memory(ch);
	WRITE_ONCE(ch->state, KCHAN_STATE_IDLE);
	WRITE_ONCE(ch->generation, 0);
	kchan_notify_channel(ch, KCHAN_CMD_CHANNEL_CHANGE_NTF);
}

int kchan_demand_get(struct kchan *ch, u64 *sequence)
{
	int err = mutex_lock_killable(&ch->demand);

	if (err)
		return err;
	if (ch->state == KCHAN_STATE_DEAD)
		err = -ESHUTDOWN;
	else if (ch->state == KCHAN_STATE_IDLE)
		err = activate(ch);
	if (!err) {
		/* A linger that fires all the same sees the user. */
		cancel_delayed_work(&ch->linger);
		/* Nothing leaves the queue before it has a user. */
		if (sequence)
			*sequence = ch->transport_ops->sequence ?
					    ch->transport_ops->sequence(ch) :
					    0;
		WRITE_ONCE(ch->users, ch->users + 1);
		if (ch->transport_ops->resume)
			ch->transport_ops->resume(ch);
	}
	mutex_unlock(&ch->demand);
	return err;
}

void kchan_demand_put(struct kchan *ch)
{
	mutex_lock(&ch->demand);
	WRITE_ONCE(ch->users, ch->users - 1);
	if (ch->users)
		goto out;
	if (ch->state == KCHAN_STATE_DEAD) {
		kchan_rings_free_memory(ch);
	} else {
		const unsigned long linger = msecs_to_jiffies(ch->linger_ms);

		ch->linger_end = jiffies + linger;
		mod_delayed_work(system_unbound_wq, &ch->linger, linger);
	}
out:
	mutex_unlock(&ch->demand);
}

void kchan_linger_work(struct work_struct *work)
{
	struct kchan *ch = container_of(to_delayed_work(work), struct kchan,
					linger);

	mutex_lock(&ch->demand);
	/* A user may have come, and gone again, while this waited. */
	if (!ch->users && ch->state == KCHAN_STATE_LIVE &&
	    !time_before(jiffies, ch->linger_end))
		deactivate(ch);
	mutex_unlock(&ch->demand);
}

void kchan_kill(struct kchan *ch)
{
	down_write(&ch->callbacks);
	ch->deaf = true;
	up_write(&ch->callbacks);

	mutex_lock(&ch->demand);
	if (ch->state != KCHAN_STATE_DEAD) {
		const bool was_live = ch->state == KCHAN_STATE_LIVE;

		if (was_live)
			disable(ch);
		WRITE_ONCE(ch->state, KCHAN_STATE_DEAD);
		if (was_live)
			kchan_rings_mark_dead(ch);
		if (ch->transport_ops->dead)
			ch->transport_ops->dead(ch);
		if (!ch->users)
			kchan_rings_free_memory(ch);
		kchan_notify_channel(ch, KCHAN_CMD_CHANNEL_CHANGE_NTF);
	}
	mutex_unlock(&ch->demand);
	cancel_delayed_work_sync(&ch->linger);
}
