// SPDX-License-Identifier: GPL-2.0
/* A channel for each method and lock, and what else can be written to. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "bench.h"

#define TYPE_SAMPLE 1
#define TYPE_SINK 2
#define BLOCK_CAPACITY SZ_8M

static const struct kchan_field sample_fields[] = {
	KCHAN_FIELD(struct bench_sample, count, U64, .doc = "of the run"),
	KCHAN_FIELD(struct bench_sample, boottime_ns, U64, .unit = "ns"),
	KCHAN_FIELD_REST(struct bench_sample, fill, BYTES),
};

/* What user space sends, to be taken and forgotten, looks the same. */
static const struct kchan_type sample_types[] = {
	KCHAN_TYPE_OUT(TYPE_SAMPLE, "sample", struct bench_sample,
		       sample_fields),
	KCHAN_TYPE_IN(TYPE_SINK, "sink", struct bench_sample, sample_fields),
};

struct words {
	u64 count;
	u64 boottime_ns;
	u64 level;
};

static const struct kchan_field word_fields[] = {
	KCHAN_FIELD(struct words, count, U64, .doc = "of the run"),
	KCHAN_FIELD(struct words, boottime_ns, U64, .unit = "ns"),
	KCHAN_FIELD(struct words, level, U64, .writable = true,
		    .doc = "for user space to change"),
};

static const struct kchan_type words_type =
	KCHAN_TYPE_OUT(1, "words", struct words, word_fields);

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	return 0;
}

static const struct kchan_ops ops = { .receive = receive };

static int set_word(struct bench_method *method, struct bench_sample *sample,
		    u32 bytes)
{
	kchan_value_set(method->ch, 0, sample->count);
	return 0;
}

static int set_words(struct bench_method *method, struct bench_sample *sample,
		     u32 bytes)
{
	u64 *words = kchan_values_begin(method->ch);

	if (!words)
		return -EINTR;
	words[0] = sample->count;
	words[1] = sample->boottime_ns;
	kchan_values_end(method->ch);
	return 0;
}

static int write_block(struct bench_method *method,
		       struct bench_sample *sample, u32 bytes)
{
	const u64 places = BLOCK_CAPACITY / BENCH_MAX_BYTES;

	return kchan_block_write(method->ch,
				 sample->count % places * BENCH_MAX_BYTES,
				 sample, bytes);
}

#define TWO_WAYS \
	(KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL)

#define STREAM(_name, _transport, _direction, _types, ...)             \
	{                                                              \
		.spec = {                                              \
			.name = _name,                                 \
			.transport = KCHAN_TRANSPORT_##_transport,     \
			.direction = _direction,                       \
			.context = KCHAN_CONTEXT_PROCESS,              \
			.types = sample_types,                         \
			.type_count = _types,                          \
			.ops = &ops,                                   \
			__VA_ARGS__                                    \
		},                                                     \
	}
#define BOTH(_name, _transport, ...) \
	STREAM(_name, _transport, TWO_WAYS, 2, ##__VA_ARGS__)
#define UP(_name, _transport, ...) \
	STREAM(_name, _transport, KCHAN_DIRECTION_TO_USER, 1, ##__VA_ARGS__)

#define VALUE(_name, _policy, _write)                                  \
	{                                                              \
		.spec = {                                              \
			.name = _name,                                 \
			.transport = KCHAN_TRANSPORT_VALUE,            \
			.direction = TWO_WAYS,                         \
			.policy = KCHAN_POLICY_##_policy,              \
			.context = KCHAN_CONTEXT_PROCESS,              \
			.types = &words_type,                          \
			.type_count = 1,                               \
		},                                                     \
		.write = _write,                                       \
	}

static struct bench_method methods[] = {
	BOTH("bench.ring", RING),
	BOTH("bench.ring.mutex", RING, .policy = KCHAN_POLICY_MUTEX),
	BOTH("bench.ring.semaphore", RING, .policy = KCHAN_POLICY_SEMAPHORE,
	     .semaphore_count = 2),
	BOTH("bench.ring.spinlock", RING, .layout = KCHAN_LAYOUT_SHARED),
	BOTH("bench.genl", GENL),
	BOTH("bench.chardev", CHARDEV),
	UP("bench.relay", RELAY),
	UP("bench.relay.overwrite", RELAY, .relay.overwrite = true),
	BOTH("bench.file", FILE),
	{
		.spec = {
			.name = "bench.log",
			.transport = KCHAN_TRANSPORT_LOG,
			.context = KCHAN_CONTEXT_PROCESS,
			.log = { .level = LOGLEVEL_DEBUG,
				 .interval_ms = 1, .burst = 100000 },
		},
		.text = true,
	},
	VALUE("bench.value", LOCK_FREE, set_word),
	VALUE("bench.value.spinlock", SPINLOCK, set_words),
	{
		.spec = {
			.name = "bench.block",
			.transport = KCHAN_TRANSPORT_BLOCK,
			.direction = TWO_WAYS,
			.context = KCHAN_CONTEXT_PROCESS,
			.block = { .capacity_bytes = BLOCK_CAPACITY },
		},
		.write = write_block,
	},
	/* No channel: only to compare with. */
	{ .spec = { .name = "raw.relay" }, .write = bench_raw_relay_write },
};

struct bench_method *bench_method_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++)
		if (!strcmp(methods[i].spec.name, name))
			return &methods[i];
	return NULL;
}

static void unregister_first(size_t count)
{
	while (count--)
		kchan_unregister(methods[count].ch);
}

int bench_channels_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		struct bench_method *method = &methods[i];

		if (!method->spec.transport)
			continue;
		method->ch = kchan_register(&method->spec);
		if (IS_ERR(method->ch)) {
			unregister_first(i);
			return PTR_ERR(method->ch);
		}
	}
	return 0;
}

void bench_channels_exit(void)
{
	unregister_first(ARRAY_SIZE(methods));
}
