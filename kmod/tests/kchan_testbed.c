// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_testbed: channels that write exactly what a test tells them to, and
 * nothing by themselves: one for each layout, policy and transport, with rings
 * small enough to overflow.
 */
#include <kchan.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>

#define TYPE_WRITE 1
#define TYPE_WRITTEN 2

enum { FORM_EMIT, FORM_COMMIT, FORM_DISCARD, FORM_HARDIRQ };

/* "Write count records of length bytes"; answered by what kchan_emit() said. */
struct write {
	u32 count;
	u32 length; /* of each payload, at least sizeof(struct written) */
	u32 form;
};

struct written {
	u64 counter; /* of all attempts of this channel, from 1 */
};

static const struct kchan_name form_names[] = {
	{ FORM_EMIT, "emit" },
	{ FORM_COMMIT, "commit" },
	{ FORM_DISCARD, "discard" },
	{ FORM_HARDIRQ, "hardirq" },
};

static const struct kchan_field write_fields[] = {
	KCHAN_FIELD(struct write, count, U32),
	KCHAN_FIELD(struct write, length, U32),
	KCHAN_FIELD(struct write, form, U32, .display = KCHAN_DISPLAY_ENUM,
		    KCHAN_NAMES(form_names)),
};

static const struct kchan_field written_fields[] = {
	KCHAN_FIELD(struct written, counter, U64),
};

static const struct kchan_type types[] = {
	KCHAN_TYPE_IN(TYPE_WRITE, "write", struct write, write_fields),
	KCHAN_TYPE_OUT(TYPE_WRITTEN, "written", struct written, written_fields),
};

static const struct kchan_param params[] = {
	{ .name = "refuse", .max = MAX_ERRNO, .doc = "errno that enable fails with" },
	{ .name = "even", .max = 1000, .doc = "refuses odd values" },
	{ .name = "enable_delay_ms", .max = 60000, .doc = "how long enable sleeps" },
};

enum { PARAM_REFUSE, PARAM_EVEN, PARAM_ENABLE_DELAY_MS };

struct bed {
	struct kchan_spec spec;
	bool writes_previous; /* its commands are for the bed before it */
	struct kchan *channel;
	struct mutex lock; /* one command at a time */
	u64 counter;
	u64 refuse;
	u64 enable_delay_ms;
};

struct job {
	struct bed *bed;
	struct kchan *channel; /* the bed may not know it yet */
	const struct write *write;
	struct written *payload;
	int result;
};

static int write_in_place(struct job *job)
{
	struct kchan_slot slot;
	struct written *written;

	written = kchan_reserve(job->channel, TYPE_WRITTEN,
				job->write->length, &slot);
	if (!written)
		return -ENOBUFS;
	memcpy(written, job->payload, job->write->length);
	if (job->write->form == FORM_DISCARD)
		kchan_discard(&slot);
	else
		kchan_commit(&slot);
	return 0;
}

static void write_all(void *context)
{
	struct job *job = context;
	u32 i;

	for (i = 0; i < job->write->count; i++) {
		int err;

		job->payload->counter = ++job->bed->counter;
		if (job->write->form == FORM_COMMIT ||
		    job->write->form == FORM_DISCARD)
			err = write_in_place(job);
		else
			err = kchan_emit(job->channel, TYPE_WRITTEN,
					 job->payload, job->write->length);
		job->result = job->result ?: err;
	}
}

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	struct bed *bed = priv;
	struct job job = {
		.bed = bed->writes_previous ? bed - 1 : bed,
		.channel = bed->writes_previous ? bed[-1].channel : ch,
		.write = payload,
	};

	if (job.write->length < sizeof(*job.payload) ||
	    job.write->length > SZ_128K || job.write->form > FORM_HARDIRQ) {
		NL_SET_ERR_MSG(extack, "no such length or form");
		return -EINVAL;
	}
	job.payload = kzalloc(job.write->length, GFP_KERNEL);
	if (!job.payload)
		return -ENOMEM;
	mutex_lock(&job.bed->lock);
	if (job.write->form == FORM_HARDIRQ)
		smp_call_function_single(get_cpu(), write_all, &job, true);
	else
		write_all(&job);
	if (job.write->form == FORM_HARDIRQ)
		put_cpu();
	mutex_unlock(&job.bed->lock);
	kfree(job.payload);
	return job.result;
}

static int enable(struct kchan *ch, void *priv)
{
	const struct bed *bed = priv;

	msleep(READ_ONCE(bed->enable_delay_ms));
	return -(int)READ_ONCE(bed->refuse);
}

