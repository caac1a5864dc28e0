/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KCHAN_VERSION_H
#define _KCHAN_VERSION_H

#define KCHAN_VERSION "0.1.0"

#endif
