/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * kchan: channels between the Linux kernel and user space. ABI 1.0.
 *
 * This is the only header that kernel and user space share. It describes two
 * faces of kchan.ko:
 *
 * 1. Control: the generic-netlink family "kchan" (see enum kchan_cmd). It
 *    lists channels, exports their record schemas, configures them, reports
 *    statistics, carries commands into the kernel and announces channels that
 *    come and go. Nothing has to be known in advance but the family's name.
 *
 * 2. Data: a channel's transport, one of enum kchan_transport. Most are
 *    reached by binding a file of /dev/kchan to the channel (KCHAN_IOC_ATTACH):
 *    so a container needs one device node, and new channels need none.
 *
 * A ring's life, as its reader sees it:
 *
 *	fd = open("/dev/kchan", O_RDWR | O_CLOEXEC);
 *	ioctl(fd, KCHAN_IOC_ATTACH, &attach);     bind fd to one ring
 *	mmap(.. PROT_READ | PROT_WRITE ..)        the consumer page
 *	mmap(.. PROT_READ ..)                     producer, info and data pages
 *	for (;;) {
 *		load-acquire producer_pos; read records below it;
 *		store-release consumer_pos;
 *		store wake_pos; full barrier; look again; poll(fd);
 *	}
 *
 * Every attempt to write a record takes one number of its ring, whether the
 * record was stored or lost; a record says in lost_before how many attempts
 * failed since the record before it. Nothing can vanish uncounted. Losses that
 * no record follows are announced by EPOLLPRI and read by KCHAN_IOC_COUNTERS.
 *
 * All integers are in the kernel's byte order. Structures have no implicit
 * padding and the same layout for 32-bit callers; the module itself is 64-bit
 * only.
 *
 * Rules for this ABI. The major number changes when an existing user would
 * misread the kernel (a layout, a meaning, a removal); sides with different
 * majors refuse each other. The minor number changes when something is added
 * (an attribute, a command, an ioctl, a feature bit); a user must ignore what
 * it does not know. A feature that a user has to look for has a feature bit.
 * Reserved fields are zero and are checked to be zero. Enumerators are never
 * renumbered or reused.
 */
#ifndef _UAPI_LINUX_KCHAN_H
#define _UAPI_LINUX_KCHAN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KCHAN_ABI_MAJOR 1
#define KCHAN_ABI_MINOR 0

/* Feature bits, in KCHAN_A_FEATURES and struct kchan_info_page. */
#define KCHAN_FEATURE_RING_PER_CPU (1ULL << 0)
#define KCHAN_FEATURE_RING_SHARED (1ULL << 1)
#define KCHAN_FEATURE_GENL_RECORDS (1ULL << 2)
#define KCHAN_FEATURE_GENL_COMMANDS (1ULL << 3)
#define KCHAN_FEATURE_RING_TO_KERNEL (1ULL << 4)
#define KCHAN_FEATURE_CHARDEV (1ULL << 5)
#define KCHAN_FEATURE_RELAY (1ULL << 6)
#define KCHAN_FEATURE_VALUE (1ULL << 7)
#define KCHAN_FEATURE_BLOCK (1ULL << 8)
#define KCHAN_FEATURE_FILE (1ULL << 9)
#define KCHAN_FEATURE_LOG (1ULL << 10)

#define KCHAN_DEVICE_NAME "kchan" /* /dev/kchan */

/* Sizes of strings include the terminating NUL. */
#define KCHAN_NAME_BYTES 64 /* of a channel, field, type or parameter */
#define KCHAN_UNIT_BYTES 16
#define KCHAN_DOC_BYTES 256

#define KCHAN_MAX_RECORD_BYTES 65536U /* payload of one record */
#define KCHAN_MAX_FIELDS 128 /* in one record type */
#define KCHAN_MAX_TYPES 32 /* record types in one schema */
#define KCHAN_MIN_RING_BYTES 16384U
#define KCHAN_MAX_RING_BYTES (1U << 30)
#define KCHAN_DEFAULT_BUDGET_BYTES (8U << 20)
#define KCHAN_DEFAULT_LINGER_MS 60000U

/* ---- What a channel is ------------------------------------------------- */

enum kchan_transport {
	KCHAN_TRANSPORT_UNSPEC = 0,
	KCHAN_TRANSPORT_RING = 1, /* shared memory, /dev/kchan */
	KCHAN_TRANSPORT_GENL = 2, /* generic-netlink messages */
	KCHAN_TRANSPORT_CHARDEV = 3, /* read() and write() */
	KCHAN_TRANSPORT_RELAY = 4, /* per-CPU relay buffers under debugfs */
	KCHAN_TRANSPORT_VALUE = 5, /* words that are set, not streamed */
	KCHAN_TRANSPORT_BLOCK = 6, /* a RAM-backed block device */
	KCHAN_TRANSPORT_FILE = 7, /* a regular file that the kernel writes */
	KCHAN_TRANSPORT_LOG = 8, /* lines in the kernel log */
};

/* How much data a channel is made for: what a person wants to know first. */
enum kchan_volume {
	KCHAN_VOLUME_UNSPEC = 0,
	KCHAN_VOLUME_VALUE = 1, /* the latest value only */
	KCHAN_VOLUME_MESSAGES = 2, /* up to thousands a second */
	KCHAN_VOLUME_STREAM = 3, /* up to millions a second */
	KCHAN_VOLUME_BULK = 4, /* random access to a region */
};

/* Bits: a channel may have both. Named from where the data goes. */
#define KCHAN_DIRECTION_TO_USER (1U << 0)
#define KCHAN_DIRECTION_TO_KERNEL (1U << 1)

/*
 * How many rings a channel has. PER_CPU: one for each possible CPU, written
 * without locks, no order between CPUs but by time. SHARED: one, one total
 * order, writers serialise on a raw spinlock.
 */
enum kchan_layout {
	KCHAN_LAYOUT_UNSPEC = 0,
	KCHAN_LAYOUT_PER_CPU = 1,
	KCHAN_LAYOUT_SHARED = 2,
};

/*
 * Admission of writers, around the transport's own integrity. Of a VALUE
 * channel: LOCK_FREE means that each word is atomic by itself, any other that
 * all words change together.
 */
