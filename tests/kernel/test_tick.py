# SPDX-License-Identifier: Apache-2.0
"""tick, at full speed and when nobody reads: each number is accounted for."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from daemon import Daemon
from remote import Ledger, Remote, Stream
from tick import (
    CHANNELS,
    COMMAND,
    HARDIRQ,
    MIXED,
    PROCESS,
    SOFTIRQ,
    Audit,
    all_writers,
    reset,
)
from vm import Vm


@pytest.fixture
def remote(daemon: Daemon) -> Iterator[Remote]:
    """A fresh daemon, and channels that do not outlast it: numbers start at 1."""
    with daemon.remote() as connection:
        reset(connection, linger_ms=0)
        yield connection


def read_all(stream: Stream, channel: str, total: int, audit: Audit) -> Ledger:
    """Reads until `total` numbers are covered; checks each record on the way."""

    def covered(response: Any) -> bool:
        if not response.HasField("batch"):
            return False
        for record in response.batch.records:
            audit.add(record)
        return stream.ledger(channel).last >= total

    stream.until(covered, seconds=120)
    ledger = stream.ledger(channel)
    assert (ledger.first, ledger.last) == (1, total)
    assert ledger.balances()
    assert audit.received() == ledger.received
    return ledger


def check_loss_by_cpu(
    channel: str, ledger: Ledger, audit: Audit, writers: set[int], count: int
) -> None:
    """One CPU's ring says whose records were lost; what all CPUs write to cannot."""
    if channel != "tick":
        assert ledger.lost_by_cpu.keys() <= {None}
        return
    # A client that is too slow for the log loses there, of whichever CPU.
    evicted = ledger.lost["LOSS_STAGE_LOG_EVICTION"]
    assert ledger.lost_by_cpu.keys() <= {0, 1, None}
    assert ledger.lost_by_cpu[None] == evicted
    for cpu in (0, 1):
        of_this_cpu = {writer for writer in writers if writer // 4 == cpu}
        not_in_its_ring = ledger.lost_by_cpu[cpu]
        missing = audit.missing_of(of_this_cpu, count)
        assert missing - evicted <= not_in_its_ring <= missing


@pytest.mark.parametrize("channel", ["tick", "tick_shared"])
def test_a_million_records_from_all_contexts_are_accounted_for(
    remote: Remote, channel: str
) -> None:
    count = 175_000
    writers = all_writers()
    total = len(writers) * count
    remote.update(channel, rate_hz=0, size=128, context=MIXED, cpus=2, count=count)
    audit = Audit(remote.schema(channel))
    stream = remote.subscribe(channel, oldest=True)
    ledger = read_all(stream, channel, total, audit)
    stream.cancel()
    assert sum(ledger.lost.values()) == audit.missing_of(writers, count)
    assert audit.writers.keys() == writers
    check_loss_by_cpu(channel, ledger, audit, writers, count)


def test_stopped_reader_loses_exactly_what_is_reported_and_of_which_cpu(
    vm: Vm, daemon: Daemon, remote: Remote
) -> None:
    count = 1_000_000
    remote.update("tick", rate_hz=0, size=512, cpus=2, count=count)
    audit = Audit(remote.schema("tick"))
    stream = remote.subscribe("tick", oldest=True)
    stream.until_live("tick")
    vm.sh("killall -STOP kchand")
    # A writer sleeps when it has made its attempts, and not before.
    for cpu in (0, 1):
        asleep = f"grep -q '^State:.S' /proc/$(pidof kchan_tick/{cpu})/status"
        vm.wait_for(asleep, timeout=120)
    vm.sh("killall -CONT kchand")
    ledger = read_all(stream, "tick", 2 * count, audit)
    stream.cancel()
    lost = ledger.lost["LOSS_STAGE_KERNEL_RING"]
    # 8 MiB of rings do not hold 1 GiB; and the losses have no record behind them.
    assert lost > count
    assert all(audit.writers[cpu * 4].last < count for cpu in (0, 1))
    assert sum(ledger.lost.values()) == audit.missing_of({0, 4}, count)
    check_loss_by_cpu("tick", ledger, audit, {0, 4}, count)


@pytest.mark.parametrize("context", [PROCESS, SOFTIRQ, HARDIRQ])
def test_context_and_processors_are_as_asked(remote: Remote, context: int) -> None:
    remote.update("tick", rate_hz=1000, context=context, cpus=2, count=100)
    audit = Audit(remote.schema("tick"))
    stream = remote.subscribe("tick", oldest=True)
    ledger = read_all(stream, "tick", 200, audit)
    stream.cancel()
    assert not ledger.lost
    assert audit.writers.keys() == {context, 4 + context}


@pytest.mark.parametrize("size", [32, 33, 16360])
def test_size_is_the_payload_s(remote: Remote, size: int) -> None:
    remote.update("tick", rate_hz=1000, size=size, count=20)
    stream = remote.subscribe("tick", oldest=True)
    records = [record for _, record in stream.take(20)]
    stream.cancel()
    assert {len(record.payload) for record in records} == {size}


def test_rate_is_kept(remote: Remote) -> None:
    """Never faster than asked, by the kernel's own time stamps."""
    remote.update("tick", rate_hz=500, count=500)
    stream = remote.subscribe("tick", oldest=True)
    times = [record.boottime_ns for _, record in stream.take(500)]
    stream.cancel()
    # 499 periods of 2 ms; the first may have been late.
    assert times[-1] - times[0] > 0.9 * 499 * 2e6


def test_burst_is_written_together(remote: Remote) -> None:
    remote.update("tick", rate_hz=10, burst=10, count=30)
    stream = remote.subscribe("tick", oldest=True)
    times = [record.boottime_ns for _, record in stream.take(30)]
    stream.cancel()
    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    # A second between bursts, microseconds within one.
    assert [index for index, pause in enumerate(pauses, start=1) if pause > 500e6] == [10, 20]


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_burst_command_writes_exactly_as_many_records(remote: Remote, channel: str) -> None:
    remote.update(channel, count=1)
    schema = remote.schema(channel)
    burst = schema.type_id("burst")
    audit = Audit(schema)
    stream = remote.subscribe(channel, oldest=True)
    read_all(stream, channel, 1, audit)
    answers = remote.publish(channel, burst, [schema.encode(burst, count=n) for n in (1000, 1)])
    assert [answer.status.code for answer in answers] == [0, 0]
    ledger = read_all(stream, channel, 1 + 1001, audit)
    stream.cancel()
    assert not ledger.lost
    assert sum(
        writer.received for writer_id, writer in audit.writers.items() if writer_id % 4 == COMMAND
    ) == 1001  # fmt: skip


def test_refused_command_says_why(remote: Remote) -> None:
    schema = remote.schema("tick")
    burst = schema.type_id("burst")
    stream = remote.subscribe("tick")
    stream.until_live("tick")
    (answer,) = remote.publish("tick", burst, [schema.encode(burst, count=0)])
    stream.cancel()
    assert answer.kernel_errno == errno.ERANGE
    assert "1 .. 1000000" in answer.status.message


def test_records_over_netlink_are_accounted_for(remote: Remote) -> None:
    count = 10_000
    remote.update("tick_genl", rate_hz=0, context=MIXED, cpus=2, count=count)
    audit = Audit(remote.schema("tick_genl"))
    stream = remote.subscribe("tick_genl", oldest=True)
    ledger = read_all(stream, "tick_genl", 6 * count, audit)
    stream.cancel()
    assert audit.writers.keys() <= all_writers()
    assert sum(ledger.lost.values()) == audit.missing_of(all_writers(), count)
    check_loss_by_cpu("tick_genl", ledger, audit, all_writers(), count)


def test_changed_parameters_take_effect_while_it_is_read(remote: Remote) -> None:
    remote.update("tick", rate_hz=1000)
    audit = Audit(remote.schema("tick"))
    stream = remote.subscribe("tick", oldest=True)
    for _, record in stream.take(10):
        audit.add(record)
    remote.update("tick", context=HARDIRQ)

    def from_interrupt(response: Any) -> bool:
        for record in response.batch.records if response.HasField("batch") else ():
            audit.add(record)
        return HARDIRQ in audit.writers

    stream.until(from_interrupt)
    stream.cancel()
    assert audit.writers.keys() == {PROCESS, HARDIRQ}
    assert not stream.ledger("tick").lost


def test_parameter_out_of_range_is_refused(remote: Remote) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        remote.update("tick", size=31)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "size" in refused.value.details()
