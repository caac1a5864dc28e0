# SPDX-License-Identifier: Apache-2.0
"""How to reach a kchand: what the sync and the aio client have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from kchan.v1.channel_service_pb2_grpc import ChannelServiceStub
from kchan.v1.netlink_service_pb2_grpc import NetlinkServiceStub
from kchan.v1.node_service_pb2_grpc import NodeServiceStub

DEFAULT_TARGET = "unix:/run/kchan/read.sock"

# A batch is at most 1 MiB and one record.
_MAX_RECEIVE_BYTES = 8 << 20

CHANNEL_OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # A subscription's own back-off decides when to try again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 10000),  # what one attempt may take
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A write is at most once: nothing below us may send a call again.
    ("grpc.enable_retries", 0),
    # Clients of one process do not share a connection: each has its own windows.
    ("grpc.use_local_subchannel_pool", 1),
]


@dataclass(frozen=True)
class Tls:
    """PEM files for TLS.

    Without `ca_file` the system's authorities are trusted; without
    `certificate_file` and its `key_file` the daemon is shown no certificate.
    """

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """OSError or ValueError if a file cannot be used."""
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("TLS: a certificate needs its key, and a key its certificate")
        return grpc.ssl_channel_credentials(
            root_certificates=_pem(self.ca_file),
            private_key=_pem(self.key_file),
            certificate_chain=_pem(self.certificate_file),
        )


def _pem(path: str | None) -> bytes | None:
    if path is None:
        return None
    text = Path(path).read_bytes()
    if b"-----BEGIN " not in text:
        raise ValueError(f"TLS: {path} is not PEM")
    return text


class Stubs:
    """Of each service; what grpc_python_plugin makes has no types."""

    def __init__(self, channel: Any) -> None:
        self.channel: Any = ChannelServiceStub(channel)  # type: ignore[no-untyped-call]
        self.node: Any = NodeServiceStub(channel)  # type: ignore[no-untyped-call]
        self.netlink: Any = NetlinkServiceStub(channel)  # type: ignore[no-untyped-call]


def check_target(target: str) -> None:
    if not target:
        raise ValueError("the target is empty: use unix:/path or host:port")
    if target.startswith("/"):
        raise ValueError(f"the target {target!r}: a socket is named unix:{target}")
