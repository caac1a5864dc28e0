// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_log: lines in the kernel log that cannot flood it, from any context.
 * Once a second, while somebody follows the channel, it says five things, of
 * which its limit lets three through and counts the others.
 *
 *	kchan tail diary &
 *	dmesg --follow		# diary#1: .., then "diary: 2 lines withheld, .."
 */
#include <kchan.h>
#include <linux/err.h>
#include <linux/kern_levels.h>
#include <linux/workqueue.h>

static void write_diary(struct work_struct *work);

static struct kchan *channel;
static DECLARE_DELAYED_WORK(writer, write_diary);

static void write_diary(struct work_struct *work)
{
	static unsigned int day;
	char line[64];
	int i;

	day++;
	for (i = 1; i <= 5; i++)
		kchan_emit(channel, KCHAN_LOG_TYPE_LINE, line,
			   scnprintf(line, sizeof(line), "day %u, thought %d",
				     day, i));
	schedule_delayed_work(&writer, HZ);
}

static int enable(struct kchan *ch, void *priv)
{
	channel = ch;
	schedule_delayed_work(&writer, 0);
	return 0;
}

static void disable(struct kchan *ch, void *priv)
{
	cancel_delayed_work_sync(&writer);
}

static const struct kchan_ops ops = { .enable = enable, .disable = disable };

static int __init diary_init(void)
{
	channel = kchan_register(&(struct kchan_spec){
		.name = "diary",
		.doc = "Thinks five things a second",
		.transport = KCHAN_TRANSPORT_LOG,
		.context = KCHAN_CONTEXT_PROCESS,
		.ops = &ops,
		.log = { .level = LOGLEVEL_NOTICE,
			 .interval_ms = 1000,
			 .burst = 3 },
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit diary_exit(void)
{
	kchan_unregister(channel);
}

module_init(diary_init);
module_exit(diary_exit);

MODULE_DESCRIPTION("Lines of the kernel log as a kchan channel");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
