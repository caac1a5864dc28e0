// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_sources: records from the kernel's own tracepoints and notifiers, and
 * `tick`, a generator for tests and benchmarks.
 */
#define pr_fmt(fmt) "kchan_sources: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "source.h"
#include "version.h"

static struct source *const sources[] = {
	&tick_source,	     &tick_shared_source,    &tick_genl_source,
	&exec_source,	     &exit_source,	     &fork_source,
	&oom_kill_source,    &netdev_source,	     &sock_state_source,
	&tcp_retransmit_source, &block_io_source,
};

static int start(struct source *source)
{
	struct kchan *ch;
	int err;

	if (source->prepare) {
		err = source->prepare(source);
		if (err)
			return err;
	}
	ch = kchan_register(&source->spec);
	if (IS_ERR(ch)) {
		pr_warn("no channel %s: registering it failed: %pe\n",
			source->spec.name, ch);
		return PTR_ERR(ch);
	}
	source->channel = ch;
	return 0;
}

/* One source that this kernel cannot have does not take the others away. */
static int __init sources_init(void)
{
	unsigned int i, started = 0;
	int first_err = 0;

	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		int err = start(sources[i]);

		if (!err)
			started++;
		else if (!first_err)
			first_err = err;
	}
	return started ? 0 : first_err;
}

static void __exit sources_exit(void)
{
	unsigned int i = ARRAY_SIZE(sources);

	while (i--)
		kchan_unregister(sources[i]->channel);
}

module_init(sources_init);
module_exit(sources_exit);

MODULE_DESCRIPTION("kchan: real sources of records, and a generator");
MODULE_VERSION(KCHAN_VERSION);
MODULE_LICENSE("GPL");
