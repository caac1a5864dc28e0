# SPDX-License-Identifier: Apache-2.0
"""Subscriptions for asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any

import grpc

from kchan import errors
from kchan._session import Options, Session
from kchan.records import Batch, Cursor, Delivery, Lost, Record, Totals
from kchan.schema import Schema
from kchan.v1 import channel_service_pb2 as service


class Subscription:
    """kchan.Subscription for asyncio: `async for`, and close() is awaited.

    From one task at a time, but close() and acknowledge() from any of its loop.
    """

    def __init__(
        self,
        stub: Any,
        find_schema: Callable[[str, int], Awaitable[Schema | None]],
        target: str,
        channels: Sequence[str],
        options: Options,
    ) -> None:
        self._stub = stub
        self._find_schema = find_schema
        self._session = Session(target, channels, options)
        self._closed = asyncio.Event()
        self._call: Any = None
        self._paused = False
        self._deliveries = self._run()

    # ---- Reading -----------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[Record | Lost]:
        async for delivery in self._deliveries:
            if isinstance(delivery, Batch):
                for item in delivery.items:
                    yield item

    def deliveries(self) -> AsyncIterator[Delivery]:
        """Batches, and what else comes: Hello, ChannelUpdate, HistoryEnd,
        Heartbeat, Disconnected."""
        return self._deliveries

    async def _run(self) -> AsyncIterator[Delivery]:
        started = time.monotonic()
        while not self._closed.is_set():
            error: errors.KchanError
            try:
                async for delivery in self._stream():
                    yield delivery
                if self._session.has_stopped(by_daemon=True):
                    return
                error = self._session.ended_by_daemon()
            except grpc.RpcError as broken:
                error = errors.from_rpc(self._session.operation, broken)
            except errors.KchanError as broken:  # of asking for a schema, or a broken promise
                error = broken
            except asyncio.CancelledError:
                # close() cancels the call, which shows like this too.
                if self._closed.is_set():
                    return
                raise
            if self._closed.is_set() or self._session.has_stopped(by_daemon=False):
                return
            disconnected = self._session.broken(error, time.monotonic() - started)
            yield disconnected
            await self._wait(disconnected.retry_after_s)

    async def _wait(self, seconds: float) -> None:
        """Until then, or until it is closed."""
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            pass

    async def _stream(self) -> AsyncIterator[Delivery]:
        """What one stream gives."""
        self._call = self._stub.Subscribe()
        try:
            await self._call.write(self._session.next_open())
            if self._paused:
                await self._call.write(_PAUSE)
            while True:
                response = await self._call.read()
                if response is grpc.aio.EOF:
                    return
                delivery = self._session.take(response, await self._schema_of(response))
                if delivery is None:
                    continue
                yield delivery
                options = self._session.options
                if isinstance(delivery, Batch) and options.acknowledge and options.window_bytes:
                    await self.acknowledge(delivery.cursor)
        finally:
            self._call.cancel()

    async def _schema_of(self, response: service.SubscribeResponse) -> Schema | None:
        if not response.HasField("batch") or not response.batch.records:
            return None
        return await self._find_schema(response.batch.channel, response.batch.schema_id)

    # ---- Saying ------------------------------------------------------------------

    async def _say(self, request: service.SubscribeRequest) -> None:
        # What a broken stream cannot say is of no use to its successor; reading
        # finds out that it broke.
        try:
            await self._call.write(request)
        except (grpc.RpcError, asyncio.InvalidStateError):
            pass

    async def acknowledge(self, cursor: Cursor) -> None:
        """Everything up to `cursor` has been processed. For acknowledge=False."""
        request = self._session.acknowledgement([cursor])
        if request is not None:
            await self._say(request)

    async def pause(self) -> None:
        """No batches until resume(); heartbeats go on."""
        self._paused = True
        if self._call is not None:
            await self._say(_PAUSE)

    async def resume(self) -> None:
        self._paused = False
        if self._call is not None:
            await self._say(_RESUME)

    async def close(self) -> None:
        """Ends it, also while another task waits for the next record."""
        self._closed.set()
        if self._call is not None:
            self._call.cancel()

    # ---- Where it is -------------------------------------------------------------

    def cursors(self) -> list[Cursor]:
        """As of kchan.Subscription."""
        return self._session.cursors()

    @property
    def totals(self) -> Totals:
        """What became of all numbers so far."""
        return self._session.totals

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


_PAUSE = service.SubscribeRequest(pause=service.SubscribeRequest.Pause())
_RESUME = service.SubscribeRequest(resume=service.SubscribeRequest.Resume())
