// SPDX-License-Identifier: GPL-2.0
/*
 * kchan_block: a region of memory that user space and a module share. What user
 * space writes into the first block comes back in the second, in capitals.
 *
 *	echo hello | dd of=/dev/kchan.slate bs=512 conv=sync,fsync oflag=direct
 *	dd if=/dev/kchan.slate bs=512 skip=1 count=1 iflag=direct
 *
 * The module has seen what was written when fsync() returns. O_DIRECT, because
 * the module writes behind the page cache.
 */
#include <kchan.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/sizes.h>

#define BLOCK_BYTES 512

static void repeat_louder(struct kchan *ch, void *priv, u64 offset, u64 length)
{
	static u8 block[BLOCK_BYTES]; /* one call at a time */
	size_t i;

	if (offset >= BLOCK_BYTES || kchan_block_read(ch, 0, block, BLOCK_BYTES))
		return;
	for (i = 0; i < BLOCK_BYTES; i++)
		block[i] = toupper(block[i]);
	if (kchan_block_write(ch, BLOCK_BYTES, block, BLOCK_BYTES))
		pr_warn_ratelimited("slate: no memory for what comes back\n");
}

static const struct kchan_ops ops = { .block_written = repeat_louder };

static struct kchan *channel;

static int __init block_init(void)
{
	channel = kchan_register(&(struct kchan_spec){
		.name = "slate",
		.doc = "Says in the second block what is in the first, louder",
		.transport = KCHAN_TRANSPORT_BLOCK,
		.direction = KCHAN_DIRECTION_TO_USER |
			     KCHAN_DIRECTION_TO_KERNEL,
		.context = KCHAN_CONTEXT_PROCESS,
		.ops = &ops,
		.block = { .capacity_bytes = SZ_64K,
			   .block_bytes = BLOCK_BYTES },
	});
	return PTR_ERR_OR_ZERO(channel);
}

static void __exit block_exit(void)
{
	kchan_unregister(channel);
}

module_init(block_init);
module_exit(block_exit);

MODULE_DESCRIPTION("A block device that a kernel module and user space share");
MODULE_AUTHOR("The kchan authors");
MODULE_LICENSE("GPL");
