# SPDX-License-Identifier: Apache-2.0
"""Values and blocks: beside the real edge, and a daemon that may go or lie."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import kchan
from fake_daemon import FakeDaemon
from kchan.v1 import block_pb2, value_pb2

MIB = 1 << 20


# ---- Beside the real edge --------------------------------------------------------


def test_values_are_got_set_added_and_swapped(control: kchan.Client) -> None:
    before = control.values("limits")
    assert list(before.words) == ["high", "low", "mode", "uptime"]
    assert control.set_value("limits", "high", 2**64 - 1) == before["high"]
    assert control.set_value("limits", "low", -5) == before["low"]
    assert control.add_value("limits", "low", 7) == (-5, 2)
    refused = control.compare_and_swap("limits", "low", 3, 9)
    assert not refused and refused.before == 2
    assert control.compare_and_swap("limits", "low", 2, -9)
    after = control.values("limits")
    assert (after["high"], after["low"]) == (2**64 - 1, -9)
    assert after.version == before.version + 4


def test_errors_of_values_are_told_apart(client: kchan.Client, control: kchan.Client) -> None:
    with pytest.raises(kchan.PermissionDenied):
        client.set_value("limits", "high", 1)
    with pytest.raises(kchan.PermissionDenied):
        control.set_value("limits", "uptime", 1)
    with pytest.raises(kchan.NotFound):
        control.set_value("limits", "nope", 1)
    with pytest.raises(kchan.InvalidArgument):
        control.set_value("limits", "high", -1)
    with pytest.raises(kchan.FailedPrecondition):
        control.values("tick")


def test_a_watch_shows_what_is_then_what_changes(
    client: kchan.Client, control: kchan.Client
) -> None:
    updates = client.watch_values("limits")
    first = next(updates)
    control.add_value("limits", "high", 1)
    second = next(updates)
    updates.close()
    assert isinstance(first.values["high"], int)
    assert second.values["high"] == first.values["high"] + 1
    assert second.values.version == first.values.version + 1
    assert second.duplicates == 0 and not second.stale


def test_blocks_are_read_as_they_were_written(control: kchan.Client) -> None:
    disk = control.channel("disk").block
    data = bytes(range(256)) * 4
    control.write_blocks("disk", 4096, data, flush=True)
    control.flush_blocks("disk")
    assert control.read_blocks("disk", 4096, 1024) == data
    whole = control.read_blocks("disk")
    assert len(whole) == disk.capacity_bytes
    assert whole[4096:5120] == data


def test_errors_of_blocks_are_told_apart(client: kchan.Client, control: kchan.Client) -> None:
    with pytest.raises(kchan.PermissionDenied):
        client.write_blocks("disk", 0, bytes(512))
    with pytest.raises(kchan.PermissionDenied):
        control.write_blocks("rom", 0, bytes(512))
    with pytest.raises(kchan.InvalidArgument):
        control.read_blocks("disk", 1, 512)
    with pytest.raises(kchan.OutOfRange):
        control.read_blocks("disk", 1 << 30, 512)
    with pytest.raises(kchan.FailedPrecondition):
        control.read_blocks("tick")


# ---- Beside a daemon that does what a test wants -----------------------------------


def update(version: int, **words: int) -> value_pb2.WatchValuesResponse:
    response = value_pb2.WatchValuesResponse()
    response.update.channel = "limits"
    response.update.duplicates = version - 1
    response.update.values.version = version
    for name, value in words.items():
        word = response.update.values.words.add(name=name)
        if value < 0:
            word.value.signed_value = value
        else:
            word.value.unsigned_value = value
    return response


SYNCED = value_pb2.WatchValuesResponse(synced=True)


def test_a_watch_goes_on_when_the_connection_breaks(fake: FakeDaemon) -> None:
    scripts = [[update(1, rate=5), SYNCED], [update(3, rate=-7), SYNCED]]
    fake.watch = lambda: iter(scripts.pop(0))
    with kchan.Client(fake.target) as client:
        updates = client.watch_values("limits", sample_interval_s=0.5)
        first, second = next(updates), next(updates)
        updates.close()
    assert (first.channel, first.values["rate"], first.values.version) == ("limits", 5, 1)
    assert (second.values.words, second.duplicates) == ({"rate": -7}, 2)
    assert fake.values_seen[0].sample_interval.ToMilliseconds() == 500


def test_a_watch_that_never_began_says_why(tmp_path: object) -> None:
    with kchan.Client(f"unix:{tmp_path}/nobody.sock") as nobody:
        with pytest.raises(kchan.Unavailable):
            next(nobody.watch_values("limits"))


def test_a_value_that_no_word_can_hold_is_refused(fake: FakeDaemon) -> None:
    with kchan.Client(fake.target) as client, pytest.raises(ValueError, match="64 bits"):
        client.set_value("limits", "rate", 1 << 64)


def extent(offset_bytes: int, data: bytes) -> block_pb2.ReadBlocksResponse:
    return block_pb2.ReadBlocksResponse(offset_bytes=offset_bytes, data=data)


def test_extents_are_read_in_order(fake: FakeDaemon) -> None:
    def read(request: block_pb2.ReadBlocksRequest) -> Iterator[block_pb2.ReadBlocksResponse]:
        assert (request.channel, request.length_bytes) == ("ram", 1024)
        yield extent(request.offset_bytes, b"a" * 512)
        yield extent(request.offset_bytes + 512, b"b" * 512)

    fake.read = read
    with kchan.Client(fake.target) as client:
        assert client.read_blocks("ram", 4096, 1024) == b"a" * 512 + b"b" * 512


def test_an_extent_that_is_not_next_is_not_believed(fake: FakeDaemon) -> None:
    fake.read = lambda request: iter([extent(0, b"a" * 512), extent(1024, b"b" * 512)])
    with kchan.Client(fake.target) as client, pytest.raises(kchan.DataLoss, match="512 was next"):
        client.read_blocks("ram")


def test_what_is_written_goes_in_extents_of_at_most_1_mib(fake: FakeDaemon) -> None:
    data = bytes(range(256)) * (2 * MIB // 256) + b"x" * 512
    with kchan.Client(fake.target) as client:
        client.write_blocks("ram", 8192, data, flush=True)
    assert [(one.offset_bytes, len(one.data), one.flush) for one in fake.extents] == [
        (8192, MIB, False),
        (8192 + MIB, MIB, False),
        (8192 + 2 * MIB, 512, True),
    ]
    assert b"".join(one.data for one in fake.extents) == data
