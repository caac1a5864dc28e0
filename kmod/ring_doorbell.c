// SPDX-License-Identifier: GPL-2.0
/*
 * KCHAN_IOC_DOORBELL: the records of a writer's area, one after the other, to
 * the channel's receive callback, in the caller's context.
 *
 * The area belongs to user space, which may change it at any time, also while
 * this reads it: each word of a header is read once, what it says is checked on
 * the copy, and the callback sees a copy of the payload that nobody can reach.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "channel.h"
#include "ring_writers.h"

/* One call. */
struct doorbell {
	struct kchan *ch;
	struct kchan_ring_writer *writer;
	struct kchan_doorbell request;
	bool has_refusal;
};

static void read_header(const struct kchan_ring_writer *writer,
			struct kchan_record *record)
{
	const struct kchan_memory *memory = writer->memory;
	const struct kchan_record *shared =
		memory->base + (writer->tail & (memory->data_bytes - 1));

	record->length = READ_ONCE(shared->length);
	record->type = READ_ONCE(shared->type);
	record->flags = READ_ONCE(shared->flags);
}

u64 kchan_doorbell_record_bytes(const struct kchan_ring_writer *writer,
				const struct kchan_record *record, u64 head)
{
	const u32 length = record->length & KCHAN_RECORD_LENGTH_MASK;
	const u64 bytes = KCHAN_RING_RECORD_BYTES(length);

	if (length > writer->max_payload_bytes ||
	    bytes > head - writer->tail || record->flags)
		return 0;
	return bytes;
}

static int tell_status(struct doorbell *bell, int status, const char *words)
{
	s32 __user *statuses = u64_to_user_ptr(bell->request.statuses);
	char __user *text = u64_to_user_ptr(bell->request.text);

	if (put_user(status, &statuses[bell->request.count]))
		return -EFAULT;
	bell->request.count++;
	if (!status || bell->has_refusal)
		return 0;
	bell->has_refusal = true;
	if (text && copy_to_user(text, words, strlen(words) + 1))
		return -EFAULT;
	return 0;
}

/* Hands over the record at the tail. An error ends the call. */
static int take_record(struct doorbell *bell)
{
	struct kchan_ring_writer *writer = bell->writer;
	char words[KCHAN_DOC_BYTES] = "";
	struct kchan_record record;
	u64 bytes;
	u32 length;
	int status;

	read_header(writer, &record);
	bytes = kchan_doorbell_record_bytes(writer, &record,
					    bell->request.head);
	if (!bytes)
		return -EBADMSG;
	if (record.length & KCHAN_RECORD_DISCARD) {
		writer->tail += bytes;
		return 0;
	}
	length = record.length;
	memcpy(writer->payload,
	       writer->memory->base + sizeof(record) +
		       (writer->tail & (writer->memory->data_bytes - 1)),
	       length);
	status = kchan_receive_words(bell->ch, record.type, writer->payload,
				     length, words);
	/* Not the callback's word for it: the record was not handed over. */
	if (status == -ESHUTDOWN && READ_ONCE(bell->ch->deaf))
		return status;
	if (status == -EINTR && fatal_signal_pending(current))
		return status;
	writer->tail += bytes;
	return tell_status(bell, status, words);
}

static int take_records(struct doorbell *bell)
{
	while (bell->writer->tail != bell->request.head &&
	       bell->request.count < bell->request.max_records) {
		int err;

		if (fatal_signal_pending(current))
			return bell->request.count ? 0 : -EINTR;
		err = take_record(bell);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

bool kchan_doorbell_is_sane(const struct kchan_ring_writer *writer,
			    const struct kchan_doorbell *request)
{
	return request->max_records &&
	       request->max_records <= KCHAN_MAX_DOORBELL_RECORDS &&
	       request->head - writer->tail <= writer->memory->data_bytes &&
	       IS_ALIGNED(request->head, KCHAN_RECORD_ALIGN);
}

static int ring(struct doorbell *bell)
{
	char __user *text = u64_to_user_ptr(bell->request.text);
	int err = mutex_lock_killable(&bell->writer->lock);

	if (err)
		return err;
	if (READ_ONCE(bell->ch->deaf))
		err = -ESHUTDOWN;
	else if (!kchan_doorbell_is_sane(bell->writer, &bell->request))
		err = -EINVAL;
	else if (text && put_user('\0', text))
		err = -EFAULT;
	else
		err = take_records(bell);
	bell->request.tail = bell->writer->tail;
	mutex_unlock(&bell->writer->lock);
	return err;
}

long kchan_ring_doorbell(struct kchan *ch, struct kchan_ring_writer *writer,
			 struct kchan_doorbell __user *user)
{
	struct doorbell bell = { .ch = ch, .writer = writer };
	int err;

	if (copy_from_user(&bell.request, user, sizeof(bell.request)))
		return -EFAULT;
	bell.request.count = 0;
	bell.request.tail = 0;
	err = ring(&bell);
	/* Also with an error: how far it came. */
	if (copy_to_user(user, &bell.request, sizeof(bell.request)))
		return -EFAULT;
	return err;
}
