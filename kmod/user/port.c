// SPDX-License-Identifier: GPL-2.0
#include "port.h"

__thread int kchan_port_cpu;
__thread bool kchan_port_nmi;
__thread void (*kchan_port_step)(void);
