// SPDX-License-Identifier: GPL-2.0
/* The BLOCK transport: the module's side of the region, and its table. */
#include "block.h"

#include <linux/blkdev.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "channel.h"
#include "memory.h"

/* ---- kchan.h -------------------------------------------------------------- */

static struct kchan_block *block_of(const struct kchan *ch)
{
	if (WARN_ON_ONCE(ch->transport != KCHAN_TRANSPORT_BLOCK))
		return NULL;
	return ch->transport_priv;
}

static bool inside(const struct kchan_block *block, u64 offset, size_t length)
{
	return offset <= block->region.bytes &&
	       length <= block->region.bytes - offset;
}

int kchan_block_read(struct kchan *ch, u64 offset, void *to, size_t length)
{
	struct kchan_block *block = block_of(ch);

	if (!block || !inside(block, offset, length))
		return -ERANGE;
	kchan_region_read(&block->region, offset, to, length);
	return 0;
}
EXPORT_SYMBOL_GPL(kchan_block_read);

int kchan_block_write(struct kchan *ch, u64 offset, const void *from,
		      size_t length)
{
	struct kchan_block *block = block_of(ch);
	int err;

	if (!block || !inside(block, offset, length))
		return -ERANGE;
	if (!ch->sleeps)
		return kchan_region_write(&block->region, offset, from, length);
	err = kchan_admission_enter(&ch->admission);
	if (err)
		return err;
	err = kchan_region_write(&block->region, offset, from, length);
	kchan_admission_leave(&ch->admission);
	return err;
}
EXPORT_SYMBOL_GPL(kchan_block_write);

/* ---- What a module may declare -------------------------------------------- */

static u32 block_bytes(const struct kchan_spec *spec)
{
	return spec->block.block_bytes ?: SECTOR_SIZE;
}

static const char *size_conflict(const struct kchan_spec *spec)
{
	const u64 capacity = spec->block.capacity_bytes;

	if (!is_power_of_2(block_bytes(spec)) ||
	    block_bytes(spec) < SECTOR_SIZE || block_bytes(spec) > PAGE_SIZE)
		return "block.block_bytes is a power of two, 512 to the page size";
	if (!capacity || capacity & (block_bytes(spec) - 1))
		return "block.capacity_bytes is a multiple of block_bytes and not 0";
	if (capacity > kchan_max_budget_bytes())
		return "block.capacity_bytes is more than a quarter of the memory";
	return NULL;
}

static const char *direction_conflict(const struct kchan_spec *spec)
{
	if (!(spec->direction & KCHAN_DIRECTION_TO_USER))
		return "a disk can be read: the direction needs TO_USER";
	if (spec->block.read_only &&
	    spec->direction & KCHAN_DIRECTION_TO_KERNEL)
		return "a disk that is read-only does not go to the kernel";
	if (!spec->block.read_only &&
	    !(spec->direction & KCHAN_DIRECTION_TO_KERNEL))
		return "user space writes it: the direction needs TO_KERNEL, or block.read_only";
	return NULL;
}

static const char *conflict(const struct kchan_spec *spec)
{
	if (sizeof(KCHAN_NODE_PREFIX) + strlen(spec->name) > DISK_NAME_LEN)
		return "the kernel has 31 letters for a disk's name, of which 25 are left for a BLOCK channel's";
	if (spec->type_count)
		return "a disk has bytes, not records: it has no record types";
	if (spec->policy == KCHAN_POLICY_SPINLOCK)
		return "pages are allocated when they are written, which may sleep: use the mutex policy, or none";
	return size_conflict(spec) ?: direction_conflict(spec);
}

/* ---- The channel's life --------------------------------------------------- */

static int create(struct kchan *ch, const struct kchan_spec *spec)
{
	struct kchan_block *block = kzalloc(sizeof(*block), GFP_KERNEL);

	if (!block)
		return -ENOMEM;
	block->ch = ch;
	block->block_bytes = block_bytes(spec);
	block->read_only = spec->block.read_only;
	kchan_region_init(&block->region, spec->block.capacity_bytes);
	ch->transport_priv = block;
	return kchan_block_written_init(block);
}

static void destroy(struct kchan *ch)
{
	struct kchan_block *block = ch->transport_priv;

	if (!block)
		return;
	kchan_block_written_destroy(block);
	kchan_region_destroy(&block->region);
	kfree(block);
}

/* Always on: the disk itself is the first user, and the last. */
static int appear(struct kchan *ch)
{
	int err = kchan_demand_get(ch, NULL);

	if (err)
		return err;
	err = kchan_block_disk_appear(ch->transport_priv);
	if (err)
		kchan_demand_put(ch);
	return err;
}

static void disappear(struct kchan *ch)
{
	kchan_block_disk_disappear(ch->transport_priv);
	kchan_demand_put(ch);
}

static void dead(struct kchan *ch)
{
	kchan_block_disk_dead(ch->transport_priv);
}

static int describe(struct sk_buff *skb, const struct kchan *ch)
{
	const struct kchan_block *block = ch->transport_priv;
	char path[sizeof("/dev/") + DISK_NAME_LEN];

	snprintf(path, sizeof(path), "/dev/" KCHAN_NODE_PREFIX "%s", ch->name);
	if (nla_put_string(skb, KCHAN_A_PATH, path) ||
	    nla_put_u64_64bit(skb, KCHAN_A_CAPACITY_BYTES, block->region.bytes,
			      KCHAN_A_PAD) ||
	    nla_put_u32(skb, KCHAN_A_BLOCK_BYTES, block->block_bytes))
		return -EMSGSIZE;
	if (block->read_only && nla_put_flag(skb, KCHAN_A_READ_ONLY))
		return -EMSGSIZE;
	return 0;
}

const struct kchan_transport_ops kchan_block_transport = {
	.volume = KCHAN_VOLUME_BULK,
	.directions = KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL,
	.no_types = true,
	.highest_context = KCHAN_CONTEXT_PROCESS,
	.conflict = conflict,
	.create = create,
	.destroy = destroy,
	.appear = appear,
	.disappear = disappear,
	.dead = dead,
	.describe = describe,
};
