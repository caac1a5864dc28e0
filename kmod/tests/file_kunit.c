// SPDX-License-Identifier: GPL-2.0
/* The FILE transport: frames, how long a file may get, files of commands. */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "channel.h"
#include "file_commands.h"
#include "file_output.h"
#include "frame.h"

/* ---- Frames --------------------------------------------------------------- */

static void frames_are_padded_with_zeros_and_no_longer(struct kunit *test)
{
	static const u32 lengths[] = { 0, 1, 7, 8, 9, 63, 64 };
	const u8 payload[64] = { [0 ... 63] = 0x11 };
	u8 *to = kunit_kzalloc(test, SZ_256, GFP_KERNEL);
	size_t i;

	KUNIT_ASSERT_NOT_NULL(test, to);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		const u32 end = sizeof(struct kchan_frame) + lengths[i];
		const u32 bytes = kchan_frame_bytes(lengths[i]);

		KUNIT_EXPECT_EQ(test, bytes % KCHAN_RECORD_ALIGN, 0);
		KUNIT_EXPECT_LT(test, bytes - end, KCHAN_RECORD_ALIGN);
		memset(to, 0xff, SZ_256);
		kchan_frame_write(to, 7, 3, 11, 13, payload, lengths[i]);
		KUNIT_EXPECT_TRUE(test, kchan_frame_is_sane((void *)to));
		KUNIT_EXPECT_EQ(test, ((struct kchan_frame *)to)->length,
				lengths[i]);
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv(to + sizeof(struct kchan_frame),
						     0x11, lengths[i]), NULL);
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv(to + end, 0, bytes - end),
				    NULL);
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv(to + bytes, 0xff,
						     SZ_256 - bytes), NULL);
	}
}

static void what_cannot_be_a_frame_is_seen_by_its_header(struct kunit *test)
{
	struct kchan_frame frame = { .magic = KCHAN_FRAME_MAGIC,
				     .length = KCHAN_MAX_RECORD_BYTES };
	u32 bit;

	KUNIT_EXPECT_TRUE(test, kchan_frame_is_sane(&frame));
	KUNIT_EXPECT_EQ(test, kchan_frame_bytes(frame.length),
			sizeof(frame) + KCHAN_MAX_RECORD_BYTES);
	frame.length++;
	KUNIT_EXPECT_FALSE(test, kchan_frame_is_sane(&frame));
	frame.length = U32_MAX;
	KUNIT_EXPECT_FALSE(test, kchan_frame_is_sane(&frame));
	frame.length = 0;
	for (bit = 0; bit < 32; bit++) {
		frame.magic = KCHAN_FRAME_MAGIC ^ BIT(bit);
		KUNIT_EXPECT_FALSE(test, kchan_frame_is_sane(&frame));
	}
}

/* ---- Files ---------------------------------------------------------------- */

static struct file *new_file(struct kunit *test)
{
	struct file *file = shmem_file_setup("kchan_kunit", 0, VM_NORESERVE);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	return file;
}

static void file_gets_no_longer_than_it_may(struct kunit *test)
{
	const struct kchan_file_hand hand = { .max_bytes = 100 };
	const u8 bytes[64] = {};
	struct kchan_output output;

	kchan_output_open(&output, new_file(test), &hand);
	KUNIT_EXPECT_TRUE(test, kchan_output_has_room(&output, 100));
	KUNIT_EXPECT_FALSE(test, kchan_output_has_room(&output, 101));
	KUNIT_EXPECT_EQ(test, kchan_output_write(&output, bytes, 64), 64);
	KUNIT_EXPECT_TRUE(test, kchan_output_has_room(&output, 36));
	KUNIT_EXPECT_FALSE(test, kchan_output_has_room(&output, 37));
	KUNIT_EXPECT_EQ(test, kchan_output_write(&output, bytes, 37), -EFBIG);
	KUNIT_EXPECT_EQ(test, kchan_output_write(&output, bytes, 36), 36);
	KUNIT_EXPECT_EQ(test, i_size_read(file_inode(output.file)), 100);
	kchan_output_close(&output);
}

static void file_without_a_bound_has_room(struct kunit *test)
{
	const struct kchan_file_hand hand = {};
	struct kchan_output output;

	kchan_output_open(&output, new_file(test), &hand);
	KUNIT_EXPECT_TRUE(test, kchan_output_has_room(&output, U32_MAX));
	kchan_output_close(&output);
}

/* ---- Files of commands ---------------------------------------------------- */

struct command {
	u64 value;
};

static const struct kchan_field command_fields[] = {
	KCHAN_FIELD(struct command, value, U64),
};

static const struct kchan_type command_type =
	KCHAN_TYPE_IN(1, "command", struct command, command_fields);

static int receive(struct kchan *ch, void *priv, u16 type, const void *payload,
		   u32 length, struct netlink_ext_ack *extack)
{
	const struct command *command = payload;
	u64 *sum = priv;

	*sum += command->value;
	if (command->value)
		return 0;
	NL_SET_ERR_MSG(extack, "nothing is no command");
	return -EINVAL;
}

static const struct kchan_ops ops = { .receive = receive };

