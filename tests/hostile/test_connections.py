# SPDX-License-Identifier: Apache-2.0
"""Connections in a number that is meant to harm, of clients who say nothing.

  /usr/bin/python3 -m pytest -s tests/hostile --build-dir build/dev
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import sys
import time
from pathlib import Path

import grpc
import pytest

sys.path[:0] = [str(Path(__file__).parent)]

import attacks  # noqa: E402
from victim import Bystander, Kchand, check, stubs  # noqa: E402


def test_silent_connections_cost_little_and_are_let_go(kchand: Kchand) -> None:
    before, files = kchand.resident_bytes(), kchand.open_files()
    with Bystander(kchand) as bystander, attacks.silent_connections(kchand.address, 1000) as count:
        while kchand.open_files() < files + count:
            time.sleep(0.01)
        time.sleep(0.5)
    check(kchand, bystander, before, f"{count} silent connections")
    deadline = time.monotonic() + 20
    while kchand.open_files() > files + 5:
        assert time.monotonic() < deadline, "descriptors of closed connections are left"
        time.sleep(0.05)


def test_connections_beyond_the_limit_are_closed_and_others_go_on(kchand: Kchand) -> None:
    before = kchand.resident_bytes()
    with Bystander(kchand) as bystander, attacks.silent_connections(kchand.address, 2048):
        for _ in range(500):
            with socket.create_connection(kchand.address, timeout=5) as one_more:
                with contextlib.suppress(ConnectionResetError):
                    assert one_more.recv(1) == b""
        said = "2048 connections are open, which is limits.max_connections: 1 more refused"
        assert kchand.log.read_text().count(said) == 1
    check(kchand, bystander, before, "2048 silent connections, and 500 more")
    deadline = time.monotonic() + 20
    while not is_answered(kchand):
        assert time.monotonic() < deadline, "ended connections are still counted"


# gRPC makes an address of it, and would keep a descriptor whose name is none.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"\0" + bytes(range(256))[1:107], id="bytes"),
        pytest.param(b"\0\0\0", id="zeros"),
        pytest.param(b"\0//host:1?a#b%zz", id="address"),
        pytest.param(b"/%b/a b?c#d\xff%%zz", id="path"),
        pytest.param(b"//%b/a", id="host"),
    ],
)
def test_client_whose_socket_has_a_strange_name_is_served_and_let_go(
    kchand: Kchand, name: bytes, tmp_path: Path
) -> None:
    files = kchand.open_files()
    own = name % bytes(tmp_path)[1:] if name.startswith(b"/") else name
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as client:
            client.bind(own)
            client.connect(kchand.socket.removeprefix("unix:"))
            client.settimeout(20)
            client.sendall(attacks.PREFACE + attacks.frame(attacks.SETTINGS, 0, 0))
            assert client.recv(1)
        if name.startswith(b"/"):
            os.unlink(own)
    deadline = time.monotonic() + 20
    while kchand.open_files() > files + 5:
        assert time.monotonic() < deadline, "descriptors of closed connections are left"
        time.sleep(0.01)


# Clients wait at the socket meanwhile; nothing has to be restarted.
def test_kchand_without_descriptors_serves_again_when_there_are_some(kchand: Kchand) -> None:
    files = kchand.open_files()
    resource.prlimit(kchand.pid, resource.RLIMIT_NOFILE, (files + 20, files + 20))
    with attacks.silent_connections(kchand.address, 50):
        deadline = time.monotonic() + 20
        while "cannot accept connections: Too many open files" not in kchand.log.read_text():
            assert time.monotonic() < deadline, kchand.log.read_text()
            time.sleep(0.01)
    begin = time.monotonic()
    with grpc.insecure_channel(kchand.socket) as channel:
        grpc.channel_ready_future(channel).result(timeout=20)
    assert is_answered(kchand)
    print(f"\nserved {time.monotonic() - begin:.2f} s after descriptors were there again")


def is_answered(kchand: Kchand) -> bool:
    """Over a new connection to the address that everybody reaches."""
    from kchan.v1 import node_service_pb2

    _, services = stubs()
    with kchand.channel() as channel:
        node = services.NodeServiceStub(channel)
        try:
            node.GetStatus(node_service_pb2.GetStatusRequest(), timeout=10, wait_for_ready=True)
        except grpc.RpcError:
            return False
        return True
