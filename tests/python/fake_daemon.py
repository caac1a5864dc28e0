# SPDX-License-Identifier: Apache-2.0
"""A daemon that says what a test makes it say."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc

from kchan.v1 import channel_service_pb2 as service
from kchan.v1 import block_pb2, record_pb2, schema_pb2, value_pb2
from kchan.v1.channel_service_pb2_grpc import (
    ChannelServiceServicer,
    add_ChannelServiceServicer_to_server,
)

EPOCH = 7
SCHEMA_ID = 42


def one_type(size_bytes: int, *fields: schema_pb2.Field, big_endian: bool = False) -> Any:
    """A schema with one type, `sample`."""
    order = (
        schema_pb2.BYTE_ORDER_BIG_ENDIAN if big_endian else schema_pb2.BYTE_ORDER_LITTLE_ENDIAN
    )
    kind = schema_pb2.RecordType(
        id=1,
        name="sample",
        direction=schema_pb2.DIRECTION_BOTH,
        size_bytes=size_bytes,
        fields=fields,
    )
    return schema_pb2.Schema(id=SCHEMA_ID, byte_order=order, types=[kind])


def batch(
    first: int,
    last: int,
    *,
    lost: tuple[tuple[int, int], ...] = (),
    filtered: int = 0,
    epoch: int = EPOCH,
    schema_id: int = SCHEMA_ID,
) -> service.SubscribeResponse:
    """Records first..last, each with its number in 4 bytes, without those of `lost`
    ((first, count), ..) and without the last `filtered`."""
    gone = {number for start, count in lost for number in range(start, start + count)}
    numbers = [number for number in range(first, last + 1) if number not in gone]
    numbers = numbers[: len(numbers) - filtered]
    message = record_pb2.Batch(
        channel="tick",
        epoch=epoch,
        schema_id=schema_id,
        first_sequence=first,
        last_sequence=last,
        filtered=filtered,
        records=[
            record_pb2.Record(sequence=number, type=1, payload=number.to_bytes(4, "little"))
            for number in numbers
        ],
        lost=[
            record_pb2.Lost(
                first_sequence=start, count=count, stage=record_pb2.LOSS_STAGE_KERNEL_RING
            )
            for start, count in lost
        ],
    )
    return service.SubscribeResponse(batch=message)


def hello(sequence: int = 0, epoch: int = EPOCH) -> service.SubscribeResponse:
    response = service.SubscribeResponse()
    response.hello.node.name = "fake"
    response.hello.cursors.add(channel="tick", epoch=epoch, sequence=sequence)
    return response


class Stream:
    """One Subscribe, seen from the daemon."""

    def __init__(self, requests: Iterator[service.SubscribeRequest]) -> None:
        self.requests = requests
        self.opening = next(requests).open


class FakeDaemon(ChannelServiceServicer):
    """`subscribe` gets each stream and yields its responses; what it raises or
    where it ends is how the stream ends. `streams` are those that came."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.subscribe: Callable[[Stream], Iterator[service.SubscribeResponse]] | None = None
        self.schemas = {
            SCHEMA_ID: one_type(
                4, schema_pb2.Field(name="number", kind=schema_pb2.FIELD_KIND_U32, size_bytes=4)
            )
        }
        self.schema_requests: list[int] = []
        self.streams: queue.SimpleQueue[Stream] = queue.SimpleQueue()
        self.stops_with_ok = False
        self.extents: list[Any] = []
        self.values_seen: list[value_pb2.WatchValuesRequest] = []
        self.watch: Callable[[], Iterator[value_pb2.WatchValuesResponse]] | None = None
        self.read: Callable[[Any], Iterator[Any]] | None = None
        self.start()

    def start(self) -> None:
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        add_ChannelServiceServicer_to_server(self, self._server)
        self._server.add_insecure_port(self.target)
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None).wait()

    # ---- The service -------------------------------------------------------------

    def Subscribe(self, requests: Any, context: Any) -> Any:
        stream = Stream(requests)
        self.streams.put(stream)
        assert self.subscribe is not None
        yield from self.subscribe(stream)
        if not self.stops_with_ok:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the test ended the stream")

    def GetSchema(self, request: Any, context: Any) -> Any:
        self.schema_requests.append(request.schema_id)
        if request.schema_id not in self.schemas:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such schema")
        return service.GetSchemaResponse(schema=self.schemas[request.schema_id])

    def WatchValues(self, request: Any, context: Any) -> Any:
        self.values_seen.append(request)
        assert self.watch is not None
        yield from self.watch()
        context.abort(grpc.StatusCode.UNAVAILABLE, "the test ended the watch")

    def ReadBlocks(self, request: Any, context: Any) -> Any:
        assert self.read is not None
        yield from self.read(request)

    def WriteBlocks(self, requests: Any, context: Any) -> Any:
        self.extents = list(requests)
        written = sum(len(extent.data) for extent in self.extents)
        return block_pb2.WriteBlocksResponse(written_bytes=written)
