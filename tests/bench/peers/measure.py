# SPDX-License-Identifier: Apache-2.0
"""What is asked of each tool: a flood, a steady load, and single records."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from guest import PROCESSORS, Guest
from tools import Tool

_SINGLES = 10
_SINGLE_SECONDS = 5.0  # what has not come by then is not waited for
_MISSES = 2  # after so many, no more are tried
_PAUSE_SECONDS = 0.3  # of the quiet before a single record


@dataclass
class Load:
    """So many reads, at so many a second, or as fast as they go."""

    name: str
    reads: int
    rate: int = 0

    def make(self, guest: Guest) -> float:
        return guest.read_many(self.reads // PROCESSORS, self.rate // PROCESSORS)


def carry(tool: type[Tool], guest: Guest, load: Load) -> dict[str, Any]:
    """Makes the load while the tool carries records; what became of them."""
    with TemporaryDirectory(prefix="kchan-peers-") as folder, tool(guest, Path(folder)) as running:
        running.ready()
        cpu, wire, start = guest.cpu_seconds(), guest.wire_bytes(), time.monotonic()
        seconds = load.make(guest)
        outcome = running.finish(load.reads)
        arrived_at = running.receiver.arrived_at
        return {
            "tool": tool.name, "load": load.name, "sent": load.reads, **asdict(outcome),
            "silently_lost": load.reads - outcome.received - outcome.told_lost,
            "load_seconds": seconds,
            "carried_seconds": arrived_at - start,
            "cpu_seconds": guest.cpu_seconds() - cpu,
            "wire_bytes": guest.wire_bytes() - wire,
        }  # fmt: skip


def single_records(tool: type[Tool], guest: Guest) -> dict[str, Any]:
    """How long one record takes when no other comes behind it."""
    seconds: list[float] = []
    missed = 0
    with TemporaryDirectory(prefix="kchan-peers-") as folder, tool(guest, Path(folder)) as running:
        running.ready()
        while len(seconds) + missed < _SINGLES and missed < _MISSES:
            running.receiver.wait_quiet(_PAUSE_SECONDS)
            before = running.receiver.arrived
            asked = guest.read_one()
            if running.receiver.wait_more(before, _SINGLE_SECONDS):
                seconds.append(running.receiver.arrived_at - asked)
            else:
                missed += 1
    return {"tool": tool.name, "load": "single", "seconds": seconds, "missed": missed,
            "missed_after_seconds": _SINGLE_SECONDS}  # fmt: skip


def without_tools(guest: Guest, load: Load) -> dict[str, Any]:
    """What the load takes when nobody looks."""
    return {"tool": "", "load": load.name, "sent": load.reads, "load_seconds": load.make(guest)}
