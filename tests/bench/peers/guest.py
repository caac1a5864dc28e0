# SPDX-License-Identifier: Apache-2.0
"""The guest: what all tools find there, and what is read off it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from vm import Vm, built_modules
from vmlib.kernel import Kernel

HOST = "10.0.2.2"  # the host, as the guest sees it
TRACING = "/sys/kernel/tracing"
EVENT = f"{TRACING}/events/block/block_rq_complete"
DEVICE = "/dev/nullb0"
KCHAND_PORT = 50051
# What `stdbuf -oL` preloads.
LINE_BUFFERED = "/usr/libexec/coreutils/libstdbuf.so"
# Sectors from here on are not the flood's: block_reads gives each processor as many.
PROCESSORS = 2
FIRST_SINGLE_SECTOR = PROCESSORS << 24

_TRIGGER_PORT = 7000
_CGROUP = "/sys/fs/cgroup/tool"
_LTTNG_SCHEMA = Path("/usr/share/xml/lttng/session.xsd")
_LTTNG_LIBEXEC = Path("/usr/lib/x86_64-linux-gnu/lttng/libexec")
_LTTNG_PROBE = "lttng-probe-block.ko"


class Guest:
    """A booted guest with a null block device, whose reads are the records.

    lttng: the folder of LTTng's modules, or None to do without.
    """

    def __init__(self, kernel: str, build: Path, lttng: Path | None) -> None:
        programs = [
            build / "bridge/kchand", build / "tests/bench/peers/block_reads",
            Path("/usr/bin/trace-cmd"), Path("/usr/sbin/blktrace"), Path("/usr/bin/socat"),
        ]  # fmt: skip
        if lttng:
            programs += [Path("/usr/bin/lttng"), Path("/usr/bin/lttng-sessiond"),
                         _LTTNG_LIBEXEC / "lttng-consumerd"]  # fmt: skip
        files: dict[str, str | Path | bytes] = {LINE_BUFFERED: LINE_BUFFERED}
        if lttng:
            files |= _lttng_files(lttng, Kernel(kernel)) | {str(_LTTNG_SCHEMA): _LTTNG_SCHEMA}
        self.has_lttng = lttng is not None
        self.vm = Vm(
            kernel,
            modules=built_modules(build, kernel),
            available=["null_blk"],
            programs=programs,
            files=files,
            forwards={KCHAND_PORT: 0, _TRIGGER_PORT: 0},
            reaches_host=True,
            smp=PROCESSORS,
        )

    def __enter__(self) -> Guest:
        with ExitStack() as ends:
            ends.enter_context(self.vm)
            self._set_up()
            ends.callback(self._trigger.close)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _set_up(self) -> None:
        # A read is complete when it is issued: nothing but the kernel's own path.
        self.vm.sh("modprobe null_blk nr_devices=1 queue_mode=2 irqmode=0")
        self.vm.sh(f"mkdir {_CGROUP} /run/kchan && mkdir -p /var && ln -s /run /var/run")
        self.vm.spawn(f"block_reads {DEVICE} --serve {_TRIGGER_PORT}")
        self.vm.wait_for(f"netstat -ltn | grep -q :{_TRIGGER_PORT}")
        self._trigger = socket.create_connection(("127.0.0.1", self.vm.ports[_TRIGGER_PORT]))
        self._trigger.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def spawn(self, command: str, log: str) -> int:
        """Starts a part of the tool that is measured."""
        return self.vm.spawn(f"sh -c 'echo $$ >{_CGROUP}/cgroup.procs; exec {command}'", log=log)

    def interrupt(self, pid: int) -> None:
        """Ends it as Ctrl-C does."""
        self.vm.sh(f"kill -INT {pid}; while test -d /proc/{pid}; do usleep 20000; done", timeout=60)

    def end_tool(self) -> None:
        """Nothing of the tool is left, nor of what it asked of the kernel."""
        self.vm.sh(
            f"while read -r pid; do kill -KILL $pid; done <{_CGROUP}/cgroup.procs;"
            f" until test -z \"$(cat {_CGROUP}/cgroup.procs)\"; do usleep 20000; done;"
            f" echo 0 >{EVENT}/enable; echo >{TRACING}/trace; echo 1 >{TRACING}/tracing_on"
        )  # fmt: skip

    def read_many(self, per_processor: int, rate: int = 0) -> float:
        """The seconds it took."""
        command = f"block_reads {DEVICE} {per_processor} {rate or ''}"
        return float(self.vm.sh(command, timeout=240).stdout)

    def read_one(self) -> float:
        """When it was asked for, by time.monotonic(). It is done on return."""
        asked = time.monotonic()
        self._trigger.sendall(b"r")
        self._trigger.recv(1)
        return asked

    def cpu_seconds(self) -> float:
        """What the tool's processes have used."""
        line = self.vm.sh(f"grep usage_usec {_CGROUP}/cpu.stat").stdout
        return int(line.split()[1]) / 1e6

    def wire_bytes(self) -> int:
        """Ethernet frames in both directions."""
        counters = self.vm.sh("cat /sys/class/net/eth0/statistics/[rt]x_bytes").stdout
        return sum(int(count) for count in counters.split())


def _lttng_files(folder: Path, kernel: Kernel) -> dict[str, str | Path | bytes]:
    """LTTng's modules and the index by which its daemon finds them."""
    place = f"lib/modules/{kernel.release}"
    with tempfile.TemporaryDirectory() as made:
        tree = Path(made) / place
        tree.mkdir(parents=True)
        for file in (kernel.folder / place).glob("modules.[bo]*"):
            shutil.copy(file, tree)
        for module in folder.rglob("lttng-*.ko"):
            if not module.name.startswith("lttng-probe-") or module.name == _LTTNG_PROBE:
                stripped = tree / module.name
                subprocess.run(["strip", "--strip-debug", "-o", stripped, module], check=True)
        subprocess.run(["/sbin/depmod", "-b", made, kernel.release], check=True)
        return {
            f"/{place}/{file.name}": file.read_bytes()
            for file in tree.iterdir()
            if file.suffix in (".bin", ".ko")
        }
