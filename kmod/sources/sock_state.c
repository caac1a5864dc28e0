// SPDX-License-Identifier: GPL-2.0
/* sock_state: a connection-oriented internet socket went to another state. */
#include <linux/kernel.h>
#include <trace/events/sock.h>

#include "probe.h"
#include "socket.h"

#define SOCK_STATE_RECORD 1

struct sock_state_record {
	struct socket_identity socket;
	u32 old_state;
	u32 new_state;
};

static_assert(offsetof(struct sock_state_record, socket) == 0);
static_assert(sizeof(struct sock_state_record) == 56);

static const struct kchan_field sock_state_fields[] = {
	SOCKET_IDENTITY_FIELDS,
	KCHAN_FIELD(struct sock_state_record, old_state, U32,
		    .doc = "the state that it leaves",
		    .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(socket_state_names)),
	KCHAN_FIELD(struct sock_state_record, new_state, U32,
		    .doc = "the state that it takes",
		    .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(socket_state_names)),
};

static const struct kchan_type sock_state_type =
	KCHAN_TYPE_OUT(SOCK_STATE_RECORD, "sock_state",
		       struct sock_state_record, sock_state_fields,
		       .doc =
		    "A socket changes its state. From 'close' to 'syn_sent' or 'listen' it begins, to 'close' it ends.");

static void probe_sock_state(void *ch, const struct sock *sk,
			     const int old_state, const int new_state)
{
	struct sock_state_record record = {
		.old_state = old_state,
		.new_state = new_state,
	};

	socket_identity_fill(&record.socket, sk);
	kchan_emit(ch, SOCK_STATE_RECORD, &record, sizeof(record));
}

static struct source_probe sock_state_probe =
	SOURCE_PROBE(inet_sock_set_state, probe_sock_state);
static struct source_probes sock_state_probes = { &sock_state_probe, 1 };

struct source sock_state_source = {
	.spec = {
		.name = "sock_state",
		.doc = "State changes of TCP, MPTCP, SCTP and DCCP sockets",
		.transport = KCHAN_TRANSPORT_RING,
		.context = KCHAN_CONTEXT_SOFTIRQ,
		.types = &sock_state_type,
		.type_count = 1,
		.ops = &source_probe_ops,
		.priv = &sock_state_probes,
	},
	.prepare = source_probes_prepare,
};
