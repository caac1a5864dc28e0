# SPDX-License-Identifier: Apache-2.0
"""Where a subscription is in each channel, and how it goes on after its stream
broke: no duplicate, and no loss that is not reported. Does no I/O."""

from __future__ import annotations

import fnmatch
import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from kchan.v1 import channel_service_pb2 as service
from kchan.v1 import record_pb2

# A daemon has far fewer; one that invents names must not fill our memory.
_MAX_CHANNELS = 10_000
_RESUME_CAUSE = "no longer in the log when the stream resumed"


class BrokenPromise(Exception):
    """What the daemon sent cannot be true."""


@dataclass
class _Place:
    epoch: int = 0
    sequence: int = 0
    open_ended: bool = False  # after a loss of unknown count: the next batch says where it is
    resuming: bool = False  # nothing came since the stream was opened anew
    delivered: bool = False  # by this stream, which began behind:
    stream_epoch: int = 0
    stream_sequence: int = 0


class Progress:
    def __init__(self, opening: service.SubscribeRequest.Open) -> None:
        self._open = opening
        self._places: dict[str, _Place] = {}
        self.begun = False  # a hello came
        self._records = 0

    @property
    def is_complete(self) -> bool:
        """The records that were asked for, if so many were, have come."""
        return 0 < self._open.stop.records <= self._records

    def next_open(self) -> service.SubscribeRequest.Open:
        """Known channels go on at their cursors: one selected by name by its
        name, so that its absence is an error; one that a glob found as a glob, so
        that it may be gone. A channel that is not known yet appeared while nobody
        looked: all of it is new."""
        if not self.begun:
            return self._open
        opening = service.SubscribeRequest.Open()
        opening.CopyFrom(self._open)
        del opening.selections[:]
        if opening.stop.records:
            opening.stop.records -= self._records
        named = {selection.name for selection in self._open.selections if selection.name}
        for channel, place in self._places.items():
            place.resuming, place.delivered = True, False
            place.stream_epoch, place.stream_sequence = place.epoch, place.sequence
            selection = opening.selections.add(
                **{"name" if channel in named else "glob": channel}
            )
            selection.start.cursor.CopyFrom(_cursor(channel, place))
            start = self._start_of(channel)
            if start is not None and start.HasField("since"):
                selection.start.since.CopyFrom(start.since)
        for given in self._open.selections:
            if given.name and given.name in self._places:
                continue
            rest = opening.selections.add()
            rest.CopyFrom(given)
            if not given.start.HasField("cursor"):
                rest.start.oldest.SetInParent()
        return opening

    def _start_of(self, channel: str) -> service.Start | None:
        """As the first selection that matches it has it."""
        for selection in self._open.selections:
            if channel == selection.name or fnmatch.fnmatchcase(channel, selection.glob):
                start: service.Start = selection.start
                return start
        return None

    def cursors(self) -> list[record_pb2.Cursor]:
        return [_cursor(channel, place) for channel, place in self._places.items() if place.epoch]

    def on_hello(self, cursors: Iterable[record_pb2.Cursor]) -> None:
        self.begun = True
        for cursor in cursors:
            place = self._places.get(cursor.channel)
            # A resumed channel's new epoch begins with the batch that says so.
            if place is None or place.epoch == cursor.epoch:
                self.reach(cursor, "hello")

    def on_history_end(self, cursor: record_pb2.Cursor) -> None:
        if not cursor.epoch:
            return  # never live: no history
        place = self._places.get(cursor.channel)
        # The batch before may reach beyond the history.
        if place and place.epoch == cursor.epoch and place.sequence >= cursor.sequence:
            return
        self.reach(cursor, "the end of the history")

    def reach(self, cursor: record_pb2.Cursor, by: str) -> None:
        """Takes note that `by` says that the channel is at `cursor`."""
        if not cursor.channel or not cursor.epoch:
            raise BrokenPromise(f"{by} has a cursor without a channel or an epoch")
        place = self._place(cursor.channel)
        if place.epoch != cursor.epoch or place.open_ended:
            place.epoch, place.sequence, place.open_ended = cursor.epoch, cursor.sequence, False
        # A resumed channel may be absent yet, or not have caught up.
        if place.sequence != cursor.sequence and not place.resuming:
            raise BrokenPromise(
                f"channel {cursor.channel!r}: {by} is at {cursor.sequence}, "
                f"but the records end at {place.sequence}"
            )

    def on_batch(self, batch: record_pb2.Batch) -> bool:
        """Checks it and makes it continue where the last one ended: may change it.
        False: all of it was delivered before the stream broke."""
        check(batch)
        place = self._place(batch.channel)
        continues = (
            place.epoch == batch.epoch and not place.open_ended and batch.first_sequence != 0
        )
        if continues and place.resuming:
            if batch.first_sequence > place.sequence + 1:
                _extend_back(batch, place.sequence + 1)
            elif not _skip_through(batch, place.sequence):
                return False
        elif continues and batch.first_sequence != place.sequence + 1:
            raise BrokenPromise(
                f"channel {batch.channel!r}: a batch starts at {batch.first_sequence}, "
                f"but the last ended at {place.sequence}"
            )
        self._records += len(batch.records)
        place.epoch, place.sequence = batch.epoch, batch.last_sequence
        place.open_ended = batch.first_sequence == 0
        place.resuming = False
        place.delivered = True
        return True

    def gave_out(self, cursor: record_pb2.Cursor) -> bool:
        """Whether this stream did, so that the daemon takes its acknowledgement."""
        place = self._places.get(cursor.channel)
        if place is None or not place.delivered:
            return False
        return cursor.epoch != place.stream_epoch or cursor.sequence > place.stream_sequence

    def _place(self, channel: str) -> _Place:
        if channel not in self._places and len(self._places) == _MAX_CHANNELS:
            raise BrokenPromise(f"more than {_MAX_CHANNELS} channels")
        return self._places.setdefault(channel, _Place())


