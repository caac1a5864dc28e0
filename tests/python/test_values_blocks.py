# SPDX-License-Identifier: Apache-2.0
"""Watched values and streamed extents, beside a daemon that may go or lie."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import kchan
from fake_daemon import FakeDaemon
from kchan.v1 import block_pb2, value_pb2

MIB = 1 << 20


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
