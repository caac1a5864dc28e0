# SPDX-License-Identifier: Apache-2.0
"""What a subscription gives."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from kchan._dataclass_of import dataclass_of
from kchan.schema import RecordType
from kchan.v1 import channel_pb2, channel_service_pb2, record_pb2

Cursor = record_pb2.Cursor
"""A place in a channel: give it to subscribe() to go on behind it."""

T = TypeVar("T")


@dataclass(frozen=True)
class Clock:
    """The node's clock: CLOCK_BOOTTIME to UTC."""

    offset_ns: int = 0

    def utc_ns(self, boottime_ns: int) -> int:
        return boottime_ns + self.offset_ns

    def utc(self, boottime_ns: int) -> datetime.datetime:
        """To the microsecond, which is what datetime has."""
        microseconds = self.utc_ns(boottime_ns) // 1000
        epoch = datetime.datetime.fromtimestamp(0, datetime.UTC)
        return epoch + datetime.timedelta(microseconds=microseconds)


@dataclass(frozen=True)
class Record:
    """One fact produced by the kernel side.

    Its payload is decoded when it is first asked for:

        record["pid"]           one field; KeyError if it has none of this name
        record.fields           all of them: a dict
        record.into(Exec)       a dataclass of yours
    """

    node: str
    channel: str
    epoch: int
    sequence: int
    boottime_ns: int
    cpu: int
    type_id: int
    payload: bytes
    record_type: RecordType | None  # None: the daemon does not know its schema any more
    clock: Clock = field(repr=False, compare=False)

    @property
    def time(self) -> datetime.datetime:
        """When the kernel side made it, UTC."""
        return self.clock.utc(self.boottime_ns)

    @property
    def time_ns(self) -> int:
        """The same in nanoseconds since 1970."""
        return self.clock.utc_ns(self.boottime_ns)

    @cached_property
    def fields(self) -> dict[str, Any]:
        """By name; see kchan.schema for what a field becomes."""
        return self._known_type.decode(self.payload)

    def __getitem__(self, name: str) -> Any:
        if "fields" in self.__dict__:
            return self.fields[name]
        return self._known_type.decode_field(name, self.payload)

    def into(self, kind: type[T]) -> T:
        """A dataclass made of the fields of the same names, nested ones too.

        TypeError if a field that it needs is not there.
        """
        return dataclass_of(kind, self.fields)

    @property
    def cursor(self) -> Cursor:
        """Goes on behind this record."""
        return Cursor(channel=self.channel, epoch=self.epoch, sequence=self.sequence)

    @property
    def _known_type(self) -> RecordType:
        if self.record_type is None:
            raise LookupError(
                f"record {self.sequence} of {self.channel} has type {self.type_id}, "
                "which no schema that the daemon still has describes: only its payload is known"
            )
        return self.record_type


@dataclass(frozen=True)
class Lost:
    """Records that will not come."""

    node: str
    channel: str
    epoch: int
    first_sequence: int  # 0 if count is None
    count: int | None  # None: not known; then it takes no part in the arithmetic
    stage: str  # of kchan.v1.LossStage: "KERNEL_RING"
    cpu: int | None
    cause: str


@dataclass(frozen=True)
class Batch:
    """Consecutive numbers of one channel and epoch.

    last_sequence - first_sequence + 1 == received + lost + filtered
    """

    channel: str
    epoch: int
    first_sequence: int  # 0: it covers none, and brings one Lost of unknown count
    last_sequence: int
    filtered: int
    items: list[Record | Lost]  # in order
    sampled: int = 0  # of `filtered`

    @property
    def cursor(self) -> Cursor:
        return Cursor(channel=self.channel, epoch=self.epoch, sequence=self.last_sequence)


@dataclass(frozen=True)
class Hello:
    """Once for each connection: who speaks."""

    node: str
    boot_id: str
    kernel_release: str
    cursors: list[Cursor]


@dataclass(frozen=True)
class Disconnected:
    """The stream broke and will be resumed at the cursors; nothing is lost by
    that which is not reported as a Lost."""

    error: Exception
    retry_after_s: float


@dataclass(frozen=True)
class ChannelUpdate:
    """A channel's state as of the next batch."""

    channel: str
    state: str  # of kchan.v1.ChannelState: "LIVE"
    reason: str
    epoch: int
    schema_id: int
    missing_fields: tuple[str, ...] = ()  # that were asked for, and that the schema lacks


@dataclass(frozen=True)
class HistoryEnd:
    """What follows in this channel is live."""

    channel: str
    cursor: Cursor


@dataclass(frozen=True)
class Heartbeat:
    """Nothing new; this is how far it has come."""

    cursors: list[Cursor]


Delivery = Batch | Hello | Disconnected | ChannelUpdate | HistoryEnd | Heartbeat


@dataclass
class Totals:
    """What became of all numbers of a subscription so far:
    covered == received + lost + filtered, at any time."""

    covered: int = 0
    received: int = 0
    lost: int = 0
    filtered: int = 0
    unknown_losses: int = 0  # Losts whose count is not known

    def balance(self) -> bool:
        return self.covered == self.received + self.lost + self.filtered


# ---- Where a subscription starts ---------------------------------------------


@dataclass(frozen=True)
class Now:
    """After the last record at the time of opening."""


@dataclass(frozen=True)
class Oldest:
    """With the oldest record in the log."""


@dataclass(frozen=True)
class Last:
    """With the last records in the log, or as many as there are."""

    records: int


@dataclass(frozen=True)
class Since:
    """With the records made at `time` or later, by the node's clock. With a cursor:
    behind that, and still nothing older, as to go on with such a subscription in
    another process."""

    time: datetime.datetime  # with its zone
    cursor: Cursor | None = None


Start = Now | Oldest | Last | Since | Cursor


def start_proto(start: Start) -> channel_service_pb2.Start:
    """ValueError: a time without its zone."""
    proto = channel_service_pb2.Start()
    match start:
        case Since(time=time, cursor=cursor):
            proto.since.CopyFrom(timestamp(time))
            if cursor is not None:
                proto.cursor.CopyFrom(cursor)
        case Now():
            proto.now.SetInParent()
        case Oldest():
            proto.oldest.SetInParent()
        case Last(records=records):
            proto.last_records = records
        case _:
            proto.cursor.CopyFrom(start)
    return proto


def timestamp(time: datetime.datetime) -> Timestamp:
    """ValueError: without its zone it could be anywhere's."""
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone: use datetime.datetime(.., tzinfo=datetime.UTC)")
    proto = Timestamp()
    proto.FromDatetime(time)
    return proto


def state_name(state: int) -> str:
    """ "LIVE"; a number that this client is too old for as it is."""
    return _short(channel_pb2.ChannelState, state, "CHANNEL_STATE_")


def stage_name(stage: int) -> str:
    return _short(record_pb2.LossStage, stage, "LOSS_STAGE_")


def _short(kind: Any, value: int, prefix: str) -> str:
    if value not in kind.values():
        return str(value)
    return str(kind.Name(value)).removeprefix(prefix)
