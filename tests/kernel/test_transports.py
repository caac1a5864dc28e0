# SPDX-License-Identifier: Apache-2.0
"""Every transport of the module end to end: from the kernel to a remote client
and back, each number accounted for."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from daemon import Daemon, settle
from remote import Remote, Stream
from vm import Vm

IDLE, LIVE, ENDED = 1, 2, 3

# A channel that takes the command "write count records", and the one that they
# come out of.
STREAMS = [
    ("test.shared", "test.shared"),
    ("test.genl", "test.genl"),
    ("test.chardev", "test.chardev"),
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
            modules / "tests/kchan_testbed_value.ko",
            modules / "tests/kchan_testbed_block.ko",
            modules / "tests/kchan_testlog.ko",
            modules / "samples/kchan_value.ko",
            modules / "samples/kchan_block.ko",
            modules / "samples/kchan_echo.ko",
        ]
    ) as guest:
        guest.sh(
            "grep -q ' /sys/kernel/debug ' /proc/mounts"
            " || mount -t debugfs none /sys/kernel/debug"
        )
        guest.sh("mkdir -p /var/lib")  # of file channels
        yield guest


@pytest.fixture
def daemon(vm: Vm, stubs: None) -> Iterator[Daemon]:
    running = Daemon(vm)
    running.start()
    yield running
    if running.running():
        running.terminate()


@pytest.fixture
def remote(daemon: Daemon) -> Iterator[Remote]:
    with daemon.remote() as connection:
        needed = {"test.genl", "slate", "heater"}
        settle(connection, lambda _: needed <= connection.channels().keys())
        yield connection


def follow(remote: Remote, channel: str) -> Stream:
    """A subscription to a channel that is read from now on."""
    stream = remote.subscribe(channel)
    listed = settle(remote, lambda _: remote.channels()[channel].state != IDLE)
    assert remote.channels()[channel].state == LIVE, listed.problems
    return stream


def write(remote: Remote, channel: str, count: int, length: int = 64) -> None:
    """Lets the testbed write `count` records; a full buffer is no error here."""
    schema = remote.schema(channel)
    command = schema.encode(schema.type_id("write"), count=count, length=length)
    (answer,) = remote.publish(channel, schema.type_id("write"), [command])
    assert answer.kernel_errno in (0, errno.ENOBUFS), answer


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
        write(remote, command, count=50)
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
        write(remote, command, count=5000, length=256)
    received = account(stream, channel, 25000)
    assert 0 < received < 25000
    stream.cancel()


@pytest.mark.parametrize(("command", "channel"), STREAMS)
def test_numbers_go_on_after_a_kill(
    daemon: Daemon, remote: Remote, command: str, channel: str
) -> None:
    stream = follow(remote, channel)
    write(remote, command, count=100)
    account(stream, channel, 100)
    ((epoch, ledger),) = stream.ledgers[channel].items()
    stream.cancel()
    remote.close()  # or its next attempt to connect delays ours
    daemon.kill()
    daemon.start()
    with daemon.remote() as again:
        settle(again, lambda _: channel in again.channels())
        resumed = again.subscribe(channel, cursor=again.cursor(channel, epoch, ledger.last))
        resumed.until_live(channel)
        write(again, command, count=100)
        assert account(resumed, channel, 100) == 100
        assert resumed.ledgers[channel].keys() == {epoch}
        assert resumed.ledger(channel).first == ledger.last + 1
        resumed.cancel()


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


@pytest.mark.parametrize("channel", ["test.shared", "test.chardev", "test.genl"])
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


def test_values_are_read_and_changed(remote: Remote) -> None:
    words = remote.values("heater")
    assert words.keys() == {"target", "temperature", "heating"}
    before = remote.set_value("heater", "target", 1000)
    assert before == words["target"]
    assert remote.add_value("heater", "target", -3000) == (1000, -2000)
    assert remote.swap_value("heater", "target", 5, 6) == (False, -2000)
    assert remote.swap_value("heater", "target", -2000, 0) == (True, -2000)
    assert remote.values("heater")["target"] == 0


@pytest.mark.parametrize(
    ("word", "value", "code", "why"),
    [
        ("temperature", 1, grpc.StatusCode.PERMISSION_DENIED, "temperature"),
        ("nosuch", 1, grpc.StatusCode.NOT_FOUND, "nosuch"),
        ("target", 2**63, grpc.StatusCode.INVALID_ARGUMENT, "9223372036854775807"),
        ("target", 60001, grpc.StatusCode.OUT_OF_RANGE, "target"),
    ],
)
def test_a_change_that_may_not_be_says_why(
    remote: Remote, word: str, value: int, code: grpc.StatusCode, why: str
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        remote.set_value("heater", word, value)
    assert refused.value.code() == code
    assert why in refused.value.details()


def test_a_change_is_seen_by_who_watches(remote: Remote) -> None:
    watch = remote.watch_values("test.value.free")
    seen = []
    for response in watch:
        if response.HasField("update"):
            words = {word.name: word.value for word in response.update.values.words}
            seen.append(words["level"].signed_value)
        if response.HasField("synced"):
            remote.set_value("test.value.free", "level", -42)
        if seen and seen[-1] == -42:
            break
    watch.cancel()
    assert seen[-1] == -42


def test_blocks_are_written_read_and_seen_by_the_module(remote: Remote) -> None:
    channel = remote.channels()["slate"]
    assert channel.state == LIVE  # it is always on
    assert remote.write_blocks("slate", 0, b"quiet".ljust(512, b"."), flush=True) == 512
    remote.flush_blocks("slate")
    # The module answers behind the page cache.
    settle(remote, lambda _: remote.read_blocks("slate", 512, 512).startswith(b"QUIET"))
    data = bytes(range(256)) * 240
    assert remote.write_blocks("slate", 4096, data) == len(data)
    assert remote.read_blocks("slate", 4096, len(data)) == data


def test_blocks_of_a_region_that_is_gone_are_unavailable(vm: Vm, remote: Remote) -> None:
    vm.sh("rmmod kchan_block")
    try:
        with pytest.raises(grpc.RpcError) as refused:
            remote.read_blocks("slate", 0, 512)
        assert refused.value.code() in (
            grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.FAILED_PRECONDITION,
        )  # fmt: skip
    finally:
        vm.sh("insmod /modules/kchan_block.ko")
    settle(remote, lambda _: remote.channels()["slate"].state == LIVE)
    assert len(remote.read_blocks("slate", 0, 1024)) == 1024


def test_a_region_that_is_read_only_is_not_written(remote: Remote) -> None:
    settle(remote, lambda _: remote.channels()["test.block.ro"].state == LIVE)
    with pytest.raises(grpc.RpcError) as refused:
        remote.write_blocks("test.block.ro", 0, b"x" * 512)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED, refused.value
    assert remote.read_blocks("test.block.ro", 0, 512) == bytes(512)


@pytest.mark.parametrize(
    ("offset", "length", "code"),
    [
        (1 << 20, 4096, grpc.StatusCode.OUT_OF_RANGE),
        ((1 << 20) - 4096, 8192, grpc.StatusCode.OUT_OF_RANGE),
        ((1 << 64) - 4096, 8192, grpc.StatusCode.OUT_OF_RANGE),
        (512, 4096, grpc.StatusCode.INVALID_ARGUMENT),
        (0, 512, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_an_extent_that_the_region_has_not_is_refused(
    remote: Remote, offset: int, length: int, code: grpc.StatusCode
) -> None:
    settle(remote, lambda _: remote.channels()["test.block.4k"].state == LIVE)
    with pytest.raises(grpc.RpcError) as refused:
        remote.write_blocks("test.block.4k", offset, b"x" * length)
    assert refused.value.code() == code, refused.value
    with pytest.raises(grpc.RpcError) as refused:
        remote.read_blocks("test.block.4k", offset, length)
    assert refused.value.code() == code, refused.value
    assert remote.read_blocks("test.block.4k", (1 << 20) - 4096, 4096) == bytes(4096)


def test_a_region_that_goes_in_the_middle_of_a_transfer_ends_it(
    vm: Vm, remote: Remote
) -> None:
    settle(remote, lambda _: remote.channels()["test.block.rw"].state == LIVE)
    extent = b"x" * (1 << 20)

    def before_and_after() -> Iterator[tuple[int, bytes]]:
        yield 0, extent
        settle(remote, lambda _: remote.read_blocks("test.block.rw", 0, 1 << 20) == extent)
        vm.sh("rmmod kchan_testbed_block")
        yield 1 << 20, extent

    try:
        with pytest.raises(grpc.RpcError) as ended:
            remote.write_extents("test.block.rw", before_and_after())
        assert ended.value.code() in (
            grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.FAILED_PRECONDITION,
        ), ended.value  # fmt: skip
    finally:
        vm.sh("insmod /modules/kchan_testbed_block.ko")
    # Another region of the same name: nothing of the old one is in it.
    settle(remote, lambda _: remote.channels()["test.block.rw"].state == LIVE)
    assert remote.read_blocks("test.block.rw", 0, 1 << 20) == bytes(1 << 20)


def test_the_module_can_leave_while_everything_is_in_use(vm: Vm, remote: Remote) -> None:
    channels = [channel for _, channel in STREAMS]
    streams = {channel: follow(remote, channel) for channel in channels}
    for command, _ in STREAMS:
        write(remote, command, count=10)
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