enum kchan_policy {
	KCHAN_POLICY_UNSPEC = 0,
	KCHAN_POLICY_LOCK_FREE = 1, /* per-CPU buffers, single words */
	KCHAN_POLICY_SPINLOCK = 2,
	KCHAN_POLICY_MUTEX = 3, /* process context only */
	KCHAN_POLICY_SEMAPHORE = 4, /* process context only, n at a time */
};

/* The highest context that a channel is written from; ordered. */
enum kchan_context {
	KCHAN_CONTEXT_UNSPEC = 0,
	KCHAN_CONTEXT_PROCESS = 1,
	KCHAN_CONTEXT_SOFTIRQ = 2,
	KCHAN_CONTEXT_HARDIRQ = 3,
	KCHAN_CONTEXT_NMI = 4,
};

enum kchan_state {
	KCHAN_STATE_UNSPEC = 0,
	KCHAN_STATE_IDLE = 1, /* registered, source disabled, no memory */
	KCHAN_STATE_LIVE = 2, /* attached (or lingering), source enabled */
	KCHAN_STATE_DEAD = 3, /* unregistered or quiesced; no record follows */
};

/* ---- Records in a ring ------------------------------------------------- */

#define KCHAN_RECORD_DISCARD (1U << 31)
#define KCHAN_RECORD_LENGTH_MASK (~KCHAN_RECORD_DISCARD)
#define KCHAN_RECORD_ALIGN 8U

/*
 * Precedes each payload; 8-aligned. A record takes
 * sizeof(struct kchan_record) + length rounded up to KCHAN_RECORD_ALIGN bytes.
 * Records may run over the end of the data area into its second mapping, so
 * they are always contiguous in memory.
 */
struct kchan_record {
	__u32 length; /* of the payload; bit 31: KCHAN_RECORD_DISCARD, skip it */
	__u16 type; /* which of the schema's record types; from 1 */
	__u16 flags; /* in the ring of all CPUs: the CPU that wrote it; else 0 */
	__u64 boottime_ns; /* CLOCK_BOOTTIME when it was reserved */
	__u64 lost_before; /* attempts lost since the header before this one */
};

/*
 * Precedes each payload where records travel as bytes: read from an attached
 * CHARDEV channel, from relay buffers, from the kernel's file; and written by
 * user space. A frame takes sizeof(struct kchan_frame) + length rounded up to
 * KCHAN_RECORD_ALIGN bytes, the padding is zero. The sequence counts every
 * attempt of its stream (of a CPU's buffer for RELAY, else of the channel), so
 * a gap between two frames is how many were lost.
 *
 * Losses that no record follows (yet) may be told by a frame of type
 * KCHAN_FRAME_LOST, without a payload: all numbers up to its sequence are used
 * up, its own included, and none that has not come by now will.
 */
#define KCHAN_FRAME_LOST 0U

#define KCHAN_FRAME_MAGIC 0x4d52464bU /* "KFRM": where to start again in a torn file */

struct kchan_frame {
	__u32 magic;
	__u32 length; /* of the payload */
	__u16 type;
	__u16 flags; /* reserved, 0 */
	__u32 cpu; /* that wrote it; 0 from user space */
	__u64 boottime_ns; /* 0 from user space */
	__u64 sequence; /* from 1; 0 from user space */
};

/* ---- Mapped pages ------------------------------------------------------ */

/*
 * Offsets for mmap(), in pages of sysconf(_SC_PAGESIZE). The consumer page is
 * the only one that may be mapped writable, alone, MAP_SHARED. One read-only
 * mapping may cover any run of the others. The data area, data_bytes long, is
 * mapped twice in a row.
 */
#define KCHAN_PAGE_CONSUMER 0
#define KCHAN_PAGE_PRODUCER 1
#define KCHAN_PAGE_INFO 2
#define KCHAN_PAGE_DATA 3

/*
 * Written by the reader, never trusted by the kernel. It survives its reader
 * for as long as the channel lingers, so that the next one continues where
 * the last one stopped. Positions are byte counts that never wrap to zero
 * within a generation; a record's offset is position & (data_bytes - 1).
 */
struct kchan_consumer_page {
	__u64 consumer_pos; /* everything below has been copied out */
	__u64 reserved0[7];
	__u64 wake_pos; /* wake me when producer_pos reaches this */
	__u64 reserved1[7];
	__u64 lost_seen; /* losses of this ring accounted for so far */
	__u64 reserved2[7];
};

/*
 * Written by the kernel. Everything below producer_pos is complete, so a
 * load-acquire of producer_pos is all a running reader needs. pos, sequence
 * and lost belong together: to read them as one, read version (even), the
 * three, version again, and retry if it changed.
 *
 *	sequence = records stored + losses carried in their headers
 *
 * both counted from the generation's start up to producer_pos.
 */
struct kchan_producer_page {
	__u64 version; /* odd while the three below are being stored */
	__u64 producer_pos;
	__u64 producer_seq;
	__u64 producer_lost; /* the part of producer_seq that was lost */
	__u64 reserved[4];
};

#define KCHAN_INFO_MAGIC 0x6e61686bU /* "khan" */

struct kchan_info_page {
	__u32 magic;
	__u16 abi_major;
	__u16 abi_minor;
	__u64 features;
	__u64 generation; /* random, not zero; new after each activation */
	__u64 data_bytes; /* power of two */
	__u32 page_bytes;
	__u32 cpu; /* or KCHAN_CPU_SHARED */
	__u32 clock_id; /* CLOCK_BOOTTIME */
	__u32 state; /* enum kchan_state; a load-acquire of DEAD ends reading */
	char channel[KCHAN_NAME_BYTES];
};

/* ---- ioctls of /dev/kchan ---------------------------------------------- */

#define KCHAN_CPU_SHARED 0xffffffffU /* the ring of KCHAN_LAYOUT_SHARED */

/* Which end of its channel a file becomes. */
enum kchan_role {
	KCHAN_ROLE_READER = 0, /* takes what the kernel writes */
	KCHAN_ROLE_WRITER = 1, /* RING: hands records to the kernel */
};

