/* SPDX-License-Identifier: GPL-2.0 */
/* Text that is fit for a line of the kernel log. Pure; any context. */
#ifndef _KCHAN_LOG_TEXT_H
#define _KCHAN_LOG_TEXT_H

#include <linux/types.h>

/*
 * Writes `length` bytes of text to `to`, NUL-terminated: printable ASCII as it
 * is, all else and backslashes as \xHH, so that no text can forge a line of
 * its own or an escape of the reader's terminal, and what it was can be told.
 * A NUL ends the text; one newline at its end is left out. What does not fit
 * into `bytes` (at least 8) is cut, and the cut is marked by "...".
 */
void kchan_log_text(char *to, size_t bytes, const char *text, u32 length);

#endif
