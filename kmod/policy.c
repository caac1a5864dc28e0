// SPDX-License-Identifier: GPL-2.0
#include "policy.h"

#include <linux/limits.h>

#include "transport.h"

static const char *conflict(const struct kchan_spec *spec)
{
	switch (spec->policy) {
	case KCHAN_POLICY_LOCK_FREE:
		if (spec->layout == KCHAN_LAYOUT_SHARED)
			return "the lock-free policy needs per-CPU rings";
		break;
	case KCHAN_POLICY_SPINLOCK:
		if (spec->layout == KCHAN_LAYOUT_PER_CPU)
			return "the spinlock policy is for the shared layout; per-CPU rings need no lock";
		break;
	case KCHAN_POLICY_SEMAPHORE:
		if (!spec->semaphore_count || spec->semaphore_count > INT_MAX)
			return "the semaphore policy needs a semaphore_count";
		fallthrough;
	case KCHAN_POLICY_MUTEX:
		if (spec->context != KCHAN_CONTEXT_PROCESS)
			return "a policy that sleeps needs KCHAN_CONTEXT_PROCESS";
		break;
	default:
		return "no such policy";
	}
	if (spec->policy != KCHAN_POLICY_SEMAPHORE && spec->semaphore_count)
		return "a semaphore_count needs the semaphore policy";
	return NULL;
}

static const char *resolve_layout(struct kchan_spec *spec,
				  const struct kchan_transport_ops *transport)
{
	if (!spec->layout && transport->per_cpu)
		spec->layout = KCHAN_LAYOUT_PER_CPU;
	if (!spec->layout && transport->shared)
		spec->layout = KCHAN_LAYOUT_SHARED;
	if (spec->layout > KCHAN_LAYOUT_SHARED)
		return "no such layout";
	if (spec->layout == KCHAN_LAYOUT_PER_CPU && !transport->per_cpu)
		return "its transport has no per-CPU buffers: use the shared layout, or none";
	if (spec->layout == KCHAN_LAYOUT_SHARED && !transport->shared)
		return "its transport has no shared buffer: use the per-CPU layout, or none";
	return NULL;
}

const char *kchan_policy_resolve(struct kchan_spec *spec)
{
	const struct kchan_transport_ops *transport =
		kchan_transport_find(spec->transport);
	const char *wrong;

	if (spec->context < KCHAN_CONTEXT_PROCESS ||
	    spec->context > KCHAN_CONTEXT_NMI)
		return "no context: name the highest one that it is emitted from";
	if (spec->context > transport->highest_context)
		return "its transport cannot be written from so high a context";
	wrong = resolve_layout(spec, transport);
	if (wrong)
		return wrong;
	if (!spec->policy)
		spec->policy = spec->layout == KCHAN_LAYOUT_SHARED ?
				       KCHAN_POLICY_SPINLOCK :
				       KCHAN_POLICY_LOCK_FREE;
	return conflict(spec);
}

void kchan_admission_init(struct kchan_admission *admission,
			  enum kchan_policy policy, u32 semaphore_count)
{
	admission->policy = policy;
	if (policy == KCHAN_POLICY_MUTEX)
		mutex_init(&admission->mutex);
	else if (policy == KCHAN_POLICY_SEMAPHORE)
		sema_init(&admission->semaphore, semaphore_count);
}

int kchan_admission_enter(struct kchan_admission *admission)
{
	if (admission->policy == KCHAN_POLICY_MUTEX)
		return mutex_lock_killable(&admission->mutex);
	return down_killable(&admission->semaphore);
}

void kchan_admission_leave(struct kchan_admission *admission)
{
	if (admission->policy == KCHAN_POLICY_MUTEX)
		mutex_unlock(&admission->mutex);
	else
		up(&admission->semaphore);
}
