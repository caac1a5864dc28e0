# SPDX-License-Identifier: Apache-2.0
"""The installed Python package against nodes.

  PYTHONPATH=<folder with the package> /usr/bin/python3 -m pytest tests/python \
      --build-dir build/dev

`node` is the scenario node: the real hub and gRPC edge of kchand, over channels
whose history is known. `fake` is a daemon in this process that says what a test
makes it say.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import kchan
from fake_daemon import FakeDaemon

_ROOT = Path(__file__).resolve().parents[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--build-dir", default=str(_ROOT / "build/dev"), metavar="FOLDER")


@pytest.fixture(scope="session")
def build_dir(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.getoption("--build-dir")).resolve()


class Node:
    """A scenario node that runs."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.read = f"unix:{folder}/read.sock"
        self.control = f"unix:{folder}/control.sock"
        self._process = subprocess.Popen([program, folder], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def cut_streams(self) -> None:
        """Ends all streams, and serves again, with the same history."""
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(timeout=30) == 0


@pytest.fixture
def node(build_dir: Path, tmp_path: Path) -> Iterator[Node]:
    running = Node(build_dir / "tests/scenarios/kchan_scenario_node", tmp_path)
    yield running
    running.stop()


@pytest.fixture
def client(node: Node) -> Iterator[kchan.Client]:
    with kchan.Client(node.read) as reader:
        yield reader


@pytest.fixture
def control(node: Node) -> Iterator[kchan.Client]:
    with kchan.Client(node.control) as writer:
        yield writer


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDaemon]:
    daemon = FakeDaemon(f"unix:{tmp_path}/fake.sock")
    yield daemon
    daemon.stop()
