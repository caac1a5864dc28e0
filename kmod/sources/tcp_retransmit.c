// SPDX-License-Identifier: GPL-2.0
/* tcp_retransmit: TCP sends a segment again. */
#include <linux/kernel.h>
#include <linux/tcp.h>
#include <net/inet_connection_sock.h>
#include <net/tcp.h>
#include <trace/events/tcp.h>

#include "probe.h"
#include "socket.h"

#define TCP_RETRANSMIT_RECORD 1

struct tcp_retransmit_record {
	struct socket_identity socket;
	u32 state;
	u32 tcp_sequence;
	u32 segment_bytes;
	u32 timeouts;
	u32 total_retransmits;
	u32 congestion_window;
};

static_assert(offsetof(struct tcp_retransmit_record, socket) == 0);
static_assert(sizeof(struct tcp_retransmit_record) == 72);

static const struct kchan_field tcp_retransmit_fields[] = {
	SOCKET_IDENTITY_FIELDS,
	KCHAN_FIELD(struct tcp_retransmit_record, state, U32,
		    .doc = "the socket's state",
		    .display = KCHAN_DISPLAY_ENUM, KCHAN_NAMES(socket_state_names)),
	KCHAN_FIELD(struct tcp_retransmit_record, tcp_sequence, U32,
		    .doc = "TCP sequence number of the segment's first byte"),
	KCHAN_FIELD(struct tcp_retransmit_record, segment_bytes, U32, .unit = "bytes",
		    .doc = "the sequence numbers it takes: its data, SYN and FIN one each"),
	KCHAN_FIELD(struct tcp_retransmit_record, timeouts, U32,
		    .doc = "retransmission timeouts in a row so far without an answer"),
	KCHAN_FIELD(struct tcp_retransmit_record, total_retransmits, U32,
		    .doc = "segments that this connection has sent again, this one included"),
	KCHAN_FIELD(struct tcp_retransmit_record, congestion_window, U32, .unit = "segments",
		    .doc = "the sender's congestion window"),
};

static const struct kchan_type tcp_retransmit_type =
	KCHAN_TYPE_OUT(TCP_RETRANSMIT_RECORD, "tcp_retransmit",
		       struct tcp_retransmit_record, tcp_retransmit_fields,
		       .doc =
		    "A segment is sent again, after a timeout or on duplicate acknowledgements.");

static void probe_tcp_retransmit(void *ch, const struct sock *sk,
				 const struct sk_buff *skb)
{
	const struct tcp_sock *tcp = tcp_sk(sk);
	const struct tcp_skb_cb *segment = TCP_SKB_CB(skb);
	struct tcp_retransmit_record record = {
		.state = sk->sk_state,
		.tcp_sequence = segment->seq,
		.segment_bytes = segment->end_seq - segment->seq,
		.timeouts = inet_csk(sk)->icsk_retransmits,
		.total_retransmits = tcp->total_retrans,
		.congestion_window = tcp->snd_cwnd,
	};

	socket_identity_fill(&record.socket, sk);
	kchan_emit(ch, TCP_RETRANSMIT_RECORD, &record, sizeof(record));
}

static struct source_probe tcp_retransmit_probe =
	SOURCE_PROBE(tcp_retransmit_skb, probe_tcp_retransmit);
static struct source_probes tcp_retransmit_probes = { &tcp_retransmit_probe, 1 };

struct source tcp_retransmit_source = {
	.spec = {
		.name = "tcp_retransmit",
		.doc = "TCP segments that are sent again",
		.transport = KCHAN_TRANSPORT_RING,
		.context = KCHAN_CONTEXT_SOFTIRQ,
		.types = &tcp_retransmit_type,
		.type_count = 1,
		.ops = &source_probe_ops,
		.priv = &tcp_retransmit_probes,
	},
	.prepare = source_probes_prepare,
};
