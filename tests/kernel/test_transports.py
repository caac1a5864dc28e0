# SPDX-License-Identifier: Apache-2.0
"""Every transport of the module end to end: from the kernel to a remote client
and back, each number accounted for."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon import Daemon, settle
from remote import Remote, Stream
from vm import Vm

IDLE, LIVE, ENDED = 1, 2, 3
EMIT, HARDIRQ = 0, 3  # the testbed's forms

# A channel that takes the command "write count records", and the one that they
# come out of.
STREAMS = [
    ("test.per_cpu", "test.per_cpu"),
    ("test.shared", "test.shared"),
    ("test.mutex", "test.mutex"),
    ("test.semaphore", "test.semaphore"),
    ("test.genl", "test.genl"),
    ("test.chardev", "test.chardev"),
    ("test.bytes", "test.bytes"),
    ("test.relay.write", "test.relay"),
    ("test.file", "test.file"),
]
OVERFLOWING = [*STREAMS, ("test.relay.overwrite.write", "test.relay.overwrite")]


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm], build_dir: Path, kernel: str) -> Iterator[Vm]:
    modules = build_dir / "kmod" / kernel
    with make_vm(
        modules=[
            modules / "tests/kchan_testbed.ko",
            modules / "tests/kchan_testlog.ko",
        ]
    ) as guest:
        guest.sh(
            "grep -q ' /sys/kernel/debug ' /proc/mounts"
            " || mount -t debugfs none /sys/kernel/debug"
        )
        guest.sh("mkdir -p /var/lib")  # of file channels
        yield guest


@pytest.fixture(scope="module")
def daemon(vm: Vm, stubs: None) -> Iterator[Daemon]:
    with Daemon(vm) as running:
        yield running


@pytest.fixture
def remote(daemon: Daemon) -> Iterator[Remote]:
    with daemon.remote() as connection:
        needed = {"test.log", *(channel for _, channel in OVERFLOWING)}
        settle(connection, lambda _: needed <= connection.channels().keys())
        yield connection


def follow(remote: Remote, channel: str) -> Stream:
    """A subscription to a channel that is read from now on."""
    stream = remote.subscribe(channel)
    listed = settle(remote, lambda _: remote.channels()[channel].state != IDLE)
    assert remote.channels()[channel].state == LIVE, listed.problems
    return stream


def write(remote: Remote, channel: str, count: int, length: int = 64, form: int = EMIT) -> int:
    """Lets the testbed write `count` records; its errno."""
    schema = remote.schema(channel)
    command = schema.encode(schema.type_id("write"), count=count, length=length, form=form)
    (answer,) = remote.publish(channel, schema.type_id("write"), [command])
    return answer.kernel_errno


def account(stream: Stream, channel: str, attempts: int) -> int:
    """Reads until all attempts are accounted for; how many came."""

    def complete(_: object) -> bool:
        ledgers = stream.ledgers.get(channel)
        if not ledgers:
            return False
        ledger = stream.ledger(channel)
        return ledger.received + sum(ledger.lost.values()) >= attempts

    stream.until(complete)
    ledger = stream.ledger(channel)
    assert ledger.balances()
    assert ledger.received + sum(ledger.lost.values()) == attempts
    return ledger.received


@pytest.mark.parametrize(("command", "channel"), STREAMS)
def test_records_that_fit_all_come(remote: Remote, command: str, channel: str) -> None:
    stream = follow(remote, channel)
    for _ in range(20):
        assert write(remote, command, count=50) == 0
    received = account(stream, channel, 1000)
    # Nobody can read faster than one CPU writes 50 at a time, but they fit.
    assert received == 1000
    stream.cancel()


@pytest.mark.parametrize(("command", "channel"), OVERFLOWING)
def test_what_does_not_fit_is_lost_and_counted(
    remote: Remote, command: str, channel: str
) -> None:
    stream = follow(remote, channel)
    for _ in range(5):
        assert write(remote, command, count=5000, length=256) in (0, errno.ENOBUFS)
    received = account(stream, channel, 25000)
    assert 0 < received < 25000
    stream.cancel()


@pytest.mark.parametrize(("command", "channel"), STREAMS)
def test_numbers_go_on_after_a_kill(
    daemon: Daemon, remote: Remote, command: str, channel: str
) -> None:
    stream = follow(remote, channel)
    assert write(remote, command, count=100) == 0
    assert account(stream, channel, 100) == 100
    ((epoch, ledger),) = stream.ledgers[channel].items()
    stream.cancel()
    remote.close()  # or its next attempt to connect delays ours
    daemon.kill()
    daemon.start()
    with daemon.remote() as again:
        settle(again, lambda _: channel in again.channels())
        resumed = again.subscribe(channel, cursor=again.cursor(channel, epoch, ledger.last))
        resumed.until_live(channel)
        assert write(again, command, count=100) == 0
        assert account(resumed, channel, 100) == 100
        assert resumed.ledgers[channel].keys() == {epoch}
        assert resumed.ledger(channel).first == ledger.last + 1
        resumed.cancel()


@pytest.mark.parametrize("channel", ["test.mutex", "test.semaphore"])
def test_a_writer_that_may_not_wait_is_refused_and_counted(remote: Remote, channel: str) -> None:
    stream = follow(remote, channel)
    assert write(remote, channel, count=10) == 0
    assert write(remote, channel, count=7, form=HARDIRQ) == errno.EBUSY
    assert write(remote, channel, count=10) == 0
    assert account(stream, channel, 27) == 20
    assert stream.ledger(channel).lost == {"LOSS_STAGE_KERNEL_RING": 7}
    stream.cancel()


def test_of_a_stream_of_bytes_the_log_has_what_a_reader_of_the_node_left(
    vm: Vm, remote: Remote
) -> None:
    stream = follow(remote, "test.bytes")
    vm.sh("killall -STOP kchand")
    try:
        # "Write 5 records of 64 bytes", as bytes like any other.
        command = "".join(f"\\{byte:03o}" for byte in struct.pack("<III", 5, 64, EMIT))
        vm.sh(f"printf '{command}' > /dev/kchan.test.bytes")
        # The first record and a part of the second.
        assert vm.sh("dd if=/dev/kchan.test.bytes bs=100 count=1 | wc -c").stdout == "100\n"
    finally:
        vm.sh("killall -CONT kchand")
    lengths = [len(record.payload) for _, record in stream.take(4)]
    assert lengths == [28, 64, 64, 64]
    assert account(stream, "test.bytes", 5) == 4
    stream.cancel()


def test_lines_in_the_kernel_log_are_records(vm: Vm, remote: Remote) -> None:
    kind = remote.schema("test.log.write").type_id("say")
    stream = follow(remote, "test.log")
    (answer,) = remote.publish("test.log.write", kind, [struct.pack("=I", 3) + b"one\ntwo \\"])
    assert answer.kernel_errno == 0
    schema = remote.schema("test.log")
    texts = [schema.decode(record)["text"] for _, record in stream.take(3)]
    assert texts == ["one\ntwo \\"] * 3
    # A forged line is nobody's record: it has no device.
    vm.sh("echo 'test.log#99: forged' > /dev/kmsg")
    (answer,) = remote.publish("test.log.write", kind, [struct.pack("=I", 500) + b"much"])
    assert answer.kernel_errno in (0, errno.ENOBUFS)
    # What the rate limit withheld is summed up, and so accounted for.
    received = account(stream, "test.log", 503)
    assert 3 < received < 503
    stream.cancel()


def test_update_answers_with_the_new_values(remote: Remote) -> None:
    for value in (2, 4, 6):
        updated = remote.update("test.shared", even=value)
        assert {p.name: p.value for p in updated.parameters}["even"] == value
        listed = remote.channels()["test.shared"].parameters
        assert {p.name: p.value for p in listed}["even"] == value


@pytest.mark.parametrize("channel", ["test.shared", "test.chardev", "test.genl", "test.file"])
def test_a_refusal_is_the_channels_own(remote: Remote, channel: str) -> None:
    schema = remote.schema(channel)
    kind = schema.type_id("write")
    too_short = schema.encode(kind, count=1, length=1)
    good = schema.encode(kind, count=0, length=64)
    refused, taken = remote.publish(channel, kind, [too_short, good])
    assert refused.kernel_errno == errno.EINVAL
    assert taken.kernel_errno == 0
    if channel != "test.chardev":  # write() has no words
        assert "no such length" in refused.status.message


def test_the_module_can_leave_while_everything_is_in_use(vm: Vm, remote: Remote) -> None:
    channels = [channel for _, channel in STREAMS]
    streams = {channel: follow(remote, channel) for channel in channels}
    for command, _ in STREAMS:
        assert write(remote, command, count=10) == 0
    vm.sh("rmmod kchan_testbed")
    try:
        for channel, stream in streams.items():
            # Everything it had written comes before its end.
            assert account(stream, channel, 10) == 10
        settle(
            remote,
            lambda _: all(remote.channels()[name].state == ENDED for name in channels),
        )
    finally:
        vm.sh("insmod /modules/kchan_testbed.ko")
    settle(remote, lambda _: all(remote.channels()[name].state == LIVE for name in channels))
    for stream in streams.values():
        stream.cancel()