static struct kchan *new_channel(struct kunit *test, u64 *sum)
{
	struct kchan *ch = kchan_register(&(struct kchan_spec){
		.name = "kunit",
		.transport = KCHAN_TRANSPORT_FILE,
		.direction = KCHAN_DIRECTION_TO_KERNEL,
		.context = KCHAN_CONTEXT_PROCESS,
		.types = &command_type,
		.type_count = 1,
		.ops = &ops,
		.priv = sum,
	});

	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	return ch;
}

static void append(struct kunit *test, struct file *file, const void *bytes,
		   size_t count)
{
	loff_t end = i_size_read(file_inode(file));

	KUNIT_ASSERT_EQ(test, kernel_write(file, bytes, count, &end), count);
}

static void append_command(struct kunit *test, struct file *file, u64 value)
{
	const struct command command = { value };
	u8 frame[sizeof(struct kchan_frame) + sizeof(command)] __aligned(8);

	kchan_frame_write(frame, 1, 0, 0, 0, &command, sizeof(command));
	append(test, file, frame, sizeof(frame));
}

static void commands_are_taken_once_and_the_first_refusal_is_told(struct kunit *test)
{
	struct kchan_file_hand hand = { .role = KCHAN_FILE_COMMANDS };
	char words[KCHAN_DOC_BYTES] = "";
	struct file *file = new_file(test);
	u64 sum = 0;
	struct kchan *ch = new_channel(test, &sum);

	append_command(test, file, 5);
	append_command(test, file, 0);
	append_command(test, file, 7);
	KUNIT_EXPECT_EQ(test, kchan_file_read_commands(ch, file, &hand, words), 0);
	KUNIT_EXPECT_EQ(test, hand.records, 3);
	KUNIT_EXPECT_EQ(test, hand.status, EINVAL);
	KUNIT_EXPECT_STREQ(test, words, "nothing is no command");
	KUNIT_EXPECT_EQ(test, sum, 12);
	hand = (struct kchan_file_hand){};
	KUNIT_EXPECT_EQ(test, kchan_file_read_commands(ch, file, &hand, words), 0);
	KUNIT_EXPECT_EQ(test, hand.records, 0);
	kchan_unregister(ch);
	fput(file);
}

static void torn_command_stops_where_it_begins(struct kunit *test)
{
	const u32 whole = sizeof(struct kchan_frame) + sizeof(struct command);
	char words[KCHAN_DOC_BYTES] = "";
	u64 sum = 0;
	struct kchan *ch = new_channel(test, &sum);
	u32 torn;

	for (torn = 1; torn < whole; torn++) {
		struct kchan_file_hand hand = {};
		struct file *file = new_file(test);

		append_command(test, file, 1);
		append_command(test, file, 1);
		KUNIT_ASSERT_EQ(test, vfs_truncate(&file->f_path, whole + torn),
				0);
		KUNIT_EXPECT_EQ(test, kchan_file_read_commands(ch, file, &hand,
							       words), -EBADMSG);
		KUNIT_EXPECT_EQ(test, hand.records, 1);
		KUNIT_EXPECT_EQ(test, hand.position, whole);
		KUNIT_EXPECT_EQ(test, file->f_pos, whole);
		fput(file);
	}
	KUNIT_EXPECT_EQ(test, sum, whole - 1);
	kchan_unregister(ch);
}

static void longest_frame_is_read_and_one_longer_is_not(struct kunit *test)
{
	struct kchan_frame header = { .magic = KCHAN_FRAME_MAGIC, .type = 1,
				      .length = KCHAN_MAX_RECORD_BYTES };
	u8 *payload = kunit_kzalloc(test, KCHAN_MAX_RECORD_BYTES, GFP_KERNEL);
	struct kchan_file_hand hand = {};
	char words[KCHAN_DOC_BYTES] = "";
	struct file *file = new_file(test);
	u64 sum = 0;
	struct kchan *ch = new_channel(test, &sum);

	KUNIT_ASSERT_NOT_NULL(test, payload);
	append(test, file, &header, sizeof(header));
	append(test, file, payload, KCHAN_MAX_RECORD_BYTES);
	header.length++;
	append(test, file, &header, sizeof(header));
	append(test, file, payload, KCHAN_MAX_RECORD_BYTES);
	KUNIT_EXPECT_EQ(test, kchan_file_read_commands(ch, file, &hand, words),
			-EBADMSG);
	KUNIT_EXPECT_EQ(test, hand.records, 1);
	/* It is longer than the channel's. */
	KUNIT_EXPECT_EQ(test, hand.status, EMSGSIZE);
	kchan_unregister(ch);
	fput(file);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(frames_are_padded_with_zeros_and_no_longer),
	KUNIT_CASE(what_cannot_be_a_frame_is_seen_by_its_header),
	KUNIT_CASE(file_gets_no_longer_than_it_may),
	KUNIT_CASE(file_without_a_bound_has_room),
	KUNIT_CASE(commands_are_taken_once_and_the_first_refusal_is_told),
	KUNIT_CASE(torn_command_stops_where_it_begins),
	KUNIT_CASE(longest_frame_is_read_and_one_longer_is_not),
	{}
};

static struct kunit_suite suite = {
	.name = "kchan_file",
	.test_cases = cases,
};
kunit_test_suite(suite);
