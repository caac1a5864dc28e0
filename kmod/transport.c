// SPDX-License-Identifier: GPL-2.0
#include "transport.h"

#include <linux/kernel.h>

struct entry {
	const struct kchan_transport_ops *ops;
	u64 features;
};

static const struct entry transports[] = {
	[KCHAN_TRANSPORT_RING] = { &kchan_ring_transport,
				   KCHAN_FEATURE_RING_PER_CPU |
					   KCHAN_FEATURE_RING_SHARED |
					   KCHAN_FEATURE_RING_TO_KERNEL },
	[KCHAN_TRANSPORT_GENL] = { &kchan_genl_transport,
				   KCHAN_FEATURE_GENL_RECORDS |
					   KCHAN_FEATURE_GENL_COMMANDS },
	[KCHAN_TRANSPORT_CHARDEV] = { &kchan_chardev_transport,
				      KCHAN_FEATURE_CHARDEV },
	[KCHAN_TRANSPORT_LOG] = { &kchan_log_transport, KCHAN_FEATURE_LOG },
	[KCHAN_TRANSPORT_RELAY] = { &kchan_relay_transport,
				    KCHAN_FEATURE_RELAY },
	[KCHAN_TRANSPORT_VALUE] = { &kchan_value_transport,
				    KCHAN_FEATURE_VALUE },
	[KCHAN_TRANSPORT_BLOCK] = { &kchan_block_transport,
				    KCHAN_FEATURE_BLOCK },
	[KCHAN_TRANSPORT_FILE] = { &kchan_file_transport, KCHAN_FEATURE_FILE },
};

const struct kchan_transport_ops *
kchan_transport_find(enum kchan_transport transport)
{
	return transport < ARRAY_SIZE(transports) ? transports[transport].ops :
						    NULL;
}

u64 kchan_transport_features(void)
{
	u64 features = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(transports); i++)
		features |= transports[i].features;
	return features;
}
