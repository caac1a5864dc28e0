/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The RING transport towards the kernel: files of KCHAN_ROLE_WRITER. Each has a
 * data area of its own, so writers do not know of each other and none can touch
 * another's records. A channel's writers demand nothing: as with
 * KCHAN_CMD_SEND, its source need not be enabled to receive.
 */
#ifndef _KCHAN_RING_WRITERS_H
#define _KCHAN_RING_WRITERS_H

#include "device.h"

struct kchan_ring_writer {
	struct mutex lock; /* one doorbell at a time */
	struct kchan_memory *memory;
	u64 tail; /* records below are done */
	u64 max_payload_bytes;
	void *payload; /* a record's copy, out of reach */
};

/* For the transport's table. */
int kchan_ring_writers_create(struct kchan *ch, const struct kchan_spec *spec);
void kchan_ring_writers_destroy(struct kchan *ch);
void kchan_ring_writers_dead(struct kchan *ch);

/* kchan_file_ops.attach of a writer. */
int kchan_ring_attach_writer(struct kchan_file *file, struct kchan *ch,
			     struct kchan_attach *request);

/* ring_doorbell.c; EINTR, EINVAL, EBADMSG, ESHUTDOWN, EFAULT. */
long kchan_ring_doorbell(struct kchan *ch, struct kchan_ring_writer *writer,
			 struct kchan_doorbell __user *user);

/* Its judgement of what user space says; under writer->lock. */
bool kchan_doorbell_is_sane(const struct kchan_ring_writer *writer,
			    const struct kchan_doorbell *request);
/*
 * What the record at the tail takes of the area, by a copy of its header that
 * nobody can reach; 0: it cannot be one that ends at `head` or before.
 */
u64 kchan_doorbell_record_bytes(const struct kchan_ring_writer *writer,
				const struct kchan_record *record, u64 head);

#endif
