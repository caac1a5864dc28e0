// SPDX-License-Identifier: GPL-2.0
/* Registration: what is refused, what is copied, what the defaults are. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/string.h>

#include "channel.h"
#include "rings.h"
#include "specs.h"

static void good_names_are_taken(struct kunit *test)
{
	static const char *const names[] = { "a", "exec", "a.b-c_d9" };
	struct kchan_spec spec = test_spec();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct kchan *ch;

		spec.name = names[i];
		ch = kchan_register(&spec);
		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(ch), "%s", names[i]);
		kchan_unregister(ch);
	}
}

static void bad_names_are_refused(struct kunit *test)
{
	static const char *const names[] = {
		NULL, "", "9a", ".a", "A", "a b", "a/b", "a\n",
		"a123456789012345678901234567890123456789012345678901234567890123",
	};
	struct kchan_spec spec = test_spec();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		spec.name = names[i];
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(kchan_register(&spec)),
				    -EINVAL, "%s", names[i] ?: "NULL");
	}
}

static void taken_name_is_refused_until_it_is_free(struct kunit *test)
{
	const struct kchan_spec spec = test_spec();
	struct kchan *ch = kchan_register(&spec);

	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	KUNIT_EXPECT_EQ(test, PTR_ERR(kchan_register(&spec)), -EEXIST);
	kchan_unregister(ch);
	ch = kchan_register(&spec);
	KUNIT_EXPECT_FALSE(test, IS_ERR(ch));
	kchan_unregister(ch);
}

static void unregister_ignores_what_is_no_channel(struct kunit *test)
{
	kchan_unregister(NULL);
	kchan_unregister(ERR_PTR(-EINVAL));
}

struct conflict {
	const char *why;
	struct kchan_spec spec; /* what is not zero here spoils the good one */
};

static const struct conflict conflicts[] = {
	{ "mutex outside of a process",
	  { .policy = KCHAN_POLICY_MUTEX, .context = KCHAN_CONTEXT_SOFTIRQ } },
	{ "semaphore outside of a process",
	  { .policy = KCHAN_POLICY_SEMAPHORE, .semaphore_count = 1,
	    .context = KCHAN_CONTEXT_HARDIRQ } },
	{ "semaphore without a count", { .policy = KCHAN_POLICY_SEMAPHORE } },
	{ "count without a semaphore", { .semaphore_count = 1 } },
	{ "lock-free and shared",
	  { .policy = KCHAN_POLICY_LOCK_FREE, .layout = KCHAN_LAYOUT_SHARED } },
	{ "spinlock around per-CPU rings", { .policy = KCHAN_POLICY_SPINLOCK } },
	{ "per-CPU queues",
	  { .transport = KCHAN_TRANSPORT_GENL, .layout = KCHAN_LAYOUT_PER_CPU } },
	{ "unknown context", { .context = KCHAN_CONTEXT_NMI + 1 } },
	{ "unknown policy", { .policy = KCHAN_POLICY_SEMAPHORE + 1 } },
	{ "unknown layout", { .layout = KCHAN_LAYOUT_SHARED + 1 } },
	{ "unknown transport", { .transport = KCHAN_TRANSPORT_LOG + 1 } },
	{ "unknown direction", { .direction = 4 } },
	{ "nobody to receive",
	  { .direction = KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL } },
	{ "records that are too long",
	  { .max_record_bytes = KCHAN_MAX_RECORD_BYTES + 1 } },
	{ "records that are too long for a message",
	  { .transport = KCHAN_TRANSPORT_GENL,
	    .max_record_bytes = KCHAN_MAX_RECORD_BYTES } },
	{ "budget beyond the machine", { .budget_bytes = U64_MAX } },
	{ "too many types", { .type_count = KCHAN_MAX_TYPES + 1 } },
	{ "parameters without an array", { .param_count = 1 } },
};

#define SPOIL(member)                            \
	do {                                     \
		if (by->member)                  \
			spec->member = by->member; \
	} while (0)

static void spoil(struct kchan_spec *spec, const struct kchan_spec *by)
{
	SPOIL(transport);
	SPOIL(direction);
	SPOIL(layout);
	SPOIL(policy);
	SPOIL(semaphore_count);
	SPOIL(context);
	SPOIL(max_record_bytes);
	SPOIL(budget_bytes);
	SPOIL(type_count);
	SPOIL(param_count);
}

static void conflicts_are_refused(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(conflicts); i++) {
		struct kchan_spec spec = test_spec();

		spoil(&spec, &conflicts[i].spec);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(kchan_register(&spec)),
				    -EINVAL, "%s", conflicts[i].why);
	}
	/* The context has no default: to forget it must not be to be safe. */
	{
		struct kchan_spec spec = test_spec();

		spec.context = KCHAN_CONTEXT_UNSPEC;
		KUNIT_EXPECT_EQ(test, PTR_ERR(kchan_register(&spec)), -EINVAL);
	}
}

