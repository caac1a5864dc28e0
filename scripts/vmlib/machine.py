# SPDX-License-Identifier: Apache-2.0
"""Vm: a stock Debian kernel in QEMU, and commands in it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import queue
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from . import initramfs, klog, qemu
from .kernel import Kernel
from .port import CommandFailed, GuestGone, Port, Result, VmError

# One port is kept for killing commands on the others.
_AGENTS = 5
_BOOT_TRIES = 3
_BOOT_SECONDS = 120.0
_INIT_STARTED = "init: started"  # scripts/guest/init
# A kernel that checks each access.
_DEBUG_BOOT_SECONDS = 480.0
_LAST_WORDS_SECONDS = 5.0


class Vm:
    """One guest: a context manager that is booted inside the block.

        with Vm("6.12", modules=["build/dev/kmod/6.12/kchan.ko"]) as vm:
            print(vm.sh("lsmod").stdout)

    kernel: "6.1" or "6.12".
    modules: loaded at boot in this order: .ko files of the host (kept in
        /modules of the guest), or names of the stock kernel's modules, whose
        dependencies come along.
    available: names of stock modules for the guest's modprobe, not loaded.
    programs: host executables, put in /usr/bin with their libraries. The
        guest's shell runs busybox' own `ip` or `sleep` without an exec and
        before it looks for a file: name a program by its path where it
        matters.
    files: guest path -> host path or content.
    forwards: guest TCP port -> host port, 0 for any free one; `ports` says
        which. They listen on 127.0.0.1.
    reaches_host: whether the guest may connect to this machine, which it finds
        at 10.0.2.2, and by it to whatever this machine reaches.
    smp, memory_mb, append: processors (QEMU's -smp), memory, kernel arguments.
    disk_mb: size of an empty /dev/vda; 0 for none.
    disk: an image that is /dev/vda, and is written to.

    Thread safety: sh(), spawn(), push(), pull() from any thread, four at a
    time; the rest from the thread that opened it, which must live as long.

    Errors: VmError. The console and QEMU's messages are in `folder`, which is
    kept, and named on stderr, when the block ends with an exception or
    `keep_logs` was set.
    """

    def __init__(
        self,
        kernel: str = "6.12",
        *,
        modules: Iterable[str | Path] = (),
        available: Iterable[str] = (),
        programs: Iterable[str | Path] = (),
        files: Mapping[str, str | Path | bytes] | None = None,
        forwards: Mapping[int, int] | None = None,
        reaches_host: bool = False,
        smp: int | str = 2,
        memory_mb: int = 1024,
        append: str = "",
        disk_mb: int = 0,
        disk: Path | None = None,
        on_terminal: bool = False,
    ) -> None:
        self.kernel = Kernel(kernel)
        self.ports: dict[int, int] = dict(forwards or {})
        self._modules = [str(module) for module in modules]
        self._available = list(available)
        self._programs = [Path(program) for program in programs]
        self._files = {
            path: content if isinstance(content, bytes) else Path(content)
            for path, content in (files or {}).items()
        }
        self._reaches_host = reaches_host
        self._smp = str(smp)
        self._memory_mb = memory_mb
        self._append = append
        self._disk_mb = disk_mb
        self._disk = disk
        self._on_terminal = on_terminal

        self._process: subprocess.Popen[bytes] | None = None
        self._free: queue.SimpleQueue[Port] = queue.SimpleQueue()
        self._opened: list[Port] = []
        self._control_lock = threading.Lock()
        self._has_booted = False
        self._log = ""
        self._checked = 0
        self._spawned = itertools.count()
        self.keep_logs = False

    def __enter__(self) -> Vm:
        self.folder = Path(tempfile.mkdtemp(prefix="kchan-vm-"))
        try:
            self._boot_or_retry()
        except BaseException:
            self.close(keep=True)
            raise
        return self

    def _boot_or_retry(self) -> None:
        """Emulated processors sometimes trip over the kernel's patching of its
        own code while it boots, or hang there, before a line of ours has run.
        That is said, and tried again; an oops with our modules in it is not.
        """
        for left in reversed(range(_BOOT_TRIES)):
            try:
                return self._boot()
            except GuestGone:
                log = self.console.read_text(errors="replace") if self.console.exists() else ""
                is_kernels = "Oops: int3" in log or _INIT_STARTED not in log
                if left == 0 or not is_kernels or "kchan" in log:
                    raise
                print(f"\nthe kernel did not boot: {left} more tries", file=sys.stderr)
                self.close(keep=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(keep=self.keep_logs or error is not None)

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    @property
    def pid(self) -> int:
        """QEMU's process on the host."""
        assert self._process is not None
        return self._process.pid

    def close(self, keep: bool = False) -> None:
        """Ends the guest. `keep` leaves the logs and says where."""
        if self._process is not None:
            if self._has_booted:
                self._power_off()
            qemu.stop(self._process, seconds=5 if self._has_booted else 0)
            self._process = None
        for port in self._opened:
            port.close()
        self._opened.clear()
        for large in ("initramfs", "disk"):
            (self.folder / large).unlink(missing_ok=True)
        if keep:
            print(f"\n{self._describe_end()}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def sh(
        self, command: str, timeout: float = 30, check: bool = True, stdin: bytes = b""
    ) -> Result:
        """Runs a shell command in the guest and waits for its end.

        It is killed after `timeout` seconds (CommandTimeout). With `check`, a
        code other than 0 raises CommandFailed.
        """
        port = self._free.get()
        try:
            result = port.run(command, stdin, timeout)
        except GuestGone as error:
            # The port's place in the protocol is unknown: nobody may use it.
            self._let_console_end()
            raise GuestGone(f"{error}\n{self._console_tail()}") from error
        except BaseException:
            self._free.put(port)
            raise
        self._free.put(port)
        if check and result.code != 0:
            raise CommandFailed(command, result)
        return result

    def spawn(self, command: str, log: str | None = None) -> int:
        """Starts one simple command (no pipe, no list) in a session of its
        own and returns its process id. Output goes to `log` in the guest,
        /var/log/spawn-<n>.log unless named."""
        log = log or f"/var/log/spawn-{next(self._spawned)}.log"
        script = f"exec {command}"
        line = f"setsid sh -c {shlex.quote(script)} >{shlex.quote(log)} 2>&1 </dev/null & echo $!"
        return int(self.sh(line).stdout)

    def wait_for(self, condition: str, timeout: float = 30) -> None:
        """Waits until the shell command `condition` succeeds in the guest."""
        self.sh(f"until {{ {condition}\n}} >/dev/null 2>&1; do usleep 20000; done", timeout)

    def push(self, content: bytes | Path, path: str, mode: int = 0o644) -> None:
        """Writes a file in the guest."""
        data = content if isinstance(content, bytes) else Path(content).read_bytes()
        quoted = shlex.quote(path)
        self.sh(f"cat >{quoted} && chmod {mode:o} {quoted}", timeout=120, stdin=data)

    def pull(self, path: str) -> bytes:
        """Reads a file of the guest."""
        return self.sh(f"cat {shlex.quote(path)}", timeout=120).output

    def dmesg(self) -> str:
        """The kernel's log since boot. (The guest's own `dmesg` shows only
        what came after the last call; /dev/kmsg has all.)"""
        self._log += self.sh("dmesg -c").stdout
        return self._log

    def kernel_warnings(self) -> list[str]:
        """What the kernel complained about since the last call: warnings,
        bugs, lock and memory errors, hung tasks."""
        log = self.dmesg()
        new, self._checked = log[self._checked :], len(log)
        return klog.find_warnings(new)

    def wait_end(self) -> int:
        """Waits for QEMU's end (a guest on a terminal) and returns its code."""
        assert self._process is not None
        return self._process.wait()

    def _boot(self) -> None:
        load = [*qemu.BOOT_MODULES]
        disk = self._disk
        if self._disk_mb:
            disk = self.folder / "disk"
            with disk.open("wb") as file:
                file.truncate(self._disk_mb << 20)
        if disk is not None:
            load.append(qemu.DISK_MODULE)
        initramfs.build(
            self.kernel,
            self.folder / "initramfs",
            ports=_AGENTS,
            shell=self._on_terminal,
            load=[*load, *self._modules],
            available=self._available,
            programs=self._programs,
            files=self._files,
        )
        unset = [guest for guest, host in self.ports.items() if host == 0]
        self.ports.update(zip(unset, qemu.free_ports(len(unset)), strict=True))

        pairs = [socket.socketpair() for _ in range(_AGENTS)]
        machine = qemu.Machine(
            kernel=self.kernel.image,
            initramfs=self.folder / "initramfs",
            smp=self._smp,
            memory_mb=self._memory_mb,
            append=self._append,
            console=None if self._on_terminal else self.console,
            forwards=self.ports,
            reaches_host=self._reaches_host,
            agents=[theirs for _, theirs in pairs],
            disk=disk,
        )
        self._process = qemu.start(machine, self.folder / "qemu.log")
        debug = self.kernel.version.endswith("-debug")
        deadline = time.monotonic() + (_DEBUG_BOOT_SECONDS if debug else _BOOT_SECONDS)
        for index, (ours, theirs) in enumerate(pairs):
            theirs.close()
            self._opened.append(Port(ours, functools.partial(self._kill_command, index)))
        for port in self._opened:
            port.wait_ready(deadline)
        self._has_booted = True
        for port in self._opened[1:]:
            self._free.put(port)

    def _control(self, command: str) -> None:
        with self._control_lock:
            self._opened[0].run(command, b"", timeout=15)

    def _kill_command(self, index: int) -> None:
        """Kills what runs on a port. On the control port nothing can."""
        if index == 0:
            raise GuestGone("the guest hangs")
        self._control(f'kill -KILL -- "-$(cat /run/agent/kchan.{index}/pid)"')

    def _power_off(self) -> None:
        """Asks the guest to end; whether it does is qemu.stop()'s concern."""
        try:
            self._control("poweroff -f &")
        except VmError:
            pass

    def _let_console_end(self) -> None:
        """A guest that ends says why on its console, after its ports went."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_LAST_WORDS_SECONDS)

    def _console_tail(self) -> str:
        try:
            lines = self.console.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join([f"--- last lines of {self.console}", *lines[-80:]])

    def _describe_end(self) -> str:
        errors = (self.folder / "qemu.log").read_text(errors="replace").strip()
        return "\n".join(
            part
            for part in (
                f"kernel {self.kernel.release}: logs are in {self.folder}",
                f"QEMU said: {errors}" if errors else "",
                self._console_tail(),
            )
            if part
        )
