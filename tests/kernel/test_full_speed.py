# SPDX-License-Identifier: Apache-2.0
"""tick as fast as it can, in all contexts on all CPUs, while the daemon is
killed and CPUs come and go: the numbers are exact all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from daemon import Daemon, settle
from google.protobuf.duration_pb2 import Duration
from remote import Ledger, Remote
from tick import CHANNELS, MIXED, Audit, all_writers, reset
from vm import Vm

# CPU 1 is there, and was never up.
VM = {"append": "maxcpus=1"}
_BEATS = 30  # of a second, without a record: more would be a hang
# Without a reader it fits in no ring for longer than some milliseconds.
AS_FAST_AS_IT_CAN = {"rate_hz": 0, "size": 1024, "context": MIXED, "cpus": 2}


def bring(vm: Vm, state: str) -> None:
    """CPU 1 "online" or "offline"; it may be so already."""
    value = {"offline": 0, "online": 1}[state]
    vm.sh(f"echo {value} > /sys/devices/system/cpu/cpu1/online", timeout=120)
    assert vm.sh("nproc").stdout == f"{1 + value}\n"


class Story:
    """One channel in one epoch, over as many streams as it takes."""

    def __init__(self, remote: Remote, channel: str) -> None:
        self._channel = channel
        self._epoch = 0
        self._audit = Audit(remote.schema(channel))
        self._ledgers: list[Ledger] = []  # of each stream
        self._subscribe(remote, oldest=True)

    def resume(self, remote: Remote) -> None:
        """By cursor, where the last stream has come to."""
        last = self.now.last
        self._subscribe(remote, cursor=remote.cursor(self._channel, self._epoch, last))
        assert self.now.first == last + 1

    def read(self, records: int) -> None:
        target = self.now.received + records
        self._until(lambda: self.now.received >= target)

    def read_to_a_loss_of_the_ring(self) -> None:
        self._until(lambda: self.now.lost["LOSS_STAGE_KERNEL_RING"] > 0)

    def end(self, remote: Remote) -> Counter[int | None]:
        """Stops the writers and reads to the last number that they took; how
        many were lost, by CPU.

        Each attempt of a writer is one number: all are accounted for when the
        writers' own numbers add up to the channel's last.
        """
        audit = self._audit
        remote.update(self._channel, count=1)
        self._read_to_rest()
        # One more of each, which comes now that there is room: its last.
        before = {number: writer.last for number, writer in audit.writers.items()}
        remote.update(self._channel, count=1)
        for _ in range(_BEATS):
            self._read_to_rest()
            if all(audit.writers[number].last > last for number, last in before.items()):
                break
        self._stream.cancel()
        assert all(ledger.balances() for ledger in self._ledgers)
        assert self._ledgers[0].first == 1
        assert audit.writers.keys() == all_writers()
        received = sum(ledger.received for ledger in self._ledgers)
        lost: Counter[int | None] = Counter()
        for ledger in self._ledgers:
            lost += ledger.lost_by_cpu
        assert received == audit.received()
        assert lost.total() == sum(writer.lost for writer in audit.writers.values())
        assert self.now.last == received + lost.total() == audit.attempts()
        assert all(audit.writers[number].last > last for number, last in before.items())
        # A client that is too slow for the log loses there, of whichever CPU.
        evicted = sum(ledger.lost["LOSS_STAGE_LOG_EVICTION"] for ledger in self._ledgers)
        return lost - Counter({None: evicted})

    @property
    def now(self) -> Ledger:
        """Of the stream that is read."""
        return self._ledgers[-1]

    def _subscribe(self, remote: Remote, **start: Any) -> None:
        beat = Duration(seconds=1)
        self._stream = remote.subscribe(self._channel, heartbeat_interval=beat, **start)
        self._until(lambda: self._channel in self._stream.ledgers)
        ((epoch, ledger),) = self._stream.ledgers[self._channel].items()
        assert self._epoch in (0, epoch)
        self._epoch = epoch
        self._ledgers.append(ledger)

    def _read_to_rest(self) -> None:
        self._stream.until(lambda response: self._add(response).HasField("heartbeat"), 120)

    def _until(self, done: Callable[[], bool]) -> None:
        self._stream.until(lambda response: self._add(response) is not None and done(), 120)

    def _add(self, response: Any) -> Any:
        for record in response.batch.records if response.HasField("batch") else ():
            self._audit.add(record)
        assert len(self._stream.ledgers.get(self._channel, {})) <= 1, "another epoch"
        return response


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_processors_that_come_and_go_cost_no_number(
    vm: Vm, daemon: Daemon, channel: str
) -> None:
    bring(vm, "offline")
    with daemon.remote() as remote:
        reset(remote, linger_ms=0)
        remote.update(channel, **AS_FAST_AS_IT_CAN)
        story = Story(remote, channel)
        for _ in range(3):
            bring(vm, "online")
            story.read(2000)
            bring(vm, "offline")
            story.read(2000)
        bring(vm, "online")
        lost = story.end(remote)
        if channel == "tick":
            assert lost.keys() <= {0, 1}


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_numbers_go_on_after_kill_9_and_an_overflow(
    vm: Vm, daemon: Daemon, channel: str
) -> None:
    bring(vm, "online")
    with ExitStack() as connections:
        remote = connections.enter_context(daemon.remote())
        reset(remote, linger_ms=60_000)
        remote.update(channel, **AS_FAST_AS_IT_CAN)
        story = Story(remote, channel)
        for _ in range(3):
            story.read(2000)
            remote.close()  # or its attempts to connect again delay the next one's
            daemon.kill()
            daemon.start()
            remote = connections.enter_context(daemon.remote())
            settle(remote, lambda _, remote=remote: channel in remote.channels())
            story.resume(remote)
            story.read_to_a_loss_of_the_ring()
        story.end(remote)
