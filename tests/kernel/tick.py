# SPDX-License-Identifier: Apache-2.0
"""What the records of tick say about themselves.

Each writer of tick numbers its own records, so what is counted here does not
rest on the sequence numbers that the tests check.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

from daemon import settle
from remote import Remote
from schema import Schema

PROCESS, SOFTIRQ, HARDIRQ, MIXED = range(4)
COMMAND = 3  # a writer's kind, beside the first three contexts
CHANNELS = {"tick", "tick_shared", "tick_genl"}
# What one test sets must not reach the next one.
DEFAULTS = {
    "rate_hz": 10, "size": 64, "burst": 1, "context": 0, "cpus": 1, "count": 0, "checksum": 1,
}  # fmt: skip

_IDLE = 1
# The kernel's fast clock may step back by a little where its rate is corrected.
_CLOCK_STEP_NS = 1000


def all_writers() -> set[int]:
    """Those of context MIXED on two CPUs."""
    return {cpu * 4 + context for cpu in (0, 1) for context in (PROCESS, SOFTIRQ, HARDIRQ)}


def reset(remote: Remote, linger_ms: int) -> None:
    """Sets the three channels back, once nobody reads them."""
    settle(remote, lambda _: CHANNELS <= remote.channels().keys())
    for name in CHANNELS:
        settle(remote, lambda _, name=name: remote.channels()[name].state == _IDLE)
        remote.update(name, linger_ms, **DEFAULTS)


@dataclass
class Writer:
    """What one writer wrote, as far as it arrived."""

    received: int = 0
    last: int = 0  # its highest number
    lost: int = 0  # gaps between what arrived

    def add(self, counter: int) -> None:
        assert counter > self.last, (counter, self.last)
        self.lost += counter - self.last - 1
        self.last = counter
        self.received += 1


@dataclass
class _Place:
    """Where the records of one CPU have come to."""

    boottime_ns: int = 0
    context: int = PROCESS


class Audit:
    """Checks each record by itself, and the order of each writer's and each CPU's.

    A CPU's records are in the order in which their space was taken. The time is
    taken right behind that, so it steps back only at a record whose writer
    interrupted the one before: one of a higher context.
    """

    def __init__(self, schema: Schema) -> None:
        kind = schema.types[schema.type_id("tick")]
        # A million records: decode by offset, not by name.
        offsets = {member.name: member.offset for member in kind.fields}
        assert offsets == {
            "counter": 0, "writer": 8, "cpu": 12, "context": 16, "size": 20, "checksum": 24,
            "fill": 28,
        }  # fmt: skip
        self._fixed = struct.Struct("<QIIIIII")
        self._places: dict[int, _Place] = {}
        self.writers: dict[int, Writer] = {}

    def add(self, record: Any) -> None:
        payload = record.payload
        counter, writer_id, cpu, context, size, checksum, fill = self._fixed.unpack_from(payload)
        assert len(payload) == size
        assert zlib.crc32(payload[fill & 0xFFFF :][: fill >> 16]) == checksum
        assert (fill & 0xFFFF) + (fill >> 16) == size
        assert record.cpu == cpu
        self._check_order(record.boottime_ns, cpu, context)
        self.count(writer_id, cpu, context, counter)

    def count(self, writer_id: int, cpu: int, context: int, counter: int) -> None:
        """Adds it to its writer's, which stays on its CPU."""
        assert writer_id == cpu * 4 + (context if writer_id % 4 != COMMAND else COMMAND)
        self.writers.setdefault(writer_id, Writer()).add(counter)

    def _check_order(self, boottime_ns: int, cpu: int, context: int) -> None:
        place = self._places.setdefault(cpu, _Place())
        if boottime_ns < place.boottime_ns - _CLOCK_STEP_NS:
            assert context > place.context, (boottime_ns, context, place)
        place.boottime_ns = boottime_ns
        place.context = context

    def received(self) -> int:
        return sum(writer.received for writer in self.writers.values())

    def attempts(self) -> int:
        """All that the writers are known to have made."""
        return sum(writer.last for writer in self.writers.values())

    def missing_of(self, writers: set[int], count: int) -> int:
        """What did not arrive of the `count` records that each wrote."""
        present = [self.writers[writer] for writer in writers & self.writers.keys()]
        assert all(writer.last <= count for writer in present)
        return len(writers) * count - sum(writer.received for writer in present)
