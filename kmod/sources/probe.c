// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) "kchan_sources: " fmt

#include <linux/printk.h>
#include <linux/string.h>

#include "probe.h"

static void match_name(struct tracepoint *tracepoint, void *priv)
{
	struct source_probe *probe = priv;

	if (!strcmp(tracepoint->name, probe->name))
		probe->tracepoint = tracepoint;
}

int source_probes_prepare(struct source *source)
{
	struct source_probes *set = source->spec.priv;
	unsigned int i;

	for (i = 0; i < set->count; i++) {
		struct source_probe *probe = &set->probes[i];

		for_each_kernel_tracepoint(match_name, probe);
		if (!probe->tracepoint) {
			pr_info("no channel %s: this kernel has no tracepoint %s\n",
				source->spec.name, probe->name);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

/* Unregisters the first `count` probes, last one first. */
static void unregister_probes(struct source_probes *set, unsigned int count,
			      struct kchan *ch)
{
	while (count--)
		tracepoint_probe_unregister(set->probes[count].tracepoint,
					    set->probes[count].function, ch);
	tracepoint_synchronize_unregister();
}

int source_probes_enable(struct kchan *ch, void *priv)
{
	struct source_probes *set = priv;
	unsigned int i;
	int err;

	for (i = 0; i < set->count; i++) {
		err = tracepoint_probe_register(set->probes[i].tracepoint,
						set->probes[i].function, ch);
		if (err)
			goto err_unregister;
	}
	return 0;

err_unregister:
	unregister_probes(set, i, ch);
	return err;
}

void source_probes_disable(struct kchan *ch, void *priv)
{
	struct source_probes *set = priv;

	unregister_probes(set, set->count, ch);
}

const struct kchan_ops source_probe_ops = {
	.enable = source_probes_enable,
	.disable = source_probes_disable,
};
