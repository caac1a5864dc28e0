// SPDX-License-Identifier: GPL-2.0
/* The three queues: what travels on each, and how it is described. */
#include <linux/err.h>

#include "queuefs.h"

enum { TYPE_LOOKUP = 1, TYPE_ANSWER = 2 }; /* commands */
enum { TYPE_INODE = 1, TYPE_CHANGED = 2 }; /* inodes */

static const struct kchan_field lookup_fields[] = {
	KCHAN_FIELD(struct queuefs_lookup, id, U64, .doc = "to be answered"),
	KCHAN_FIELD(struct queuefs_lookup, name, STRING,
		    .doc = "in the root folder"),
};

static const struct kchan_field answer_fields[] = {
	KCHAN_FIELD(struct queuefs_answer, id, U64, .doc = "of the lookup"),
	KCHAN_FIELD(struct queuefs_answer, error, S32,
		    .doc = "0, or an errno such as 2 (ENOENT)"),
};

static const struct kchan_type command_types[] = {
	KCHAN_TYPE_OUT(TYPE_LOOKUP, "lookup", struct queuefs_lookup,
		       lookup_fields, .doc = "Somebody opens a file"),
	KCHAN_TYPE_IN(TYPE_ANSWER, "answer", struct queuefs_answer,
		      answer_fields, .doc = "After its inode, if it exists"),
};

static const struct kchan_field extent_fields[] = {
	KCHAN_FIELD(struct queuefs_extent, offset, U64, .unit = "bytes"),
	KCHAN_FIELD(struct queuefs_extent, length, U64, .unit = "bytes"),
};

static const struct kchan_field inode_fields[] = {
	KCHAN_FIELD(struct queuefs_inode, id, U64, .doc = "of the lookup"),
	KCHAN_FIELD(struct queuefs_inode, ino, U64),
	KCHAN_FIELD(struct queuefs_inode, size, U64, .unit = "bytes"),
	KCHAN_FIELD_STRUCT_OF(struct queuefs_inode, extent,
			      struct queuefs_extent, extent_fields,
			      .doc = "where it is in queuefs.blocks"),
	KCHAN_FIELD(struct queuefs_inode, mode, U32, .doc = "permission bits"),
};

static const struct kchan_field changed_fields[] = {
	KCHAN_FIELD(struct queuefs_changed, ino, U64),
	KCHAN_FIELD(struct queuefs_changed, size, U64, .unit = "bytes"),
	KCHAN_FIELD_STRUCT_OF(struct queuefs_changed, written,
			      struct queuefs_extent, extent_fields,
			      .doc = "in queuefs.blocks"),
};

static const struct kchan_type inode_types[] = {
	KCHAN_TYPE_IN(TYPE_INODE, "inode", struct queuefs_inode, inode_fields,
		      .doc = "What the looked-up file is"),
	KCHAN_TYPE_OUT(TYPE_CHANGED, "changed", struct queuefs_changed,
		       changed_fields, .doc = "A file was written"),
};

static int receive_command(struct kchan *ch, void *priv, u16 type,
			   const void *payload, u32 length,
			   struct netlink_ext_ack *extack)
{
	return queuefs_take_answer(payload);
}

static int receive_inode(struct kchan *ch, void *priv, u16 type,
			 const void *payload, u32 length,
			 struct netlink_ext_ack *extack)
{
	return queuefs_take_inode(payload);
}

static const struct kchan_ops command_ops = { .receive = receive_command };
static const struct kchan_ops inode_ops = { .receive = receive_inode };

#define BOTH_WAYS (KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL)

static const struct kchan_spec command_spec = {
	.name = "queuefs.commands",
	.doc = "Lookups, to be answered by the service",
	.transport = KCHAN_TRANSPORT_CHARDEV,
	.direction = BOTH_WAYS,
	.context = KCHAN_CONTEXT_PROCESS,
	.types = command_types,
	.type_count = ARRAY_SIZE(command_types),
	.ops = &command_ops,
};

static const struct kchan_spec inode_spec = {
	.name = "queuefs.inodes",
	.doc = "What files are, and what became of them",
	.transport = KCHAN_TRANSPORT_RING,
	.layout = KCHAN_LAYOUT_SHARED,
	.direction = BOTH_WAYS,
	.context = KCHAN_CONTEXT_PROCESS,
	.types = inode_types,
	.type_count = ARRAY_SIZE(inode_types),
	.ops = &inode_ops,
};

static const struct kchan_spec block_spec = {
	.name = "queuefs.blocks",
	.doc = "What files hold",
	.transport = KCHAN_TRANSPORT_BLOCK,
	.direction = BOTH_WAYS,
	.context = KCHAN_CONTEXT_PROCESS,
	.block = { .capacity_bytes = QUEUEFS_CAPACITY_BYTES },
};

static struct kchan *commands, *inodes, *blocks;

int queuefs_queues_init(void)
{
	blocks = kchan_register(&block_spec);
	if (IS_ERR(blocks))
		return PTR_ERR(blocks);
	inodes = kchan_register(&inode_spec);
	if (IS_ERR(inodes)) {
		kchan_unregister(blocks);
		return PTR_ERR(inodes);
	}
	/* Last: who sees it may count on the others. */
	commands = kchan_register(&command_spec);
	if (IS_ERR(commands)) {
		kchan_unregister(inodes);
		kchan_unregister(blocks);
		return PTR_ERR(commands);
	}
	return 0;
}

void queuefs_queues_exit(void)
{
	kchan_unregister(commands);
	kchan_unregister(inodes);
	kchan_unregister(blocks);
}

int queuefs_send_lookup(const struct queuefs_lookup *lookup)
{
	switch (kchan_emit(commands, TYPE_LOOKUP, lookup, sizeof(*lookup))) {
	case 0:
		return 0;
	case -ENODEV:
		return -ENOTCONN;
	default:
		return -EAGAIN;
	}
}

void queuefs_send_changed(const struct queuefs_changed *changed)
{
	kchan_emit(inodes, TYPE_CHANGED, changed, sizeof(*changed));
}

int queuefs_read_blocks(u64 offset, void *to, size_t length)
{
	return kchan_block_read(blocks, offset, to, length);
}

int queuefs_write_blocks(u64 offset, const void *from, size_t length)
{
	return kchan_block_write(blocks, offset, from, length);
}
