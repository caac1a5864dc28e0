// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_submit: a ring in each direction. User space puts sums to be done into
 * memory that it shares with the kernel and rings once for all of them
 * (KCHAN_IOC_DOORBELL); the results come back as records.
 *
 *	kchan tail submit &
 *	kchan send submit sum --json '{"id": 1, "a": 2, "b": 3}'
 */
#include <kchan.h>
#include <linux/err.h>

#define TYPE_SUM 1
#define TYPE_RESULT 2

struct sum {
	u64 id;
	s32 a;
	s32 b;
};

struct result {
	u64 id;
	s64 value;
};

static const struct kchan_field sum_fields[] = {
	KCHAN_FIELD(struct sum, id, U64,
		    .doc = "not 0; comes back with the result"),
	KCHAN_FIELD(struct sum, a, S32),
	KCHAN_FIELD(struct sum, b, S32),
};

static const struct kchan_field result_fields[] = {
	KCHAN_FIELD(struct result, id, U64),
	KCHAN_FIELD(struct result, value, S64),
};

static const struct kchan_type types[] = {
	KCHAN_TYPE_IN(TYPE_SUM, "sum", struct sum, sum_fields),
	KCHAN_TYPE_OUT(TYPE_RESULT, "result", struct result, result_fields),
};

/* In the sender's context; what it returns is the record's status. */
static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct sum *sum = payload;
	const struct result result = {
		.id = sum->id,
		.value = (s64)sum->a + sum->b,
	};
	int err;

	if (!sum->id) {
		NL_SET_ERR_MSG(extack, "a sum needs an id");
		return -EINVAL;
	}
	err = kchan_emit(ch, TYPE_RESULT, &result, sizeof(result));
	/* Nobody reads the results: that is no failure of the sum. */
	return err == -ENODEV ? 0 : err;
}

static const struct kchan_ops ops = { .receive = receive };

static struct kchan *channel;

static int __init submit_init(void)
{
	channel = kchan_register(&(struct kchan_spec){
		.name = "submit",
		.doc = "Adds what it is handed, through a ring in each direction",
		.transport = KCHAN_TRANSPORT_RING,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.layout = KCHAN_LAYOUT_SHARED,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = types,
		.type_count = ARRAY_SIZE(types),
		.ops = &ops,
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit submit_exit(void)
{
	kchan_unregister(channel);
}

module_init(submit_init);
module_exit(submit_exit);

MODULE_DESCRIPTION("A ring in each direction of a kchan channel");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
