# SPDX-License-Identifier: Apache-2.0
"""Unary calls, as what to send and what to make of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from google.protobuf.message import Message

from kchan import errors
from kchan.schema import RecordType, Schema, SchemaError
from kchan.v1 import block_pb2, value_pb2
from kchan.v1 import channel_service_pb2 as service
from kchan.v1 import netlink_service_pb2 as netlink_service
from kchan.v1 import node_service_pb2 as node_service
from kchan.v1.channel_pb2 import Channel
from kchan.v1.schema_pb2 import DIRECTION_TO_USER
from kchan.values import Swap, Values, from_proto, values_of, word_value

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    method: str
    request: Message
    answer: Callable[[Any], T]
    operation: str
    service: Literal["channel", "node", "netlink"] = "channel"


def _itself(response: T) -> T:
    return response


def _channel_of(response: service.GetChannelResponse | service.UpdateChannelResponse) -> Channel:
    return response.channel


def _node_of(response: node_service.GetNodeResponse) -> node_service.Node:
    return response.node


def list_channels(page_token: str) -> Call[service.ListChannelsResponse]:
    request = service.ListChannelsRequest(page_token=page_token)
    return Call("ListChannels", request, _itself, "list the channels")


def get_channel(name: str) -> Call[Channel]:
    request = service.GetChannelRequest(name=name)
    return Call("GetChannel", request, _channel_of, f"get channel {name}")


def get_schema(channel: str, schema_id: int) -> Call[Schema]:
    request = service.GetSchemaRequest(channel=channel, schema_id=schema_id)
    operation = f"get the schema of channel {channel}"

    def answer(response: service.GetSchemaResponse) -> Schema:
        try:
            return Schema(response.schema)
        except SchemaError as error:
            raise errors.make(errors.DataLoss, operation, str(error)) from None

    return Call("GetSchema", request, answer, operation)


def update_channel(
    name: str, parameters: Mapping[str, int], budget_bytes: int | None, linger_ms: int | None
) -> Call[Channel]:
    request = service.UpdateChannelRequest(
        name=name, parameters=parameters, budget_bytes=budget_bytes, linger_ms=linger_ms
    )
    operation = f"update channel {name}"
    return Call("UpdateChannel", request, _channel_of, operation)


def get_node() -> Call[node_service.Node]:
    request = node_service.GetNodeRequest()
    return Call("GetNode", request, _node_of, "get the node", "node")


def get_status() -> Call[node_service.GetStatusResponse]:
    request = node_service.GetStatusRequest()
    return Call("GetStatus", request, _itself, "get the status", "node")


# ---- Values ------------------------------------------------------------------


def get_values(channel: str) -> Call[Values]:
    request = value_pb2.GetValuesRequest(channel=channel)
    operation = f"get the values of channel {channel}"
    return Call("GetValues", request, lambda response: values_of(response.values), operation)


def set_value(channel: str, word: str, value: int | str) -> Call[int | str | None]:
    request = value_pb2.SetValueRequest(channel=channel, word=word, value=word_value(value))
    operation = f"set {word} of channel {channel}"
    return Call("SetValue", request, lambda response: from_proto(response.before), operation)


def add_value(channel: str, word: str, delta: int) -> Call[tuple[int, int]]:
    request = value_pb2.AddValueRequest(channel=channel, word=word, delta=delta)

    def answer(response: value_pb2.AddValueResponse) -> tuple[int, int]:
        before, after = from_proto(response.before), from_proto(response.after)
        assert isinstance(before, int) and isinstance(after, int)
        return before, after

    return Call("AddValue", request, answer, f"add to {word} of channel {channel}")


def compare_and_swap(channel: str, word: str, expected: int, value: int) -> Call[Swap]:
    request = value_pb2.CompareAndSwapValueRequest(
        channel=channel, word=word, expected=word_value(expected), value=word_value(value)
    )

    def answer(response: value_pb2.CompareAndSwapValueResponse) -> Swap:
        return Swap(response.swapped, from_proto(response.before))

    return Call("CompareAndSwapValue", request, answer, f"swap {word} of channel {channel}")


def flush_blocks(channel: str) -> Call[None]:
    request = block_pb2.FlushBlocksRequest(channel=channel)
    return Call("FlushBlocks", request, lambda response: None, f"flush channel {channel}")


# ---- Netlink -----------------------------------------------------------------


def list_families(network_namespace: str) -> Call[list[netlink_service.NetlinkFamily]]:
    request = netlink_service.ListFamiliesRequest(network_namespace=network_namespace)

    def answer(
        response: netlink_service.ListFamiliesResponse,
    ) -> list[netlink_service.NetlinkFamily]:
        return list(response.families)

    return Call("ListFamilies", request, answer, "list the netlink families", "netlink")


def describe_family(
    family: str, operation: str, network_namespace: str
) -> Call[netlink_service.DescribeFamilyResponse]:
    request = netlink_service.DescribeFamilyRequest(
        family=family, operation=operation, network_namespace=network_namespace
    )
    what = f"describe netlink family {family}"
    return Call("DescribeFamily", request, _itself, what, "netlink")


def decode_messages(
    family: str,
    messages: Sequence[bytes],
    message_of: Callable[[netlink_service.NetlinkMessage], T],
) -> Call[list[T]]:
    request = netlink_service.DecodeRequest(family=family, messages=messages)
    operation = f"decode messages of netlink family {family}"

    def answer(response: netlink_service.DecodeResponse) -> list[T]:
        if len(response.messages) != len(messages):
            what = f"got {len(response.messages)} messages of {len(messages)}"
            raise errors.make(errors.DataLoss, operation, what)
        return [message_of(message) for message in response.messages]

    return Call("Decode", request, answer, operation, "netlink")


# ---- Records to the kernel -----------------------------------------------------


def type_to_kernel(schema: Schema, channel: str, name_or_id: str | int) -> RecordType:
    """SchemaError says what the channel takes."""
    kind = schema.find_type(name_or_id)
    if kind is not None and kind.proto.direction != DIRECTION_TO_USER:
        return kind
    takes = [one.name for one in schema.types if one.proto.direction != DIRECTION_TO_USER]
    raise SchemaError(
        f"channel {channel!r} takes no type {name_or_id!r}: it takes {', '.join(takes) or 'none'}"
    )


def check_published(operation: str, response: service.PublishResponse) -> None:
    if response.status.code:
        raise errors.from_status(operation, response.status, response.kernel_errno)
