// SPDX-License-Identifier: GPL-2.0
#include "log_text.h"

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/string.h>

#define CUT "..."

/* What one byte becomes; returns how long that is. */
static size_t show(char *to, char byte)
{
	if (isascii(byte) && isprint(byte) && byte != '\\') {
		to[0] = byte;
		return 1;
	}
	to[0] = '\\';
	to[1] = 'x';
	to[2] = hex_asc_hi(byte);
	to[3] = hex_asc_lo(byte);
	return 4;
}

void kchan_log_text(char *to, size_t bytes, const char *text, u32 length)
{
	const size_t room = bytes - 1;
	size_t end = 0; /* of what is written */
	size_t cut = 0; /* where the mark still fits */
	u32 i;

	length = strnlen(text, length);
	if (length && text[length - 1] == '\n')
		length--;
	for (i = 0; i < length; i++) {
		char shown[4];
		const size_t size = show(shown, text[i]);

		if (end + size > room) {
			memcpy(to + cut, CUT, strlen(CUT));
			end = cut + strlen(CUT);
			break;
		}
		memcpy(to + end, shown, size);
		end += size;
		if (end + strlen(CUT) <= room)
			cut = end;
	}
	to[end] = '\0';
}
