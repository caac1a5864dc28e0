# SPDX-License-Identifier: Apache-2.0
"""A subscription without its I/O: what the sync and the aio one have in common."""

from __future__ import annotations

import datetime
import heapq
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from google.protobuf.duration_pb2 import Duration

from kchan import errors
from kchan._backoff import Backoff, Waits
from kchan._progress import BrokenPromise, Progress
from kchan.records import (
    Batch,
    ChannelUpdate,
    Clock,
    Cursor,
    Delivery,
    Disconnected,
    Heartbeat,
    Hello,
    HistoryEnd,
    Lost,
    Now,
    Record,
    Start,
    Totals,
    stage_name,
    start_proto,
    state_name,
    timestamp,
)
from kchan.schema import Schema
from kchan.v1 import channel_service_pb2 as service
from kchan.v1 import record_pb2

_log = logging.getLogger("kchan")
_GLOB = frozenset("*?[")

Overflow = Literal["oldest", "newest", "disconnect", "block"]
_OVERFLOW: dict[str, service.OverflowPolicy] = {
    "oldest": service.OVERFLOW_POLICY_SKIP_TO_OLDEST,
    "newest": service.OVERFLOW_POLICY_SKIP_TO_NEWEST,
    "disconnect": service.OVERFLOW_POLICY_DISCONNECT,
    "block": service.OVERFLOW_POLICY_BLOCK,
}


@dataclass(frozen=True)
class Options:
    """What to stream, and how; see kchan.v1.SubscribeRequest.Open.

    start           for all channels that are not in `starts`
    starts          for some, by the name or glob that they are selected with
    filter          which records are sent, as "pid > 1000 AND comm = ba*"; see
                    docs/filters.md. A wrong one is an InvalidArgument, whose
                    violation's description says at which column
    fields          of each record, as ["pid", "local.port"]; none: all. See
                    docs/fields.md. A wrong one is an InvalidArgument, with a
                    violation of "open.fields[0]"
    window_bytes    at most so many bytes are on the way unacknowledged; 0: no bound
    acknowledge     with a window: acknowledge a batch when the next is asked for.
                    False: the reader calls acknowledge() when it is done with it
    overflow        when the log has dropped what was not read yet: go on with the
                    "oldest" record kept or the "newest", or "disconnect"; or "block"
                    the channel, so that it does not, where its owner allows that
    follow          False: end where the history does
    until           end there: with the first record that is younger, or by the clock
    max_records     end behind so many; 0: no bound
    sample_every    one of every so many records, by number; 0 and 1: all
    max_records_per_second  of all channels; what is beyond it is Lost; 0: no limit
    reconnect       go on when the stream breaks
    connect_timeout_s  how long the first connection may take; None: no bound
    """

    start: Start = field(default_factory=Now)
    starts: dict[str, Start] = field(default_factory=dict)
    filter: str = ""
    fields: Sequence[str] = ()
    window_bytes: int = 0
    acknowledge: bool = True
    max_delay_s: float = 0.0
    max_batch_bytes: int = 0
    overflow: Overflow = "oldest"
    heartbeat_interval_s: float = 0.0
    follow: bool = True
    until: datetime.datetime | None = None
    max_records: int = 0
    sample_every: int = 0
    max_records_per_second: int = 0
    reconnect: bool = True
    connect_timeout_s: float | None = 10.0
    backoff: Backoff = Backoff()


def is_glob(name: str) -> bool:
    return not _GLOB.isdisjoint(name)


def opening(channels: Sequence[str], options: Options) -> service.SubscribeRequest.Open:
    """ValueError if that cannot be asked for."""
    if not channels:
        raise ValueError("name at least one channel, or a glob")
    if options.overflow not in _OVERFLOW:
        known = ", ".join(map(repr, get_args(Overflow)))
        raise ValueError(f"overflow={options.overflow!r} is not one of {known}")
    unknown = options.starts.keys() - set(channels)
    if unknown:
        raise ValueError(f"starts of channels that are not selected: {', '.join(sorted(unknown))}")
    if isinstance(options.fields, str):
        raise ValueError(f"fields={options.fields!r} is a text: give a list of paths")
    request = service.SubscribeRequest.Open(
        filter=options.filter,
        fields=options.fields,
        window_bytes=options.window_bytes,
        max_batch_bytes=options.max_batch_bytes,
        overflow_policy=_OVERFLOW[options.overflow],
        sample_every=options.sample_every,
        max_records_per_second=options.max_records_per_second,
    )
    for name in channels:
        start = start_proto(options.starts.get(name, options.start))
        if is_glob(name):
            request.selections.add(glob=name, start=start)
        else:
            request.selections.add(name=name, start=start)
    if options.max_delay_s:
        request.max_delay.CopyFrom(duration(options.max_delay_s))
    if options.heartbeat_interval_s:
        request.heartbeat_interval.CopyFrom(duration(options.heartbeat_interval_s))
    if not options.follow:
        request.stop.end_of_history = True
    if options.max_records:
        request.stop.records = options.max_records
    if options.until is not None:
        request.stop.until.CopyFrom(timestamp(options.until))
    return request


def duration(seconds: float) -> Duration:
    proto = Duration()
    proto.FromNanoseconds(round(seconds * 1e9))
    return proto