def _cursor(channel: str, place: _Place) -> record_pb2.Cursor:
    return record_pb2.Cursor(channel=channel, epoch=place.epoch, sequence=place.sequence)


def check(batch: record_pb2.Batch) -> None:
    """That it is in order and adds up."""

    def wrong(what: str) -> BrokenPromise:
        return BrokenPromise(
            f"batch of channel {batch.channel!r}, sequences {batch.first_sequence} "
            f"to {batch.last_sequence}: {what}"
        )

    if not batch.channel or not batch.epoch:
        raise wrong("no channel or no epoch")
    records = [(record.sequence, 1) for record in batch.records]
    losses = [(lost.first_sequence, lost.count) for lost in batch.lost if lost.count]
    if records != sorted(records) or losses != sorted(losses):
        raise wrong("not in order of sequence")
    behind = batch.first_sequence - 1
    for first, count in heapq.merge(records, losses):
        if first <= behind or first + count - 1 > batch.last_sequence:
            raise wrong(f"sequence {first} is out of order or out of range")
        behind = first + count - 1
    if batch.sampled > batch.filtered:
        raise wrong("more sampled than filtered")
    lost_count = sum(count for _, count in losses)
    if not batch.first_sequence:
        if batch.records or lost_count or batch.filtered:
            raise wrong("covers no number but has records, losses or filtered numbers")
        return
    span = batch.last_sequence - batch.first_sequence + 1
    if span != len(batch.records) + lost_count + batch.filtered:
        raise wrong(
            f"does not add up: {span} numbers, but {len(batch.records)} records, "
            f"{lost_count} lost and {batch.filtered} filtered"
        )


def _extend_back(batch: record_pb2.Batch, sequence: int) -> None:
    """What is between went with the daemon that held it."""
    lost = record_pb2.Lost(
        first_sequence=sequence,
        count=batch.first_sequence - sequence,
        stage=record_pb2.LOSS_STAGE_DAEMON_RESTART,
        cause=_RESUME_CAUSE,
    )
    others = list(batch.lost)
    del batch.lost[:]
    batch.lost.extend([lost, *others])
    batch.first_sequence = sequence


def _skip_through(batch: record_pb2.Batch, sequence: int) -> bool:
    """Removes what is delivered; False if nothing is left."""
    if sequence < batch.first_sequence:
        return True
    if sequence >= batch.last_sequence:
        return False
    kept = [record for record in batch.records if record.sequence > sequence]
    del batch.records[:]
    batch.records.extend(kept)
    losses = []
    for lost in batch.lost:
        if lost.count and lost.first_sequence <= sequence:
            behind = lost.first_sequence + lost.count
            if behind <= sequence + 1:
                continue
            lost.count, lost.first_sequence = behind - sequence - 1, sequence + 1
        losses.append(lost)
    del batch.lost[:]
    batch.lost.extend(losses)
    batch.first_sequence = sequence + 1
    # Which of the numbers were filtered is not known, but how many of the rest.
    rest = batch.last_sequence - sequence - len(kept) - sum(lost.count for lost in losses)
    if not 0 <= rest <= batch.filtered:
        raise BrokenPromise(f"channel {batch.channel!r}: a resumed batch does not add up")
    batch.filtered, batch.sampled = rest, min(rest, batch.sampled)
    return True
