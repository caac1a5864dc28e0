# SPDX-License-Identifier: Apache-2.0
"""kchand's netlink service on this very kernel, in network namespaces of the test's own.

  /usr/bin/python3 -m pytest tests/netlink --build-dir build/dev

Needs root, ip, ethtool and genl. What other tools say about the same objects is
what the service is compared with.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "tests/kernel"))

from namespaces import Namespace  # noqa: E402
from remote import Remote, generate_stubs  # noqa: E402

# Another would change what its tests compare with.
_TOOLS = ("ip", "ethtool", "genl")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--build-dir", default=str(_ROOT / "build/dev"), metavar="FOLDER")


@pytest.fixture(scope="session")
def build_dir(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.getoption("--build-dir")).resolve()


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    assert os.geteuid() == 0, "these tests make network namespaces: run them as root"
    for tool in _TOOLS:
        assert shutil.which(tool, path=os.environ["PATH"] + ":/sbin:/usr/sbin"), f"no {tool}"


@pytest.fixture(scope="session", autouse=True)
def stubs(tmp_path_factory: pytest.TempPathFactory) -> None:
    generate_stubs(tmp_path_factory.mktemp("stubs"))


@pytest.fixture(scope="session")
def specs() -> Path:
    """The kernel's specifications."""
    fetched = subprocess.run(
        [_ROOT / "scripts/fetch-netlink-specs"], check=True, capture_output=True, text=True
    )
    return Path(fetched.stdout.strip())


@pytest.fixture
def make_namespace() -> Iterator[Callable[[str], Namespace]]:
    made: list[Namespace] = []

    def make(word: str) -> Namespace:
        made.append(Namespace(f"kchan-{word}-{os.getpid()}"))
        return made[-1]

    yield make
    for namespace in made:
        if namespace.exists:
            namespace.delete()


@pytest.fixture
def namespace(make_namespace: Callable[[str], Namespace]) -> Namespace:
    """Where kchand is."""
    return make_namespace("node")


class Answer(list):
    """The messages of a request, with what the responses said besides."""

    interrupted = False

    @property
    def attributes(self) -> list[dict[str, Any]]:
        from google.protobuf.json_format import MessageToDict

        return [MessageToDict(message.attributes) for message in self]


class Daemon:
    """kchand in a network namespace."""

    def __init__(self, build_dir: Path, folder: Path, namespace: Namespace, config: str) -> None:
        self.folder = folder
        self._cli = build_dir / "clients/cli/kchan"
        self._log = folder / "log"
        (folder / "config").write_text(f'unix_sockets {{ directory: "{folder}" }}\n{config}')
        command = namespace.command(build_dir / "bridge/kchand", "--config", folder / "config")
        with self._log.open("w") as log:
            # `ip netns exec` becomes what it runs.
            self._process = subprocess.Popen(command, stderr=log)
        self.pid = self._process.pid
        self.read = self.connect("read")
        self.control = self.connect("control")

    def connect(self, right: str) -> Remote:
        return Remote(f"unix:{self.folder}/{right}.sock")

    def _command(self, right: str, words: tuple[object, ...]) -> list[str]:
        return [str(self._cli), "--server", f"unix:{self.folder}/{right}.sock", *map(str, words)]

    def cli(self, *words: object, right: str = "read") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(right, words), capture_output=True, text=True, timeout=60
        )

    def cli_running(self, *words: object) -> subprocess.Popen[str]:
        """One that goes on while the test does; its output is a pipe."""
        return subprocess.Popen(self._command("read", words), stdout=subprocess.PIPE, text=True)

    def lines(self, *words: object) -> list[Any]:
        """What the CLI prints: one JSON object a line."""
        done = self.cli(*words)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def audit(self) -> list[dict[str, str]]:
        lines = self._log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"type":"audit"')]

    def start_request(self, remote: Remote, family: str, operation: str, **more: Any) -> Any:
        from kchan.v1 import netlink_service_pb2, netlink_service_pb2_grpc

        stub = netlink_service_pb2_grpc.NetlinkServiceStub(remote.channel)
        dump = more.pop("dump", False)
        attributes = more.pop("attributes", None)
        request = netlink_service_pb2.RequestRequest(
            family=family,
            operation=operation,
            mode="NETLINK_MODE_DUMP" if dump else "NETLINK_MODE_DO",
            **more,
        )
        if attributes is not None:
            request.attributes.update(attributes)
        return stub.Request(request, timeout=60)

    def request(self, family: str, operation: str, right: str = "read", **more: Any) -> Answer:
        answer = Answer()
        remote = self.read if right == "read" else self.control
        for response in self.start_request(remote, family, operation, **more):
            answer.extend(response.messages)
            answer.interrupted = response.interrupted
        return answer

    def descriptors(self) -> int:
        """How many files it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def cpu_ticks(self) -> int:
        """What it has used of the processor so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def netlink_sockets(self) -> int:
        """How many of them it has open."""
        table = Path(f"/proc/{self.pid}/net/netlink").read_text().splitlines()[1:]
        inodes = {line.split()[-1] for line in table}
        links = []
        for fd in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                links.append(os.readlink(fd))
            except FileNotFoundError:
                continue
        return sum(link.removeprefix("socket:[").removesuffix("]") in inodes for link in links)

    def stop(self) -> None:
        self.read.close()
        self.control.close()
        self._process.terminate()
        assert self._process.wait(timeout=30) == 0, self._log.read_text()


@pytest.fixture
def start_daemon(
    build_dir: Path, tmp_path: Path, namespace: Namespace, specs: Path
) -> Iterator[Callable[..., Daemon]]:
    """Starts kchand; `netlink` is more of that part of its configuration."""
    started: list[Daemon] = []

    def start(netlink: str = "", more: str = "") -> Daemon:
        config = f'netlink {{ spec_directories: "{specs}" {netlink} }}\n{more}'
        started.append(Daemon(build_dir, tmp_path, namespace, config))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


@pytest.fixture
def daemon(start_daemon: Callable[..., Daemon]) -> Daemon:
    return start_daemon()
