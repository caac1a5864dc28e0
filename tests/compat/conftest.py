# SPDX-License-Identifier: Apache-2.0
"""One node whose kchand is of another release than its modules and its clients.

scripts/compat says which build each is of, and whose Python package PYTHONPATH has.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
for _folder in ("scripts", "tests/kernel", "tests/scenarios"):
    sys.path.append(str(_ROOT / _folder))

import kchan  # noqa: E402
from daemon import PORT, Daemon  # noqa: E402
from vm import Vm, built_modules, built_programs  # noqa: E402

_SAMPLES = ("echo", "value", "block")
_CHANNELS = {"tick", "echo", "heater", "slate"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kernel", default="6.12", choices=["6.1", "6.12"])
    for part in ("kchand", "client", "modules"):
        parser.addoption(f"--{part}", required=True, type=Path, metavar="BUILD-FOLDER")


@pytest.fixture(scope="session")
def cli(request: pytest.FixtureRequest) -> Path:
    """The folder that the CLI is in."""
    return built_programs(request.config.getoption("--client"))[1].parent


@pytest.fixture(scope="session")
def vm(request: pytest.FixtureRequest) -> Iterator[Vm]:
    option = request.config.getoption
    kernel, build = option("--kernel"), option("--modules")
    samples = [build / "kmod" / kernel / f"samples/kchan_{name}.ko" for name in _SAMPLES]
    with Vm(
        kernel,
        modules=[*built_modules(build, kernel), *samples],
        programs=[built_programs(option("--kchand"))[0]],
        forwards={PORT: 0},
    ) as guest:
        yield guest
        guest.keep_logs = request.session.testsfailed > 0
        assert guest.kernel_warnings() == []


@pytest.fixture(scope="session")
def target(vm: Vm) -> Iterator[str]:
    """Where kchand is, which has all channels."""
    with Daemon(vm):
        where = f"127.0.0.1:{vm.ports[PORT]}"
        with kchan.Client(where, timeout_s=60) as client:
            deadline = time.monotonic() + 60
            while not _CHANNELS <= {channel.name for channel in client.channels()}:
                assert time.monotonic() < deadline, client.status()
                time.sleep(0.05)
        yield where


@pytest.fixture(scope="session")
def client(target: str) -> Iterator[kchan.Client]:
    with kchan.Client(target, timeout_s=60) as connected:
        yield connected
