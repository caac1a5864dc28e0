# SPDX-License-Identifier: Apache-2.0
"""Netlink families of the node, typed: client.netlink."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from kchan import _calls, errors
from kchan._session import Options
from kchan.records import Batch, Delivery, Lost, Record
from kchan.v1 import netlink_service_pb2 as service

if TYPE_CHECKING:
    from kchan.client import Client

# Of one Decode: the protocol's bound, and what stays far below a request's.
_MAX_DECODED = 1000
_MAX_DECODED_BYTES = 1 << 20
# Beyond it JSON's numbers are not exact: their decimal text is.
_MAX_EXACT = 1 << 53


class Interrupted(errors.Aborted):
    """What was listed changed meanwhile, more often than was allowed for: something
    may be in it twice, or not at all."""


@dataclass(frozen=True)
class Message:
    """One message of a family.

    operation   its name in the specification; "" if that is not known
    command     its number
    attributes  by the names of the specification, as docs/netlink_values.md says;
                without one, {"@raw": ..}: the tree of them
    by_specification  which of the two
    raw         its bytes, where they were asked for
    record      of listen(): the record that it came in
    """

    operation: str
    command: int
    attributes: dict[str, Any]
    by_specification: bool
    raw: bytes = b""
    record: Record | None = None

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes[attribute]


class Netlink:
    """The netlink families of the node; kchan.Client.netlink.

        rings = client.netlink.do("ethtool", "rings-get", {"header": {"dev-name": "eth0"}})
        print(rings["rx"])

    Attributes are dicts by the names of the family's specification; describe()
    tells which there are. An int of any size may be given, and bytes for binary
    ones; what comes back is int, str, list, dict or True, where numbers from 2**53
    on are their decimal text.

    What the kernel refuses is the KchanError of its code, whose kernel_errno,
    errno_name, extended_ack, attribute and missing_attribute are what it said.
    Nothing is retried. `timeout_s` bounds the whole of a request.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def families(self, *, network_namespace: str = "") -> list[service.NetlinkFamily]:
        """Those that are registered, in order of name."""
        return self._client._run(_calls.list_families(network_namespace))

    def describe(
        self, family: str, operation: str = "", *, network_namespace: str = ""
    ) -> service.DescribeFamilyResponse:
        """Its operations, attributes and values; with an `operation`, what that
        needs of them."""
        return self._client._run(_calls.describe_family(family, operation, network_namespace))

    def decode(self, family: str, messages: Sequence[bytes]) -> list[Message]:
        """One for each: payloads of records of the family's channels."""
        return self._client._run(_calls.decode_messages(family, messages, message_of))

    def do(
        self,
        family: str,
        operation: str | int,
        attributes: Mapping[str, Any] | None = None,
        *,
        network_namespace: str = "",
        timeout_s: float | None = None,
    ) -> dict[str, Any]:
        """Makes one request; the attributes of the answer, {} where the kernel only
        acknowledges."""
        asked = request_of(family, operation, attributes, network_namespace=network_namespace)
        return only_answer(asked, self.messages(asked, timeout_s=timeout_s))

    def dump(
        self,
        family: str,
        operation: str | int,
        attributes: Mapping[str, Any] | None = None,
        *,
        network_namespace: str = "",
        max_restarts: int = 3,
        timeout_s: float | None = None,
    ) -> list[dict[str, Any]]:
        """Lists. A change in between begins it again, `max_restarts` times at most;
        then it is Interrupted."""
        asked = request_of(
            family,
            operation,
            attributes,
            dump=True,
            network_namespace=network_namespace,
            max_restarts=max_restarts,
        )
        return [message.attributes for message in self.messages(asked, timeout_s=timeout_s)]

    def messages(
        self, request: service.RequestRequest, *, timeout_s: float | None = None
    ) -> list[Message]:
        """What a request is answered with, all of it: for what do() and dump() do
        not offer."""
        client = self._client
        operation = f"netlink {request.family} {request.operation}"
        timeout_s = client._timeout_s if timeout_s is None else timeout_s
        answer = Answer(client._at(operation))
        responses = client._stubs.netlink.Request(request, timeout=timeout_s)
        for response in client._each(operation, responses):
            answer.take(response)
        return answer.finish()

    def listen(
        self,
        family: str,
        group: str = "*",
        *,
        network_namespace: str = "",
        options: Options | None = None,
        **changes: Any,
    ) -> Iterator[Message | Lost]:
        """What the family multicasts, as it happens, and what of it was lost;
        `changes` are members of Options, as of subscribe()."""
        channel = channel_of(family, group, network_namespace)
        with self._client.subscribe(channel, options=options, **changes) as subscription:
            for delivery in subscription.deliveries():
                if not is_asked_for(delivery, group, network_namespace):
                    continue
                for part in parts_of(delivery):
                    if isinstance(part, Lost):
                        yield part
                    else:
                        messages = self.decode(family, [record.payload for record in part])
                        yield from with_records(messages, part)