class Session:
    """One subscription's place, clock, waits and sums."""

    def __init__(self, target: str, channels: Sequence[str], options: Options) -> None:
        self.operation = f"subscribe at {target}"
        self.options = options
        self.totals = Totals()
        self.node = ""
        self.clock = Clock()
        request = opening(channels, options)
        self._has_stop = request.HasField("stop")
        self._progress = Progress(request)
        self._waits = Waits(options.backoff)

    @property
    def begun(self) -> bool:
        return self._progress.begun

    def cursors(self) -> list[Cursor]:
        return self._progress.cursors()

    def next_open(self) -> service.SubscribeRequest:
        return service.SubscribeRequest(open=self._progress.next_open())

    def acknowledgement(self, cursors: Sequence[Cursor]) -> service.SubscribeRequest | None:
        """None: nothing of it concerns this stream."""
        mine = [cursor for cursor in cursors if self._progress.gave_out(cursor)]
        if not mine:
            return None
        acknowledge = service.SubscribeRequest.Acknowledge(cursors=mine)
        return service.SubscribeRequest(acknowledge=acknowledge)

    # ---- What came -------------------------------------------------------------

    def take(self, response: service.SubscribeResponse, schema: Schema | None) -> Delivery | None:
        """What `response` means; None: nothing for the reader. `schema` is that of
        its batch, if it has one. DataLoss: the daemon broke a promise."""
        try:
            return self._take(response, schema)
        except BrokenPromise as broken:
            raise errors.make(errors.DataLoss, self.operation, str(broken)) from None

    def _take(self, response: service.SubscribeResponse, schema: Schema | None) -> Delivery | None:
        match response.WhichOneof("response"):
            case "batch":
                return self._batch(response.batch, schema)
            case "hello":
                return self._hello(response.hello)
            case "heartbeat":
                self.clock = Clock(response.heartbeat.clock_offset_ns)
                for cursor in response.heartbeat.cursors:
                    self._progress.reach(cursor, "heartbeat")
                return Heartbeat(list(response.heartbeat.cursors))
            case "channel_update":
                update = response.channel_update
                return ChannelUpdate(
                    update.channel,
                    state_name(update.state),
                    update.reason,
                    update.epoch,
                    update.schema_id,
                    tuple(update.missing_fields),
                )
            case "history_end":
                cursor = response.history_end.cursor
                self._progress.on_history_end(cursor)
                return HistoryEnd(cursor.channel, cursor)
        return None  # of a later daemon

    def _hello(self, hello: service.SubscribeResponse.Hello) -> Hello:
        self.node = hello.node.name
        self.clock = Clock(hello.clock_offset_ns)
        self._progress.on_hello(hello.cursors)
        node = hello.node
        return Hello(node.name, node.boot_id, node.kernel_release, list(hello.cursors))

    def _batch(self, batch: record_pb2.Batch, schema: Schema | None) -> Batch | None:
        if not self._progress.on_batch(batch):
            return None
        self._waits.reset()
        totals = self.totals
        totals.received += len(batch.records)
        totals.lost += sum(lost.count for lost in batch.lost)
        totals.filtered += batch.filtered
        totals.unknown_losses += sum(1 for lost in batch.lost if not lost.count)
        if batch.first_sequence:
            totals.covered += batch.last_sequence - batch.first_sequence + 1
        return Batch(
            batch.channel,
            batch.epoch,
            batch.first_sequence,
            batch.last_sequence,
            batch.filtered,
            list(self._items(batch, schema)),
            batch.sampled,
        )

    def _items(self, batch: record_pb2.Batch, schema: Schema | None) -> Iterator[Record | Lost]:
        is_of_earlier_boot = batch.HasField("clock_offset_ns")
        clock = Clock(batch.clock_offset_ns) if is_of_earlier_boot else self.clock
        records: Iterator[Record | Lost] = (
            Record(
                self.node,
                batch.channel,
                batch.epoch,
                record.sequence,
                record.boottime_ns,
                record.cpu,
                record.type,
                record.payload,
                schema.find_type(record.type) if schema else None,
                clock,
            )
            for record in batch.records
        )
        losses: Iterator[Record | Lost] = (
            Lost(
                self.node,
                batch.channel,
                batch.epoch,
                lost.first_sequence,
                lost.count or None,
                stage_name(lost.stage),
                lost.cpu if lost.HasField("cpu") else None,
                lost.cause,
            )
            for lost in batch.lost
        )
        yield from heapq.merge(losses, records, key=_sequence)

    # ---- How it ends ------------------------------------------------------------

    def broken(self, error: errors.KchanError, waited_s: float) -> Disconnected:
        """What to do about a stream that ended: raises what is the end of the
        subscription. `waited_s`: since the first attempt to connect."""
        if not self.options.reconnect or not self._is_transient(error):
            raise error
        limit_s = self.options.connect_timeout_s
        if not self.begun and limit_s is not None and waited_s >= limit_s:
            raise error
        wait_s = self._waits.next_s(error.retry_delay_s)
        _log.warning("%s: goes on in %.1f s", error, wait_s)
        return Disconnected(error, wait_s)

    def has_stopped(self, *, by_daemon: bool) -> bool:
        """Whether a stream that ended, `by_daemon` with OK, is all that was asked
        for."""
        return self._progress.is_complete or (by_daemon and self._has_stop)

    def ended_by_daemon(self) -> errors.KchanError:
        return errors.make(errors.Unavailable, self.operation, "the daemon ended the stream")

    def _is_transient(self, error: errors.KchanError) -> bool:
        if isinstance(error, errors.Unavailable | errors.ResourceExhausted):
            return True
        # A proxy or a dying daemon resets a stream with CANCELLED; a daemon that
        # starts may not have found its channels yet.
        return self.begun and isinstance(error, errors.Cancelled | errors.NotFound)


def _sequence(item: Record | Lost) -> int:
    return item.sequence if isinstance(item, Record) else item.first_sequence


def options_of(options: Options | None, **changes: Any) -> Options:
    """`options`, or the defaults, with `changes`. TypeError: no such option."""
    return replace(options or Options(), **changes)
