/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames: records as bytes, in the order header, payload, padding. The layout
 * is struct kchan_frame of uapi/linux/kchan.h. Pure; any context.
 */
#ifndef _KCHAN_FRAME_H
#define _KCHAN_FRAME_H

#include <linux/align.h>
#include <linux/string.h>
#include <linux/types.h>
#include <uapi/linux/kchan.h>

/* What a frame takes, for a payload of `length` bytes. */
static inline u32 kchan_frame_bytes(u32 length)
{
	return ALIGN((u32)sizeof(struct kchan_frame) + length,
		     KCHAN_RECORD_ALIGN);
}

/*
 * Writes one whole frame, kchan_frame_bytes(length) bytes, to `to`, which is
 * 8-aligned.
 */
static inline void kchan_frame_write(void *to, u16 type, u32 cpu,
				     u64 boottime_ns, u64 sequence,
				     const void *payload, u32 length)
{
	const u32 end = sizeof(struct kchan_frame) + length;

	*(struct kchan_frame *)to = (struct kchan_frame){
		.magic = KCHAN_FRAME_MAGIC,
		.length = length,
		.type = type,
		.cpu = cpu,
		.boottime_ns = boottime_ns,
		.sequence = sequence,
	};
	memcpy(to + sizeof(struct kchan_frame), payload, length);
	memset(to + end, 0, kchan_frame_bytes(length) - end);
}

/*
 * The header of a frame that user space made: only magic, length and type are
 * looked at. `frame` is a copy that nobody else can change.
 */
static inline bool kchan_frame_is_sane(const struct kchan_frame *frame)
{
	return frame->magic == KCHAN_FRAME_MAGIC &&
	       frame->length <= KCHAN_MAX_RECORD_BYTES;
}

#endif
