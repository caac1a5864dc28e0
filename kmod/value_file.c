// SPDX-License-Identifier: GPL-2.0
/* The VALUE transport: attached files of /dev/kchan, and its table. */
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/netlink.h>

#include "channel.h"
#include "compat.h"
#include "device.h"
#include "value.h"

#define SEEN_NOTHING (~0ULL) /* versions that are seen are even */

struct reader {
	struct kchan_values *values;
	u64 seen; /* the version of the last VALUE_READ */
};

/* ---- Files ---------------------------------------------------------------- */

static int attach(struct kchan_file *file, struct kchan *ch,
		  struct kchan_attach *request)
{
	struct reader *reader;
	int err;

	if (request->role != KCHAN_ROLE_READER)
		return -EOPNOTSUPP;
	if (request->cpu != KCHAN_CPU_SHARED)
		return -ENXIO;
	reader = kmalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	err = kchan_demand_get(ch, NULL);
	if (err) {
		kfree(reader);
		return err;
	}
	reader->values = ch->transport_priv;
	reader->seen = SEEN_NOTHING;
	request->generation = ch->generation;
	request->data_bytes = PAGE_SIZE;
	file->priv = reader;
	return 0;
}

static void release(struct kchan_file *file)
{
	kfree(file->priv);
	kchan_demand_put(file->ch);
}

static __poll_t poll(struct kchan_file *file, struct file *raw,
		     poll_table *table)
{
	const struct reader *reader = file->priv;
	struct kchan_values *values = reader->values;
	__poll_t events = 0;

	poll_wait(raw, &values->watch.files_waiting, table);
	kchan_value_watch_all(values);
	if (kchan_values_version(values) != READ_ONCE(reader->seen))
		events |= EPOLLIN | EPOLLRDNORM | EPOLLPRI;
	if (READ_ONCE(values->page->state) == KCHAN_STATE_DEAD)
		events |= EPOLLHUP;
	return events;
}

static long read_all(struct reader *reader, void __user *user)
{
	struct kchan_value_read snapshot;

	kchan_values_read(reader->values, &snapshot);
	if (copy_to_user(user, &snapshot, sizeof(snapshot)))
		return -EFAULT;
	WRITE_ONCE(reader->seen, snapshot.version);
	return 0;
}

static long change_word(struct reader *reader, void __user *user)
{
	struct kchan_value_change change;
	int err;

	if (copy_from_user(&change, user, sizeof(change)))
		return -EFAULT;
	err = kchan_value_change(reader->values, &change);
	if (err)
		return err;
	return copy_to_user(user, &change, sizeof(change)) ? -EFAULT : 0;
}

static long ioctl(struct kchan_file *file, unsigned int command,
		  void __user *user)
{
	switch (command) {
	case KCHAN_IOC_VALUE_READ:
		return read_all(file->priv, user);
	case KCHAN_IOC_VALUE_CHANGE:
		return change_word(file->priv, user);
	default:
		return -ENOTTY;
	}
}

/* ---- The page; as in ring_mmap.c ------------------------------------------ */

static vm_fault_t fault(struct vm_fault *vmf)
{
	const struct reader *reader =
		kchan_file_bound(vmf->vma->vm_file)->priv;

	if (vmf->pgoff)
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(reader->values->page);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct mapping_operations = {
	.fault = fault,
};

static int mmap(struct kchan_file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff || vma_pages(vma) != 1)
		return -EINVAL;
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EPERM;
	/* Or mprotect() would give back what is refused here. */
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
		     VM_MAYWRITE | VM_MAYEXEC);
	vma->vm_ops = &mapping_operations;
	return 0;
}

static const struct kchan_file_ops file_ops = {
	.attach = attach,
	.release = release,
	.poll = poll,
	.ioctl = ioctl,
	.mmap = mmap,
};

/* ---- The channel's life --------------------------------------------------- */

static int create(struct kchan *ch, const struct kchan_spec *spec)
{
	struct kchan_values *values = kchan_values_create(ch, spec);

	if (!values)
		return -ENOMEM;
	ch->transport_priv = values;
	return kchan_value_sysfs_create(values, spec->types);
}

static void destroy(struct kchan *ch)
{
	struct kchan_values *values = ch->transport_priv;

	if (!values)
		return;
	kchan_value_watch_sync(values);
	kchan_value_sysfs_destroy(values);
	kchan_values_destroy(values);
}

static int appear(struct kchan *ch)
{
	return kchan_value_sysfs_appear(ch->transport_priv);
}

static void disappear(struct kchan *ch)
{
	kchan_value_sysfs_disappear(ch->transport_priv);
}

static void set_state(struct kchan *ch, enum kchan_state state)
{
	const struct kchan_values *values = ch->transport_priv;

	/* Behind what was stored before: pairs with kchan_values_read(). */
	smp_store_release(&values->page->state, state);
}

static int start(struct kchan *ch)
{
	const struct kchan_values *values = ch->transport_priv;

	WRITE_ONCE(values->page->generation, ch->generation);
	set_state(ch, KCHAN_STATE_LIVE);
	return 0;
}

static void stop(struct kchan *ch)
{
	set_state(ch, KCHAN_STATE_IDLE);
}

static void dead(struct kchan *ch)
{
	struct kchan_values *values = ch->transport_priv;

	set_state(ch, KCHAN_STATE_DEAD);
	wake_up_interruptible_poll(&values->watch.files_waiting,
				   EPOLLIN | EPOLLPRI | EPOLLHUP);
}

static int describe(struct sk_buff *skb, const struct kchan *ch)
{
	char path[sizeof("/sys/class/kchan//values") + KCHAN_NAME_BYTES];

	snprintf(path, sizeof(path), "/sys/class/kchan/%s/values", ch->name);
	return nla_put_string(skb, KCHAN_A_PATH, path);
}

const struct kchan_transport_ops kchan_value_transport = {
	.volume = KCHAN_VOLUME_VALUE,
	.directions = KCHAN_DIRECTION_TO_USER | KCHAN_DIRECTION_TO_KERNEL,
	.highest_context = KCHAN_CONTEXT_NMI,
	.conflict = kchan_value_conflict,
	.create = create,
	.destroy = destroy,
	.appear = appear,
	.disappear = disappear,
	.start = start,
	.stop = stop,
	.dead = dead,
	.describe = describe,
	.file = &file_ops,
};
