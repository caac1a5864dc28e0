# SPDX-License-Identifier: Apache-2.0
"""kchan and what else takes kernel records off a machine, each used as its own
documentation says. All get 4 MiB of kernel memory for each processor, which is
kchan's default.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from guest import (
    DEVICE, EVENT, FIRST_SINGLE_SECTOR, HOST, KCHAND_PORT, LINE_BUFFERED, TRACING, Guest,
)  # fmt: skip
from receivers import BlktraceFile, FileProgram, Program, TextProgram
from vmlib.qemu import free_ports

_BUFFER_KB = 4096
_LIVE_SECONDS = 1.0  # LTTng's own default for --live
_QUIET_SECONDS = 0.5
_SENDER_LOG = "/tmp/sender.log"


@dataclass
class Outcome:
    """What came of a load. told_gaps: losses that were told without a number."""

    received: int
    told_lost: int
    told_gaps: int = 0


class Tool:
    """A context: inside it, records are carried to `receiver`.

    `folder` is the tool's own on the host, and empty.
    """

    name = ""
    received_by = ""
    # After so long without a record, none is on its way.
    quiet_seconds = _QUIET_SECONDS

    def __init__(self, guest: Guest, folder: Path) -> None:
        self.guest = guest
        self.folder = folder
        self.receiver: Program

    def __enter__(self) -> Tool:
        with ExitStack() as ends:
            ends.callback(self.guest.end_tool)
            self._start(ends)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def ready(self) -> None:
        """Returns when records are seen to arrive, and none is on its way."""
        while not self.receiver.wait_more(0, seconds=0.2):
            self.guest.read_one()
        self.receiver.wait_quiet(self.quiet_seconds)

    def finish(self, sent: int) -> Outcome:
        """Everything that was sent and will ever arrive has done so on return."""
        raise NotImplementedError

    def _start(self, ends: ExitStack) -> None:
        """`ends` takes what is to be done at the end, last first."""
        raise NotImplementedError


class _TextTool(Tool):
    """One whose receiver prints records as they come."""

    receiver: TextProgram
    _before = 0

    def ready(self) -> None:
        super().ready()
        self._before = self.receiver.arrived

    def finish(self, sent: int) -> Outcome:
        def account() -> Outcome:
            return Outcome(self.receiver.arrived - self._before, self._told_lost())

        self._until(lambda: account().received + account().told_lost >= sent)
        return account()

    def _until(self, done: Callable[[], bool]) -> None:
        """All accounted for, or nothing more comes."""
        while not done() and self.receiver.wait_more(self.receiver.arrived, seconds=5):
            pass

    def _told_lost(self) -> int:
        raise NotImplementedError


class Kchan(_TextTool):
    name = "kchan"
    received_by = "`kchan tail --json`"
    program = Path()  # the CLI; set by main
    options: ClassVar[list[str]] = []

    def _start(self, ends: ExitStack) -> None:
        self.guest.spawn(
            f"kchand --listen-tcp 0.0.0.0:{KCHAND_PORT} --insecure --allow-remote-insecure",
            log="/tmp/kchand.log",
        )
        self.guest.vm.wait_for(f"netstat -ltn | grep -q :{KCHAND_PORT}")
        server = f"127.0.0.1:{self.guest.vm.ports[KCHAND_PORT]}"
        command = [str(self.program), "--server", server, "tail", "--json", *self.options, "block_io"]
        self.receiver = TextProgram(command, self.folder, record=b'"fields":')
        ends.callback(self.receiver.interrupt)

    def _told_lost(self) -> int:
        return sum(json.loads(line)["lost"]["count"] for line in self.receiver.others)


class KchanDelayed(Kchan):
    """One whose client lets records wait for others, as the tracers do by themselves."""

    name = "kchan, a record may wait 100 ms"
    options: ClassVar[list[str]] = ["--max-delay", "100ms"]


class TracePipe(_TextTool):
    """The kernel's own text of its tracing buffer, through socat."""

    name = "socat, trace_pipe"
    received_by = "socat's output"

    def _start(self, ends: ExitStack) -> None:
        (port,) = free_ports(1)
        command = ["socat", "-u", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", "STDOUT"]
        self.receiver = TextProgram(command, self.folder, record=b"block_rq_complete:")
        ends.callback(self.receiver.interrupt)
        self.guest.vm.sh(f"echo {_BUFFER_KB} >{TRACING}/buffer_size_kb; echo 1 >{EVENT}/enable")
        self.guest.spawn(
            f"socat -u OPEN:{TRACING}/trace_pipe TCP:{HOST}:{port},retry=50,interval=0.1",
            log="/tmp/socat.log",
        )

    def _told_lost(self) -> int:
        lines = "\n".join(self.receiver.others)
        return sum(int(count) for count in re.findall(r"\[LOST (\d+) EVENTS\]", lines))


class LttngLive(_TextTool):
    name = "LTTng live"
    received_by = "babeltrace2"
    quiet_seconds = 2.5 * _LIVE_SECONDS

    def _start(self, ends: ExitStack) -> None:
        control, data, live = free_ports(3)
        folder = self.folder / "relay"
        folder.mkdir()
        relay = Program(
            ["env", f"LTTNG_HOME={folder}", f"LTTNG_RUNDIR={folder}",
             "lttng-relayd", "-C", f"tcp://127.0.0.1:{control}",
             "-D", f"tcp://127.0.0.1:{data}", "-L", f"tcp://127.0.0.1:{live}",
             "-o", str(folder / "traces")],
            folder,
        )  # fmt: skip
        ends.callback(relay.interrupt)
        self.guest.spawn(
            "lttng-sessiond --consumerd64-path=/usr/bin/lttng-consumerd --kmod-probes=block",
            log="/tmp/sessiond.log",
        )
        self.guest.vm.wait_for("lttng --no-sessiond list")
        self._lttng(
            f"create live --live={_LIVE_SECONDS * 1e6:.0f}"
            f" -C tcp://{HOST}:{control} -D tcp://{HOST}:{data}"
        )
        self._lttng(f"enable-channel -k ch --subbuf-size={_BUFFER_KB // 4}K --num-subbuf=4")
        self._lttng("enable-event -k block_rq_complete -c ch")
        self._lttng("start")
        # Its output is otherwise held back until there is much of it.
        self.receiver = TextProgram(
            ["stdbuf", "-oL", "babeltrace2", "--input-format=lttng-live",
             f"net://localhost:{live}/host/guest/live"],
            self.folder, record=b"block_rq_complete:",
        )  # fmt: skip
        ends.callback(self.receiver.interrupt)
        ends.callback(self._lttng, "destroy --no-wait")

    def finish(self, sent: int) -> Outcome:
        self._lttng("stop")
        return super().finish(sent)

    def _told_lost(self) -> int:
        log = self.receiver.log()
        return sum(int(count) for count in re.findall(r"discarded (\d+) event", log))

    def _lttng(self, command: str) -> None:
        self.guest.vm.sh(f"lttng --no-sessiond {command}", timeout=60)


class _FileTool(Tool):
    """One whose receiver only writes files, to be looked at when it has ended."""

    _pid = 0

    def _start_sender(self, ends: ExitStack, command: str) -> None:
        self._pid = self.guest.spawn(command, log=_SENDER_LOG)
        ends.callback(self._end_sender)

    def _end_sender(self) -> None:
        if self._pid:
            pid, self._pid = self._pid, 0
            self.guest.interrupt(pid)


class TraceCmd(_FileTool):
    name = "trace-cmd record -N -t (TCP)"
    received_by = "`trace-cmd listen`'s file"
    option = "-t"

    def _start(self, ends: ExitStack) -> None:
        def size() -> int:
            return sum(path.stat().st_size for path in self.folder.glob("trace.*.cpu*"))

        (port,) = free_ports(1)
        command = ["trace-cmd", "listen", "-p", str(port)]
        self.receiver = FileProgram(command, self.folder, size)
        ends.callback(self.receiver.interrupt)
        self._start_sender(
            ends,
            f"trace-cmd record -N {HOST}:{port} {self.option} -b {_BUFFER_KB}"
            " -e block:block_rq_complete",
        )

    def ready(self) -> None:
        # It stops the tracing first, and starts it when all is set up.
        self.guest.vm.wait_for(f"grep -q 1 {EVENT}/enable && grep -q 1 {TRACING}/tracing_on")
        if "reading client" in self.receiver.log():
            raise RuntimeError("the listener gave up after five seconds; the recorder goes on")

    def finish(self, sent: int) -> Outcome:
        self._end_sender()
        self.receiver.wait_log("CPU1 data recorded")
        self.receiver.interrupt()
        (trace,) = self.folder.glob("trace.*.dat")
        report = subprocess.run(
            ["trace-cmd", "report", "-i", trace], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        sectors = [int(sector) for sector in re.findall(r" (\d+) \+ 1 \[0\]", report)]
        lost = re.findall(r"\[(\d+) EVENTS DROPPED\]", report)
        return Outcome(
            sum(sector < FIRST_SINGLE_SECTOR for sector in sectors),
            told_lost=sum(map(int, lost)),
            told_gaps=report.count("[EVENTS DROPPED]"),
        )


class TraceCmdUdp(TraceCmd):
    name = "trace-cmd record -N (UDP)"
    option = ""


class Blktrace(_FileTool):
    """With -s: with its sendfile the transfer stands still on these kernels."""

    name = "blktrace -h -s"
    received_by = "`blktrace -l`'s files"

    def _start(self, ends: ExitStack) -> None:
        self._files: dict[Path, BlktraceFile] = {}
        (port,) = free_ports(1)
        # Its server, too, wants a debugfs to be there.
        self.receiver = FileProgram(
            ["unshare", "--mount", "sh", "-c",
             "mount -t debugfs debugfs /sys/kernel/debug"
             f" && exec stdbuf -oL blktrace -l -p {port}"],
            self.folder, self._read_on,
        )  # fmt: skip
        ends.callback(self._close_files)
        ends.callback(self.receiver.interrupt)
        self.receiver.wait_log("waiting for connections")
        self._start_sender(
            ends,
            f"env LD_PRELOAD={LINE_BUFFERED} _STDBUF_O=L"
            f" blktrace -d {DEVICE} -h {HOST} -p {port} -s -a complete -b {_BUFFER_KB // 4} -n 4",
        )

    def ready(self) -> None:
        self.guest.vm.wait_for(f"grep -q connected! {_SENDER_LOG}")

    def finish(self, sent: int) -> Outcome:
        self._end_sender()
        self.receiver.wait_log("end of run")
        self.receiver.interrupt()
        # Anew: what was read while it was written may have been half a record.
        self._close_files()
        self._read_on()
        sectors = [sector for file in self._files.values() for sector in file.sectors]
        (lost,) = re.findall(r"\(dropped (\d+)\)", self.receiver.log())
        return Outcome(sum(sector < FIRST_SINGLE_SECTOR for sector in sectors), int(lost))

    def _close_files(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _read_on(self) -> int:
        for path in self.folder.glob("*/nullb0.blktrace.*"):
            if path not in self._files:
                self._files[path] = BlktraceFile(path)
        for file in self._files.values():
            file.read_on()
        return sum(len(file.sectors) for file in self._files.values())


TOOLS: list[type[Tool]] = [Kchan, KchanDelayed, TraceCmd, TraceCmdUdp, LttngLive, Blktrace, TracePipe]
