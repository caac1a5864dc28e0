/* SPDX-License-Identifier: GPL-2.0 */
/* Which socket: the start of every record about one. */
#ifndef _KCHAN_SOURCE_SOCKET_H
#define _KCHAN_SOURCE_SOCKET_H

#include <linux/in6.h>
#include <net/sock.h>

#include "source.h"

/* First member of a record, so that its fields' offsets hold for both. */
struct socket_identity {
	u16 family;
	u16 protocol;
	u16 source_port;
	u16 destination_port;
	struct in6_addr source;
	struct in6_addr destination;
	u32 uid;
	u32 net_ns;
};

extern const struct kchan_name socket_family_names[2];
extern const struct kchan_name socket_protocol_names[4];
extern const struct kchan_name socket_state_names[13];

#define SOCKET_FIELD(_member, _kind, ...)                                      \
	KCHAN_FIELD(struct socket_identity, _member, _kind, __VA_ARGS__)

/* The first fields of such a record. */
#define SOCKET_IDENTITY_FIELDS                                                 \
	[0] = SOCKET_FIELD(family, U16,                                        \
		     .doc = "address family",                                  \
		     .display = KCHAN_DISPLAY_ENUM,                            \
		     KCHAN_NAMES(socket_family_names)),                        \
	SOCKET_FIELD(protocol, U16,                                            \
		     .doc = "transport protocol",                              \
		     .display = KCHAN_DISPLAY_ENUM,                            \
		     KCHAN_NAMES(socket_protocol_names)),                      \
	SOCKET_FIELD(source_port, U16,                                         \
		     .doc = "local port",                                      \
		     .display = KCHAN_DISPLAY_PORT),                           \
	SOCKET_FIELD(destination_port, U16,                                    \
		     .doc = "remote port; 0: none yet",                        \
		     .display = KCHAN_DISPLAY_PORT),                           \
	SOCKET_FIELD(source, BYTES,                                            \
		     .doc = "local address",                                   \
		     .display = KCHAN_DISPLAY_IP),                             \
	SOCKET_FIELD(destination, BYTES,                                       \
		     .doc = "remote address",                                  \
		     .display = KCHAN_DISPLAY_IP),                             \
	SOCKET_FIELD(uid, U32,                                                 \
		     .doc = "owner, in the initial user namespace"),           \
	SOCKET_FIELD(net_ns, U32,                                              \
		     .doc = "inode number of /proc/PID/ns/net")

/*
 * Fills in every byte, for a full internet socket (sk_fullsock()). Any
 * context; takes no lock.
 */
void socket_identity_fill(struct socket_identity *identity,
			  const struct sock *sk);

#endif
