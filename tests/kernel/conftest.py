# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests that run on a real kernel in a virtual machine.

  /usr/bin/python3 -m pytest tests/kernel --kernel 6.12 --build-dir build/dev

`vm` is booted once for each test file with our modules loaded, kchand, the
CLI and the guest tests in /usr/bin, and port 50051 forwarded. After every
test the guest's kernel log must hold no warning: a kernel that complains has
failed the test, whatever the test saw.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "scripts"))

from daemon import PORT, Daemon  # noqa: E402
from remote import Remote, generate_stubs  # noqa: E402
from vm import GuestGone, Vm, built_modules, built_programs  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kernel", default="6.12", choices=["6.1", "6.12", "6.12-debug"])
    parser.addoption("--build-dir", default=str(_ROOT / "build/dev"), metavar="FOLDER")
    parser.addoption("--soak-seconds", default=30, type=int)


@pytest.fixture(scope="session")
def kernel(request: pytest.FixtureRequest) -> str:
    """The kernel under test: "6.1", "6.12" or "6.12-debug"."""
    return request.config.getoption("--kernel")


def memory_mb(kernel: str) -> int:
    """KASAN keeps what was freed, and a shadow of everything."""
    return 3072 if kernel.endswith("-debug") else 1024


@pytest.fixture(scope="session")
def build_dir(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.getoption("--build-dir")).resolve()


@pytest.fixture(scope="session")
def soak_seconds(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--soak-seconds")


@pytest.fixture(scope="session")
def samples_dir(build_dir: Path, kernel: str) -> Path:
    """Where the sample modules of that kernel are on the host."""
    return build_dir / "kmod" / kernel / "samples"


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Python's classes of the protos, for what talks to kchand by `remote`."""
    generate_stubs(tmp_path_factory.mktemp("stubs"))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python package, installed."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(
        [_ROOT / "scripts/build-python", "--install", folder], check=True, timeout=180
    )
    return folder / "site"


@pytest.fixture(scope="session")
def make_vm(kernel: str, build_dir: Path) -> Callable[..., Vm]:
    """Makes a Vm with our modules, programs and guest tests, not booted yet.

    Arguments are Vm's and replace the defaults; `modules`, `programs` and
    `files` that a test names come on top of them. `core=False` leaves our
    modules unloaded, but keeps them in /modules of the guest.
    """

    def make(*, core: bool = True, **arguments: Any) -> Vm:
        ours = built_modules(build_dir, kernel)
        guest_tests = sorted((build_dir / "tests/kernel").glob("*_guest_test"))
        files = dict(arguments.pop("files", {}))
        # For tests that load them: the samples and the test channels.
        for folder in ("samples", "tests"):
            others = (build_dir / "kmod" / kernel / folder).glob("*.ko")
            files |= {f"/modules/{module.name}": module for module in others}
        if not core:
            files |= {f"/modules/{module.name}": module for module in ours}
        return Vm(
            kernel,
            modules=[*(ours if core else []), *arguments.pop("modules", [])],
            programs=[
                *built_programs(build_dir), *guest_tests, *arguments.pop("programs", []),
            ],  # fmt: skip
            files=files,
            **({"forwards": {PORT: 0}, "memory_mb": memory_mb(kernel)} | arguments),
        )

    return make


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm], request: pytest.FixtureRequest) -> Iterator[Vm]:
    """A booted guest, one for each test file.

    A file that wants other than the defaults says so in a module variable:
    VM = dict(disk_mb=64).
    """
    with make_vm(**getattr(request.module, "VM", {})) as guest:
        # Loading our modules must not have been complained about either.
        assert guest.kernel_warnings() == []
        failed_before = request.session.testsfailed
        yield guest
        if request.session.testsfailed > failed_before:
            guest.keep_logs = True


@pytest.fixture
def daemon(vm: Vm, stubs: None, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """kchand, one for each test; as the file's DAEMON_CONFIG says, if it has one."""
    with Daemon(vm, getattr(request.module, "DAEMON_CONFIG", "")) as running:
        yield running


@pytest.fixture
def remote(daemon: Daemon) -> Iterator[Remote]:
    """That kchand, seen from outside."""
    with daemon.remote() as connection:
        yield connection


@pytest.fixture(autouse=True)
def no_kernel_warnings(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test that uses `vm`: the kernel did not complain."""
    # Before the yield, so that this ends before the guest does.
    guest: Vm | None = (
        request.getfixturevalue("vm") if "vm" in request.fixturenames else None
    )
    yield
    if guest is None:
        return
    try:
        warnings = guest.kernel_warnings()
    except GuestGone as error:
        pytest.fail(f"the guest did not outlive the test: {error}")
    assert warnings == [], "the kernel complained:\n" + "\n".join(warnings)
