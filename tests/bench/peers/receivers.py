# SPDX-License-Identifier: Apache-2.0
"""Receiving ends on the host: a program of the tool's own, and what came to it."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_POLL_SECONDS = 0.002
_END_SECONDS = 20.0


class Program:
    """One process of a tool on the host, until interrupt().

    arrived: grows when something has come; what it counts is the receiver's.
    arrived_at: when it last grew, by time.monotonic().
    """

    def __init__(
        self, command: Sequence[str], folder: Path, stdout: int | None = None
    ) -> None:
        self.arrived = 0
        self.arrived_at = 0.0
        self._folder = folder
        self._log = (folder / "log").open("w+")
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL,
            stdout=self._log if stdout is None else stdout, stderr=self._log,
        )  # fmt: skip

    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def wait_log(self, text: str, seconds: float = _END_SECONDS) -> None:
        self._wait(lambda: text in self.log(), f"'{text}'", seconds)

    def interrupt(self) -> None:
        """Asks for its end as Ctrl-C does, and waits for it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()

    def wait_more(self, than: int, seconds: float) -> bool:
        """Whether more than that arrives within the time."""
        deadline = time.monotonic() + seconds
        while self.arrived <= than:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def wait_quiet(self, seconds: float) -> None:
        """Until nothing has come for that long."""
        start = time.monotonic()
        while time.monotonic() - max(start, self.arrived_at) < seconds:
            time.sleep(_POLL_SECONDS)

    def _wait(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._process.args!r}: no {what}: {self.log()}")
            time.sleep(_POLL_SECONDS)


class TextProgram(Program):
    """One whose standard output is a line for each record.

    record: what stands in each record's line and in no other; the others are
    kept in `others`.
    """

    def __init__(self, command: Sequence[str], folder: Path, record: bytes) -> None:
        super().__init__(command, folder, stdout=subprocess.PIPE)
        self.others: list[str] = []
        self._record = record
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def interrupt(self) -> None:
        super().interrupt()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        rest = b""
        while chunk := os.read(self._process.stdout.fileno(), 1 << 20):
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            records = whole.count(self._record)
            if records != whole.count(b"\n") + len(newline):
                self.others += [
                    line.decode(errors="replace")
                    for line in whole.split(b"\n")
                    if line and self._record not in line
                ]
            if records:
                self.arrived_at = time.monotonic()
                self.arrived += records


class FileProgram(Program):
    """One that only writes files: `size` says what there is of them."""

    def __init__(self, command: Sequence[str], folder: Path, size: Callable[[], int]) -> None:
        super().__init__(command, folder)
        self._size = size
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def interrupt(self) -> None:
        self._ended.set()
        self._watcher.join()
        super().interrupt()

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            try:
                size = self._size()
            except FileNotFoundError:  # joined into another while we looked
                continue
            if size > self.arrived:
                self.arrived, self.arrived_at = size, time.monotonic()


class BlktraceFile:
    """What blktrace wrote of one processor. It makes files longer than what is in
    them, so their contents say how far it has come; while it writes, a record may
    be counted too early and taken for another.
    """

    _TRACE = struct.Struct("=IIQQIIIIIHH")  # struct blk_io_trace
    _MAGIC = 0x65617400
    _COMPLETE = 8  # __BLK_TA_COMPLETE

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._next = 0
        self.sectors: list[int] = []

    def read_on(self) -> None:
        self._file.seek(self._next)
        new = self._file.read()
        place = 0
        while place + self._TRACE.size <= len(new):
            magic, _, _, sector, _, action, *_, more = self._TRACE.unpack_from(new, place)
            if magic & ~0xFF != self._MAGIC:
                break  # zeros: not written yet
            if action & 0xFFFF == self._COMPLETE:
                self.sectors.append(sector)
            place += self._TRACE.size + more
        self._next += place

    def close(self) -> None:
        self._file.close()
