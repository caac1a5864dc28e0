// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) "kchan: " fmt

#include "params.h"

#include <linux/slab.h>
#include <linux/string.h>
#include <net/netlink.h>

static int check(const struct kchan_spec *spec, u32 index)
{
	const struct kchan_param *param = &spec->params[index];
	const char *wrong = NULL;
	u32 i;

	if (!param->name || !param->name[0] ||
	    strnlen(param->name, KCHAN_NAME_BYTES) == KCHAN_NAME_BYTES)
		wrong = "its name is empty or too long";
	else if (param->unit &&
		 strnlen(param->unit, KCHAN_UNIT_BYTES) == KCHAN_UNIT_BYTES)
		wrong = "its unit is too long";
	else if (param->doc &&
		 strnlen(param->doc, KCHAN_DOC_BYTES) == KCHAN_DOC_BYTES)
		wrong = "its doc is too long";
	else if (param->value < param->min || param->value > param->max)
		wrong = "its default is not between min and max";
	for (i = 0; !wrong && i < index; i++) {
		if (!strcmp(spec->params[i].name, param->name))
			wrong = "there are two";
	}
	if (!wrong)
		return 0;
	pr_err("channel %s: parameter %u: %s\n", spec->name, index, wrong);
	return -EINVAL;
}

static int copy(struct kchan_param_entry *entry,
		const struct kchan_param *param)
{
	struct kchan_param *declared = &entry->declared;

	entry->value = param->value;
	declared->value = param->value;
	declared->min = param->min;
	declared->max = param->max;
	declared->name = kstrdup(param->name, GFP_KERNEL);
	declared->unit = kstrdup(param->unit, GFP_KERNEL);
	declared->doc = kstrdup(param->doc, GFP_KERNEL);
	if (!declared->name || (param->unit && !declared->unit) ||
	    (param->doc && !declared->doc))
		return -ENOMEM;
	return 0;
}

int kchan_params_init(struct kchan_params *params,
		      const struct kchan_spec *spec)
{
	int err = 0;
	u32 i;

	mutex_init(&params->lock);
	if (!spec->param_count)
		return 0;
	if (!spec->params || spec->param_count > KCHAN_MAX_PARAMS) {
		pr_err("channel %s: more than %u parameters, or NULL\n",
		       spec->name, KCHAN_MAX_PARAMS);
		return -EINVAL;
	}
	params->entries = kcalloc(spec->param_count, sizeof(*params->entries),
				  GFP_KERNEL);
	if (!params->entries)
		return -ENOMEM;
	params->count = spec->param_count;
	for (i = 0; !err && i < params->count; i++) {
		err = check(spec, i);
		if (!err)
			err = copy(&params->entries[i], &spec->params[i]);
	}
	if (err)
		kchan_params_destroy(params);
	return err;
}

void kchan_params_destroy(struct kchan_params *params)
{
	u32 i;

	for (i = 0; i < params->count; i++) {
		kfree(params->entries[i].declared.name);
		kfree(params->entries[i].declared.unit);
		kfree(params->entries[i].declared.doc);
	}
	kfree(params->entries);
	params->entries = NULL;
	params->count = 0;
}

int kchan_params_find(const struct kchan_params *params, const char *name)
{
	u32 i;

	for (i = 0; i < params->count; i++) {
		if (!strcmp(params->entries[i].declared.name, name))
			return i;
	}
	return -ENOENT;
}

static int put_entry(struct sk_buff *skb,
		     const struct kchan_param_entry *entry)
{
	const struct kchan_param *declared = &entry->declared;
	struct nlattr *nest = nla_nest_start(skb, KCHAN_A_PARAM);

	if (!nest ||
	    nla_put_string(skb, KCHAN_PARAM_A_NAME, declared->name) ||
	    nla_put_u64_64bit(skb, KCHAN_PARAM_A_VALUE,
			      READ_ONCE(entry->value), KCHAN_PARAM_A_PAD) ||
	    nla_put_u64_64bit(skb, KCHAN_PARAM_A_MIN, declared->min,
			      KCHAN_PARAM_A_PAD) ||
	    nla_put_u64_64bit(skb, KCHAN_PARAM_A_MAX_VALUE, declared->max,
			      KCHAN_PARAM_A_PAD) ||
	    nla_put_u64_64bit(skb, KCHAN_PARAM_A_DEFAULT, declared->value,
			      KCHAN_PARAM_A_PAD))
		return -EMSGSIZE;
	if (declared->unit &&
	    nla_put_string(skb, KCHAN_PARAM_A_UNIT, declared->unit))
		return -EMSGSIZE;
	if (declared->doc &&
	    nla_put_string(skb, KCHAN_PARAM_A_DOC, declared->doc))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int kchan_params_put(struct sk_buff *skb, const struct kchan_params *params)
{
	u32 i;

	for (i = 0; i < params->count; i++) {
		if (put_entry(skb, &params->entries[i]))
			return -EMSGSIZE;
	}
	return 0;
}