/*
 * KCHAN_IOC_ATTACH binds an open file to a channel (of a RING channel: to one
 * ring) and enables the channel's source if it was idle. Needs a file opened
 * O_RDWR, or, to write to a CHARDEV channel only, O_WRONLY. On success the out
 * fields are filled in. What the file can do then depends on the transport:
 *
 *   RING	reader: mmap(), poll(), KCHAN_IOC_COUNTERS
 *		writer: mmap() of the data area, KCHAN_IOC_DOORBELL
 *   CHARDEV	read(), write(), poll(): whole frames
 *   VALUE	mmap() of struct kchan_value_page, poll(),
 *		KCHAN_IOC_VALUE_READ, KCHAN_IOC_VALUE_CHANGE
 *   FILE	reader: KCHAN_IOC_FILE_HAND, KCHAN_IOC_FILE_STATUS, poll()
 *		writer: KCHAN_IOC_FILE_HAND of commands; any number of them
 *   others	no attach: GENL, RELAY and LOG channels are enabled by
 *		KCHAN_CMD_ENABLE; a BLOCK channel is always on
 *
 *   EPROTONOSUPPORT	abi_major is not the kernel's; abi_* say what it has
 *   EBADF		the file was not opened so
 *   EALREADY		this file is bound already
 *   EBUSY		the ring, or the FILE channel, has a reader; the channel has
 *			KCHAN_MAX_RING_WRITERS
 *   ENOENT		no channel of this name
 *   EOPNOTSUPP		the channel's transport is not reached so, or it does not
 *			have this role
 *   ENXIO		no such CPU, one that was never up (RING_NEW_NTF tells
 *			when it is), or SHARED and PER_CPU mixed up
 *   E2BIG		possible CPUs times the smallest ring exceed the budget:
 *			raise the budget or register the channel as shared.
 *			Writer: the areas of the channel's writers together
 *			would exceed its budget
 *   ENOMEM		the ring could not be allocated
 *   ESHUTDOWN		the module is quiesced, or the channel is going away
 *   EINVAL		a reserved field is not zero, the name has no NUL;
 *			data_bytes of a writer is no power of two, too large, or
 *			too small for the channel's longest record
 *   EINTR		a fatal signal came
 *   others		what the channel's source failed to start with
 */
struct kchan_attach {
	__u16 abi_major; /* in: the caller's; out: the kernel's */
	__u16 abi_minor;
	__u32 cpu; /* in: of a per-CPU RING channel's reader, else SHARED */
	char channel[KCHAN_NAME_BYTES]; /* in */
	__u64 generation; /* out */
	/*
	 * Out: length of the data area, mapped once. In, of a writer: what it
	 * would like, a power of two; 0 for the kernel's choice (256 KiB).
	 */
	__u64 data_bytes;
	__u32 role; /* in: enum kchan_role */
	__u32 reserved0; /* 0 */
	__u64 sequence; /* out: CHARDEV: the last number that had been read */
	__u64 reserved[2]; /* 0 */
};

/*
 * KCHAN_IOC_COUNTERS reads the attached ring's counters: monotonic within a
 * generation, each exact, not mutually atomic. ENOTCONN: not attached.
 *
 *	records + discarded == successful reservations
 *	records + lost      == attempts to write a record that was not withdrawn
 */
struct kchan_ring_counters {
	__u64 generation;
	__u64 records; /* committed */
	__u64 bytes; /* ring space they took, headers included */
	__u64 discarded; /* reserved, then withdrawn by their writer */
	__u64 lost; /* the sum of the causes below */
	__u64 lost_full; /* no space left before the reader */
	__u64 lost_no_ring; /* the CPU had no ring yet */
	__u64 lost_contended; /* refused: recursion, NMI against a held lock */
	__u64 lost_oversize; /* larger than the ring or the channel allows */
	__u64 bad_consumer_pos; /* positions seen that could not be true */
	__u64 wakeups; /* sent to the reader */
	__u64 read_sequence; /* RELAY: the last number read, or told as lost */
	__u64 reserved[4];
};

#define KCHAN_IOC_MAGIC 0xC4
#define KCHAN_IOC_ATTACH _IOWR(KCHAN_IOC_MAGIC, 1, struct kchan_attach)
#define KCHAN_IOC_COUNTERS _IOR(KCHAN_IOC_MAGIC, 2, struct kchan_ring_counters)

/*
 * User space to kernel through memory (KCHAN_ROLE_WRITER). The file has a data
 * area of its own, which it maps shared and writable at offset 0, data_bytes
 * long or twice that in one mapping (the area then shows twice in a row). It
 * holds records as a ring does: struct kchan_record (boottime_ns and
 * lost_before are ignored), payload, padding to KCHAN_RECORD_ALIGN; positions
 * are byte counts, offset = position & (data_bytes - 1).
 *
 * KCHAN_IOC_DOORBELL hands the records in [the kernel's tail, head) to the
 * channel's receive callback, in the caller's context, in order, each copied
 * to kernel memory before it is looked at. The tail is the kernel's own, never
 * read back from user space. It stops after max_records, at a fatal signal
 * (EINTR only if it took none), or at a record that cannot be one (the tail
 * then stays at that record until the file is attached anew). The status of
 * each record, as KCHAN_CMD_SEND would give it, goes to `statuses`; a refused
 * record does not stop the rest. A record with KCHAN_RECORD_DISCARD is passed
 * over and has no status. One doorbell at a time per file; the others wait.
 *
 * The channel's source need not be enabled, and is not by this. With an error,
 * too, count and tail say how far it came (but for EFAULT of the request).
 *
 *   EBADMSG	a record's length passes head or the channel's bound, or its
 *		flags are not 0
 *   EINVAL	head is behind the tail, more than data_bytes before it or not
 *		aligned, or max_records is 0 or above KCHAN_MAX_DOORBELL_RECORDS
 *   EFAULT	`statuses` or `text` is no memory: the record whose status could
 *		not be stored was handed over
 *   ESHUTDOWN	the channel is dead; the record at the tail was not handed over
 *
 * poll(): EPOLLOUT unless dead; EPOLLHUP dead.
 */
#define KCHAN_MAX_DOORBELL_RECORDS 4096U
#define KCHAN_MAX_RING_WRITERS 64U /* of one channel */

