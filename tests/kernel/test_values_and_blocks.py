# SPDX-License-Identifier: Apache-2.0
"""Values and blocks end to end: what has no records."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from daemon import Daemon, settle
from remote import Remote
from vm import Vm

LIVE = 2
# The channels of kchan_testbed_value, in its order, and its operations.
VALUES = ["test.value.free", "test.value.spin", "test.value.mutex"]
ADD, FILL = 1, 3
# Those of kchan_testbed_block.
WRITABLE, READ_ONLY = 0, 2
FILL_BLOCKS, EXPECT_BLOCKS = 0, 1
KIB, MIB = 1 << 10, 1 << 20


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm], build_dir: Path, kernel: str) -> Iterator[Vm]:
    modules = build_dir / "kmod" / kernel
    with make_vm(
        modules=[
            modules / "tests/kchan_testbed_value.ko",
            modules / "tests/kchan_testbed_block.ko",
            modules / "samples/kchan_value.ko",
            modules / "samples/kchan_block.ko",
        ]
    ) as guest:
        yield guest


@pytest.fixture(scope="module")
def daemon(vm: Vm, stubs: None) -> Iterator[Daemon]:
    with Daemon(vm) as running:
        yield running


@pytest.fixture(scope="module")
def remote(daemon: Daemon) -> Iterator[Remote]:
    with daemon.remote() as connection:
        needed = {"test.value.command", "test.block.command", "slate", "heater"}
        settle(connection, lambda _: needed <= connection.channels().keys())
        yield connection


def numbers(values: Any) -> dict[str, int]:
    """By name; of unsigned words only."""
    return {word.name: word.value.unsigned_value for word in values.words}


def order(remote: Remote, name: str, /, **fields: int) -> int:
    """Has a testbed do what its one command says; its errno."""
    schema = remote.schema(name)
    (kind,) = schema.types
    (answer,) = remote.publish(name, kind, [schema.encode(kind, **fields)])
    return answer.kernel_errno


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


@pytest.mark.parametrize("channel", VALUES)
def test_under_load_each_change_is_an_update_or_counted_as_one_not_given(
    remote: Remote, channel: str
) -> None:
    rounds, changes, threads = 10, 2000, 2
    watch = remote.watch_values(channel)
    (first, synced) = (next(watch), next(watch))
    assert synced.synced

    def load() -> list[int]:
        # The lock-free policy has no change of several words at once.
        operation = ADD if channel == "test.value.free" else FILL
        fields = {
            "channel": VALUES.index(channel), "operation": operation, "operand": 1,
            "count": changes,
        }  # fmt: skip
        return [order(remote, "test.value.command", **fields) for _ in range(rounds)]

    with ThreadPoolExecutor(threads) as pool:
        loads = [pool.submit(load) for _ in range(threads)]
        start = version = first.update.values.version
        end = start + rounds * changes * threads
        updates = duplicates = 0
        while version != end:
            update = next(watch).update
            assert not update.stale
            assert not update.heartbeat
            updates += 1
            duplicates += update.duplicates
            assert update.values.version == version + 1 + update.duplicates
            version = update.values.version
            words = numbers(update.values)
            if channel != "test.value.free":
                assert words["first"] == words["second"] == words["third"] == words["fourth"]
        assert all(load.result() == [0] * rounds for load in loads)
    watch.cancel()
    assert end - start == updates + duplicates
    assert words["first"] == numbers(first.update.values)["first"] + end - start
    # Not all of them were given, and not only the last one.
    assert 1 < updates < end - start


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


def test_what_the_module_writes_is_read_and_the_other_way_round(remote: Remote) -> None:
    def access(**fields: int) -> int:
        return order(remote, "test.block.command", **fields)

    told = remote.values("test.block.told")
    filled = {"channel": READ_ONLY, "offset": 64 * KIB, "length": 4 * KIB, "byte": 0x5A}
    assert access(access=FILL_BLOCKS, **filled) == 0
    assert remote.read_blocks("test.block.ro", 64 * KIB, 4 * KIB) == b"Z" * (4 * KIB)
    # Two extents in one call; the module is told of each write, and finds it.
    extents = [(31 * MIB, b"a" * MIB), (MIB, b"b" * 512)]
    assert remote.write_extents("test.block.rw", extents, flush=True) == MIB + 512
    expected = {"channel": WRITABLE, "access": EXPECT_BLOCKS}
    assert access(**expected, offset=31 * MIB, length=MIB, byte=ord("a")) == 0
    assert access(**expected, offset=MIB, length=512, byte=ord("b")) == 0
    assert access(**expected, offset=MIB, length=512, byte=ord("a")) == errno.EILSEQ
    now = remote.values("test.block.told")
    assert now["bytes"] - told["bytes"] == MIB + 512
    assert (now["lowest"], now["end"]) == (MIB, 32 * MIB)


@pytest.mark.parametrize(
    ("channel", "offset", "length", "code"),
    [
        ("test.block.rw", 256, 512, grpc.StatusCode.INVALID_ARGUMENT),
        ("test.block.rw", 512, 256, grpc.StatusCode.INVALID_ARGUMENT),
        ("test.block.4k", 512, 4 * KIB, grpc.StatusCode.INVALID_ARGUMENT),
        ("test.block.4k", 0, 512, grpc.StatusCode.INVALID_ARGUMENT),
        ("test.block.rw", 32 * MIB, 512, grpc.StatusCode.OUT_OF_RANGE),
        ("test.block.rw", 32 * MIB - 512, 1024, grpc.StatusCode.OUT_OF_RANGE),
        ("test.block.rw", 2**64 - 512, 1024, grpc.StatusCode.OUT_OF_RANGE),
        ("test.block.4k", MIB, 4 * KIB, grpc.StatusCode.OUT_OF_RANGE),
        ("nosuch", 0, 512, grpc.StatusCode.NOT_FOUND),
        ("heater", 0, 512, grpc.StatusCode.FAILED_PRECONDITION),
    ],
)
def test_an_extent_that_cannot_be_is_refused_both_ways(
    remote: Remote, channel: str, offset: int, length: int, code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        remote.read_blocks(channel, offset, length)
    assert refused.value.code() == code
    with pytest.raises(grpc.RpcError) as refused:
        remote.write_blocks(channel, offset, bytes(length))
    assert refused.value.code() == code


def test_a_read_only_region_is_read_and_refuses_each_write(remote: Remote) -> None:
    assert remote.channels()["test.block.ro"].block.read_only
    before = remote.read_blocks("test.block.ro", 0, MIB)
    for offset, data in ((0, b"x" * 512), (MIB - 512, b"x" * 512)):
        with pytest.raises(grpc.RpcError) as refused:
            remote.write_blocks("test.block.ro", offset, data)
        assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
        assert "read-only" in refused.value.details()
    assert remote.read_blocks("test.block.ro", 0, MIB) == before


def test_extents_before_the_one_that_is_refused_are_written(remote: Remote) -> None:
    blank = bytes(4 * KIB)
    assert remote.write_blocks("test.block.4k", 0, blank * 2) == 8 * KIB
    good, misaligned = (0, b"g" * 4 * KIB), (4 * KIB + 512, b"m" * 4 * KIB)
    with pytest.raises(grpc.RpcError) as refused:
        remote.write_extents("test.block.4k", [good, misaligned])
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert remote.read_blocks("test.block.4k", 0, 8 * KIB) == b"g" * 4 * KIB + blank
