# SPDX-License-Identifier: Apache-2.0
"""Subscriptions beside the real hub and gRPC edge."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterator

import pytest

import kchan
from conftest import Node

YEAR = datetime.timedelta(days=365)
FAST = kchan.Backoff(initial_s=0.005, max_s=0.05)


def numbers(items: Iterator[kchan.Record | kchan.Lost]) -> list[object]:
    return [item.sequence if isinstance(item, kchan.Record) else item for item in items]


def test_the_history_comes_in_order_with_its_losses(client: kchan.Client) -> None:
    with client.subscribe("tick", start=kchan.Oldest(), follow=False) as subscription:
        items = list(subscription)
    assert [item.sequence for item in items if isinstance(item, kchan.Record)] == [1, 2, 3, 11, 12]
    (lost,) = [item for item in items if isinstance(item, kchan.Lost)]
    assert items.index(lost) == 3
    assert (lost.first_sequence, lost.count, lost.stage) == (4, 7, "KERNEL_RING")
    assert (lost.cpu, lost.cause, lost.node) == (1, "ring full", "node1")
    assert subscription.totals == kchan.Totals(covered=12, received=5, lost=7)
    assert subscription.totals.balance()


def test_last_starts_so_many_records_before_the_end(client: kchan.Client) -> None:
    items = client.subscribe("tick", start=kchan.Last(2), follow=False)
    assert numbers(iter(items)) == [11, 12]


def test_a_cursor_goes_on_behind_it(client: kchan.Client) -> None:
    first = client.subscribe("tick", start=kchan.Oldest(), follow=False)
    cursor = next(iter(first)).cursor
    first.close()
    items = list(client.subscribe("tick", start=cursor, follow=False))
    assert [item.sequence for item in items if isinstance(item, kchan.Record)] == [2, 3, 11, 12]


def test_channels_may_start_in_different_places(client: kchan.Client) -> None:
    items = client.subscribe(
        "exec", "tick", start=kchan.Oldest(), starts={"tick": kchan.Last(1)}, follow=False
    )
    assert [(item.channel, item.sequence) for item in items] == [
        ("exec", 1),
        ("exec", 2),
        ("tick", 12),
    ]


def test_live_records_come(client: kchan.Client, control: kchan.Client) -> None:
    with client.subscribe("tick") as subscription:
        assert any(
            isinstance(delivery, kchan.HistoryEnd) for delivery in subscription.deliveries()
        )
        control.publish("tick", "make", {"count": 3})
        items = iter(subscription)
        assert [next(items).fields for _ in range(3)] == [
            {"count": 13},
            {"count": 14},
            {"count": 15},
        ]


def test_a_subscription_outlives_its_stream(node: Node, client: kchan.Client) -> None:
    received: list[int] = []
    with client.subscribe("t*", start=kchan.Oldest(), backoff=FAST) as subscription:
        deliveries = subscription.deliveries()

        def read_through(sequence: int) -> None:
            while not received or received[-1] < sequence:
                delivery = next(deliveries)
                if isinstance(delivery, kchan.Batch):
                    records = (one for one in delivery.items if isinstance(one, kchan.Record))
                    received.extend(one.sequence for one in records)

        read_through(12)
        for last in (14, 16, 18):
            node.cut_streams()
            assert any(isinstance(one, kchan.Disconnected) for one in deliveries)
            assert any(isinstance(one, kchan.Hello) for one in deliveries)
            with kchan.Client(node.control) as control:
                control.publish("tick", "make", {"count": 2})
            read_through(last)
    assert received == [1, 2, 3, *range(11, 19)]
    assert subscription.totals == kchan.Totals(covered=18, received=11, lost=7)


def test_a_window_needs_acknowledgements_which_are_given(client: kchan.Client) -> None:
    subscription = client.subscribe(
        "tick", start=kchan.Oldest(), follow=False, window_bytes=1, max_batch_bytes=4096
    )
    assert len(list(subscription)) == 6


def test_without_acknowledgement_a_window_holds_the_next_batch_back(
    client: kchan.Client, control: kchan.Client
) -> None:
    with client.subscribe(
        "tick",
        start=kchan.Oldest(),
        window_bytes=1,
        acknowledge=False,
        heartbeat_interval_s=0.1,
    ) as subscription:
        deliveries = subscription.deliveries()
        first = next(one for one in deliveries if isinstance(one, kchan.Batch))
        control.publish("tick", "make", {"count": 1})
        held = [next(deliveries) for _ in range(3)]
        assert not any(isinstance(one, kchan.Batch) for one in held)
        subscription.acknowledge(first.cursor)
        second = next(one for one in deliveries if isinstance(one, kchan.Batch))
        assert second.first_sequence == first.last_sequence + 1


def test_pause_holds_batches_back_until_resume(
    client: kchan.Client, control: kchan.Client
) -> None:
    with client.subscribe("tick", heartbeat_interval_s=0.1) as subscription:
        deliveries = subscription.deliveries()
        assert any(isinstance(one, kchan.HistoryEnd) for one in deliveries)
        subscription.pause()
        # A heartbeat that came after the daemon had the pause: two, to be sure.
        beats = [next(deliveries) for _ in range(2)]
        assert all(isinstance(one, kchan.Heartbeat) for one in beats)
        control.publish("tick", "make", {"count": 1})
        assert isinstance(next(deliveries), kchan.Heartbeat)
        subscription.resume()
        batch = next(one for one in deliveries if isinstance(one, kchan.Batch))
        assert [item.sequence for item in batch.items if isinstance(item, kchan.Record)] == [13]


def test_close_wakes_a_reader_that_waits(client: kchan.Client) -> None:
    subscription = client.subscribe("tick")
    deliveries = subscription.deliveries()
    assert any(isinstance(one, kchan.HistoryEnd) for one in deliveries)
    closer = threading.Timer(0.05, subscription.close)
    closer.start()
    assert list(deliveries) == []
    closer.join()


def test_what_does_not_exist_is_an_error(client: kchan.Client) -> None:
    with pytest.raises(kchan.NotFound, match="nope") as error:
        next(iter(client.subscribe("nope")))
    assert error.value.reason == "NO_SUCH_CHANNEL"


def test_an_unreachable_daemon_is_an_error_after_connect_timeout(tmp_path: object) -> None:
    with kchan.Client(f"unix:{tmp_path}/nobody.sock") as nobody:
        with pytest.raises(kchan.Unavailable):
            next(iter(nobody.subscribe("tick", connect_timeout_s=0.2, backoff=FAST)))


@pytest.mark.parametrize(
    ("channels", "options"),
    [
        ([], {}),
        (["tick"], {"starts": {"tock": kchan.Oldest()}}),
        (["tick"], {"fields": "count"}),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    client: kchan.Client, channels: list[str], options: dict[str, object]
) -> None:
    with pytest.raises(ValueError):
        client.subscribe(*channels, **options)


def test_a_filter_counts_what_it_withholds(client: kchan.Client) -> None:
    with client.subscribe(
        "tick", start=kchan.Oldest(), follow=False, filter="count > 2 AND count < 12"
    ) as subscription:
        items = list(subscription)
    assert [item.sequence for item in items if isinstance(item, kchan.Record)] == [3, 11]
    assert subscription.totals == kchan.Totals(covered=12, received=2, lost=7, filtered=3)


def test_a_wrong_filter_says_where(client: kchan.Client) -> None:
    with pytest.raises(kchan.InvalidArgument) as refusal:
        list(client.subscribe("tick", filter="count > many", follow=False))
    (violation,) = refusal.value.violations
    assert violation.field == "open.filter"
    assert violation.description == "column 9: `count` takes a number, not many"


def test_only_the_fields_that_are_asked_for_come(client: kchan.Client) -> None:
    records = client.subscribe("exec", start=kchan.Oldest(), follow=False, fields=["path", "pid"])
    assert [record.fields for record in records] == [
        {"pid": 999, "path": "/bin/bash"},
        {"pid": 1000, "path": "/x"},
    ]


def test_members_of_structures_are_asked_for_by_their_paths(client: kchan.Client) -> None:
    asked = ("local.ip", "peers.port", "note")
    (record,) = client.subscribe("conn", start=kchan.Oldest(), follow=False, fields=asked)
    assert record.fields == {
        "local": {"ip": "127.0.0.1"},
        "peers": [{"port": 443}, {"port": 53}],
        "note": "both up",
    }


def test_fields_change_neither_the_filter_nor_the_sums(client: kchan.Client) -> None:
    with client.subscribe(
        "exec", start=kchan.Oldest(), follow=False, fields=["pid"], filter='comm = "bash"'
    ) as subscription:
        (record,) = subscription
    assert record.fields == {"pid": 999}
    assert (record.sequence, record.cpu, record.type_id) == (1, 1, 1)
    assert subscription.totals == kchan.Totals(covered=2, received=1, filtered=1)


def test_a_channel_says_which_of_the_fields_it_lacks(client: kchan.Client) -> None:
    subscription = client.subscribe(
        "exec", "tick", start=kchan.Oldest(), follow=False, fields=["pid"]
    )
    missing = {
        update.channel: update.missing_fields
        for update in subscription.deliveries()
        if isinstance(update, kchan.ChannelUpdate)
    }
    assert missing == {"exec": (), "tick": ("pid",)}


def test_a_field_that_no_channel_has_is_refused(client: kchan.Client) -> None:
    with pytest.raises(kchan.InvalidArgument) as refusal:
        list(client.subscribe("tick", fields=["count", "cuont"], follow=False))
    (violation,) = refusal.value.violations
    assert violation.field == "open.fields[1]"
    assert violation.description == "no selected channel has a field `cuont`; there are: count"


def test_a_sample_is_one_of_every_so_many(client: kchan.Client) -> None:
    subscription = client.subscribe("tick", start=kchan.Oldest(), follow=False, sample_every=3)
    records = [item.sequence for item in subscription if isinstance(item, kchan.Record)]
    assert records == [3, 12]
    assert subscription.totals == kchan.Totals(covered=12, received=2, lost=7, filtered=3)


def test_so_many_records_and_no_more(client: kchan.Client) -> None:
    assert numbers(iter(client.subscribe("tick", start=kchan.Oldest(), max_records=2))) == [1, 2]


def test_since_a_time_that_all_are_older_than(client: kchan.Client) -> None:
    now = datetime.datetime.now(datetime.UTC)
    assert list(client.subscribe("tick", start=kchan.Since(now), follow=False)) == []
    assert list(client.subscribe("tick", start=kchan.Oldest(), until=now - YEAR)) == []
    assert len(list(client.subscribe("*", start=kchan.Since(now - YEAR), follow=False))) > 5


def test_what_is_beyond_the_rate_is_lost(client: kchan.Client) -> None:
    subscription = client.subscribe(
        "tick", start=kchan.Oldest(), follow=False, max_records_per_second=2
    )
    losses = [item for item in subscription if isinstance(item, kchan.Lost)]
    assert [lost.stage for lost in losses] == ["RATE_LIMIT", "KERNEL_RING", "RATE_LIMIT"]
    assert subscription.totals.received == 2


def test_options_that_cannot_be(client: kchan.Client) -> None:
    with pytest.raises(ValueError, match="'oldest', 'newest', 'disconnect', 'block'"):
        client.subscribe("tick", overflow="sideways")
    with pytest.raises(ValueError, match="no time zone"):
        client.subscribe("tick", start=kchan.Since(datetime.datetime(2026, 1, 1)))
