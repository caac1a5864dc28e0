// SPDX-License-Identifier: GPL-2.0
/*
 * Writer policies: which of them go with what, for each its own reason; how many
 * they let in; and that every transport's writers pass them.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "channel.h"
#include "rings.h"
#include "specs.h"

/* ---- What is refused ----------------------------------------------------- */

struct refusal {
	const char *reason; /* a part of it */
	struct kchan_spec spec;
};

#define SPEC(_transport, _layout, _policy, _context, ...)        \
	{                                                        \
		.transport = KCHAN_TRANSPORT_##_transport,       \
		.layout = KCHAN_LAYOUT_##_layout,                \
		.policy = KCHAN_POLICY_##_policy,                \
		.context = KCHAN_CONTEXT_##_context, __VA_ARGS__ \
	}

static const struct refusal refusals[] = {
	{ "name the highest one", SPEC(RING, UNSPEC, UNSPEC, UNSPEC) },
	{ "name the highest one", SPEC(RING, UNSPEC, UNSPEC, NMI + 1) },
	{ "needs per-CPU rings", SPEC(RING, SHARED, LOCK_FREE, PROCESS) },
	{ "for the shared layout", SPEC(RING, PER_CPU, SPINLOCK, PROCESS) },
	{ "for the shared layout", SPEC(RING, UNSPEC, SPINLOCK, PROCESS) },
	{ "no such policy", SPEC(RING, UNSPEC, SEMAPHORE + 1, PROCESS) },
	{ "no such layout", SPEC(RING, SHARED + 1, UNSPEC, PROCESS) },
	{ "needs KCHAN_CONTEXT_PROCESS", SPEC(RING, UNSPEC, MUTEX, SOFTIRQ) },
	{ "needs KCHAN_CONTEXT_PROCESS", SPEC(RING, SHARED, MUTEX, HARDIRQ) },
	{ "needs KCHAN_CONTEXT_PROCESS", SPEC(GENL, UNSPEC, MUTEX, NMI) },
	{ "needs KCHAN_CONTEXT_PROCESS",
	  SPEC(RING, UNSPEC, SEMAPHORE, SOFTIRQ, .semaphore_count = 2) },
	{ "needs a semaphore_count", SPEC(RING, UNSPEC, SEMAPHORE, PROCESS) },
	{ "needs a semaphore_count",
	  SPEC(RING, UNSPEC, SEMAPHORE, PROCESS, .semaphore_count = U32_MAX) },
	{ "needs the semaphore policy",
	  SPEC(RING, UNSPEC, MUTEX, PROCESS, .semaphore_count = 2) },
	{ "needs the semaphore policy",
	  SPEC(RING, UNSPEC, UNSPEC, PROCESS, .semaphore_count = 2) },
	{ "no per-CPU buffers", SPEC(GENL, PER_CPU, UNSPEC, PROCESS) },
	{ "needs per-CPU rings", SPEC(GENL, UNSPEC, LOCK_FREE, PROCESS) },
	{ "no shared buffer", SPEC(RELAY, SHARED, UNSPEC, PROCESS) },
	{ "for the shared layout", SPEC(RELAY, UNSPEC, SPINLOCK, PROCESS) },
	{ "so high a context", SPEC(RELAY, UNSPEC, UNSPEC, NMI) },
	{ "no per-CPU buffers", SPEC(VALUE, PER_CPU, UNSPEC, PROCESS) },
	{ "no shared buffer", SPEC(VALUE, SHARED, UNSPEC, PROCESS) },
	{ "so high a context", SPEC(BLOCK, UNSPEC, UNSPEC, SOFTIRQ) },
	{ "no shared buffer", SPEC(BLOCK, SHARED, UNSPEC, PROCESS) },
	{ "no per-CPU buffers", SPEC(CHARDEV, PER_CPU, UNSPEC, PROCESS) },
	{ "no per-CPU buffers", SPEC(FILE, PER_CPU, UNSPEC, PROCESS) },
	{ "no per-CPU buffers", SPEC(LOG, PER_CPU, UNSPEC, PROCESS) },
};

static void each_refusal_has_its_reason(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct kchan_spec spec = refusals[i].spec;
		const char *reason;

		if (!kchan_transport_find(spec.transport))
			continue; /* is not built in */
		reason = kchan_policy_resolve(&spec);
		KUNIT_EXPECT_TRUE_MSG(test,
				      reason && strstr(reason,
						       refusals[i].reason),
				      "case %zu: %s instead of .. %s ..", i,
				      reason ?: "nothing", refusals[i].reason);
	}
}

/* ---- How many are let in ------------------------------------------------- */

struct crowd {
	struct kchan_admission admission;
	u32 admits;
	atomic_t inside;
	atomic_t most;
	atomic_t left; /* who have not come to their end */
	struct completion enough; /* as many as may be are inside */
};

#define CROWD 8

static int visit(void *context)
{
	struct crowd *crowd = context;
	int inside, most;

	if (kchan_admission_enter(&crowd->admission))
		goto out;
	inside = atomic_inc_return(&crowd->inside);
	most = atomic_read(&crowd->most);
	while (inside > most &&
	       !atomic_try_cmpxchg(&crowd->most, &most, inside))
		;
	if (inside >= crowd->admits)
		complete_all(&crowd->enough);
	/* Until it is full; then long enough for one too many to come. */
	wait_for_completion_timeout(&crowd->enough, 10 * HZ);
	schedule_timeout_uninterruptible(1);
	atomic_dec(&crowd->inside);
	kchan_admission_leave(&crowd->admission);
out:
	atomic_dec(&crowd->left);
	return 0;
}

