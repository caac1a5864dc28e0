# SPDX-License-Identifier: Apache-2.0
"""Every number is given once, or lost once, whatever the daemon does."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest

import kchan
from fake_daemon import EPOCH, FakeDaemon, Stream, batch, hello, one_type
from kchan.v1 import channel_service_pb2 as service
from kchan.v1 import record_pb2, schema_pb2

FAST = kchan.Backoff(initial_s=0.005, max_s=0.05)


def numbers(items: list[object]) -> list[object]:
    return [item.sequence if isinstance(item, kchan.Record) else item for item in items]


def in_turn(*scripts: list[service.SubscribeResponse]) -> object:
    """Each stream says its script, and ends; then the next."""
    left = list(scripts)

    def subscribe(stream: Stream) -> Iterator[service.SubscribeResponse]:
        yield from left.pop(0)

    return subscribe


def openings(fake: FakeDaemon, count: int) -> list[service.SubscribeRequest.Open]:
    return [fake.streams.get(timeout=10).opening for _ in range(count)]


def taken(fake: FakeDaemon, count: int, **options: object) -> tuple[list[object], kchan.Totals]:
    with kchan.Client(fake.target) as client:
        with client.subscribe("tick", backoff=FAST, **options) as subscription:
            items = iter(subscription)
            return [next(items) for _ in range(count)], subscription.totals


def test_a_resumed_stream_that_repeats_is_cut(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn(
        [hello(), batch(1, 5)], [hello(), batch(1, 5), batch(6, 7)], [hello(), batch(6, 9)]
    )
    items, totals = taken(fake, 9)
    assert numbers(items) == [*range(1, 10)]
    assert totals.covered == totals.received == 9


def test_a_resumed_stream_that_starts_later_lost_what_is_between(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn([hello(), batch(1, 3)], [hello(3), batch(10, 11)])
    items, totals = taken(fake, 6)
    lost = items[3]
    assert isinstance(lost, kchan.Lost)
    assert (lost.first_sequence, lost.count, lost.stage) == (4, 6, "DAEMON_RESTART")
    assert totals == kchan.Totals(covered=11, received=5, lost=6)


def test_a_repeated_loss_and_repeated_filtering_are_cut_too(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn(
        [hello(), batch(1, 4, lost=((3, 2),))],
        [hello(), batch(1, 10, lost=((3, 4),), filtered=2)],
    )
    items, totals = taken(fake, 6)
    assert [item for item in numbers(items) if isinstance(item, int)] == [1, 2, 7, 8]
    assert totals == kchan.Totals(covered=10, received=4, lost=4, filtered=2)
    assert totals.balance()


def test_a_new_epoch_starts_anew(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn(
        [hello(), batch(1, 3)], [hello(epoch=8), batch(1, 2, epoch=8)]
    )
    items, totals = taken(fake, 5)
    assert [(item.epoch, item.sequence) for item in items] == [
        (EPOCH, 1), (EPOCH, 2), (EPOCH, 3), (8, 1), (8, 2),
    ]  # fmt: skip


def test_a_broken_stream_resumes_at_its_cursors(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn([hello(), batch(1, 3)], [hello(3), batch(4, 4)])
    taken(fake, 4, start=kchan.Oldest())
    first, second = fake.streams.get(), fake.streams.get()
    assert first.opening.selections[0].start.HasField("oldest")
    assert second.opening.selections[0].name == "tick"
    assert second.opening.selections[0].start.cursor == record_pb2.Cursor(
        channel="tick", epoch=EPOCH, sequence=3
    )


def test_a_loss_of_unknown_count_takes_no_part_in_the_arithmetic(fake: FakeDaemon) -> None:
    unknown = service.SubscribeResponse()
    unknown.batch.channel, unknown.batch.epoch = "tick", 8
    unknown.batch.lost.add(stage=record_pb2.LOSS_STAGE_DAEMON_RESTART)
    fake.subscribe = in_turn([hello(), batch(1, 1), unknown, batch(6, 6, epoch=8)])
    items, totals = taken(fake, 3)
    assert isinstance(items[1], kchan.Lost) and items[1].count is None
    assert totals == kchan.Totals(covered=2, received=2, unknown_losses=1)


def corrupt(change: object) -> service.SubscribeResponse:
    response = batch(1, 4, lost=((2, 1),))
    change(response.batch)  # type: ignore[operator]
    return response


@pytest.mark.parametrize(
    ("before", "response"),
    [
        ([], corrupt(lambda b: setattr(b, "last_sequence", 5))),
        ([], corrupt(lambda b: setattr(b, "filtered", 1))),
        ([], corrupt(lambda b: setattr(b.records[2], "sequence", 9))),
        ([], corrupt(lambda b: setattr(b.records[1], "sequence", 1))),
        ([], corrupt(lambda b: setattr(b.records[0], "sequence", 3))),
        ([], corrupt(lambda b: setattr(b.lost[0], "count", 2**63))),
        ([], corrupt(lambda b: setattr(b, "channel", ""))),
        ([], corrupt(lambda b: setattr(b, "epoch", 0))),
        ([], corrupt(lambda b: setattr(b, "first_sequence", 0))),
        ([batch(1, 4)], batch(6, 7)),
        ([batch(1, 4)], hello(9)),
    ],
)
def test_a_daemon_that_breaks_a_promise_is_not_believed(
    fake: FakeDaemon,
    before: list[service.SubscribeResponse],
    response: service.SubscribeResponse,
) -> None:
    fake.subscribe = in_turn([hello(), *before, response])
    with kchan.Client(fake.target) as client, pytest.raises(kchan.DataLoss):
        list(client.subscribe("tick", backoff=FAST))


def test_old_records_are_decoded_by_their_own_schema(fake: FakeDaemon) -> None:
    number = schema_pb2.Field(name="later", kind=schema_pb2.FIELD_KIND_U16, size_bytes=2)
    fake.schemas[43] = one_type(2, number)
    fake.schemas[43].id = 43
    fake.subscribe = in_turn(
        [hello(), batch(1, 1), batch(2, 2), batch(1, 1, epoch=8, schema_id=43)],
        [hello(1, epoch=8), batch(2, 2, epoch=8, schema_id=43)],
    )
    items, _ = taken(fake, 4)
    assert [item.fields for item in items] == [
        {"number": 1}, {"number": 2}, {"later": 1}, {"later": 2},
    ]  # fmt: skip
    assert fake.schema_requests == [42, 43], "each is fetched once"


def test_records_whose_schema_is_gone_come_as_bytes(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn([hello(), batch(1, 1, schema_id=99)])
    (record,), _ = taken(fake, 1)
    assert record.record_type is None
    assert record.payload == b"\1\0\0\0"


def test_the_end_that_a_daemon_gives_is_raised_with_its_details(fake: FakeDaemon) -> None:
    def subscribe(stream: Stream) -> Iterator[service.SubscribeResponse]:
        yield hello()
        raise RuntimeError("on purpose")

    fake.subscribe = subscribe
    with kchan.Client(fake.target) as client, pytest.raises(kchan.Unknown, match="on purpose"):
        list(client.subscribe("tick"))


def test_without_reconnect_a_broken_stream_is_the_end(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn([hello(), batch(1, 1)])
    with kchan.Client(fake.target) as client, pytest.raises(kchan.Unavailable):
        list(client.subscribe("tick", reconnect=False))


def test_a_daemon_that_restarts_is_waited_for(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn([hello(), batch(1, 1)], [hello(1), batch(2, 2)])
    with kchan.Client(fake.target) as client:
        with client.subscribe("tick", backoff=FAST) as subscription:
            deliveries = subscription.deliveries()
            first = next(one for one in deliveries if isinstance(one, kchan.Batch))
            fake.stop()
            assert isinstance(next(deliveries), kchan.Disconnected)
            fake.start()
            second = next(one for one in deliveries if isinstance(one, kchan.Batch))
    assert (first.last_sequence, second.first_sequence) == (1, 2)


def test_only_what_this_stream_gave_is_acknowledged(fake: FakeDaemon) -> None:
    acknowledged: list[int] = []

    def subscribe(stream: Stream) -> Iterator[service.SubscribeResponse]:
        start = 1 + stream.opening.selections[0].start.cursor.sequence
        yield hello(start - 1)
        yield batch(start, start)
        if start == 1:
            return
        for request in stream.requests:
            acknowledged.extend(cursor.sequence for cursor in request.acknowledge.cursors)
            yield batch(start + 1, start + 1)
            return

    fake.subscribe = subscribe
    with kchan.Client(fake.target) as client:
        with client.subscribe(
            "tick", backoff=FAST, window_bytes=1, acknowledge=False, start=kchan.Oldest()
        ) as subscription:
            batches = (one for one in subscription.deliveries() if isinstance(one, kchan.Batch))
            first, second = next(batches), next(batches)
            subscription.acknowledge(first.cursor)
            subscription.acknowledge(second.cursor)
            next(batches)
    assert acknowledged == [2]


def test_records_of_an_earlier_boot_have_the_time_of_that_boot(fake: FakeDaemon) -> None:
    earlier = batch(1, 1)
    earlier.batch.clock_offset_ns = 5_000
    later = hello()
    later.hello.clock_offset_ns = 70_000
    fake.subscribe = in_turn([later, earlier, batch(2, 2)])
    items, _ = taken(fake, 2)
    assert [item.time_ns for item in items if isinstance(item, kchan.Record)] == [5_000, 70_000]


def test_so_many_records_are_counted_across_streams(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn([hello(), batch(1, 3)], [hello(3), batch(4, 5)])
    with kchan.Client(fake.target) as client:
        items = list(client.subscribe("tick", backoff=FAST, max_records=5))
    assert numbers(items) == [1, 2, 3, 4, 5]
    assert [opening.stop.records for opening in openings(fake, 2)] == [5, 2]


def test_a_stream_that_breaks_behind_the_last_record_is_complete(fake: FakeDaemon) -> None:
    def subscribe(stream: Stream) -> Iterator[service.SubscribeResponse]:
        yield hello()
        yield batch(1, 3)
        raise RuntimeError("gone")

    fake.subscribe = subscribe
    with kchan.Client(fake.target) as client:
        assert numbers(list(client.subscribe("tick", backoff=FAST, max_records=3))) == [1, 2, 3]
    assert fake.streams.qsize() == 1


def test_a_stream_that_stops_as_asked_is_not_resumed(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn([hello(), batch(1, 2)])
    fake.stops_with_ok = True
    with kchan.Client(fake.target) as client:
        assert numbers(list(client.subscribe("tick", backoff=FAST, follow=False))) == [1, 2]
    assert openings(fake, 1)[0].stop.end_of_history


def test_a_resumed_stream_still_withholds_what_is_older(fake: FakeDaemon) -> None:
    fake.subscribe = in_turn([hello(), batch(1, 2)], [hello(2), batch(3, 3)])
    time = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
    taken(fake, 3, start=kchan.Since(time))
    first, second = (opening.selections[0].start for opening in openings(fake, 2))
    assert first.WhichOneof("position") is None
    assert second.cursor.sequence == 2
    assert first.since.ToDatetime(datetime.UTC) == second.since.ToDatetime(datetime.UTC) == time