struct kchan_doorbell {
	__u64 head; /* in */
	__u64 tail; /* out: records below are done, their space is free */
	__u64 statuses; /* in: pointer to __s32[max_records]; 0 or -errno each */
	/*
	 * in: 0, or pointer to char[KCHAN_DOC_BYTES]: what the channel says
	 * about the first refusal, empty if there is none or it has no words
	 */
	__u64 text;
	__u32 max_records; /* in */
	__u32 count; /* out: statuses stored */
};

#define KCHAN_IOC_DOORBELL _IOWR(KCHAN_IOC_MAGIC, 3, struct kchan_doorbell)

/* ---- CHARDEV ------------------------------------------------------------- */

/*
 * The ends, so that nobody has to turn them round: the module emits, user space
 * reads; user space writes, the module receives.
 *
 * A channel has a device node of its own, /dev/kchan.<name> (0600 until udev
 * says otherwise), for programs that know nothing of kchan: a read() gives one
 * record's payload and never two; a write() is one record, of the channel's
 * first type that goes to the kernel. An attached file of /dev/kchan gives and
 * takes the same records as frames (struct kchan_frame), as many whole ones as
 * fit into the buffer, and tells losses that no record follows
 * (KCHAN_FRAME_LOST). Of a written frame only magic, length and type are looked
 * at. Files that are open for reading enable the channel's source.
 *
 * A record without a payload is not shown by the node, where it could not be
 * told from the end of the file.
 *
 * A channel of bytes (see KCHAN_A_BYTE_STREAM) has no record boundaries on its
 * node: a read() gives as much as there is and fits, in the middle of a record,
 * too; a write() of any length is cut into records. Of a record that the node
 * has given a part of, a frame has the rest.
 *
 * Several readers: each record goes to exactly one of them, the one that has
 * waited longest; only that one is woken. A gap in a reader's frames is then
 * what was lost or went to others.
 *
 * read()
 *   EMSGSIZE	the buffer cannot hold the next record or frame, which stays
 *   EAGAIN	nothing to read, or others were first, with O_NONBLOCK
 *   EINTR	a signal came while it waited (or it restarts: SA_RESTART)
 *   EOPNOTSUPP	the channel goes to the kernel only
 *   0		end of file: the channel is dead and all is read
 *
 * write() returns the number of bytes, or what the module's receive callback
 * said. Of several frames, how many bytes were taken before the first that was
 * refused.
 *   EMSGSIZE	longer than the channel's longest record
 *   EINVAL	shorter than its type's fixed part, or no such type
 *   EBADMSG	what is written is not a whole frame
 *   EOPNOTSUPP	the channel goes to user space only
 *   ESHUTDOWN	it is dead
 *
 * poll(): EPOLLIN something to read; EPOLLOUT it can be written to; EPOLLHUP it
 * is dead.
 */
#define KCHAN_NODE_PREFIX "kchan." /* /dev/kchan.<channel>, CHARDEV and BLOCK */

/* ---- VALUE ------------------------------------------------------------- */

#define KCHAN_MAX_WORDS 64U
#define KCHAN_VALUE_MAGIC 0x6c61766bU /* "kval" */

/*
 * Mapped read-only at offset 0 of an attached file; also behind sysfs, one
 * attribute for each word: /sys/class/kchan/<channel>/values/<field>.
 *
 * The words are the fields of the channel's one record type, in order, each 8
 * bytes at its offset in `words`. version grows by two with every change (a store
 * of what is there already is none), so a reader knows how many it did not see;
 * it is odd while several words are being changed together, which takes a few
 * stores. To read them as one: version (even), the words, version again; retry
 * if it changed. Words of a KCHAN_POLICY_LOCK_FREE channel change one by one:
 * what is read may be newer than its version, never older.
 */
struct kchan_value_page {
	__u32 magic;
	__u32 word_count;
	__u64 generation;
	__u64 version;
	__u64 boottime_ns; /* of the last change */
	__u32 state; /* enum kchan_state */
	__u32 reserved0;
	__u64 reserved[3];
	__u64 words[KCHAN_MAX_WORDS];
};

/*
 * KCHAN_IOC_VALUE_READ: all words as one. The file has then seen this version:
 * poll() gives EPOLLIN | EPOLLPRI iff there is a newer one, EPOLLHUP if dead. A
 * file that has read nothing yet has seen none.
 */
struct kchan_value_read {
	__u64 version; /* out, even */
	__u64 boottime_ns; /* out */
	__u32 word_count; /* out */
	__u32 state; /* out, enum kchan_state */
	__u64 words[KCHAN_MAX_WORDS]; /* out */
};

enum kchan_value_operation {
	KCHAN_VALUE_SET = 1,
	KCHAN_VALUE_ADD = 2, /* wraps; the operand may be negative */
	KCHAN_VALUE_COMPARE_AND_SWAP = 3,
};

/*
 * KCHAN_IOC_VALUE_CHANGE: one word, atomically. EPERM: the word is the
 * module's; ERANGE: no such word; EINVAL: no such operation, or reserved is not
 * 0; ESHUTDOWN: the channel is dead; EINTR: a fatal signal came; what the
 * module's set_value says.
 */
struct kchan_value_change {
	__u32 word; /* in: its index */
	__u32 operation; /* in */
	__u64 operand; /* in */
	__u64 expected; /* in, COMPARE_AND_SWAP */
	__u64 before; /* out */
	__u64 after; /* out */
	__u32 applied; /* out: 0 if COMPARE_AND_SWAP found another value */
	__u32 reserved; /* 0 */
};

#define KCHAN_IOC_VALUE_READ _IOR(KCHAN_IOC_MAGIC, 4, struct kchan_value_read)
#define KCHAN_IOC_VALUE_CHANGE \
	_IOWR(KCHAN_IOC_MAGIC, 5, struct kchan_value_change)

/* ---- RELAY --------------------------------------------------------------- */

