# SPDX-License-Identifier: Apache-2.0
"""Extents of blocks: what the sync and the aio client have in common."""

from __future__ import annotations

from collections.abc import Iterator

from kchan import errors
from kchan.v1 import block_pb2

_MAX_EXTENT_BYTES = 1 << 20


def read_request(channel: str, offset_bytes: int, length_bytes: int) -> block_pb2.ReadBlocksRequest:
    return block_pb2.ReadBlocksRequest(
        channel=channel, offset_bytes=offset_bytes, length_bytes=length_bytes
    )


def check_extent(operation: str, response: block_pb2.ReadBlocksResponse, at: int) -> int:
    """Where the next one starts."""
    if response.offset_bytes != at:
        what = f"an extent at {response.offset_bytes} came where {at} was next"
        raise errors.make(errors.DataLoss, operation, what)
    return at + len(response.data)


def extents(
    channel: str, offset_bytes: int, data: bytes, flush: bool
) -> Iterator[block_pb2.WriteBlocksRequest]:
    view = memoryview(data)
    starts = range(0, len(data), _MAX_EXTENT_BYTES) or range(1)
    for start in starts:
        yield block_pb2.WriteBlocksRequest(
            channel=channel,
            offset_bytes=offset_bytes + start,
            data=bytes(view[start : start + _MAX_EXTENT_BYTES]),
            flush=flush and start == starts[-1],
        )


def check_written(
    operation: str, response: block_pb2.WriteBlocksResponse, length_bytes: int
) -> None:
    if response.written_bytes != length_bytes:
        what = f"{response.written_bytes} of {length_bytes} bytes were written"
        raise errors.make(errors.DataLoss, operation, what)
