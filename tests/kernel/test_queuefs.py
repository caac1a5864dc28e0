# SPDX-License-Identifier: Apache-2.0
"""Three queues end to end: a file system in the guest, its files in a service
outside, by TCP."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon import PORT, Daemon, settle
from vm import Vm

_ROOT = Path(__file__).resolve().parents[2]
_QUEUES = {"queuefs.commands", "queuefs.inodes", "queuefs.blocks"}
_TIMEOUT_MS = "/sys/module/kchan_queuefs/parameters/timeout_ms"


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm], samples_dir: Path) -> Iterator[Vm]:
    with make_vm(modules=[samples_dir / "queuefs/kchan_queuefs.ko"]) as guest:
        guest.sh("mkdir -p /mnt/q")
        yield guest


@pytest.fixture(scope="module")
def daemon(vm: Vm, stubs: None) -> Iterator[Daemon]:
    with Daemon(vm) as running:
        with running.remote() as remote:
            settle(remote, lambda _: _QUEUES <= remote.channels().keys())
        yield running


class Service:
    """queuefs_service.py, on this side."""

    def __init__(self, vm: Vm, package: Path, root: Path) -> None:
        self._vm = vm
        self.root = root
        self.process = subprocess.Popen(
            [
                sys.executable, _ROOT / "clients/python/examples/queuefs_service.py",
                "--server", f"127.0.0.1:{vm.ports[PORT]}", "--root", root,
            ],
            env=os.environ | {"PYTHONPATH": str(package)},
        )  # fmt: skip

    def wait_until_it_serves(self) -> None:
        """The channels may be live after the last service: it has to answer."""
        # And to be asked: the kernel remembers what was looked up before.
        self._vm.wait_for("echo 2 >/proc/sys/vm/drop_caches && test -e /mnt/q/motd")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def mounted(vm: Vm, daemon: Daemon) -> Iterator[None]:
    vm.sh("mount -t kchan_queuefs none /mnt/q")
    yield
    vm.sh(f"echo 10000 > {_TIMEOUT_MS}; umount /mnt/q")


@pytest.fixture
def service(vm: Vm, mounted: None, package: Path, tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "motd").write_text("welcome\n")
    (tmp_path / "big").write_bytes(bytes(range(256)) * 1500)
    (tmp_path / "empty").touch()
    vm.sh(f"echo 1000 > {_TIMEOUT_MS}")
    running = Service(vm, package, tmp_path)
    try:
        running.wait_until_it_serves()
        vm.sh(f"echo 10000 > {_TIMEOUT_MS}")
        yield running
    finally:
        running.kill()


def eventually(what: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.02)


def refusal(vm: Vm, command: str) -> str:
    result = vm.sh(command, check=False)
    assert result.code != 0, result.stdout
    return result.stderr


# First: nobody has ever listened, so the commands have no reader that lingers.
def test_without_a_service_nothing_waits(vm: Vm, mounted: None) -> None:
    words = refusal(vm, "cat /mnt/q/motd")
    assert os.strerror(errno.ENOTCONN) in words or "Socket not connected" in words


def test_files_are_read(vm: Vm, service: Service) -> None:
    assert vm.sh("cat /mnt/q/motd").stdout == "welcome\n"
    assert vm.pull("/mnt/q/big") == (service.root / "big").read_bytes()
    assert vm.sh("cat /mnt/q/empty").stdout == ""
    assert vm.sh("stat -c %s /mnt/q/big").stdout == "384000\n"


def test_what_does_not_exist_is_said_so_and_not_remembered(vm: Vm, service: Service) -> None:
    assert os.strerror(errno.ENOENT) in refusal(vm, "cat /mnt/q/nothing")
    (service.root / "nothing").write_text("now it does\n")
    assert vm.sh("cat /mnt/q/nothing").stdout == "now it does\n"


def test_the_service_gives_nothing_outside_of_its_folder(vm: Vm, service: Service) -> None:
    (service.root / "out").symlink_to("/etc/passwd")
    assert os.strerror(errno.ENOENT) in refusal(vm, "cat /mnt/q/out")


def test_what_is_written_reaches_the_service(vm: Vm, service: Service) -> None:
    vm.sh("echo hello from the guest >> /mnt/q/motd")
    wanted = "welcome\nhello from the guest\n"
    eventually(lambda: (service.root / "motd").read_text() == wanted)
    assert vm.sh("cat /mnt/q/motd").stdout == wanted


def test_a_file_cannot_grow_out_of_its_room(vm: Vm, service: Service) -> None:
    room = 512 << 10
    command = "dd if=/dev/zero of=/mnt/q/empty bs=64k count=9 conv=notrunc"
    assert os.strerror(errno.ENOSPC) in refusal(vm, command)
    eventually(lambda: (service.root / "empty").stat().st_size == room)


def test_a_lookup_that_nobody_answers_ends_and_the_next_service_recovers(
    vm: Vm, service: Service, package: Path
) -> None:
    service.process.send_signal(signal.SIGSTOP)  # it hears, and does not answer
    vm.sh(f"echo 300 > {_TIMEOUT_MS}")
    try:
        assert "timed out" in refusal(vm, "cat /mnt/q/big").lower()
    finally:
        service.kill()
    successor = Service(vm, package, service.root)
    try:
        successor.wait_until_it_serves()
        vm.sh(f"echo 10000 > {_TIMEOUT_MS}")
        assert vm.pull("/mnt/q/big") == (service.root / "big").read_bytes()
    finally:
        successor.kill()


def test_who_waits_can_be_killed(vm: Vm, service: Service) -> None:
    service.process.send_signal(signal.SIGSTOP)
    vm.sh(f"echo 600000 > {_TIMEOUT_MS}")
    pid = vm.spawn("/bin/cat /mnt/q/big", log="/tmp/cat.log")
    # Asleep, and only a fatal signal ends it.
    vm.wait_for(f"grep -q '^State:.D' /proc/{pid}/status")
    vm.sh(f"kill -KILL {pid}")
    vm.wait_for(f"! test -d /proc/{pid}")


def test_unload_is_refused_while_mounted_then_works(vm: Vm, service: Service) -> None:
    vm.sh("cat /mnt/q/motd")
    assert vm.sh("rmmod kchan_queuefs", check=False).code != 0
    vm.sh("umount /mnt/q && rmmod kchan_queuefs")
    vm.wait_for("! ls /dev/kchan.queuefs.blocks 2>/dev/null")
    # The service and kchand have it open meanwhile; they find it again.
    vm.sh("insmod /modules/kchan_queuefs.ko")
    vm.sh(f"echo 1000 > {_TIMEOUT_MS}; mount -t kchan_queuefs none /mnt/q")
    service.wait_until_it_serves()
    assert vm.sh("cat /mnt/q/motd").stdout == "welcome\n"
