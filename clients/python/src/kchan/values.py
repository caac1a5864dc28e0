# SPDX-License-Identifier: Apache-2.0
"""Values: words that are set, not streamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kchan._session import duration
from kchan.v1 import value_pb2


@dataclass(frozen=True)
class Values:
    """All words of a channel at one moment: values["limit"]."""

    version: int  # grows with each change; starts anew with the kernel side
    boottime_ns: int  # of the last change
    words: dict[str, int | str]  # in the schema's order

    def __getitem__(self, word: str) -> int | str:
        return self.words[word]


@dataclass(frozen=True)
class Swap:
    """What became of a compare-and-swap."""

    swapped: bool  # False: it was `before`, and still is
    before: int | str | None

    def __bool__(self) -> bool:
        return self.swapped


@dataclass(frozen=True)
class ValueUpdate:
    """A channel's values now."""

    channel: str
    values: Values
    duplicates: int  # changes since the last update that were not sent by themselves
    heartbeat: bool  # nothing has changed
    stale: bool  # the kernel side is gone: these are the last known


def word_value(value: int | str) -> value_pb2.Value:
    """ValueError if no word can hold it."""
    if isinstance(value, str):
        return value_pb2.Value(text_value=value)
    if not -(1 << 63) <= value < 1 << 64:
        raise ValueError(f"{value} does not fit into a word of 64 bits")
    if value < 0:
        return value_pb2.Value(signed_value=value)
    return value_pb2.Value(unsigned_value=value)


def from_proto(value: value_pb2.Value) -> int | str | None:
    """None where the kernel does not tell."""
    match value.WhichOneof("kind"):
        case "unsigned_value":
            return value.unsigned_value
        case "signed_value":
            return value.signed_value
        case "text_value":
            return value.text_value
    return None


def values_of(proto: value_pb2.Values) -> Values:
    words = {word.name: from_proto(word.value) for word in proto.words}
    known = {name: value for name, value in words.items() if value is not None}
    return Values(proto.version, proto.boottime_ns, known)


def watch_request(
    channels: Sequence[str],
    sample_interval_s: float | None,
    suppress_redundant: bool,
    heartbeat_interval_s: float | None,
) -> value_pb2.WatchValuesRequest:
    if not channels:
        raise ValueError("name at least one channel")
    request = value_pb2.WatchValuesRequest(
        channels=channels, suppress_redundant=suppress_redundant
    )
    if sample_interval_s is not None:
        request.sample_interval.CopyFrom(duration(sample_interval_s))
    if heartbeat_interval_s is not None:
        request.heartbeat_interval.CopyFrom(duration(heartbeat_interval_s))
    return request


def update_of(response: value_pb2.WatchValuesResponse) -> ValueUpdate | None:
    """None for what is no update."""
    if response.WhichOneof("response") != "update":
        return None
    update = response.update
    return ValueUpdate(
        update.channel, values_of(update.values), update.duplicates, update.heartbeat, update.stale
    )
