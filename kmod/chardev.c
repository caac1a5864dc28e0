// SPDX-License-Identifier: GPL-2.0
#include "chardev.h"

#include <linux/poll.h>
#include <linux/slab.h>

#include "channel.h"
#include "device.h"

static u16 first_type_to_kernel(const struct kchan_spec *spec)
{
	u32 i;

	for (i = 0; i < spec->type_count; i++) {
		if (spec->types[i].direction & KCHAN_DIRECTION_TO_KERNEL)
			return spec->types[i].id;
	}
	return 0;
}

static const char *conflict(const struct kchan_spec *spec)
{
	if (!(spec->direction & KCHAN_DIRECTION_TO_KERNEL))
		return NULL;
	if (!spec->ops || !spec->ops->receive)
		return "a channel to the kernel needs ops->receive";
	if (!first_type_to_kernel(spec))
		return "a channel to the kernel needs a type that goes there";
	return NULL;
}

/* ---- The channel's side -------------------------------------------------- */

static int create(struct kchan *ch, const struct kchan_spec *spec)
{
	struct kchan_chardev *chardev = kzalloc(sizeof(*chardev), GFP_KERNEL);

	if (!chardev)
		return -ENOMEM;
	chardev->byte_stream = spec->chardev.byte_stream;
	chardev->write_type = first_type_to_kernel(spec);
	kchan_readers_init(&chardev->readers);
	ch->transport_priv = chardev;
	return 0;
}

static void destroy(struct kchan *ch)
{
	kfree(ch->transport_priv);
}

static int appear(struct kchan *ch)
{
	return kchan_node_add(ch, ch->transport_priv);
}

static void disappear(struct kchan *ch)
{
	kchan_node_remove(ch->transport_priv);
}

/* No reader can be there: it would have the demand. */
static int start(struct kchan *ch)
{
	struct kchan_chardev *chardev = ch->transport_priv;

	kchan_ring_consumer_init(&chardev->consumer, &ch->shared->core);
	kchan_ring_consume_arm(&chardev->consumer);
	chardev->told = 0;
	chardev->offset = 0;
	return 0;
}

static void wake(struct kchan *ch)
{
	struct kchan_chardev *chardev = ch->transport_priv;

	kchan_readers_call(&chardev->readers);
	wake_up_interruptible_poll(&ch->shared->readers, EPOLLIN | EPOLLRDNORM);
}

/* Waiters learn it one after the other: see kchan_chardev_read(). */
static void dead(struct kchan *ch)
{
	struct kchan_chardev *chardev = ch->transport_priv;

	/* All records before it. Pairs with the load-acquires of readers. */
	smp_store_release(&chardev->dead, true);
	kchan_readers_call(&chardev->readers);
	wake_up_interruptible_poll(&ch->shared->readers,
				   EPOLLIN | EPOLLRDNORM | EPOLLHUP);
}

static u64 sequence(struct kchan *ch)
{
	const struct kchan_chardev *chardev = ch->transport_priv;

	return READ_ONCE(chardev->told);
}

static int describe(struct sk_buff *skb, const struct kchan *ch)
{
	const struct kchan_chardev *chardev = ch->transport_priv;
	char path[sizeof("/dev/" KCHAN_NODE_PREFIX) + KCHAN_NAME_BYTES];

	snprintf(path, sizeof(path), "/dev/" KCHAN_NODE_PREFIX "%s", ch->name);
	if (nla_put_string(skb, KCHAN_A_PATH, path) ||
	    (chardev->byte_stream && nla_put_flag(skb, KCHAN_A_BYTE_STREAM)))
		return -EMSGSIZE;
	return 0;
}

/* ---- Files --------------------------------------------------------------- */

/* Who only writes does not have the source run for records nobody reads. */
static int attach(struct kchan_file *file, struct kchan *ch,
		  struct kchan_attach *request)
{
	const struct kchan_chardev *chardev = ch->transport_priv;
	int err;

	if (request->role != KCHAN_ROLE_READER)
		return -EOPNOTSUPP;
	if (request->cpu != KCHAN_CPU_SHARED)
		return -ENXIO;
	if (!(file->mode & FMODE_READ)) {
		/* Pairs with the store-release in dead(). */
		return smp_load_acquire(&chardev->dead) ? -ESHUTDOWN : 0;
	}
	err = kchan_demand_get(ch, &request->sequence);
	if (err)
		return err;
	request->generation = READ_ONCE(ch->generation);
	request->data_bytes = READ_ONCE(ch->ring_bytes);
	return 0;
}

static void release(struct kchan_file *file)
{
	if (file->mode & FMODE_READ)
		kchan_demand_put(file->ch);
}

static __poll_t poll(struct kchan_file *file, struct file *raw,
		     poll_table *table)
{
	const struct kchan_chardev *chardev = file->ch->transport_priv;
	__poll_t events = 0;

	poll_wait(raw, &file->ch->shared->readers, table);
	/* Before looking for records. Pairs with the store-release in dead(). */
	if (smp_load_acquire(&chardev->dead))
		events |= EPOLLHUP;
	else if (file->mode & FMODE_WRITE &&
		 file->ch->direction & KCHAN_DIRECTION_TO_KERNEL)
		events |= EPOLLOUT | EPOLLWRNORM;
	if (kchan_chardev_readable(file))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

static const struct kchan_file_ops file_ops = {
	.attach = attach,
	.release = release,
	.read = kchan_chardev_read,
	.write = kchan_chardev_write,
	.poll = poll,
};

const struct kchan_transport_ops kchan_chardev_transport = {
	.volume = KCHAN_VOLUME_MESSAGES,
	.directions = KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL,
	.shared = true,
	.rings = true,
	.highest_context = KCHAN_CONTEXT_NMI,
	.conflict = conflict,
	.create = create,
	.destroy = destroy,
	.appear = appear,
	.disappear = disappear,
	.start = start,
	.dead = dead,
	.wake = wake,
	.sequence = sequence,
	.describe = describe,
	.file = &file_ops,
};
