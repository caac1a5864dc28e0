// SPDX-License-Identifier: GPL-2.0
#include <linux/cred.h>
#include <linux/in.h>
#include <linux/kernel.h>
#include <linux/user_namespace.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/tcp_states.h>

#include "socket.h"

const struct kchan_name socket_family_names[] = {
	{ AF_INET, "inet" },
	{ AF_INET6, "inet6" },
};

const struct kchan_name socket_protocol_names[] = {
	{ IPPROTO_TCP, "tcp" },
	{ IPPROTO_DCCP, "dccp" },
	{ IPPROTO_SCTP, "sctp" },
	{ IPPROTO_MPTCP, "mptcp" },
};

#define TCP_STATE_BOUND_INACTIVE 13 /* the kernel has it from 6.8 on */

const struct kchan_name socket_state_names[] = {
	{ TCP_ESTABLISHED, "established" },
	{ TCP_SYN_SENT, "syn_sent" },
	{ TCP_SYN_RECV, "syn_recv" },
	{ TCP_FIN_WAIT1, "fin_wait1" },
	{ TCP_FIN_WAIT2, "fin_wait2" },
	{ TCP_TIME_WAIT, "time_wait" },
	{ TCP_CLOSE, "close" },
	{ TCP_CLOSE_WAIT, "close_wait" },
	{ TCP_LAST_ACK, "last_ack" },
	{ TCP_LISTEN, "listen" },
	{ TCP_CLOSING, "closing" },
	{ TCP_NEW_SYN_RECV, "new_syn_recv" },
	{ TCP_STATE_BOUND_INACTIVE, "bound_inactive" },
};

static void fill_addresses(struct socket_identity *identity,
			   const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);

#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		identity->source = sk->sk_v6_rcv_saddr;
		identity->destination = sk->sk_v6_daddr;
		return;
	}
#endif
	ipv6_addr_set_v4mapped(inet->inet_saddr, &identity->source);
	ipv6_addr_set_v4mapped(inet->inet_daddr, &identity->destination);
}

void socket_identity_fill(struct socket_identity *identity,
			  const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);

	identity->family = sk->sk_family;
	identity->protocol = sk->sk_protocol;
	identity->source_port = ntohs(inet->inet_sport);
	identity->destination_port = ntohs(inet->inet_dport);
	identity->uid = from_kuid(&init_user_ns, sk->sk_uid);
	identity->net_ns = sock_net(sk)->ns.inum;
	fill_addresses(identity, sk);
}
