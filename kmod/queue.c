// SPDX-License-Identifier: GPL-2.0
#include "queue.h"

#include "channel.h"

#define RECORDS_PER_TURN 4096 /* then others may have the CPU */

static bool take(void *context, const struct kchan_record *record, u64 lost,
		 u64 sequence)
{
	struct kchan_queue *queue = context;

	if (queue->taken == RECORDS_PER_TURN)
		return false;
	if (!queue->ops->take(queue, record, lost, sequence)) {
		queue->refused = true;
		return false;
	}
	queue->taken++;
	queue->sequence = sequence;
	return true;
}

/* True: there is more, and it can be taken now. */
static bool turn(struct kchan_queue *queue)
{
	queue->taken = 0;
	queue->refused = false;
	queue->again = 0;
	if (queue->ops->begin)
		queue->ops->begin(queue);
	kchan_ring_consume(&queue->consumer, take, queue);
	if (!queue->refused && queue->taken < RECORDS_PER_TURN) {
		kchan_ring_consume_tail_loss(&queue->consumer);
		queue->sequence = queue->consumer.sequence;
	}
	if (queue->ops->end)
		queue->ops->end(queue);
	if (queue->refused)
		return false;
	return queue->taken == RECORDS_PER_TURN ||
	       kchan_ring_consume_arm(&queue->consumer);
}

static bool has_turns(const struct kchan_queue *queue)
{
	return queue->started &&
	       (queue->ops->lingers || READ_ONCE(queue->ch->users));
}

static void turn_work(struct work_struct *work)
{
	struct kchan_queue *queue = container_of(to_delayed_work(work),
						 struct kchan_queue, work);
	unsigned long again = 0;
	bool more = false;

	mutex_lock(&queue->lock);
	if (has_turns(queue)) {
		more = turn(queue);
		again = queue->again;
	}
	mutex_unlock(&queue->lock);
	/* A kick that came meanwhile is not put off. */
	if (more || again)
		queue_delayed_work(system_unbound_wq, &queue->work,
				   more ? 0 : again);
}

void kchan_queue_init(struct kchan_queue *queue, struct kchan *ch,
		      const struct kchan_queue_ops *ops)
{
	queue->ch = ch;
	queue->ops = ops;
	mutex_init(&queue->lock);
	INIT_DELAYED_WORK(&queue->work, turn_work);
}

void kchan_queue_destroy(struct kchan_queue *queue)
{
	cancel_delayed_work_sync(&queue->work);
}

void kchan_queue_start(struct kchan_queue *queue)
{
	mutex_lock(&queue->lock);
	kchan_ring_consumer_init(&queue->consumer, &queue->ch->shared->core);
	kchan_ring_consume_arm(&queue->consumer);
	queue->sequence = 0;
	queue->started = true;
	mutex_unlock(&queue->lock);
}

void kchan_queue_stop(struct kchan_queue *queue)
{
	cancel_delayed_work_sync(&queue->work);
	mutex_lock(&queue->lock);
	while (turn(queue))
		;
	queue->started = false;
	mutex_unlock(&queue->lock);
}

void kchan_queue_kick(struct kchan_queue *queue)
{
	mod_delayed_work(system_unbound_wq, &queue->work, 0);
}

u64 kchan_queue_sequence(struct kchan_queue *queue)
{
	u64 sequence;

	mutex_lock(&queue->lock);
	sequence = queue->sequence;
	mutex_unlock(&queue->lock);
	return sequence;
}
