# SPDX-License-Identifier: Apache-2.0
"""Subscriptions that block; see kchan.aio for those that do not."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import grpc

from kchan import errors
from kchan._session import Options, Session
from kchan.records import Batch, Cursor, Delivery, Lost, Record, Totals
from kchan.schema import Schema
from kchan.v1 import channel_service_pb2 as service


class _Requests:
    """What is sent, for gRPC's own thread to take."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[service.SubscribeRequest | None] = queue.SimpleQueue()

    def put(self, request: service.SubscribeRequest) -> None:
        self._queue.put(request)

    def end(self) -> None:
        self._queue.put(None)

    def __iter__(self) -> Iterator[service.SubscribeRequest]:
        return iter(self._queue.get, None)


class Subscription:
    """Records of some channels, in order and exactly once, across broken
    connections and restarts of the daemon.

        with client.subscribe("exec", start=kchan.Oldest()) as subscription:
            for item in subscription:
                match item:
                    case kchan.Record():
                        print(item.time, item["pid"])
                    case kchan.Lost():
                        print("lost:", item.count, item.stage)

    Iterating gives records and losses; deliveries() gives whole batches and all
    else that comes. Use one of the two. It works in the caller's thread: a reader
    that does not ask holds one batch, and what the connection has buffered, which
    `window_bytes` bounds.

    Iterating ends after close(), and where the options say (until, max_records,
    follow=False). It
    raises a KchanError when the subscription has come to its end otherwise.

    From one thread at a time, but close() and acknowledge() from any.
    """

    def __init__(
        self,
        stub: Any,
        find_schema: Callable[[str, int], Schema | None],
        target: str,
        channels: Sequence[str],
        options: Options,
    ) -> None:
        self._stub = stub
        self._find_schema = find_schema
        self._session = Session(target, channels, options)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._call: Any = None
        self._requests = _Requests()
        self._paused = False
        self._deliveries = self._run()

    # ---- Reading -----------------------------------------------------------------

    def __iter__(self) -> Iterator[Record | Lost]:
        for delivery in self._deliveries:
            if isinstance(delivery, Batch):
                yield from delivery.items

    def deliveries(self) -> Iterator[Delivery]:
        """Batches, and what else comes: Hello, ChannelUpdate, HistoryEnd,
        Heartbeat, Disconnected."""
        return self._deliveries

    def _run(self) -> Iterator[Delivery]:
        started = time.monotonic()
        while not self._closed.is_set():
            error: errors.KchanError
            try:
                for delivery in self._stream():
                    yield delivery
                if self._session.has_stopped(by_daemon=True):
                    return
                error = self._session.ended_by_daemon()
            except grpc.RpcError as broken:
                error = errors.from_rpc(self._session.operation, broken)
            except errors.KchanError as broken:  # of asking for a schema, or a broken promise
                error = broken
            if self._closed.is_set() or self._session.has_stopped(by_daemon=False):
                return
            disconnected = self._session.broken(error, time.monotonic() - started)
            yield disconnected
            self._closed.wait(disconnected.retry_after_s)

    def _stream(self) -> Iterator[Delivery]:
        """What one stream gives."""
        with self._lock:
            self._requests = _Requests()
            self._requests.put(self._session.next_open())
            if self._paused:
                self._requests.put(_PAUSE)
            self._call = self._stub.Subscribe(iter(self._requests))
        if self._closed.is_set():
            self._call.cancel()
        try:
            for response in self._call:
                delivery = self._session.take(response, self._schema_of(response))
                if delivery is None:
                    continue
                yield delivery
                if isinstance(delivery, Batch) and self._session.options.acknowledge:
                    self._acknowledge_delivered(delivery)
        finally:
            self._requests.end()
            self._call.cancel()

    def _schema_of(self, response: service.SubscribeResponse) -> Schema | None:
        if not response.HasField("batch") or not response.batch.records:
            return None
        return self._find_schema(response.batch.channel, response.batch.schema_id)

    # ---- Saying ------------------------------------------------------------------

    def _acknowledge_delivered(self, batch: Batch) -> None:
        if self._session.options.window_bytes:
            self.acknowledge(batch.cursor)

    def acknowledge(self, cursor: Cursor) -> None:
        """Everything up to `cursor` has been processed. For acknowledge=False."""
        with self._lock:
            request = self._session.acknowledgement([cursor])
            if request is not None:
                self._requests.put(request)

    def pause(self) -> None:
        """No batches until resume(); heartbeats go on."""
        with self._lock:
            self._paused = True
            self._requests.put(_PAUSE)

    def resume(self) -> None:
        with self._lock:
            self._paused = False
            self._requests.put(_RESUME)

    def close(self) -> None:
        """Ends it, also while another thread waits for the next record."""
        self._closed.set()
        with self._lock:
            if self._call is not None:
                self._call.cancel()

    # ---- Where it is -------------------------------------------------------------

    def cursors(self) -> list[Cursor]:
        """The place reached in each channel: subscribe(starts=...) goes on there,
        in another process too. Whole batches count as reached when their first
        record was given; Record.cursor is exact."""
        return self._session.cursors()

    @property
    def totals(self) -> Totals:
        """What became of all numbers so far."""
        return self._session.totals

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


_PAUSE = service.SubscribeRequest(pause=service.SubscribeRequest.Pause())
_RESUME = service.SubscribeRequest(resume=service.SubscribeRequest.Resume())
