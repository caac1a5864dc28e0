# SPDX-License-Identifier: Apache-2.0
"""History on disk: kchand is killed, its disk fills up, the numbers add up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from daemon import Daemon, settle
from remote import Ledger, Remote, Stream
from vm import Vm

FOLLOWING, DEGRADED = 1, 2
DISK = "/mnt/spool"
# Memory holds what both CPUs' rings keep while no daemon runs: it comes all at once.
CONFIG = f"""
spool {{ directory: "{DISK}/kchan" }}
memory {{ log_bytes: 8388608 }}
channels {{ glob: "tick" open: OPEN_ALWAYS spool {{ max_bytes: 33554432 }} }}
channels {{ glob: "kmsg" spool {{ }} }}
"""


@pytest.fixture
def daemon(vm: Vm, stubs: None) -> Iterator[Daemon]:
    """One with a spool on a disk of its own."""
    vm.sh(f"mkdir -p {DISK} && mount -t tmpfs -o size=48m tmpfs {DISK}")
    with Daemon(vm, CONFIG) as running:
        yield running
    vm.sh(f"umount {DISK}")


def live(remote: Remote, channel: str = "tick") -> Any:
    settle(remote, lambda _: channel in remote.channels())
    settle(remote, lambda _: remote.channels()[channel].state == 2)
    return remote.channels()[channel]


def covered(stream: Stream, channel: str, epoch: int, sequence: int) -> Ledger:
    """Reads until `sequence` is covered; the numbers must add up."""
    stream.until(
        lambda response: response.HasField("batch")
        and response.batch.channel == channel
        and response.batch.epoch == epoch
        and response.batch.last_sequence >= sequence
    )
    ledger = stream.ledgers[channel][epoch]
    assert ledger.balances()
    return ledger


def test_client_resumes_exactly_after_each_of_three_kills(vm: Vm, daemon: Daemon) -> None:
    with ExitStack() as connections:
        remote = connections.enter_context(daemon.remote())
        live(remote)
        remote.update("tick", rate_hz=5000, size=256, cpus=2)
        stream = remote.subscribe("tick", oldest=True)
        first = 0
        for _ in range(3):
            stream.take(20000)
            ((epoch, ledger),) = stream.ledgers["tick"].items()
            assert ledger.balances()
            first = first or ledger.first

            daemon.kill()
            daemon.start()
            remote = connections.enter_context(daemon.remote())
            live(remote)
            stream = remote.subscribe("tick", cursor=remote.cursor("tick", epoch, ledger.last))
            stream.take(1)
            assert stream.ledgers["tick"].keys() == {epoch}
            assert stream.ledgers["tick"][epoch].first == ledger.last + 1
        stream.cancel()

        # All of it is there, on disk and in memory, and what the dead daemons
        # alone had is counted.
        last = remote.channels()["tick"].last_sequence
        whole = remote.subscribe("tick", oldest=True)
        ledger = covered(whole, "tick", epoch, last)
        whole.cancel()
        assert ledger.first <= first
        assert set(ledger.lost) <= {"LOSS_STAGE_DAEMON_RESTART", "LOSS_STAGE_KERNEL_RING"}
        assert ledger.received > 60_000
        assert not remote.status().problems


def test_kernel_log_is_not_there_twice_after_a_kill(vm: Vm, daemon: Daemon) -> None:
    with daemon.remote() as remote:
        stream = remote.subscribe("kmsg", oldest=True)
        vm.sh("echo before-the-kill > /dev/kmsg")
        stream.until(
            lambda response: response.HasField("batch")
            and any(b"before-the-kill" in record.payload for record in response.batch.records)
        )
        ((epoch, before),) = stream.ledgers["kmsg"].items()
        settle(remote, lambda _: remote.channels()["kmsg"].spool.records >= before.received)
    daemon.kill()
    daemon.start()
    with daemon.remote() as remote:
        vm.sh("echo after-the-kill > /dev/kmsg")
        stream = remote.subscribe("kmsg", oldest=True)
        seen: list[bytes] = []

        def is_last(response: Any) -> bool:
            if response.HasField("batch"):
                seen.extend(record.payload for record in response.batch.records)
            return any(b"after-the-kill" in payload for payload in seen)

        stream.until(is_last)
        assert sum(b"before-the-kill" in payload for payload in seen) == 1
        ledger = stream.ledgers["kmsg"][epoch]
        assert ledger.balances() and not ledger.lost
        assert ledger.first == before.first


def test_full_disk_degrades_and_the_gap_is_counted(vm: Vm, daemon: Daemon) -> None:
    with daemon.remote() as remote:
        epoch = live(remote).epoch
        remote.update("tick", rate_hz=5000, size=1024)
        settle(remote, lambda _: remote.channels()["tick"].spool.records > 1000)
        vm.sh(f"dd if=/dev/zero of={DISK}/filler bs=4k", check=False)
        status = settle(
            remote, lambda _: remote.channels()["tick"].spool.state == DEGRADED
        )
        status = settle(remote, lambda status: status.problems)
        (problem,) = [each for each in status.problems if each.subject == "spool of channel tick"]
        assert "No space left" in problem.description and problem.remedy
        # Memory goes over it meanwhile.
        at = remote.channels()["tick"].last_sequence
        settle(remote, lambda _: remote.channels()["tick"].oldest_sequence > at)

        vm.sh(f"rm {DISK}/filler")
        settle(remote, lambda _: remote.channels()["tick"].spool.state == FOLLOWING, seconds=90)
        last = remote.channels()["tick"].last_sequence
        stream = remote.subscribe("tick", oldest=True)
        ledger = covered(stream, "tick", epoch, last)
        stream.cancel()
        assert ledger.lost["LOSS_STAGE_SPOOL"] > 0
        # It says when it began and when it ended, and not each time that it tried.
        notes = [line for line in daemon.log().splitlines() if "spool of channel tick" in line]
        assert "can be written again" in notes[-1]
        assert len(notes) < 10, notes


def test_history_is_there_without_its_module(vm: Vm, daemon: Daemon) -> None:
    with daemon.remote() as remote:
        epoch = live(remote).epoch
        remote.update("tick", rate_hz=1000)
        settle(remote, lambda _: remote.channels()["tick"].spool.records > 500)
        schema_id = remote.channels()["tick"].schema_id
    daemon.terminate()
    vm.sh("rmmod kchan_sources")
    daemon.start()
    try:
        with daemon.remote() as remote:
            channel = remote.channels()["tick"]
            assert channel.state == 3 and channel.state_reason
            assert remote.schema("tick").id == schema_id
            stream = remote.subscribe("tick", oldest=True)
            records = [record for _, record in stream.take(500)]
            decoded = remote.schema("tick").decode(records[0])
            assert decoded["size"] == len(records[0].payload)
            assert stream.ledgers["tick"][epoch].balances()
            stream.cancel()
    finally:
        vm.sh("insmod /modules/kchan_sources.ko")
