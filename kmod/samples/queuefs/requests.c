// SPDX-License-Identifier: GPL-2.0
/* Lookups that wait for the service. */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/stat.h>
#include <linux/string.h>

#include "queuefs.h"

static unsigned int timeout_ms = 10000;
module_param(timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "How long a lookup waits for the service");

struct request {
	struct list_head node;
	u64 id;
	struct completion answered;
	bool has_inode;
	struct queuefs_inode inode;
	int error; /* what the service said, negative */
};

static DEFINE_MUTEX(lock);
static LIST_HEAD(requests);
static u64 last_id;

static struct request *find_locked(u64 id)
{
	struct request *request;

	list_for_each_entry(request, &requests, node) {
		if (request->id == id)
			return request;
	}
	return NULL;
}

/* The service may be anywhere: what it says is checked like any stranger's. */
static bool makes_sense(const struct queuefs_inode *inode)
{
	const struct queuefs_extent *extent = &inode->extent;

	return inode->ino && !(inode->mode & ~0777U) &&
	       extent->offset <= QUEUEFS_CAPACITY_BYTES &&
	       extent->length <= QUEUEFS_CAPACITY_BYTES - extent->offset &&
	       inode->size <= extent->length;
}

int queuefs_take_inode(const struct queuefs_inode *inode)
{
	struct request *request;
	int err = 0;

	if (!makes_sense(inode))
		return -EINVAL;
	mutex_lock(&lock);
	request = find_locked(inode->id);
	if (request) {
		request->inode = *inode;
		request->has_inode = true;
	} else {
		err = -ENOENT;
	}
	mutex_unlock(&lock);
	return err;
}

int queuefs_take_answer(const struct queuefs_answer *answer)
{
	struct request *request;
	int err = 0;

	if (answer->error < 0 || answer->error > MAX_ERRNO)
		return -EINVAL;
	mutex_lock(&lock);
	request = find_locked(answer->id);
	if (request) {
		request->error = -answer->error;
		list_del_init(&request->node); /* one answer only */
		complete(&request->answered);
	} else {
		err = -ENOENT;
	}
	mutex_unlock(&lock);
	return err;
}

static void begin(struct request *request)
{
	init_completion(&request->answered);
	mutex_lock(&lock);
	request->id = ++last_id;
	list_add(&request->node, &requests);
	mutex_unlock(&lock);
}

static void end(struct request *request)
{
	mutex_lock(&lock);
	list_del_init(&request->node);
	mutex_unlock(&lock);
}

static int wait(struct request *request)
{
	const unsigned long timeout =
		msecs_to_jiffies(READ_ONCE(timeout_ms));
	long left = wait_for_completion_killable_timeout(&request->answered,
							 timeout);

	if (left < 0)
		return -EINTR;
	return left ? 0 : -ETIMEDOUT;
}

int queuefs_ask(const char *name, struct queuefs_inode *inode)
{
	struct request request = {};
	struct queuefs_lookup lookup = {};
	int err;

	begin(&request);
	lookup.id = request.id;
	strscpy(lookup.name, name, sizeof(lookup.name));
	err = queuefs_send_lookup(&lookup);
	if (!err)
		err = wait(&request);
	end(&request);
	if (err)
		return err;
	if (request.error)
		return request.error;
	if (!request.has_inode)
		return -EPROTO;
	*inode = request.inode;
	return 0;
}
