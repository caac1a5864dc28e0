// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) "kchan: " fmt

#include "channel.h"

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "genl_records.h"
#include "notify.h"
#include "rings.h"

#define DEFAULT_MAX_RECORD_BYTES 4096

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(registry); /* by ascending id */
static u32 registry_generation = 1;
static u32 registry_count;
static u32 last_id;
static bool quiesced;

/* ---- Lookup -------------------------------------------------------------- */

static struct kchan *find_locked(const char *name)
{
	struct kchan *ch;

	list_for_each_entry(ch, &registry, node) {
		if (!strcmp(ch->name, name))
			return ch;
	}
	return NULL;
}

struct kchan *kchan_find(const char *name)
{
	struct kchan *ch;

	mutex_lock(&registry_lock);
	ch = find_locked(name);
	if (ch)
		kref_get(&ch->ref);
	mutex_unlock(&registry_lock);
	return ch;
}

struct kchan *kchan_next(u32 id)
{
	struct kchan *ch, *found = NULL;

	mutex_lock(&registry_lock);
	list_for_each_entry(ch, &registry, node) {
		if (ch->id > id) {
			kref_get(&ch->ref);
			found = ch;
			break;
		}
	}
	mutex_unlock(&registry_lock);
	return found;
}

u32 kchan_channel_count(void)
{
	return READ_ONCE(registry_count);
}

u32 kchan_registry_generation(void)
{
	return READ_ONCE(registry_generation);
}

static void registry_changed(int count)
{
	WRITE_ONCE(registry_count, registry_count + count);
	/* 0 means "unknown" to netlink's dump check. */
	WRITE_ONCE(registry_generation, registry_generation + 1 ?: 1);
}

/* ---- Making and freeing -------------------------------------------------- */

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
	const u32 directions = KCHAN_DIRECTION_TO_USER |
			       KCHAN_DIRECTION_TO_KERNEL;

	if (spec->doc && strnlen(spec->doc, KCHAN_DOC_BYTES) == KCHAN_DOC_BYTES)
		return "its doc is too long";
	if (spec->transport != KCHAN_TRANSPORT_RING &&
	    spec->transport != KCHAN_TRANSPORT_GENL)
		return "no such transport";
	if (spec->direction & ~directions)
		return "no such direction";
	if (spec->direction & KCHAN_DIRECTION_TO_KERNEL &&
	    (!spec->ops || !spec->ops->receive))
		return "a channel to the kernel needs ops->receive";
	if (spec->max_record_bytes > KCHAN_MAX_RECORD_BYTES)
		return "max_record_bytes is too large";
	if (spec->transport == KCHAN_TRANSPORT_GENL &&
	    spec->max_record_bytes > KCHAN_GENL_MAX_RECORD_BYTES)
		return "max_record_bytes is too large for a netlink message";
	if (spec->budget_bytes > kchan_max_budget_bytes())
		return "budget_bytes is more than a quarter of the memory";
	return NULL;
}

/* Defaults for what is zero, then everything is checked. */
static int resolve(struct kchan_spec *spec)
{
	const char *wrong;

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

	wrong = conflict(spec);
	if (wrong) {
		pr_err("channel %s: %s\n", spec->name, wrong);
		return -EINVAL;
	}
	return kchan_policy_resolve(spec);
}

static void free_channel(struct kchan *ch)
{
	kchan_genl_queue_destroy(ch->queue);
	kchan_rings_destroy(ch);
	kchan_params_destroy(&ch->params);
	kchan_schema_free(ch->schema);
	kfree(ch->doc);
	kfree(ch);
}

static void release(struct kref *ref)
{
	free_channel(container_of(ref, struct kchan, ref));
}

void kchan_put(struct kchan *ch)
{
	kref_put(&ch->ref, release);
}

static void copy_scalars(struct kchan *ch, const struct kchan_spec *spec,
			 struct module *owner)
{
	strscpy(ch->name, spec->name, sizeof(ch->name));
	strscpy(ch->provider, module_name(owner), sizeof(ch->provider));
	ch->transport = spec->transport;
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
	if (ch->transport == KCHAN_TRANSPORT_GENL) {
		ch->queue = kchan_genl_queue_create(ch);
		if (!ch->queue)
			return -ENOMEM;
	}
	return 0;
}

static struct kchan *create(const struct kchan_spec *spec,
			    struct module *owner)
{
	struct kchan *ch = kzalloc(sizeof(*ch), GFP_KERNEL);
	int err;

	if (!ch)
		return ERR_PTR(-ENOMEM);
	kref_init(&ch->ref);
	mutex_init(&ch->demand);
	init_rwsem(&ch->callbacks);
	INIT_DELAYED_WORK(&ch->linger, kchan_linger_work);
	copy_scalars(ch, spec, owner);
	kchan_admission_init(&ch->admission, spec->policy,
			     spec->semaphore_count);
	err = copy_rest(ch, spec);
	if (err) {
		free_channel(ch);
		return ERR_PTR(err);
	}
	/* Shown before the first activation, which computes it again. */
	ch->ring_bytes = kchan_ring_bytes(ch->budget_bytes,
					  kchan_ring_count(ch));
	return ch;
}

/* ---- Registration -------------------------------------------------------- */

static int list_channel(struct kchan *ch)
{
	int err = 0;

	mutex_lock(&registry_lock);
	if (quiesced) {
		err = -ESHUTDOWN;
	} else if (find_locked(ch->name)) {
		err = -EEXIST;
	} else {
		ch->id = ++last_id;
		list_add_tail(&ch->node, &registry);
		registry_changed(1);
		/* Inside, or a DEL could overtake it. */
		kchan_notify_channel(ch, KCHAN_CMD_CHANNEL_NEW_NTF);
	}
	mutex_unlock(&registry_lock);
	return err;
}

struct kchan *__kchan_register(const struct kchan_spec *given,
			       struct module *owner)
{
	struct kchan_spec spec = *given;
	struct kchan *ch;
	int err;

	err = resolve(&spec);
	if (err)
		return ERR_PTR(err);
	ch = create(&spec, owner);
	if (IS_ERR(ch))
		return ch;
	err = list_channel(ch);
	if (err) {
		pr_err("channel %s: %s\n", ch->name,
		       err == -EEXIST ? "the name is taken" :
					"the core is quiesced: load it again");
		free_channel(ch);
		return ERR_PTR(err);
	}
	return ch;
}
EXPORT_SYMBOL_GPL(__kchan_register);

void kchan_unregister(struct kchan *ch)
{
	if (IS_ERR_OR_NULL(ch))
		return;
	kchan_kill(ch);

	mutex_lock(&registry_lock);
	list_del(&ch->node);
	registry_changed(-1);
	kchan_notify_channel(ch, KCHAN_CMD_CHANNEL_DEL_NTF);
	mutex_unlock(&registry_lock);
	kchan_put(ch);
}
EXPORT_SYMBOL_GPL(kchan_unregister);

/* ---- Quiesce ------------------------------------------------------------- */

bool kchan_quiesced(void)
{
	return READ_ONCE(quiesced);
}

void kchan_quiesce(void)
{
	struct kchan *ch;
	u32 id = 0;

	mutex_lock(&registry_lock);
	WRITE_ONCE(quiesced, true);
	mutex_unlock(&registry_lock);

	while ((ch = kchan_next(id))) {
		id = ch->id;
		kchan_kill(ch);
		kchan_put(ch);
	}
	kchan_notify_quiesce();
}