/*
 * While a RELAY channel is enabled (KCHAN_CMD_ENABLE) each CPU that is or was
 * up has a file <path>/cpu<N> (see KCHAN_A_PATH), which holds frames. A file
 * that was opened can be read to the end after it is gone; the next generation
 * has new ones.
 *
 * One reader per file. What was read is gone; the next reader goes on behind
 * it. A full buffer loses the new record, or, with KCHAN_A_OVERWRITE, the
 * oldest sub-buffer: both show as gaps. Losses that no record follows are told
 * by KCHAN_FRAME_LOST, and by KCHAN_CMD_STATS_GET; the latter also says up to
 * which number each file was read (KCHAN_STATS_A_READ_SEQUENCE), so that a
 * reader knows what is missing before its first frame.
 *
 * open(): EBUSY: it has a reader; EAGAIN: it is just being made.
 * read(): as many whole frames as fit; never waits: 0 if there is nothing to
 * read now. EMSGSIZE: the buffer cannot hold the next frame, which stays.
 * poll(): EPOLLIN something to read, also of a sub-buffer that is not full yet;
 * EPOLLHUP no record follows, what is there can still be read.
 */

/* ---- BLOCK --------------------------------------------------------------- */

/*
 * A region of memory as a disk, /dev/kchan.<channel> (0600 until udev says
 * otherwise), KCHAN_A_CAPACITY_BYTES long. What was never written, or was
 * discarded, reads as zeros. Nobody looks for partitions on it.
 *
 * The module writes behind the page cache: open it with O_DIRECT to see that;
 * buffers, offsets and lengths are then multiples of KCHAN_A_BLOCK_BYTES. A
 * block is read and written whole, also against the module.
 *
 * fsync() returns when the module has been told of all that was written before;
 * until then no signal ends it, as on any disk.
 * Once the channel is dead each request fails; its memory is gone with the
 * channel, whoever still has the disk open.
 */

/* ---- FILE ---------------------------------------------------------------- */

enum kchan_file_role {
	KCHAN_FILE_OUTPUT = 1, /* the kernel appends frames */
	KCHAN_FILE_COMMANDS = 2, /* the kernel reads frames, now */
};

enum kchan_file_sync {
	KCHAN_SYNC_NONE = 0, /* as the file system pleases */
	KCHAN_SYNC_BYTES = 1, /* after each sync_bytes, and at the end */
	KCHAN_SYNC_ALWAYS = 2, /* after each turn of writing */
};

/*
 * KCHAN_IOC_FILE_HAND gives the kernel a regular file that the caller has
 * opened; the kernel never opens a path.
 *
 * OUTPUT: the kernel appends frames to it, with the rights of the opener, until
 * the next file is handed over (rotation: at the end of a frame, the previous
 * one synchronised as its policy says and let go of). One file of /dev/kchan at
 * a time may do so (its reader; ATTACH: EBUSY). Once that is closed, or whoever
 * had it was killed, the kernel goes on with the file that it has for as long as
 * the channel lingers: the next reader hands over another, finds in the previous
 * one what was written meanwhile, and is told where that ends. The kernel lets
 * go of it when the linger is over or the channel dies (its module is unloaded,
 * KCHAN_CMD_QUIESCE); the file's mount is busy until then.
 *
 * What is emitted while there is no file, the disk is full, or the next frame
 * would make the file longer than max_bytes, waits in the channel's queue:
 * nothing is lost until that is full.
 *
 * COMMANDS: reads frames from the file's position, which moves, to its end,
 * hands each to the receive callback, and returns; the file is not kept. A
 * command that is refused does not stop the rest. The out fields are filled in
 * also where it fails. The channel's source need not be enabled, and is not by
 * a writer.
 *
 *   EBADF	not opened for writing (COMMANDS: for reading)
 *   EINVAL	not a regular file of a file system that stores files, opened
 *		O_DIRECT, or nonsense in another field
 *   EFAULT	`text` is no memory
 *   EBADMSG	COMMANDS: something that is no whole frame, at `position`
 *   EOPNOTSUPP	the channel does not go in this direction; OUTPUT: this file of
 *		/dev/kchan is a writer's
 *   ESHUTDOWN	it is dead
 *   EINTR	a fatal signal; COMMANDS: before the first was taken
 *   others	COMMANDS: of reading
 */
#define KCHAN_FILE_MIN_BYTES 131072U /* of max_bytes */

struct kchan_file_hand {
	__s32 fd; /* in */
	__u32 role; /* in */
	__u32 sync; /* in, enum kchan_file_sync */
	__u32 status; /* out, COMMANDS: the first refusal, as an errno */
	__u64 sync_bytes; /* in */
	__u64 position; /* out: OUTPUT: where the previous file's last whole
			 * frame ends; COMMANDS: the last frame taken
			 */
	__u64 sequence; /* out: OUTPUT: the last number in the previous file */
	__u64 records; /* out, COMMANDS: frames taken */
	__u64 max_bytes; /* in, OUTPUT: how long the file may get, at least
			  * KCHAN_FILE_MIN_BYTES; 0: no bound
			  */
	/*
	 * in, COMMANDS: 0, or pointer to char[KCHAN_DOC_BYTES]: what the
	 * channel says about the first refusal, empty if there is none or it
	 * has no words
	 */
	__u64 text;
	__u64 reserved[2]; /* 0 */
};

/*
 * KCHAN_IOC_FILE_STATUS: how far the kernel is in the file that it writes. The
 * file of /dev/kchan has then seen this: poll() gives EPOLLIN iff more was
 * written since, EPOLLPRI iff more was lost, or error or full is another, EPOLLHUP
 * if the channel is dead.
 */
struct kchan_file_status {
	__u64 generation;
	__u64 position; /* where the current file's last whole frame ends */
	__u64 sequence; /* last number used up: written or lost */
	__u64 records; /* written, in all files of the generation */
	__u64 lost; /* sequence - records */
	__u64 synced; /* bytes of the current file known to be on disk */
	__u32 error; /* errno of the last failed write or synchronisation; 0
		      * once a write succeeds
		      */
	__u32 has_file;
	__u32 full; /* records wait: the file may get no longer */
	__u32 reserved0;
	__u64 reserved;
};

#define KCHAN_IOC_FILE_HAND _IOWR(KCHAN_IOC_MAGIC, 6, struct kchan_file_hand)
#define KCHAN_IOC_FILE_STATUS _IOR(KCHAN_IOC_MAGIC, 7, struct kchan_file_status)

