/* SPDX-License-Identifier: GPL-2.0 */
/* Announcements on the multicast group "channels". Process context. */
#ifndef _KCHAN_NOTIFY_H
#define _KCHAN_NOTIFY_H

#include <uapi/linux/kchan.h>

struct kchan;

/* KCHAN_CMD_CHANNEL_NEW_NTF, _CHANGE_NTF or _DEL_NTF. */
void kchan_notify_channel(struct kchan *ch, enum kchan_cmd command);
void kchan_notify_ring(struct kchan *ch, u32 cpu);
void kchan_notify_quiesce(void);

#endif
