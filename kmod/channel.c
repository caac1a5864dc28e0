// SPDX-License-Identifier: GPL-2.0
/* Making a channel of what a module declares, and freeing it. */
#define pr_fmt(fmt) "kchan: " fmt

#include "channel.h"

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "rings.h"

#define DEFAULT_MAX_RECORD_BYTES 4096

static bool is_channel_name(const char *name)
{
	size_t i;

	if (!name || !islower(name[0]))
		return false;
	for (i = 0; name[i]; i++) {
		if (i + 1 == KCHAN_NAME_BYTES)
			return false;
		if (!islower(name[i]) && !isdigit(name[i]) &&
		    !strchr("_.-", name[i]))
			return false;
	}
	return true;
}

static const char *conflict(const struct kchan_spec *spec)
{
	const struct kchan_transport_ops *transport =
		kchan_transport_find(spec->transport);
	const u32 directions = KCHAN_DIRECTION_TO_USER |
			       KCHAN_DIRECTION_TO_KERNEL;

	if (spec->doc && strnlen(spec->doc, KCHAN_DOC_BYTES) == KCHAN_DOC_BYTES)
		return "its doc is too long";
	if (!transport)
		return "no such transport";
	if (spec->direction & ~directions)
		return "no such direction";
	if (spec->direction & ~transport->directions)
		return "its transport does not go in this direction";
	if (spec->max_record_bytes > KCHAN_MAX_RECORD_BYTES)
		return "max_record_bytes is too large";
	if (spec->budget_bytes > kchan_max_budget_bytes())
		return "budget_bytes is more than a quarter of the memory";
	return NULL;
}

static int refuse(const struct kchan_spec *spec, const char *wrong)
{
	if (!wrong)
		return 0;
	pr_err("channel %s: %s\n", spec->name, wrong);
	return -EINVAL;
}

/* Defaults for what is zero, then everything is checked. */
static int resolve(struct kchan_spec *spec)
{
	const struct kchan_transport_ops *transport;
	int err;

	if (!is_channel_name(spec->name)) {
		pr_err("channel \"%.*s\": a name is [a-z0-9_.-], a letter first, less than %u bytes\n",
		       KCHAN_NAME_BYTES, spec->name ?: "", KCHAN_NAME_BYTES);
		return -EINVAL;
	}
	spec->direction = spec->direction ?: KCHAN_DIRECTION_TO_USER;
	spec->max_record_bytes =
		spec->max_record_bytes ?: DEFAULT_MAX_RECORD_BYTES;
	spec->budget_bytes = spec->budget_bytes ?: KCHAN_DEFAULT_BUDGET_BYTES;
	spec->linger_ms = spec->linger_ms ?: KCHAN_DEFAULT_LINGER_MS;

	err = refuse(spec, conflict(spec));
	if (err)
		return err;
	err = refuse(spec, kchan_policy_resolve(spec));
	if (err)
		return err;
	transport = kchan_transport_find(spec->transport);
	if (!spec->type_count) {
		spec->types = transport->types;
		spec->type_count = transport->type_count;
	}
	return refuse(spec, transport->conflict ? transport->conflict(spec) :
						  NULL);
}

static void destroy(struct kchan *ch)
{
	if (ch->transport_ops->destroy)
		ch->transport_ops->destroy(ch);
	kchan_rings_destroy(ch);
	kchan_params_destroy(&ch->params);
	kchan_schema_free(ch->schema);
	kfree(ch->doc);
	kfree(ch);
}

static void copy_scalars(struct kchan *ch, const struct kchan_spec *spec,
			 struct module *owner)
{
	strscpy(ch->name, spec->name, sizeof(ch->name));
	strscpy(ch->provider, module_name(owner), sizeof(ch->provider));
	ch->transport = spec->transport;
	ch->transport_ops = kchan_transport_find(spec->transport);
	ch->direction = spec->direction;
	ch->layout = spec->layout;
	ch->policy = spec->policy;
	ch->sleeps = kchan_policy_sleeps(spec->policy);
	ch->context = spec->context;
	ch->max_record_bytes = spec->max_record_bytes;
	ch->budget_bytes = spec->budget_bytes;
	ch->linger_ms = spec->linger_ms;
	if (spec->ops)
		ch->ops = *spec->ops;
	ch->priv = spec->priv;
	ch->state = KCHAN_STATE_IDLE;
}

static int copy_rest(struct kchan *ch, const struct kchan_spec *spec)
{
	int err;

	if (spec->doc) {
		ch->doc = kstrdup(spec->doc, GFP_KERNEL);
		if (!ch->doc)
			return -ENOMEM;
	}
	ch->schema = kchan_schema_create(spec);
	if (IS_ERR(ch->schema)) {
		err = PTR_ERR(ch->schema);
		ch->schema = NULL;
		return err;
	}
	err = kchan_params_init(&ch->params, spec);
	if (err)
		return err;
	err = kchan_rings_create(ch);
	if (err)
		return err;
	return ch->transport_ops->create ? ch->transport_ops->create(ch, spec) :
					   0;
}

struct kchan *kchan_create(const struct kchan_spec *given, struct module *owner)
{
	struct kchan_spec spec = *given;
	struct kchan *ch;
	int err;

	err = resolve(&spec);
	if (err)
		return ERR_PTR(err);
	ch = kzalloc(sizeof(*ch), GFP_KERNEL);
	if (!ch)
		return ERR_PTR(-ENOMEM);
	kref_init(&ch->ref);
	mutex_init(&ch->demand);
	init_rwsem(&ch->callbacks);
	INIT_DELAYED_WORK(&ch->linger, kchan_linger_work);
	copy_scalars(ch, &spec, owner);
	kchan_admission_init(&ch->admission, spec.policy,
			     spec.semaphore_count);
	err = copy_rest(ch, &spec);
	if (err) {
		destroy(ch);
		return ERR_PTR(err);
	}
	/* Shown before the first activation, which computes it again. */
	if (kchan_ring_count(ch))
		ch->ring_bytes = kchan_ring_bytes(ch->budget_bytes,
						  kchan_ring_count(ch));
	return ch;
}

static void release(struct kref *ref)
{
	destroy(container_of(ref, struct kchan, ref));
}

void kchan_put(struct kchan *ch)
{
	kref_put(&ch->ref, release);
}
