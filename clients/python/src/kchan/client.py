# SPDX-License-Identifier: Apache-2.0
"""The client that blocks; kchan.aio.Client has the same methods for asyncio."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, TypeVar

import grpc

from kchan import _calls, errors
from kchan._backoff import Backoff, Waits
from kchan._blocks import check_extent, check_written, extents, read_request
from kchan._connection import CHANNEL_OPTIONS, DEFAULT_TARGET, Stubs, Tls, check_target
from kchan._publish import Publishing, Published, Sendable
from kchan._schemas import SchemaCache
from kchan._session import Options, options_of
from kchan.netlink import Netlink
from kchan.schema import Schema
from kchan.subscription import Subscription
from kchan.v1 import channel_service_pb2 as service
from kchan.v1.channel_pb2 import Channel
from kchan.v1.node_service_pb2 import GetStatusResponse, Node
from kchan.values import Swap, Values, ValueUpdate, update_of, watch_request

T = TypeVar("T")


class Client:
    """A connection to one node's kchand.

        with kchan.Client("unix:/run/kchan/read.sock") as client:
            for channel in client.channels():
                print(channel.name, channel.documentation)

    target      "unix:/path" or "host:port"
    tls         for TCP. None: plain text, which anybody on the way can read
    timeout_s   how long a unary call may take

    It connects when it is first used, and again when it has to. All methods from
    any thread. They raise a KchanError: Unavailable when the daemon cannot be
    reached, DeadlineExceeded after timeout_s, otherwise what the daemon answers.
    What writes (publish, update, set, ..) is at most once, and never retried.
    `netlink` has the node's netlink families.
    """

    def __init__(
        self, target: str = DEFAULT_TARGET, *, tls: Tls | None = None, timeout_s: float = 10.0
    ) -> None:
        check_target(target)
        self.target = target
        self._timeout_s = timeout_s
        if tls is None:
            self._channel = grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
        else:
            self._channel = grpc.secure_channel(target, tls.credentials(), options=CHANNEL_OPTIONS)
        self._stubs = Stubs(self._channel)
        self._stub = self._stubs.channel
        self.netlink = Netlink(self)
        self._schemas = SchemaCache()

    def close(self) -> None:
        """Ends all that was made from it."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, call: _calls.Call[T]) -> T:
        stub = getattr(self._stubs, call.service)
        try:
            response = getattr(stub, call.method)(call.request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise errors.from_rpc(self._at(call.operation), error) from None
        return call.answer(response)

    def _at(self, operation: str) -> str:
        return f"{operation} at {self.target}"

    def _each(self, operation: str, responses: Any) -> Iterator[Any]:
        try:
            yield from responses
        except grpc.RpcError as error:
            raise errors.from_rpc(self._at(operation), error) from None
        finally:
            responses.cancel()

    # ---- Channels ----------------------------------------------------------------

    def channels(self) -> list[Channel]:
        """All, in order of name."""
        found: list[Channel] = []
        token = ""
        while True:
            page = self._run(_calls.list_channels(token))
            found.extend(page.channels)
            token = page.next_page_token
            if not token:
                return found

    def channel(self, name: str) -> Channel:
        return self._run(_calls.get_channel(name))

    def schema(self, channel: str, schema_id: int = 0) -> Schema:
        """The current schema, or the one with this id, which may be of records
        that are only in the history."""
        known = self._schemas.find(schema_id) if schema_id else None
        if known is not None:
            return known
        schema = self._run(_calls.get_schema(channel, schema_id))
        self._schemas.add(schema)
        return schema

    def watch_channels(self) -> Iterator[service.WatchChannelsResponse]:
        """Each channel that exists, then `synced`, then each that comes, changes
        or goes. Ends with Unavailable when the connection does."""
        return self._each(
            "watch the channels", self._stub.WatchChannels(service.WatchChannelsRequest())
        )

    def update_channel(
        self,
        name: str,
        parameters: Mapping[str, int] | None = None,
        *,
        budget_bytes: int | None = None,
        linger_ms: int | None = None,
    ) -> Channel:
        """Sets what is given, all or nothing; the channel as it is then."""
        return self._run(_calls.update_channel(name, parameters or {}, budget_bytes, linger_ms))

    # ---- Records -----------------------------------------------------------------

    def subscribe(
        self, *channels: str, options: Options | None = None, **changes: Any
    ) -> Subscription:
        """Records of channels by name or glob; `changes` are members of Options:

            client.subscribe("exec", "net*", start=kchan.Last(10))
        """
        asked = options_of(options, **changes)
        return Subscription(self._stub, self._find_schema, self.target, channels, asked)

    def _find_schema(self, channel: str, schema_id: int) -> Schema | None:
        try:
            return self.schema(channel, schema_id)
        except errors.NotFound:
            return None

    def publish(self, channel: str, record_type: str | int, record: Sendable) -> None:
        """Sends one record to the kernel and waits for its answer, whose errno is
        KchanError.kernel_errno. `record`: the fields by name, or the payload."""
        for published in self.publish_all(channel, record_type, [record]):
            if published.error is not None:
                raise published.error

    def publish_all(
        self, channel: str, record_type: str | int, records: Iterable[Sendable]
    ) -> Iterator[Published]:
        """Sends many, without waiting for each; gives what became of each, in
        order. A refused record does not stop the rest."""
        schema = self.schema(channel)
        publishing = Publishing(self._at(f"publish to {channel}"), channel, schema, record_type)
        responses = self._stub.Publish(publishing.requests(records))
        yield from map(publishing.answer, self._each(publishing.operation, responses))
        publishing.finish()

    # ---- Values ------------------------------------------------------------------

    def values(self, channel: str) -> Values:
        """All words, now."""
        return self._run(_calls.get_values(channel))

    def set_value(self, channel: str, word: str, value: int | str) -> int | str | None:
        """What it was; None where the kernel does not tell."""
        return self._run(_calls.set_value(channel, word, value))

    def add_value(self, channel: str, word: str, delta: int) -> tuple[int, int]:
        """What it was, and what it is."""
        return self._run(_calls.add_value(channel, word, delta))

    def compare_and_swap(self, channel: str, word: str, expected: int, value: int) -> Swap:
        return self._run(_calls.compare_and_swap(channel, word, expected, value))

    def watch_values(
        self,
        *channels: str,
        sample_interval_s: float | None = None,
        suppress_redundant: bool = False,
        heartbeat_interval_s: float | None = None,
    ) -> Iterator[ValueUpdate]:
        """Each channel's values now, then as they change or are sampled. Goes on
        when the connection breaks: what is current comes again first."""
        request = watch_request(
            channels, sample_interval_s, suppress_redundant, heartbeat_interval_s
        )
        waits = Waits(Backoff())
        begun = False
        while True:
            try:
                for response in self._each("watch values", self._stub.WatchValues(request)):
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
            time.sleep(wait_s)

    # ---- Blocks ------------------------------------------------------------------

    def read_extents(
        self, channel: str, offset_bytes: int = 0, length_bytes: int = 0
    ) -> Iterator[bytes]:
        """What is in the extent, piece by piece, in order; length 0: to the end."""
        operation = f"read channel {channel}"
        at = offset_bytes
        responses = self._stub.ReadBlocks(read_request(channel, offset_bytes, length_bytes))
        for response in self._each(operation, responses):
            at = check_extent(self._at(operation), response, at)
            yield response.data

    def read_blocks(self, channel: str, offset_bytes: int = 0, length_bytes: int = 0) -> bytes:
        return b"".join(self.read_extents(channel, offset_bytes, length_bytes))

    def write_blocks(
        self, channel: str, offset_bytes: int, data: bytes, *, flush: bool = False
    ) -> None:
        """Writes whole blocks. With `flush` returns when everything written so far
        is as durable as the device can make it."""
        operation = self._at(f"write channel {channel}")
        try:
            response = self._stub.WriteBlocks(extents(channel, offset_bytes, data, flush))
        except grpc.RpcError as error:
            raise errors.from_rpc(operation, error) from None
        check_written(operation, response, len(data))

    def flush_blocks(self, channel: str) -> None:
        self._run(_calls.flush_blocks(channel))

    # ---- The node ----------------------------------------------------------------

    def node(self) -> Node:
        """Who this is."""
        return self._run(_calls.get_node())

    def status(self) -> GetStatusResponse:
        """What works, what is missing and what to do about it, and the counters."""
        return self._run(_calls.get_status())