# ---- What the sync and the aio one have in common ---------------------------------


class Answer:
    """The messages of a request, until they are all there."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._messages: list[Message] = []
        self._interrupted = False

    def take(self, response: service.RequestResponse) -> None:
        if response.restarted:
            self._messages.clear()
        self._messages.extend(map(message_of, response.messages))
        self._interrupted = response.interrupted

    def finish(self) -> list[Message]:
        if self._interrupted:
            what = "interrupted by changes: allow for more restarts"
            raise errors.make(Interrupted, self._operation, what)
        return self._messages


def request_of(
    family: str,
    operation: str | int,
    attributes: Mapping[str, Any] | None = None,
    *,
    dump: bool = False,
    network_namespace: str = "",
    max_restarts: int = 0,
) -> service.RequestRequest:
    request = service.RequestRequest(
        family=family,
        operation=str(operation),
        mode=service.NETLINK_MODE_DUMP if dump else service.NETLINK_MODE_DO,
        network_namespace=network_namespace,
        max_restarts=max_restarts,
    )
    if attributes is not None:
        request.attributes.CopyFrom(struct_of(attributes))
    return request


def only_answer(request: service.RequestRequest, messages: list[Message]) -> dict[str, Any]:
    if len(messages) > 1:
        operation = f"netlink {request.family} {request.operation}"
        what = f"answered by {len(messages)} messages: use messages()"
        raise errors.make(errors.FailedPrecondition, operation, what)
    return messages[0].attributes if messages else {}


def channel_of(family: str, group: str, network_namespace: str) -> str:
    where = f"@{network_namespace}" if network_namespace else ""
    return f"netlink/{family}/{group}{where}"


def is_asked_for(delivery: Delivery, group: str, network_namespace: str) -> TypeGuard[Batch]:
    """A glob of groups also matches those of other namespaces, "monitor@blue"."""
    if not isinstance(delivery, Batch):
        return False
    return bool(network_namespace) or "@" in group or "@" not in delivery.channel


def parts_of(batch: Batch) -> Iterator[Lost | list[Record]]:
    """In order: each loss, and records, as many as fit one Decode."""
    records: list[Record] = []
    size_bytes = 0
    for item in batch.items:
        is_full = len(records) == _MAX_DECODED or size_bytes >= _MAX_DECODED_BYTES
        if records and (is_full or isinstance(item, Lost)):
            yield records
            records, size_bytes = [], 0
        if isinstance(item, Lost):
            yield item
        else:
            records.append(item)
            size_bytes += len(item.payload)
    if records:
        yield records


def with_records(messages: Iterable[Message], records: Iterable[Record]) -> Iterator[Message]:
    for message, record in zip(messages, records, strict=True):
        yield Message(
            message.operation,
            message.command,
            message.attributes,
            message.by_specification,
            record.payload,
            record,
        )


def message_of(message: service.NetlinkMessage) -> Message:
    return Message(
        message.operation,
        message.command,
        dict_of(message.attributes),
        message.decoding == service.NETLINK_DECODING_SPECIFICATION,
        message.raw,
    )


# ---- Attributes as Python has them -------------------------------------------------


def struct_of(attributes: Mapping[str, Any]) -> Struct:
    """TypeError names what cannot be sent."""
    return Struct(fields={str(name): _value(one, str(name)) for name, one in attributes.items()})


def _value(value: Any, path: str) -> Value:
    match value:
        case None:
            return Value(null_value=0)
        case bool():
            return Value(bool_value=value)
        case int():
            if -_MAX_EXACT < value < _MAX_EXACT:
                return Value(number_value=value)
            return Value(string_value=str(value))
        case float() if math.isfinite(value) and value.is_integer():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case bytes() | bytearray() | memoryview():
            return Value(string_value=bytes(value).hex())
        case Mapping():
            fields = {str(name): _value(one, f"{path}.{name}") for name, one in value.items()}
            return Value(struct_value=Struct(fields=fields))
        case Iterable():
            values = [_value(one, f"{path}[{index}]") for index, one in enumerate(value)]
            return Value(list_value=ListValue(values=values))
    raise TypeError(f"{path}: {value!r} is no attribute's value")


def dict_of(attributes: Struct) -> dict[str, Any]:
    return {name: _python(value) for name, value in attributes.fields.items()}


def _python(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return dict_of(value.struct_value)
        case "list_value":
            return [_python(one) for one in value.list_value.values]
    return None
