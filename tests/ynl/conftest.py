# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_CLONE_NEWNET = 0x40000000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--translator", required=True, help="spec_translator, which this builds")
    parser.addoption("--ynl", required=True, help="tools/net/ynl of a kernel tree")
    parser.addoption("--specs", required=True, help="scripts/fetch-netlink-specs prints it")


@pytest.fixture(scope="session")
def specs(request: pytest.FixtureRequest) -> Path:
    folder = Path(request.config.getoption("--specs"))
    assert list(folder.glob("*.yaml")), f"no specs in {folder}: run scripts/fetch-netlink-specs"
    return folder


@pytest.fixture(scope="session")
def network() -> None:
    """A network namespace for this process, with a little of everything."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(_CLONE_NEWNET) == 0, f"needs root: {os.strerror(ctypes.get_errno())}"
    for command in (
        "link set lo up",
        "link add veth0 type veth peer name veth1 address 02:00:00:00:00:01",
        "link add br0 type bridge forward_delay 700",
        "link set veth1 master br0",
        "link property add dev veth0 altname a-longer-name-for-the-same",
        "addr add 10.0.0.1/24 broadcast + dev veth0",
        "addr add fd00::1/64 dev veth0 nodad",
        "link set veth0 up",
        "link set veth1 up",
        "link set br0 up",
        "route add 10.1.0.0/16 via 10.0.0.2 metric 7",
        "route add 10.2.0.0/16 nexthop via 10.0.0.2 weight 1 nexthop via 10.0.0.3 weight 2",
        "route add blackhole 10.3.0.0/16",
        "-6 route add fd01::/64 via fd00::2 metric 3",
        "mptcp endpoint add 10.0.0.1 id 1 subflow backup",
        "mptcp endpoint add fd00::1 id 2 signal",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    subprocess.run("tc qdisc add dev veth1 root pfifo limit 77".split(), check=True)
    for address in ("10.0.0.1", "fd00::1"):
        _converse(address)


def _converse(address: str) -> None:
    """A TCP connection that the kernel keeps metrics of."""
    with socket.create_server((address, 0), family=_family(address)) as server:
        with socket.create_connection((address, server.getsockname()[1])) as client:
            served, _ = server.accept()
            with served:
                for _ in range(8):
                    client.sendall(b"x" * 4096)
                    received = 0
                    while received < 4096:
                        received += len(served.recv(4096))
                    served.sendall(b"y")
                    client.recv(1)


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@pytest.fixture(scope="session")
def ynl_library(request: pytest.FixtureRequest) -> Any:
    sys.path.insert(0, request.config.getoption("--ynl"))
    import lib

    return lib


@pytest.fixture
def open_family(ynl_library: Any, specs: Path, network: None) -> Callable[[str], Any]:
    def opened(name: str) -> Any:
        # Without a schema: Debian has no jsonschema for its own Python here.
        path = specs / f"{name.replace('rt-', 'rt_')}.yaml"
        return ynl_library.YnlFamily(str(path), schema="", process_unknown=True)

    return opened


@pytest.fixture
def ynl_spec(
    ynl_library: Any, specs: Path, network: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Any]:
    """A family that the running kernel need not have: to encode only."""

    def opened(name: str) -> Any:
        from lib import ynl

        class AnyFamily(dict):
            def __missing__(self, key: str) -> dict[str, int]:
                return {"id": 99}

        monkeypatch.setattr(ynl, "genl_family_name_to_id", AnyFamily())
        path = specs / f"{name.replace('rt-', 'rt_')}.yaml"
        return ynl_library.YnlFamily(str(path), schema="")

    return opened


@pytest.fixture(scope="session")
def translate(request: pytest.FixtureRequest, specs: Path) -> Iterator[Callable[..., Any]]:
    process = subprocess.Popen(
        [request.config.getoption("--translator"), str(specs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(**request: Any) -> Any:
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.stdin.close()
    assert process.wait(timeout=30) == 0
