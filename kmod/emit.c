// SPDX-License-Identifier: GPL-2.0
/*
 * Writing a record: what a channel adds to the ring core is only the question
 * whether anybody reads, asked with preemption off so that stop_writers() in
 * activation.c can wait for whoever saw the answer "yes".
 */
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/preempt.h>

#include "channel.h"

bool kchan_is_live(const struct kchan *ch)
{
	return READ_ONCE(ch->live);
}
EXPORT_SYMBOL_GPL(kchan_is_live);

static __always_inline int emit(struct kchan *ch, u16 type,
				const void *payload, u32 length)
{
	int err = -ENODEV;

	preempt_disable_notrace();
	/* Pairs with the store-release in start_writers(). */
	if (likely(smp_load_acquire(&ch->live))) {
		if (ch->rings)
			err = kchan_ring_emit(&this_cpu_ptr(ch->rings)->core,
					      type, payload, length);
		else if (ch->shared)
			err = kchan_ring_emit_shared(&ch->shared->core, type,
						     smp_processor_id(),
						     payload, length);
		else if (ch->transport_ops->emit)
			err = ch->transport_ops->emit(ch, type, payload,
						      length);
		else
			err = -EOPNOTSUPP;
	}
	preempt_enable_notrace();
	return err;
}

/*
 * A writer that cannot sleep, against its channel's declaration, must not wait;
 * its record is lost and counted.
 */
static int refuse(struct kchan *ch)
{
	int err = -ENODEV;

	preempt_disable_notrace();
	if (smp_load_acquire(&ch->live)) { /* as above */
		struct kchan_channel_ring *ring =
			ch->rings ? this_cpu_ptr(ch->rings) : ch->shared;

		if (ring)
			kchan_ring_refuse(&ring->core);
		else if (ch->transport_ops->refuse)
			ch->transport_ops->refuse(ch);
		err = -EBUSY;
	}
	preempt_enable_notrace();
	return err;
}

/* As far as the kernel can tell: some count no preemption. */
static bool may_sleep(void)
{
	return in_task() && !irqs_disabled() &&
	       !(IS_ENABLED(CONFIG_PREEMPT_COUNT) && preempt_count());
}

static noinline int emit_admitted(struct kchan *ch, u16 type,
				  const void *payload, u32 length)
{
	int err;

	if (!READ_ONCE(ch->live))
		return -ENODEV;
	if (!may_sleep())
		return refuse(ch);
	err = kchan_admission_enter(&ch->admission);
	if (err)
		return err;
	err = emit(ch, type, payload, length);
	kchan_admission_leave(&ch->admission);
	return err;
}

int kchan_emit(struct kchan *ch, u16 type, const void *payload, u32 length)
{
	if (unlikely(ch->sleeps))
		return emit_admitted(ch, type, payload, length);
	return emit(ch, type, payload, length);
}
EXPORT_SYMBOL_GPL(kchan_emit);

void *kchan_reserve(struct kchan *ch, u16 type, u32 length,
		    struct kchan_slot *slot)
{
	struct kchan_record *record;
	struct kchan_ring *ring;

	preempt_disable_notrace();
	/* Pairs with the store-release in start_writers(). */
	if (unlikely(!smp_load_acquire(&ch->live)) ||
	    WARN_ON_ONCE(!ch->rings || ch->sleeps))
		goto err_enable_preemption;
	ring = &this_cpu_ptr(ch->rings)->core;
	record = kchan_ring_reserve(ring, type, length);
	if (IS_ERR(record))
		goto err_enable_preemption;
	slot->payload = record + 1;
	slot->ring = ring;
	slot->record = record;
	return slot->payload;

err_enable_preemption:
	preempt_enable_notrace();
	return NULL;
}
EXPORT_SYMBOL_GPL(kchan_reserve);

void kchan_commit(struct kchan_slot *slot)
{
	kchan_ring_commit(slot->ring, slot->record);
	preempt_enable_notrace();
}
EXPORT_SYMBOL_GPL(kchan_commit);

void kchan_discard(struct kchan_slot *slot)
{
	kchan_ring_discard(slot->ring, slot->record);
	preempt_enable_notrace();
}
EXPORT_SYMBOL_GPL(kchan_discard);
