// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/kchan/<channel>/values/<field>: one attribute for each word, in
 * decimal, as sysfs wants it: read, poll for POLLPRI, read again from 0.
 */
#include <linux/bits.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "channel.h"
#include "class.h"
#include "value.h"

struct word_attribute {
	struct device_attribute device;
	struct kernfs_node *node; /* while it is to be seen */
	bool is_signed;
	char name[KCHAN_NAME_BYTES];
};

struct kchan_value_sysfs {
	struct device *device;
	struct attribute_group group;
	const struct attribute_group *groups[2];
	struct attribute *attributes[KCHAN_MAX_WORDS + 1];
	struct word_attribute words[];
};

static struct kchan_values *values_of(struct device *device)
{
	const struct kchan *ch = dev_get_drvdata(device);

	return ch->transport_priv;
}

static u32 word_of(const struct kchan_values *values,
		   const struct device_attribute *attribute)
{
	return container_of(attribute, struct word_attribute, device) -
	       values->sysfs->words;
}

static ssize_t show(struct device *device, struct device_attribute *attribute,
		    char *text)
{
	struct kchan_values *values = values_of(device);
	const u32 word = word_of(values, attribute);
	u64 value;

	kchan_value_watch_word(values, word);
	value = kchan_value_get(values->ch, word);
	return values->sysfs->words[word].is_signed ?
		       sysfs_emit(text, "%lld\n", (s64)value) :
		       sysfs_emit(text, "%llu\n", value);
}

static int parse(const char *text, bool is_signed, u64 *value)
{
	return is_signed ? kstrtos64(text, 0, (s64 *)value) :
			   kstrtou64(text, 0, value);
}

static ssize_t store(struct device *device, struct device_attribute *attribute,
		     const char *text, size_t length)
{
	struct kchan_values *values = values_of(device);
	struct kchan_value_change change = {
		.word = word_of(values, attribute),
		.operation = KCHAN_VALUE_SET,
	};
	int err;

	err = parse(text, values->sysfs->words[change.word].is_signed,
		    &change.operand) ?:
	      kchan_value_change(values, &change);
	return err ?: length;
}

static void describe_word(struct word_attribute *word,
			  const struct kchan_field *field)
{
	strscpy(word->name, field->name, sizeof(word->name));
	word->is_signed = field->kind == KCHAN_FIELD_S64;
	sysfs_attr_init(&word->device.attr);
	word->device.attr.name = word->name;
	word->device.attr.mode = field->writable ? 0644 : 0444;
	word->device.show = show;
	word->device.store = field->writable ? store : NULL;
}

int kchan_value_sysfs_create(struct kchan_values *values,
			     const struct kchan_type *type)
{
	struct kchan_value_sysfs *sysfs;
	u32 i;

	sysfs = kzalloc(struct_size(sysfs, words, values->count), GFP_KERNEL);
	if (!sysfs)
		return -ENOMEM;
	for (i = 0; i < values->count; i++) {
		describe_word(&sysfs->words[i], &type->fields[i]);
		sysfs->attributes[i] = &sysfs->words[i].device.attr;
	}
	sysfs->group.name = "values";
	sysfs->group.attrs = sysfs->attributes;
	sysfs->groups[0] = &sysfs->group;
	values->sysfs = sysfs;
	return 0;
}

void kchan_value_sysfs_destroy(struct kchan_values *values)
{
	kfree(values->sysfs);
}

/* What kchan_value_sysfs_notify() needs where nothing can be looked up. */
static int find_nodes(struct kchan_values *values)
{
	struct kernfs_node *folder = sysfs_get_dirent(
		values->sysfs->device->kobj.sd, values->sysfs->group.name);
	u32 i;

	if (!folder)
		return -ENOENT;
	for (i = 0; i < values->count; i++) {
		struct word_attribute *word = &values->sysfs->words[i];

		WRITE_ONCE(word->node, sysfs_get_dirent(folder, word->name));
		if (!word->node)
			break;
		/* Its notice was lost, if somebody looked before. */
		sysfs_notify_dirent(word->node);
	}
	sysfs_put(folder);
	return i == values->count ? 0 : -ENOENT;
}

int kchan_value_sysfs_appear(struct kchan_values *values)
{
	struct kchan_value_sysfs *sysfs = values->sysfs;
	int err;

	sysfs->device = kchan_class_device(values->ch, 0, sysfs->groups);
	if (IS_ERR(sysfs->device)) {
		err = PTR_ERR(sysfs->device);
		sysfs->device = NULL;
		return err;
	}
	err = find_nodes(values);
	if (err)
		kchan_value_sysfs_disappear(values);
	return err;
}

void kchan_value_sysfs_disappear(struct kchan_values *values)
{
	u32 i;

	device_unregister(values->sysfs->device);
	kchan_value_watch_sync(values);
	for (i = 0; i < values->count; i++)
		sysfs_put(values->sysfs->words[i].node);
}

void kchan_value_sysfs_notify(struct kchan_values *values, u32 word)
{
	struct kernfs_node *node =
		READ_ONCE(values->sysfs->words[word].node);

	if (node)
		sysfs_notify_dirent(node);
}
