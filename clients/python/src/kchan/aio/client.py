# SPDX-License-Identifier: Apache-2.0
"""The client for asyncio: the same methods as kchan.Client, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

import grpc

from kchan import _calls, errors
from kchan._backoff import Backoff, Waits
from kchan._blocks import check_extent, check_written, extents, read_request
from kchan._connection import CHANNEL_OPTIONS, DEFAULT_TARGET, Stubs, Tls, check_target
from kchan._publish import Published, Publishing, Sendable
from kchan._schemas import SchemaCache
from kchan._session import Options, options_of
from kchan.aio.netlink import Netlink
from kchan.aio.subscription import Subscription
from kchan.schema import Schema
from kchan.v1 import channel_service_pb2 as service
from kchan.v1.channel_pb2 import Channel
from kchan.v1.node_service_pb2 import GetStatusResponse, Node
from kchan.values import Swap, Values, ValueUpdate, update_of, watch_request

T = TypeVar("T")


class Client:
    """A connection to one node's kchand; see kchan.Client for what the methods do.

    Make and use it in one event loop.
    """

    def __init__(
        self, target: str = DEFAULT_TARGET, *, tls: Tls | None = None, timeout_s: float = 10.0
    ) -> None:
        check_target(target)
        self.target = target
        self._timeout_s = timeout_s
        if tls is None:
            self._channel = grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(
                target, tls.credentials(), options=CHANNEL_OPTIONS
            )
        self._stubs = Stubs(self._channel)
        self._stub = self._stubs.channel
        self.netlink = Netlink(self)
        self._schemas = SchemaCache()

    async def close(self) -> None:
        """Ends all that was made from it."""
        await self._channel.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, call: _calls.Call[T]) -> T:
        stub = getattr(self._stubs, call.service)
        try:
            response = await getattr(stub, call.method)(call.request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise errors.from_rpc(self._at(call.operation), error) from None
        return call.answer(response)

    def _at(self, operation: str) -> str:
        return f"{operation} at {self.target}"

    async def _each(self, operation: str, responses: Any) -> AsyncIterator[Any]:
        try:
            async for response in responses:
                yield response
        except grpc.RpcError as error:
            raise errors.from_rpc(self._at(operation), error) from None
        finally:
            responses.cancel()

    # ---- Channels ----------------------------------------------------------------

    async def channels(self) -> list[Channel]:
        found: list[Channel] = []
        token = ""
        while True:
            page = await self._run(_calls.list_channels(token))
            found.extend(page.channels)
            token = page.next_page_token
            if not token:
                return found

    async def channel(self, name: str) -> Channel:
        return await self._run(_calls.get_channel(name))

    async def schema(self, channel: str, schema_id: int = 0) -> Schema:
        known = self._schemas.find(schema_id) if schema_id else None
        if known is not None:
            return known
        schema = await self._run(_calls.get_schema(channel, schema_id))
        self._schemas.add(schema)
        return schema

    def watch_channels(self) -> AsyncIterator[service.WatchChannelsResponse]:
        return self._each(
            "watch the channels", self._stub.WatchChannels(service.WatchChannelsRequest())
        )

    async def update_channel(
        self,
        name: str,
        parameters: Mapping[str, int] | None = None,
        *,
        budget_bytes: int | None = None,
        linger_ms: int | None = None,
    ) -> Channel:
        call = _calls.update_channel(name, parameters or {}, budget_bytes, linger_ms)
        return await self._run(call)

    # ---- Records -----------------------------------------------------------------

    def subscribe(
        self, *channels: str, options: Options | None = None, **changes: Any
    ) -> Subscription:
        asked = options_of(options, **changes)
        return Subscription(self._stub, self._find_schema, self.target, channels, asked)

    async def _find_schema(self, channel: str, schema_id: int) -> Schema | None:
        try:
            return await self.schema(channel, schema_id)
        except errors.NotFound:
            return None

    async def publish(self, channel: str, record_type: str | int, record: Sendable) -> None:
        async for published in self.publish_all(channel, record_type, [record]):
            if published.error is not None:
                raise published.error

    async def publish_all(
        self, channel: str, record_type: str | int, records: Iterable[Sendable]
    ) -> AsyncIterator[Published]:
        schema = await self.schema(channel)
        publishing = Publishing(self._at(f"publish to {channel}"), channel, schema, record_type)
        responses = self._stub.Publish(publishing.requests(records))
        async for response in self._each(publishing.operation, responses):
            yield publishing.answer(response)
        publishing.finish()

    # ---- Values ------------------------------------------------------------------

    async def values(self, channel: str) -> Values:
        return await self._run(_calls.get_values(channel))

    async def set_value(self, channel: str, word: str, value: int | str) -> int | str | None:
        return await self._run(_calls.set_value(channel, word, value))

    async def add_value(self, channel: str, word: str, delta: int) -> tuple[int, int]:
        return await self._run(_calls.add_value(channel, word, delta))

    async def compare_and_swap(self, channel: str, word: str, expected: int, value: int) -> Swap:
        return await self._run(_calls.compare_and_swap(channel, word, expected, value))

    async def watch_values(
        self,
        *channels: str,
        sample_interval_s: float | None = None,
        suppress_redundant: bool = False,
        heartbeat_interval_s: float | None = None,
    ) -> AsyncIterator[ValueUpdate]:
        request = watch_request(
            channels, sample_interval_s, suppress_redundant, heartbeat_interval_s
        )
        waits = Waits(Backoff())
        begun = False
        while True:
            try:
                async for response in self._each("watch values", self._stub.WatchValues(request)):
                    update = update_of(response)
                    if update is not None:
                        begun = True
                        waits.reset()
                        yield update
                return
            except errors.Unavailable as error:
                if not begun:
                    raise
                wait_s = waits.next_s(error.retry_delay_s)
            await asyncio.sleep(wait_s)

    # ---- Blocks ------------------------------------------------------------------

    async def read_extents(
        self, channel: str, offset_bytes: int = 0, length_bytes: int = 0
    ) -> AsyncIterator[bytes]:
        operation = f"read channel {channel}"
        at = offset_bytes
        responses = self._stub.ReadBlocks(read_request(channel, offset_bytes, length_bytes))
        async for response in self._each(operation, responses):
            at = check_extent(self._at(operation), response, at)
            yield response.data

    async def read_blocks(
        self, channel: str, offset_bytes: int = 0, length_bytes: int = 0
    ) -> bytes:
        pieces = self.read_extents(channel, offset_bytes, length_bytes)
        return b"".join([piece async for piece in pieces])

    async def write_blocks(
        self, channel: str, offset_bytes: int, data: bytes, *, flush: bool = False
    ) -> None:
        operation = self._at(f"write channel {channel}")
        try:
            response = await self._stub.WriteBlocks(extents(channel, offset_bytes, data, flush))
        except grpc.RpcError as error:
            raise errors.from_rpc(operation, error) from None
        check_written(operation, response, len(data))

    async def flush_blocks(self, channel: str) -> None:
        await self._run(_calls.flush_blocks(channel))

    # ---- The node ----------------------------------------------------------------

    async def node(self) -> Node:
        return await self._run(_calls.get_node())

    async def status(self) -> GetStatusResponse:
        return await self._run(_calls.get_status())