static int count_admitted(struct kunit *test, enum kchan_policy policy, u32 n)
{
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	struct task_struct *visitors[CROWD];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	kchan_admission_init(&crowd->admission, policy, n);
	crowd->admits = n;
	init_completion(&crowd->enough);
	atomic_set(&crowd->left, CROWD);
	for (i = 0; i < CROWD; i++) {
		visitors[i] = kthread_create(visit, crowd, "kchan-visitor");
		KUNIT_ASSERT_FALSE(test, IS_ERR(visitors[i]));
		get_task_struct(visitors[i]);
	}
	for (i = 0; i < CROWD; i++)
		wake_up_process(visitors[i]);
	/* One that did not run before it is stopped would never run. */
	while (atomic_read(&crowd->left))
		schedule_timeout_uninterruptible(1);
	for (i = 0; i < CROWD; i++) {
		kthread_stop(visitors[i]);
		put_task_struct(visitors[i]);
	}
	return atomic_read(&crowd->most);
}

static void exactly_as_many_as_it_says_are_inside(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, count_admitted(test, KCHAN_POLICY_MUTEX, 1), 1);
	KUNIT_EXPECT_EQ(test, count_admitted(test, KCHAN_POLICY_SEMAPHORE, 1), 1);
	KUNIT_EXPECT_EQ(test, count_admitted(test, KCHAN_POLICY_SEMAPHORE, 3), 3);
}

/* ---- Every transport's writers pass it ----------------------------------- */

static const enum kchan_transport record_transports[] = {
	KCHAN_TRANSPORT_RING,  KCHAN_TRANSPORT_GENL, KCHAN_TRANSPORT_CHARDEV,
	KCHAN_TRANSPORT_RELAY, KCHAN_TRANSPORT_FILE,
};

struct writer {
	struct kchan *ch;
	int result;
	struct completion done;
};

static int write_one(void *context)
{
	static const struct test_record record = { .counter = 1 };
	struct writer *writer = context;

	writer->result = kchan_emit(writer->ch, 1, &record, sizeof(record));
	complete(&writer->done);
	return 0;
}

static void start_writer(struct kunit *test, struct writer *writer,
			 struct kchan *ch)
{
	struct task_struct *task;

	*writer = (struct writer){ .ch = ch, .result = 1 };
	init_completion(&writer->done);
	task = kthread_run(write_one, writer, "kchan-writer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
}

static u64 lost_of(struct kchan *ch, u32 cpu)
{
	struct kchan_ring_counters counters = {};

	if (ch->transport_ops->counters)
		ch->transport_ops->counters(ch, cpu, &counters);
	else
		kchan_ring_read_counters(&kchan_channel_ring(ch, cpu)->core,
					 &counters);
	return counters.lost_contended;
}

/* On whichever CPU it was. */
static u64 lost_contended(struct kchan *ch)
{
	u64 lost = 0;
	u32 cpu;

	if (ch->layout == KCHAN_LAYOUT_SHARED)
		return lost_of(ch, KCHAN_CPU_SHARED);
	for_each_possible_cpu(cpu)
		lost += lost_of(ch, cpu);
	return lost;
}

/* `n` are inside, the next one waits until one of them leaves. */
static void check_transport(struct kunit *test, enum kchan_transport transport,
			    enum kchan_policy policy, u32 n)
{
	static const struct test_record record = { .counter = 1 };
	struct kchan_spec spec = test_spec();
	struct writer *writer = kunit_kzalloc(test, sizeof(*writer),
					      GFP_KERNEL);
	struct kchan *ch;
	u64 refused;
	int err;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, writer);
	spec.transport = transport;
	spec.policy = policy;
	spec.semaphore_count = policy == KCHAN_POLICY_SEMAPHORE ? n : 0;
	ch = kchan_register(&spec);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(ch), "transport %d", transport);
	KUNIT_ASSERT_EQ(test, kchan_demand_get(ch, NULL), 0);

	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, kchan_admission_enter(&ch->admission), 0);
	start_writer(test, writer, ch);
	KUNIT_EXPECT_EQ_MSG(test,
			    wait_for_completion_timeout(&writer->done, HZ / 20),
			    0, "transport %d: one too many", transport);
	kchan_admission_leave(&ch->admission);
	KUNIT_EXPECT_NE(test,
			wait_for_completion_timeout(&writer->done, 10 * HZ), 0);
	KUNIT_EXPECT_EQ_MSG(test, writer->result, 0, "transport %d", transport);

	/* One that cannot wait is refused and counted, though there is room. */
	refused = lost_contended(ch);
	local_irq_disable();
	err = kchan_emit(ch, 1, &record, sizeof(record));
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, err, -EBUSY);
	KUNIT_EXPECT_EQ_MSG(test, lost_contended(ch), refused + 1,
			    "transport %d", transport);
	for (i = 1; i < n; i++)
		kchan_admission_leave(&ch->admission);
	kchan_demand_put(ch);
	kchan_unregister(ch);
}

static void writers_of_every_transport_are_admitted(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(record_transports); i++) {
		if (!kchan_transport_find(record_transports[i]))
			continue; /* is not built in */
		check_transport(test, record_transports[i], KCHAN_POLICY_MUTEX,
				1);
		check_transport(test, record_transports[i],
				KCHAN_POLICY_SEMAPHORE, 3);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(each_refusal_has_its_reason),
	KUNIT_CASE(exactly_as_many_as_it_says_are_inside),
	KUNIT_CASE(writers_of_every_transport_are_admitted),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_policy",
	.test_cases = cases,
};
kunit_test_suite(suite);
