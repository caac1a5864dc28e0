# SPDX-License-Identifier: Apache-2.0
"""One QEMU process: its command line, its end."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import tsc

# What the guest needs before it can talk: loaded first, in this order.
BOOT_MODULES = ("virtio_pci", "virtio_console", "virtio_net")
DISK_MODULE = "virtio_blk"

_PR_SET_PDEATHSIG = 1


@dataclass
class Machine:
    """What QEMU emulates."""

    kernel: Path
    initramfs: Path
    smp: str
    memory_mb: int
    append: str
    console: Path | None  # None: this terminal
    forwards: dict[int, int]  # guest port -> host port
    agents: list[socket.socket] = field(default_factory=list)
    disk: Path | None = None
    reaches_host: bool = False

    def command(self) -> list[str]:
        return [
            "qemu-system-x86_64",
            *("-machine", "q35", "-accel", accelerator(), "-cpu", "max"),
            *("-smp", self.smp, "-m", str(self.memory_mb)),
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
            *("-kernel", str(self.kernel), "-initrd", str(self.initramfs)),
            *("-append", self._append()),
            *self._console(),
            *self._agents(),
            *self._network(),
            *self._disk(),
        ]

    def _append(self) -> str:
        parts = [
            "console=ttyS0 loglevel=5 panic=-1 oops=panic",
            # The clock decides what an emit costs, and an emulated tsc is the
            # host's; a busy host must not look like a stall.
            f"tsc=reliable tsc_early_khz={tsc.frequency_khz()} no_timer_check rcupdate.rcu_cpu_stall_timeout=120",
            "watchdog_thresh=60 log_buf_len=4M random.trust_cpu=on net.ifnames=0",
            "mitigations=off cryptomgr.notests",
            self.append,
        ]
        return " ".join(parts).strip()

    def _console(self) -> list[str]:
        if self.console is None:
            return ["-serial", "mon:stdio"]
        return ["-serial", f"file:{self.console}"]

    def _agents(self) -> list[str]:
        arguments = ["-device", "virtio-serial-pci"]
        for index, agent in enumerate(self.agents):
            arguments += ["-chardev", f"socket,id=agent{index},fd={agent.fileno()}"]
            arguments += ["-device", f"virtserialport,chardev=agent{index},name=kchan.{index}"]
        return arguments

    def _network(self) -> list[str]:
        # The guest reaches nothing outside; the host reaches what is forwarded.
        user = f"user,id=net,restrict={'off' if self.reaches_host else 'on'}"
        for guest, host in self.forwards.items():
            user += f",hostfwd=tcp:127.0.0.1:{host}-:{guest}"
        return ["-netdev", user, "-device", "virtio-net-pci,netdev=net,romfile="]

    def _disk(self) -> list[str]:
        if self.disk is None:
            return []
        drive = f"file={self.disk},if=none,id=disk,format=raw,cache=unsafe"
        return ["-drive", drive, "-device", "virtio-blk-pci,drive=disk"]


def accelerator() -> str:
    """Emulation, unless KCHAN_ACCEL=kvm asks for the hardware."""
    chosen = os.environ.get("KCHAN_ACCEL", "tcg")
    return "tcg,thread=multi" if chosen == "tcg" else chosen


def free_ports(count: int) -> list[int]:
    """TCP ports of 127.0.0.1 that nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


def start(machine: Machine, errors: Path) -> subprocess.Popen[bytes]:
    """Starts QEMU. It is killed when the thread that started it ends, so that
    a test run that is killed leaves none behind."""
    libc = ctypes.CDLL(None)

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    on_terminal = machine.console is None
    with errors.open("wb") as stderr:
        return subprocess.Popen(
            machine.command(),
            stdin=None if on_terminal else subprocess.DEVNULL,
            stdout=None if on_terminal else subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=[agent.fileno() for agent in machine.agents],
            preexec_fn=die_with_parent,
            # Not a terminal's Ctrl-C: the owner closes it.
            start_new_session=not on_terminal,
        )


def stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Waits for QEMU's end, then makes it end."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
