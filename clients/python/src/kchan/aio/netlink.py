# SPDX-License-Identifier: Apache-2.0
"""Netlink families for asyncio: the same methods as kchan.netlink.Netlink, awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kchan import _calls
from kchan._session import Options
from kchan.netlink import (
    Answer,
    Message,
    channel_of,
    is_asked_for,
    message_of,
    only_answer,
    parts_of,
    request_of,
    with_records,
)
from kchan.records import Lost
from kchan.v1 import netlink_service_pb2 as service

if TYPE_CHECKING:
    from kchan.aio.client import Client


class Netlink:
    """The netlink families of the node; see kchan.netlink.Netlink for what the
    methods do."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def families(self, *, network_namespace: str = "") -> list[service.NetlinkFamily]:
        return await self._client._run(_calls.list_families(network_namespace))

    async def describe(
        self, family: str, operation: str = "", *, network_namespace: str = ""
    ) -> service.DescribeFamilyResponse:
        call = _calls.describe_family(family, operation, network_namespace)
        return await self._client._run(call)

    async def decode(self, family: str, messages: Sequence[bytes]) -> list[Message]:
        return await self._client._run(_calls.decode_messages(family, messages, message_of))

    async def do(
        self,
        family: str,
        operation: str | int,
        attributes: Mapping[str, Any] | None = None,
        *,
        network_namespace: str = "",
        timeout_s: float | None = None,
    ) -> dict[str, Any]:
        asked = request_of(family, operation, attributes, network_namespace=network_namespace)
        return only_answer(asked, await self.messages(asked, timeout_s=timeout_s))

    async def dump(
        self,
        family: str,
        operation: str | int,
        attributes: Mapping[str, Any] | None = None,
        *,
        network_namespace: str = "",
        max_restarts: int = 3,
        timeout_s: float | None = None,
    ) -> list[dict[str, Any]]:
        asked = request_of(
            family,
            operation,
            attributes,
            dump=True,
            network_namespace=network_namespace,
            max_restarts=max_restarts,
        )
        messages = await self.messages(asked, timeout_s=timeout_s)
        return [message.attributes for message in messages]

    async def messages(
        self, request: service.RequestRequest, *, timeout_s: float | None = None
    ) -> list[Message]:
        client = self._client
        operation = f"netlink {request.family} {request.operation}"
        timeout_s = client._timeout_s if timeout_s is None else timeout_s
        answer = Answer(client._at(operation))
        responses = client._stubs.netlink.Request(request, timeout=timeout_s)
        async for response in client._each(operation, responses):
            answer.take(response)
        return answer.finish()

    async def listen(
        self,
        family: str,
        group: str = "*",
        *,
        network_namespace: str = "",
        options: Options | None = None,
        **changes: Any,
    ) -> AsyncIterator[Message | Lost]:
        channel = channel_of(family, group, network_namespace)
        async with self._client.subscribe(channel, options=options, **changes) as subscription:
            async for delivery in subscription.deliveries():
                if not is_asked_for(delivery, group, network_namespace):
                    continue
                for part in parts_of(delivery):
                    if isinstance(part, Lost):
                        yield part
                        continue
                    messages = await self.decode(family, [record.payload for record in part])
                    for message in with_records(messages, part):
                        yield message
