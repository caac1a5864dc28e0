// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_value: words instead of records. A heater that is not there: user space
 * sets the target, and while somebody watches, the temperature follows it. Both
 * change together or not at all, because the channel has a lock.
 *
 *	cd /sys/class/kchan/heater/values
 *	echo 21000 > target
 *	cat temperature
 *	echo 90000 > target		# refused by set_value()
 */
#include <kchan.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/workqueue.h>

#define HOTTEST_MILLIDEGREES 60000
#define STEP_MILLIDEGREES 100

enum { TARGET, TEMPERATURE, HEATING };

struct heater {
	s64 target;
	s64 temperature;
	u64 heating;
};

static const struct kchan_field heater_fields[] = {
	KCHAN_FIELD(struct heater, target, S64, .unit = "mdegC",
		    .doc = "what it should be, up to 60000", .writable = true),
	KCHAN_FIELD(struct heater, temperature, S64, .unit = "mdegC"),
	KCHAN_FIELD(struct heater, heating, U64, .doc = "1 while it heats"),
};

static const struct kchan_type heater_type =
	KCHAN_TYPE_OUT(1, "heater", struct heater, heater_fields);

static void heat(struct work_struct *work);

static struct kchan *channel;
static DECLARE_DELAYED_WORK(heater, heat);

static void heat(struct work_struct *work)
{
	u64 *words = kchan_values_begin(channel);
	s64 missing;

	if (words) {
		missing = words[TARGET] - words[TEMPERATURE];
		words[TEMPERATURE] += clamp_t(s64, missing, -STEP_MILLIDEGREES,
					      STEP_MILLIDEGREES);
		words[HEATING] = missing > 0;
		kchan_values_end(channel);
	}
	schedule_delayed_work(&heater, HZ / 10);
}

static int enable(struct kchan *ch, void *priv)
{
	channel = ch;
	schedule_delayed_work(&heater, 0);
	return 0;
}

static void disable(struct kchan *ch, void *priv)
{
	cancel_delayed_work_sync(&heater);
}

/* User space asks; the word changes if we agree. */
static int set_value(struct kchan *ch, void *priv, u32 word, u64 value)
{
	return (s64)value > HOTTEST_MILLIDEGREES ? -ERANGE : 0;
}

static const struct kchan_ops ops = {
	.enable = enable,
	.disable = disable,
	.set_value = set_value,
};

static int __init value_init(void)
{
	channel = kchan_register(&(struct kchan_spec){
		.name = "heater",
		.doc = "A heater that is not there",
		.transport = KCHAN_TRANSPORT_VALUE,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.policy = KCHAN_POLICY_MUTEX,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = &heater_type,
		.type_count = 1,
		.ops = &ops,
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit value_exit(void)
{
	kchan_unregister(channel);
}

module_init(value_init);
module_exit(value_exit);

MODULE_DESCRIPTION("Values that a kernel module and user space share");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
