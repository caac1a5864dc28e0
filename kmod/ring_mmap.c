// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping a ring. Each page is a page of its own, handed out by the fault
 * handler, so that MADV_DONTNEED only costs another fault. VM_DONTCOPY is no
 * more than a hint (MADV_DOFORK clears it): a child's mapping holds the file
 * and sees what the parent sees, which is harmless.
 */
#include <linux/mm.h>

#include "channel.h"
#include "compat.h"
#include "device.h"

static vm_fault_t fault(struct vm_fault *vmf)
{
	const struct kchan_memory *memory = vmf->vma->vm_private_data;

	if (vmf->pgoff >= memory->page_count)
		return VM_FAULT_SIGBUS;
	vmf->page = memory->pages[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}

/* Part of a mapping is of no use to anybody. */
static int may_split(struct vm_area_struct *vma, unsigned long address)
{
	return -EINVAL;
}

static const struct vm_operations_struct mapping_operations = {
	.fault = fault,
	.may_split = may_split,
};

static bool is_in_range(const struct kchan_memory *memory,
			struct vm_area_struct *vma)
{
	const unsigned long pages = vma_pages(vma);

	/* The only writable page, and so alone. */
	if (vma->vm_pgoff == KCHAN_PAGE_CONSUMER)
		return pages == 1;
	return vma->vm_pgoff < memory->page_count &&
	       pages <= memory->page_count - vma->vm_pgoff;
}

int kchan_memory_map(struct kchan_memory *memory, struct vm_area_struct *vma,
		     bool writable)
{
	vm_flags_t never = VM_MAYEXEC;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC || (vma->vm_flags & VM_WRITE && !writable))
		return -EPERM;
	/* Or mprotect() would give back what is refused here. */
	if (!writable)
		never |= VM_MAYWRITE;
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP, never);
	vma->vm_private_data = memory;
	vma->vm_ops = &mapping_operations;
	return 0;
}

int kchan_ring_mmap(struct kchan_file *file, struct vm_area_struct *vma)
{
	struct kchan_channel_ring *ring = file->priv;

	if (!is_in_range(ring->memory, vma))
		return -EINVAL;
	return kchan_memory_map(ring->memory, vma,
				vma->vm_pgoff == KCHAN_PAGE_CONSUMER);
}