/* ---- LOG ----------------------------------------------------------------- */

/*
 * A LOG channel's record is one line of the kernel log, tagged with the
 * channel's device (the dictionary of /dev/kmsg has SUBSYSTEM=kchan and
 * DEVICE=+kchan:<channel>), and its text is "<channel>#<sequence>: <text>".
 * Bytes that are not printable ASCII, and backslashes, are shown as \xHH; a text
 * that is too long for the log ends in "...".
 *
 * Every line takes a number. Those that the rate limit or the queue withheld
 * are summed up when the limit's interval is over by a line of the form
 * "<channel>: <count> lines withheld, up to #<sequence>", which takes none: of
 * the numbers up to that one, count are missing that no such line has counted
 * before.
 *
 * The channel's one type is KCHAN_LOG_TYPE_LINE, with one field `text`.
 */
#define KCHAN_LOG_TYPE_LINE 1U

/*
 * poll() on an attached RING file:
 *   EPOLLIN	producer_pos >= wake_pos
 *   EPOLLPRI	the ring's lost count differs from lost_seen
 *   EPOLLHUP	the channel is dead (info page: KCHAN_STATE_DEAD); what is
 *		in the ring can still be read
 * Use level-triggered waiting, or arm before looking.
 */

/* ---- Generic netlink --------------------------------------------------- */

#define KCHAN_GENL_NAME "kchan"
#define KCHAN_GENL_VERSION 1

/* Announcements: KCHAN_CMD_*_NTF. */
#define KCHAN_GENL_GROUP_CHANNELS "channels"
/*
 * Records of all GENL channels (KCHAN_CMD_RECORDS_NTF), in the initial network
 * namespace only; joining needs CAP_NET_ADMIN.
 */
#define KCHAN_GENL_GROUP_RECORDS "records"

/*
 * Commands name their channel by KCHAN_A_CHANNEL_NAME. Errors carry an
 * extended ACK with a text and the offending attribute. "admin" needs
 * CAP_NET_ADMIN in the initial user namespace (GENL_ADMIN_PERM).
 */
enum kchan_cmd {
	KCHAN_CMD_UNSPEC = 0,

	/* do: -> ABI_MAJOR, ABI_MINOR, FEATURES, MODULE_VERSION, QUIESCED,
	 * CHANNEL_COUNT.
	 */
	KCHAN_CMD_NODE_GET = 1,

	/* do: CHANNEL_NAME; dump: nothing. -> one message for each channel:
	 * CHANNEL_ID .. PARAM. Dump consistency is flagged (NLM_F_DUMP_INTR).
	 */
	KCHAN_CMD_CHANNEL_GET = 2,

	/* do: CHANNEL_NAME -> CHANNEL_NAME, SCHEMA. */
	KCHAN_CMD_SCHEMA_GET = 3,

	/* do: CHANNEL_NAME -> CHANNEL_NAME, GENERATION, and a RING_STATS nest
	 * for each ring that has memory or losses (for a GENL channel: one,
	 * its queue).
	 */
	KCHAN_CMD_STATS_GET = 4,

	/* do, admin: CHANNEL_NAME and any of BUDGET_BYTES (from the next
	 * activation), LINGER_MS (from the next release), PARAM (NAME, VALUE;
	 * at once; may repeat). All or nothing.
	 */
	KCHAN_CMD_CHANNEL_SET = 5,

	/* do, admin: CHANNEL_NAME of a channel that is not attached to (GENL,
	 * RELAY, LOG). The sending socket owns the demand; it ends with KCHAN_CMD_DISABLE or when the socket
	 * closes, and the channel lingers: what is written then stays queued
	 * for the next ENABLE. Of a GENL channel: join the
	 * group "records" first, in the initial network namespace.
	 * -> CHANNEL_NAME, GENERATION, SEQUENCE (GENL, LOG: the last number
	 * that had left the queue; RELAY: 0). EOPNOTSUPP: another transport,
	 * or a GENL channel from another network namespace.
	 */
	KCHAN_CMD_ENABLE = 6,
	KCHAN_CMD_DISABLE = 7,

	/* do, admin: CHANNEL_NAME, RECORD_TYPE, PAYLOAD. Hands one record to
	 * the channel's receive callback in the caller's context; the ACK's
	 * errno is the callback's status. EOPNOTSUPP: it takes none.
	 */
	KCHAN_CMD_SEND = 8,

	/* do, admin: all channels become DEAD, new attaches get ESHUTDOWN,
	 * until the module is loaded again. Lets a user of the module let go.
	 */
	KCHAN_CMD_QUIESCE = 9,

	/* Multicast on "channels": the same attributes as CHANNEL_GET. */
	KCHAN_CMD_CHANNEL_NEW_NTF = 10,
	KCHAN_CMD_CHANNEL_CHANGE_NTF = 11, /* state, parameters, sizes */
	KCHAN_CMD_CHANNEL_DEL_NTF = 12, /* CHANNEL_ID, CHANNEL_NAME */
	/* A CPU came up and its ring can be attached: CHANNEL_NAME, CPU. */
	KCHAN_CMD_RING_NEW_NTF = 13,
	KCHAN_CMD_QUIESCE_NTF = 14,

	/* Multicast on "records": CHANNEL_ID, GENERATION, RECORD (any number),
	 * SEQUENCE: the last number covered by this message, losses at its
	 * end included.
	 */
	KCHAN_CMD_RECORDS_NTF = 15,

	__KCHAN_CMD_MAX,
};
#define KCHAN_CMD_MAX (__KCHAN_CMD_MAX - 1)

enum kchan_attr {
	KCHAN_A_UNSPEC = 0,
	KCHAN_A_PAD = 1,

	/* Node. */
	KCHAN_A_ABI_MAJOR = 2, /* u16 */
	KCHAN_A_ABI_MINOR = 3, /* u16 */
	KCHAN_A_FEATURES = 4, /* u64, KCHAN_FEATURE_* */
	KCHAN_A_MODULE_VERSION = 5, /* string */
	KCHAN_A_QUIESCED = 6, /* flag */
	KCHAN_A_CHANNEL_COUNT = 7, /* u32 */

