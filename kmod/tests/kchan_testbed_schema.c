// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_testbed_schema: one channel whose records look as `version` says, so
 * that a reload brings another schema under the same name.
 */
#include <kchan.h>
#include <linux/err.h>
#include <linux/module.h>

static uint version = 1;
module_param(version, uint, 0444);
MODULE_PARM_DESC(version, "1 or 2");

#define TYPE_WRITE 1
#define TYPE_SAMPLE 2

/* "Write count records." */
struct write {
	u32 count;
};

static const struct kchan_field write_fields[] = {
	KCHAN_FIELD(struct write, count, U32),
};

/* Each field of one is elsewhere in the other, of another size or gone. */
struct sample_1 {
	u32 number;
	s32 celsius;
	char note[8];
};

static const struct kchan_field sample_1_fields[] = {
	KCHAN_FIELD(struct sample_1, number, U32),
	KCHAN_FIELD(struct sample_1, celsius, S32, .unit = "degC"),
	KCHAN_FIELD(struct sample_1, note, STRING),
};

struct sample_2 {
	char note[16];
	s64 millicelsius;
	u64 number;
};

static const struct kchan_field sample_2_fields[] = {
	KCHAN_FIELD(struct sample_2, note, STRING),
	KCHAN_FIELD(struct sample_2, millicelsius, S64, .unit = "mdegC"),
	KCHAN_FIELD(struct sample_2, number, U64),
};

static const struct kchan_type types_1[] = {
	KCHAN_TYPE_IN(TYPE_WRITE, "write", struct write, write_fields),
	KCHAN_TYPE_OUT(TYPE_SAMPLE, "sample", struct sample_1, sample_1_fields),
};

static const struct kchan_type types_2[] = {
	KCHAN_TYPE_IN(TYPE_WRITE, "write", struct write, write_fields),
	KCHAN_TYPE_OUT(TYPE_SAMPLE, "sample", struct sample_2, sample_2_fields),
};

static int emit_1(struct kchan *ch, u32 number)
{
	const struct sample_1 sample = {
		.number = number,
		.celsius = -(s32)number,
		.note = "first",
	};

	return kchan_emit(ch, TYPE_SAMPLE, &sample, sizeof(sample));
}

static int emit_2(struct kchan *ch, u32 number)
{
	const struct sample_2 sample = {
		.note = "second",
		.millicelsius = -1000 * (s64)number,
		.number = number,
	};

	return kchan_emit(ch, TYPE_SAMPLE, &sample, sizeof(sample));
}

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct write *write = payload;
	int err = 0;
	u32 i;

	for (i = 1; i <= write->count && !err; i++)
		err = version == 1 ? emit_1(ch, i) : emit_2(ch, i);
	return err;
}

static const struct kchan_ops ops = { .receive = receive };

static struct kchan *channel;

static int __init testbed_init(void)
{
	if (version != 1 && version != 2)
		return -EINVAL;
	channel = kchan_register(&(struct kchan_spec){
		.name = "test.schema",
		.transport = KCHAN_TRANSPORT_RING,
		.direction = KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = version == 1 ? types_1 : types_2,
		.type_count = 2,
		.ops = &ops,
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit testbed_exit(void)
{
	kchan_unregister(channel);
}

module_init(testbed_init);
module_exit(testbed_exit);

MODULE_DESCRIPTION("A channel of one schema or another, for tests of kchan");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