static int set_param(struct kchan *ch, void *priv, u32 param, u64 value,
		     struct netlink_ext_ack *extack)
{
	struct bed *bed = priv;

	if (param == PARAM_REFUSE)
		WRITE_ONCE(bed->refuse, value);
	if (param == PARAM_ENABLE_DELAY_MS)
		WRITE_ONCE(bed->enable_delay_ms, value);
	if (param == PARAM_EVEN && value % 2) {
		NL_SET_ERR_MSG(extack, "the value is odd");
		return -EDOM;
	}
	return 0;
}

static const struct kchan_ops ops = {
	.enable = enable,
	.receive = receive,
	.set_param = set_param,
};

#define BED(_name, _transport, ...)                                    \
	{                                                              \
		.spec = {                                              \
			.name = _name,                                 \
			.transport = KCHAN_TRANSPORT_##_transport,     \
			.direction = KCHAN_DIRECTION_TO_USER |         \
				     KCHAN_DIRECTION_TO_KERNEL,        \
			.types = types,                                \
			.type_count = ARRAY_SIZE(types),               \
			.params = params,                              \
			.param_count = ARRAY_SIZE(params),             \
			.ops = &ops,                                   \
			__VA_ARGS__                                    \
		},                                                     \
	}

/* Of a transport that takes no commands: the WRITER_BED after it does. */
#define ONE_WAY_BED(_name, _transport, ...)                            \
	{                                                              \
		.spec = {                                              \
			.name = _name,                                 \
			.transport = KCHAN_TRANSPORT_##_transport,     \
			.types = &types[1],                            \
			.type_count = 1,                               \
			.params = params,                              \
			.param_count = ARRAY_SIZE(params),             \
			.ops = &ops,                                   \
			__VA_ARGS__                                    \
		},                                                     \
	}

#define WRITER_BED(_name)                                              \
	{                                                              \
		.spec = {                                              \
			.name = _name,                                 \
			.transport = KCHAN_TRANSPORT_GENL,             \
			.direction = KCHAN_DIRECTION_TO_KERNEL,        \
			.context = KCHAN_CONTEXT_PROCESS,              \
			.types = types,                                \
			.type_count = 1,                               \
			.ops = &ops,                                   \
		},                                                     \
		.writes_previous = true,                               \
	}

static struct bed beds[] = {
	BED("test.per_cpu", RING, .context = KCHAN_CONTEXT_HARDIRQ),
	BED("test.shared", RING, .context = KCHAN_CONTEXT_HARDIRQ,
	    .layout = KCHAN_LAYOUT_SHARED),
	BED("test.mutex", RING, .context = KCHAN_CONTEXT_PROCESS,
	    .policy = KCHAN_POLICY_MUTEX),
	BED("test.semaphore", RING, .context = KCHAN_CONTEXT_PROCESS,
	    .layout = KCHAN_LAYOUT_SHARED, .policy = KCHAN_POLICY_SEMAPHORE,
	    .semaphore_count = 2),
	BED("test.genl", GENL, .context = KCHAN_CONTEXT_HARDIRQ),
	BED("test.chardev", CHARDEV, .context = KCHAN_CONTEXT_HARDIRQ),
	BED("test.bytes", CHARDEV, .context = KCHAN_CONTEXT_HARDIRQ,
	    .chardev.byte_stream = true),
	ONE_WAY_BED("test.relay", RELAY, .context = KCHAN_CONTEXT_HARDIRQ),
	WRITER_BED("test.relay.write"),
	ONE_WAY_BED("test.relay.overwrite", RELAY,
		    .context = KCHAN_CONTEXT_HARDIRQ, .relay.overwrite = true),
	WRITER_BED("test.relay.overwrite.write"),
	BED("test.file", FILE, .context = KCHAN_CONTEXT_HARDIRQ),
};

static void unregister_first(size_t count)
{
	while (count--)
		kchan_unregister(beds[count].channel);
}

static int __init testbed_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(beds); i++) {
		struct bed *bed = &beds[i];

		mutex_init(&bed->lock);
		bed->spec.priv = bed;
		bed->spec.budget_bytes = (u64)num_possible_cpus() * SZ_32K;
		bed->channel = kchan_register(&bed->spec);
		if (IS_ERR(bed->channel)) {
			unregister_first(i);
			return PTR_ERR(bed->channel);
		}
	}
	return 0;
}

static void __exit testbed_exit(void)
{
	unregister_first(ARRAY_SIZE(beds));
}

module_init(testbed_init);
module_exit(testbed_exit);

MODULE_DESCRIPTION("Channels for tests of kchan");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
