/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rings for CPUs that come: each live per-CPU channel is an instance of one
 * CPU hotplug state, whose callback gives a ring its memory before its CPU
 * runs. Rings of CPUs that go are kept.
 */
#ifndef _KCHAN_HOTPLUG_H
#define _KCHAN_HOTPLUG_H

struct kchan;

int kchan_hotplug_init(void);
void kchan_hotplug_exit(void);

/* Gives the rings of all online CPUs memory, and of those that come later. */
int kchan_hotplug_add(struct kchan *ch);
/* No callback runs for this channel once it returns. */
void kchan_hotplug_remove(struct kchan *ch);

#endif
