// SPDX-License-Identifier: GPL-2.0
/* The names that user space sees: who has one, who comes, who goes. */
#define pr_fmt(fmt) "kchan: " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "channel.h"
#include "notify.h"

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(registry); /* those listed by ascending id */
static u32 registry_generation = 1;
static u32 registry_count;
static u32 last_id;
static bool quiesced;

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
	if (ch && !ch->listed)
		ch = NULL;
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
		if (ch->listed && ch->id > id) {
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

/* ---- Registration -------------------------------------------------------- */

/* Nobody finds the channel yet, but nobody else can take its name. */
static int claim_name(struct kchan *ch)
{
	int err = 0;

	mutex_lock(&registry_lock);
	if (quiesced)
		err = -ESHUTDOWN;
	else if (find_locked(ch->name))
		err = -EEXIST;
	else
		list_add_tail(&ch->node, &registry);
	mutex_unlock(&registry_lock);
	return err;
}

static void release_name(struct kchan *ch)
{
	mutex_lock(&registry_lock);
	list_del(&ch->node);
	mutex_unlock(&registry_lock);
}

static int list_channel(struct kchan *ch)
{
	int err = 0;

	mutex_lock(&registry_lock);
	if (quiesced) {
		err = -ESHUTDOWN;
	} else {
		ch->id = ++last_id;
		WRITE_ONCE(ch->listed, true);
		list_move_tail(&ch->node, &registry);
		registry_changed(1);
		/* Inside, or a DEL could overtake it. */
		kchan_notify_channel(ch, KCHAN_CMD_CHANNEL_NEW_NTF);
	}
	mutex_unlock(&registry_lock);
	return err;
}

static int appear(struct kchan *ch)
{
	const struct kchan_transport_ops *ops = ch->transport_ops;
	int err = ops->appear ? ops->appear(ch) : 0;

	if (err)
		return err;
	err = list_channel(ch);
	if (err && ops->disappear)
		ops->disappear(ch);
	return err;
}

static const char *why_not(int err)
{
	switch (err) {
	case -EEXIST:
		return "the name is taken";
	case -ESHUTDOWN:
		return "the core is quiesced: load it again";
	default:
		return "what user space would see of it cannot be made";
	}
}

struct kchan *__kchan_register(const struct kchan_spec *spec,
			       struct module *owner)
{
	struct kchan *ch = kchan_create(spec, owner);
	int err;

	if (IS_ERR(ch))
		return ch;
	err = claim_name(ch);
	if (err)
		goto err_put;
	err = appear(ch);
	if (err)
		goto err_release_name;
	return ch;

err_release_name:
	release_name(ch);
err_put:
	pr_err("channel %s: %s (error %d)\n", ch->name, why_not(err), -err);
	kchan_kill(ch);
	kchan_put(ch);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(__kchan_register);

void kchan_unregister(struct kchan *ch)
{
	if (IS_ERR_OR_NULL(ch))
		return;
	kchan_kill(ch);
	/* Before another channel of this name can come. */
	if (ch->transport_ops->disappear)
		ch->transport_ops->disappear(ch);

	mutex_lock(&registry_lock);
	list_del(&ch->node);
	registry_changed(-1);
	kchan_notify_channel(ch, KCHAN_CMD_CHANNEL_DEL_NTF);
	WRITE_ONCE(ch->listed, false);
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