	/* Channel. */
	KCHAN_A_CHANNEL_ID = 8, /* u32, unique while the module is loaded */
	KCHAN_A_CHANNEL_NAME = 9, /* string: [a-z0-9_.-], a letter first */
	KCHAN_A_CHANNEL_DOC = 10, /* string */
	KCHAN_A_PROVIDER = 11, /* string, the module that registered it */
	KCHAN_A_TRANSPORT = 12, /* u32, enum kchan_transport */
	KCHAN_A_DIRECTION = 13, /* u32, KCHAN_DIRECTION_* */
	KCHAN_A_LAYOUT = 14, /* u32, enum kchan_layout */
	KCHAN_A_POLICY = 15, /* u32, enum kchan_policy */
	KCHAN_A_CONTEXT = 16, /* u32, enum kchan_context */
	KCHAN_A_STATE = 17, /* u32, enum kchan_state */
	KCHAN_A_GENERATION = 18, /* u64, 0 while idle */
	KCHAN_A_MAX_RECORD_BYTES = 19, /* u32 */
	KCHAN_A_BUDGET_BYTES = 20, /* u64, memory for all rings together */
	KCHAN_A_RING_BYTES = 21, /* u64, of each ring */
	KCHAN_A_RING_COUNT = 22, /* u32, possible rings */
	KCHAN_A_LINGER_MS = 23, /* u32 */
	KCHAN_A_PARAM = 24, /* nest, enum kchan_attr_param; repeated */

	KCHAN_A_SCHEMA = 25, /* nest, enum kchan_attr_schema */
	KCHAN_A_RING_STATS = 26, /* nest, enum kchan_attr_stats; repeated */
	KCHAN_A_CPU = 27, /* u32, or KCHAN_CPU_SHARED */

	/* Records and commands. */
	KCHAN_A_SEQUENCE = 28, /* u64 */
	KCHAN_A_RECORD = 29, /* nest, enum kchan_attr_record; repeated */
	KCHAN_A_RECORD_TYPE = 30, /* u16 */
	KCHAN_A_PAYLOAD = 31, /* binary */

	/* More of a channel. */
	KCHAN_A_PATH = 32, /* string: its device node, or its folder in
			    * debugfs or sysfs, at the usual place
			    */
	KCHAN_A_VOLUME = 33, /* u32, enum kchan_volume */
	KCHAN_A_CAPACITY_BYTES = 34, /* u64, BLOCK */
	KCHAN_A_BLOCK_BYTES = 35, /* u32, BLOCK: extents are multiples */
	KCHAN_A_READ_ONLY = 36, /* flag, BLOCK: for user space */
	KCHAN_A_OVERWRITE = 37, /* flag, RELAY: new records win over old */
	KCHAN_A_BYTE_STREAM = 38, /* flag, CHARDEV: no record boundaries */

	__KCHAN_A_MAX,
};
#define KCHAN_A_MAX (__KCHAN_A_MAX - 1)

/* A parameter of a channel's source that can be set at run time. */
enum kchan_attr_param {
	KCHAN_PARAM_A_UNSPEC = 0,
	KCHAN_PARAM_A_PAD = 1,
	KCHAN_PARAM_A_NAME = 2, /* string */
	KCHAN_PARAM_A_VALUE = 3, /* u64 */
	KCHAN_PARAM_A_MIN = 4, /* u64 */
	KCHAN_PARAM_A_MAX_VALUE = 5, /* u64 */
	KCHAN_PARAM_A_DEFAULT = 6, /* u64 */
	KCHAN_PARAM_A_UNIT = 7, /* string */
	KCHAN_PARAM_A_DOC = 8, /* string */
	__KCHAN_PARAM_A_MAX,
};
#define KCHAN_PARAM_A_MAX (__KCHAN_PARAM_A_MAX - 1)

enum kchan_attr_stats {
	KCHAN_STATS_A_UNSPEC = 0,
	KCHAN_STATS_A_PAD = 1,
	KCHAN_STATS_A_CPU = 2, /* u32 */
	KCHAN_STATS_A_RING_BYTES = 3, /* u64 */
	KCHAN_STATS_A_FILL_BYTES = 4, /* u64, unread */
	KCHAN_STATS_A_RECORDS = 5, /* u64; this and below: */
	KCHAN_STATS_A_BYTES = 6, /* u64  struct kchan_ring_counters */
	KCHAN_STATS_A_DISCARDED = 7, /* u64 */
	KCHAN_STATS_A_LOST = 8, /* u64 */
	KCHAN_STATS_A_LOST_FULL = 9, /* u64 */
	KCHAN_STATS_A_LOST_NO_RING = 10, /* u64 */
	KCHAN_STATS_A_LOST_CONTENDED = 11, /* u64 */
	KCHAN_STATS_A_LOST_OVERSIZE = 12, /* u64 */
	KCHAN_STATS_A_BAD_CONSUMER_POS = 13, /* u64 */
	KCHAN_STATS_A_WAKEUPS = 14, /* u64 */
	KCHAN_STATS_A_HAS_READER = 15, /* flag */
	KCHAN_STATS_A_READ_SEQUENCE = 16, /* u64, of RELAY */
	__KCHAN_STATS_A_MAX,
};
#define KCHAN_STATS_A_MAX (__KCHAN_STATS_A_MAX - 1)

/*
 * One record in KCHAN_CMD_RECORDS_NTF. Its number within the generation is
 * SEQUENCE; LOST_BEFORE of the numbers before it were lost in the channel's
 * queue, any further gap was lost by the multicast.
 */
enum kchan_attr_record {
	KCHAN_RECORD_A_UNSPEC = 0,
	KCHAN_RECORD_A_PAD = 1,
	KCHAN_RECORD_A_SEQUENCE = 2, /* u64, from 1 */
	KCHAN_RECORD_A_LOST_BEFORE = 3, /* u64, absent if 0 */
	KCHAN_RECORD_A_BOOTTIME_NS = 4, /* u64 */
	KCHAN_RECORD_A_CPU = 5, /* u32 */
	KCHAN_RECORD_A_TYPE = 6, /* u16 */
	KCHAN_RECORD_A_PAYLOAD = 7, /* binary */
	__KCHAN_RECORD_A_MAX,
};
#define KCHAN_RECORD_A_MAX (__KCHAN_RECORD_A_MAX - 1)

