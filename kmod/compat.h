/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that kchan builds for (6.1 and later), in
 * the shape that the newest of them has. Nothing else looks at the version.
 */
#ifndef _KCHAN_COMPAT_H
#define _KCHAN_COMPAT_H

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/version.h>
#include <asm/local64.h>
#include <net/genetlink.h>

#ifndef CONFIG_64BIT
#error "kchan needs a 64-bit kernel: its positions are 64-bit words that are stored whole"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline bool local64_try_cmpxchg(local64_t *l, s64 *old, s64 new)
{
	s64 seen = local64_cmpxchg(l, *old, new);

	if (likely(seen == *old))
		return true;
	*old = seen;
	return false;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
static inline void *kvmemdup(const void *src, size_t length, gfp_t gfp)
{
	void *copy = kvmalloc(length, gfp);

	if (copy)
		memcpy(copy, src, length);
	return copy;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define kchan_class_create(name) class_create(THIS_MODULE, name)
#else
#define kchan_class_create(name) class_create(name)
#endif

/* What class->devnode is given. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
typedef struct device kchan_const_device;
#else
typedef const struct device kchan_const_device;
#endif

/* A new inode's times: now. */
static inline void kchan_inode_init_times(struct inode *inode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	inode->i_ctime = current_time(inode);
	inode->i_atime = inode->i_ctime;
	inode->i_mtime = inode->i_ctime;
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	inode->i_atime = inode_set_ctime_current(inode);
	inode->i_mtime = inode->i_atime;
#else
	simple_inode_init_ts(inode);
#endif
}

/* Without it anybody may join: then only the initial namespace protects. */
#ifdef GENL_MCAST_CAP_NET_ADMIN
#define KCHAN_MCAST_CAP_NET_ADMIN .flags = GENL_MCAST_CAP_NET_ADMIN
#else
#define KCHAN_MCAST_CAP_NET_ADMIN
#endif

/*
 * The words of a refusal are the module's, which may be gone when they are
 * sent. Before 6.3 there is no place to keep them in.
 */
static inline void kchan_keep_words(struct netlink_ext_ack *extack)
{
#ifdef NETLINK_MAX_FMTMSG_LEN
	if (!extack || !extack->_msg || extack->_msg == extack->_msg_buf)
		return;
	strscpy(extack->_msg_buf, extack->_msg, sizeof(extack->_msg_buf));
	extack->_msg = extack->_msg_buf;
#endif
}

/* The attributes of a dump request. */
static inline struct nlattr **kchan_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return genl_dumpit_info(cb)->attrs;
#else
	return genl_info_dump(cb)->attrs;
#endif
}

#endif