static void zero_means_the_default(struct kunit *test)
{
	struct kchan_spec spec = test_spec();
	struct kchan *ch = kchan_register(&spec);

	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	KUNIT_EXPECT_EQ(test, ch->direction, KCHAN_DIRECTION_TO_USER);
	KUNIT_EXPECT_EQ(test, ch->layout, KCHAN_LAYOUT_PER_CPU);
	KUNIT_EXPECT_EQ(test, ch->policy, KCHAN_POLICY_LOCK_FREE);
	KUNIT_EXPECT_EQ(test, ch->max_record_bytes, 4096);
	KUNIT_EXPECT_EQ(test, ch->budget_bytes, KCHAN_DEFAULT_BUDGET_BYTES);
	KUNIT_EXPECT_EQ(test, ch->linger_ms, KCHAN_DEFAULT_LINGER_MS);
	KUNIT_EXPECT_EQ(test, ch->state, KCHAN_STATE_IDLE);
	KUNIT_EXPECT_EQ(test, kchan_ring_count(ch), num_possible_cpus());
	kchan_unregister(ch);

	spec.layout = KCHAN_LAYOUT_SHARED;
	ch = kchan_register(&spec);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	KUNIT_EXPECT_EQ(test, ch->policy, KCHAN_POLICY_SPINLOCK);
	KUNIT_EXPECT_EQ(test, kchan_ring_count(ch), 1);
	kchan_unregister(ch);
}

static int take_any(struct kchan *ch, void *priv, u32 param, u64 value,
		    struct netlink_ext_ack *extack)
{
	return 0;
}

static void nothing_need_outlive_the_call(struct kunit *test)
{
	char name[] = "short-lived", param_name[] = "rate", doc[] = "doc";
	struct kchan_param param = { .name = param_name, .doc = doc, .max = 9,
				     .value = 3 };
	struct kchan_ops ops = { .set_param = take_any };
	struct kchan_spec spec = test_spec();
	struct kchan *ch;

	spec.name = name;
	spec.doc = doc;
	spec.params = &param;
	spec.param_count = 1;
	spec.ops = &ops;
	ch = kchan_register(&spec);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	memset(name, 'x', sizeof(name) - 1);
	memset(param_name, 'x', sizeof(param_name) - 1);
	memset(doc, 'x', sizeof(doc) - 1);
	memset(&param, 0, sizeof(param));
	memset(&ops, 0, sizeof(ops));
	memset(&spec, 0, sizeof(spec));

	KUNIT_EXPECT_STREQ(test, ch->name, "short-lived");
	KUNIT_EXPECT_STREQ(test, ch->doc, "doc");
	KUNIT_EXPECT_EQ(test, kchan_params_find(&ch->params, "rate"), 0);
	KUNIT_EXPECT_EQ(test, kchan_params_find(&ch->params, "none"), -ENOENT);
	KUNIT_EXPECT_EQ(test, ch->params.entries[0].value, 3);
	KUNIT_EXPECT_TRUE(test, ch->ops.set_param == take_any);
	kchan_unregister(ch);
}

static void bad_parameters_are_refused(struct kunit *test)
{
	static const struct kchan_param bad[][2] = {
		{ { .name = "" }, { .name = "b" } },
		{ { .name = "a" }, { .name = NULL } },
		{ { .name = "a" }, { .name = "a" } },
		{ { .name = "a", .min = 2, .max = 3, .value = 1 }, { .name = "b" } },
		{ { .name = "a", .max = 3, .value = 4 }, { .name = "b" } },
		{ { .name = "a", .unit = "0123456789abcdef" }, { .name = "b" } },
	};
	struct kchan_spec spec = test_spec();
	size_t i;

	spec.param_count = 2;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		spec.params = bad[i];
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(kchan_register(&spec)),
				    -EINVAL, "case %zu", i);
	}
}

static void registry_walks_by_id(struct kunit *test)
{
	struct kchan_spec spec = test_spec();
	const u32 generation = kchan_registry_generation();
	const u32 count = kchan_channel_count();
	struct kchan *first, *second, *found;

	first = kchan_register(&spec);
	spec.name = "kunit2";
	second = kchan_register(&spec);
	KUNIT_ASSERT_FALSE(test, IS_ERR(first) || IS_ERR(second));
	KUNIT_EXPECT_EQ(test, kchan_channel_count(), count + 2);
	KUNIT_EXPECT_NE(test, kchan_registry_generation(), generation);

	found = kchan_next(first->id);
	KUNIT_EXPECT_PTR_EQ(test, found, second);
	kchan_put(found);
	KUNIT_EXPECT_NULL(test, kchan_next(second->id));
	found = kchan_find("kunit2");
	KUNIT_EXPECT_PTR_EQ(test, found, second);
	kchan_put(found);

	kchan_unregister(first);
	kchan_unregister(second);
	KUNIT_EXPECT_NULL(test, kchan_find("kunit2"));
	KUNIT_EXPECT_EQ(test, kchan_channel_count(), count);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(good_names_are_taken),
	KUNIT_CASE(bad_names_are_refused),
	KUNIT_CASE(taken_name_is_refused_until_it_is_free),
	KUNIT_CASE(unregister_ignores_what_is_no_channel),
	KUNIT_CASE(conflicts_are_refused),
	KUNIT_CASE(zero_means_the_default),
	KUNIT_CASE(nothing_need_outlive_the_call),
	KUNIT_CASE(bad_parameters_are_refused),
	KUNIT_CASE(registry_walks_by_id),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_channel",
	.test_cases = cases,
};
kunit_test_suite(suite);
