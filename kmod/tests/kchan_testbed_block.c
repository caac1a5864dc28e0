// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_testbed_block: BLOCK channels, a channel of commands by which a test
 * has this module read and write them, and a VALUE channel that shows what the
 * module was told of user space's writes.
 */
#include <kchan.h>
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

/* ---- What was written ----------------------------------------------------- */

enum { TOLD_CALLS, TOLD_BYTES, TOLD_LOWEST, TOLD_END };

struct told {
	u64 calls;
	u64 bytes;
	u64 lowest;
	u64 end;
};

static const struct kchan_field told_fields[] = {
	KCHAN_FIELD(struct told, calls, U64),
	KCHAN_FIELD(struct told, bytes, U64, .unit = "bytes"),
	KCHAN_FIELD(struct told, lowest, U64, .doc = "offset of all of them"),
	KCHAN_FIELD(struct told, end, U64, .doc = "likewise"),
};

static const struct kchan_type told_type =
	KCHAN_TYPE_OUT(1, "told", struct told, told_fields);

static const struct kchan_spec told_spec = {
	.name = "test.block.told",
	.transport = KCHAN_TRANSPORT_VALUE,
	.policy = KCHAN_POLICY_MUTEX,
	.context = KCHAN_CONTEXT_PROCESS,
	.types = &told_type,
	.type_count = 1,
};

static struct kchan *told;

static void block_written(struct kchan *ch, void *priv, u64 offset, u64 length)
{
	u64 *words = kchan_values_begin(told);

	if (!words)
		return;
	if (!words[TOLD_CALLS] || offset < words[TOLD_LOWEST])
		words[TOLD_LOWEST] = offset;
	words[TOLD_CALLS]++;
	words[TOLD_BYTES] += length;
	words[TOLD_END] = max(words[TOLD_END], offset + length);
	kchan_values_end(told);
}

/* ---- The regions ---------------------------------------------------------- */

static const struct kchan_ops block_ops = { .block_written = block_written };

#define WRITABLE(_name, _capacity, _block, _policy)                            \
	{                                                                      \
		.name = _name, .transport = KCHAN_TRANSPORT_BLOCK,             \
		.direction = KCHAN_DIRECTION_TO_USER |                         \
			     KCHAN_DIRECTION_TO_KERNEL,                        \
		.policy = KCHAN_POLICY_##_policy,                              \
		.context = KCHAN_CONTEXT_PROCESS, .ops = &block_ops,           \
		.block = { .capacity_bytes = _capacity, .block_bytes = _block } \
	}

static const struct kchan_spec block_specs[] = {
	WRITABLE("test.block.rw", SZ_32M, 0, LOCK_FREE),
	WRITABLE("test.block.4k", SZ_1M, SZ_4K, MUTEX),
	{
		.name = "test.block.ro",
		.transport = KCHAN_TRANSPORT_BLOCK,
		.context = KCHAN_CONTEXT_PROCESS,
		.block = { .capacity_bytes = SZ_1M, .read_only = true },
	},
};

static struct kchan *blocks[ARRAY_SIZE(block_specs)];

/* ---- Commands ------------------------------------------------------------- */

enum { ACCESS_FILL, ACCESS_EXPECT };

/* "Write this byte there", "it is there, or EILSEQ". */
struct access {
	u32 channel; /* by index above */
	u32 access;
	u64 offset;
	u32 length;
	u32 byte;
};

static const struct kchan_name access_names[] = {
	{ ACCESS_FILL, "fill" },
	{ ACCESS_EXPECT, "expect" },
};

static const struct kchan_field access_fields[] = {
	KCHAN_FIELD(struct access, channel, U32),
	KCHAN_FIELD(struct access, access, U32, .display = KCHAN_DISPLAY_ENUM,
		    KCHAN_NAMES(access_names)),
	KCHAN_FIELD(struct access, offset, U64),
	KCHAN_FIELD(struct access, length, U32),
	KCHAN_FIELD(struct access, byte, U32),
};

static const struct kchan_type access_type =
	KCHAN_TYPE_IN(1, "access", struct access, access_fields);

static int carry_out(const struct access *access, u8 *buffer)
{
	struct kchan *ch = blocks[access->channel];
	int err;

	if (access->access == ACCESS_FILL) {
		memset(buffer, access->byte, access->length);
		return kchan_block_write(ch, access->offset, buffer,
					 access->length);
	}
	err = kchan_block_read(ch, access->offset, buffer, access->length);
	if (!err && memchr_inv(buffer, access->byte, access->length))
		err = -EILSEQ;
	return err;
}

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct access *access = payload;
	u8 *buffer;
	int err;

	if (access->channel >= ARRAY_SIZE(blocks) ||
	    access->access > ACCESS_EXPECT || access->length > SZ_1M) {
		NL_SET_ERR_MSG(extack, "no such channel, access or length");
		return -EINVAL;
	}
	buffer = kvmalloc(access->length, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	err = carry_out(access, buffer);
	kvfree(buffer);
	return err;
}

static const struct kchan_ops access_ops = { .receive = receive };

static const struct kchan_spec command_spec = {
	.name = "test.block.command",
	.transport = KCHAN_TRANSPORT_GENL,
	.direction = KCHAN_DIRECTION_TO_KERNEL,
	.context = KCHAN_CONTEXT_PROCESS,
	.types = &access_type,
	.type_count = 1,
	.ops = &access_ops,
};

static struct kchan *command;

/* ---- The module ----------------------------------------------------------- */

static void unregister_all(void)
{
	size_t i;

	kchan_unregister(command);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		kchan_unregister(blocks[i]);
	kchan_unregister(told);
}

static int register_all(void)
{
	size_t i;

	told = kchan_register(&told_spec);
	if (IS_ERR(told))
		return PTR_ERR(told);
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		blocks[i] = kchan_register(&block_specs[i]);
		if (IS_ERR(blocks[i]))
			return PTR_ERR(blocks[i]);
	}
	command = kchan_register(&command_spec);
	return PTR_ERR_OR_ZERO(command);
}

static int __init testbed_init(void)
{
	int err = register_all();

	if (err)
		unregister_all();
	return err;
}

static void __exit testbed_exit(void)
{
	unregister_all();
}

module_init(testbed_init);
module_exit(testbed_exit);

MODULE_DESCRIPTION("BLOCK channels for tests of kchan");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