/* ---- Schemas ----------------------------------------------------------- */

enum kchan_byte_order {
	KCHAN_BYTE_ORDER_UNSPEC = 0,
	KCHAN_BYTE_ORDER_LITTLE = 1,
	KCHAN_BYTE_ORDER_BIG = 2,
};

/*
 * What a field's bytes are. An integer field whose size is a multiple of its
 * type's is an array; so is a STRUCT field whose size is a multiple of its
 * KCHAN_FIELD_A_ELEMENT_BYTES. REST types have size 0 and take everything from
 * their offset to the payload's end; only the last field may be one. LOC types hold a __u32 at the field's offset: the low 16
 * bits are the offset of the bytes from the payload's start, the high 16 bits
 * their length.
 */
enum kchan_field_kind {
	KCHAN_FIELD_UNSPEC = 0,
	KCHAN_FIELD_U8 = 1,
	KCHAN_FIELD_U16 = 2,
	KCHAN_FIELD_U32 = 3,
	KCHAN_FIELD_U64 = 4,
	KCHAN_FIELD_S8 = 5,
	KCHAN_FIELD_S16 = 6,
	KCHAN_FIELD_S32 = 7,
	KCHAN_FIELD_S64 = 8,
	KCHAN_FIELD_BOOL = 9, /* u8, 0 or 1 */
	KCHAN_FIELD_STRING = 10, /* fixed size, ends at the first NUL */
	KCHAN_FIELD_BYTES = 11, /* fixed size */
	KCHAN_FIELD_STRING_LOC = 12,
	KCHAN_FIELD_BYTES_LOC = 13,
	KCHAN_FIELD_STRUCT = 14, /* members in KCHAN_FIELD_A_MEMBER */
	KCHAN_FIELD_STRING_REST = 15, /* ends at a NUL or with the payload */
	KCHAN_FIELD_BYTES_REST = 16,
};

#define KCHAN_MAX_STRUCT_DEPTH 4 /* of STRUCT fields inside each other */

/* How a person wants to see it; never changes the bytes. */
enum kchan_field_display {
	KCHAN_DISPLAY_DEFAULT = 0,
	KCHAN_DISPLAY_HEX = 1,
	KCHAN_DISPLAY_ENUM = 2, /* names in KCHAN_FIELD_A_NAME_OF */
	KCHAN_DISPLAY_FLAGS = 3, /* bits; names in KCHAN_FIELD_A_NAME_OF */
	KCHAN_DISPLAY_IPV4 = 4, /* 4 bytes, network order */
	KCHAN_DISPLAY_IPV6 = 5, /* 16 bytes, network order */
	KCHAN_DISPLAY_MAC = 6, /* 6 bytes */
	KCHAN_DISPLAY_PORT = 7, /* u16, host order */
	KCHAN_DISPLAY_IP = 8, /* 16 bytes: IPv6, or IPv4-mapped */
};

enum kchan_attr_schema {
	KCHAN_SCHEMA_A_UNSPEC = 0,
	KCHAN_SCHEMA_A_BYTE_ORDER = 1, /* u32, enum kchan_byte_order */
	KCHAN_SCHEMA_A_TYPE = 2, /* nest, enum kchan_attr_type; repeated */
	__KCHAN_SCHEMA_A_MAX,
};
#define KCHAN_SCHEMA_A_MAX (__KCHAN_SCHEMA_A_MAX - 1)

enum kchan_attr_type {
	KCHAN_TYPE_A_UNSPEC = 0,
	KCHAN_TYPE_A_ID = 1, /* u16, from 1 */
	KCHAN_TYPE_A_NAME = 2, /* string */
	KCHAN_TYPE_A_DOC = 3, /* string */
	KCHAN_TYPE_A_DIRECTION = 4, /* u32, KCHAN_DIRECTION_* */
	KCHAN_TYPE_A_SIZE = 5, /* u32, of the fixed part, in bytes */
	KCHAN_TYPE_A_FIELD = 6, /* nest, enum kchan_attr_field; repeated */
	__KCHAN_TYPE_A_MAX,
};
#define KCHAN_TYPE_A_MAX (__KCHAN_TYPE_A_MAX - 1)

enum kchan_attr_field {
	KCHAN_FIELD_A_UNSPEC = 0,
	KCHAN_FIELD_A_NAME = 1, /* string */
	KCHAN_FIELD_A_KIND = 2, /* u32, enum kchan_field_kind */
	KCHAN_FIELD_A_DISPLAY = 3, /* u32, enum kchan_field_display */
	KCHAN_FIELD_A_OFFSET = 4, /* u32, from the payload's start */
	KCHAN_FIELD_A_SIZE = 5, /* u32, in bytes */
	KCHAN_FIELD_A_UNIT = 6, /* string */
	KCHAN_FIELD_A_DOC = 7, /* string */
	KCHAN_FIELD_A_NAME_OF = 8, /* nest, enum kchan_attr_name; repeated */
	/* nest, enum kchan_attr_field, offsets from the structure's start;
	 * repeated
	 */
	KCHAN_FIELD_A_MEMBER = 9,
	KCHAN_FIELD_A_ELEMENT_BYTES = 10, /* u32, of one STRUCT */
	KCHAN_FIELD_A_WRITABLE = 11, /* flag: a VALUE channel's word that user
				      * space may change
				      */
	__KCHAN_FIELD_A_MAX,
};
#define KCHAN_FIELD_A_MAX (__KCHAN_FIELD_A_MAX - 1)

/* The name of one value (ENUM) or of one bit mask (FLAGS). */
enum kchan_attr_name {
	KCHAN_NAME_A_UNSPEC = 0,
	KCHAN_NAME_A_PAD = 1,
	KCHAN_NAME_A_VALUE = 2, /* u64 */
	KCHAN_NAME_A_NAME = 3, /* string */
	__KCHAN_NAME_A_MAX,
};
#define KCHAN_NAME_A_MAX (__KCHAN_NAME_A_MAX - 1)

#endif /* _UAPI_LINUX_KCHAN_H */
