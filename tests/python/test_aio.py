# SPDX-License-Identifier: Apache-2.0
"""The same for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import kchan
import kchan.aio
from conftest import Node
from fake_daemon import FakeDaemon, Stream, batch, hello
from kchan.v1 import block_pb2, value_pb2
from kchan.v1 import channel_service_pb2 as service

FAST = kchan.Backoff(initial_s=0.005, max_s=0.05)
SECONDS = 60


def test_the_history_comes_in_order_with_its_losses(node: Node) -> None:
    async def read() -> tuple[list[object], kchan.Totals]:
        async with kchan.aio.Client(node.read) as client:
            async with client.subscribe(
                "tick", start=kchan.Oldest(), follow=False
            ) as subscription:
                items = [item async for item in subscription]
                return items, subscription.totals

    items, totals = asyncio.run(asyncio.wait_for(read(), SECONDS))
    records = [item.fields["count"] for item in items if isinstance(item, kchan.Record)]
    assert records == [1, 2, 3, 11, 12]
    assert totals == kchan.Totals(covered=12, received=5, lost=7)


def test_only_the_fields_that_are_asked_for_come(node: Node) -> None:
    async def read() -> list[dict[str, object]]:
        async with kchan.aio.Client(node.read) as client:
            async with client.subscribe(
                "exec", start=kchan.Oldest(), follow=False, fields=["path"]
            ) as subscription:
                return [record.fields async for record in subscription]

    found = asyncio.run(asyncio.wait_for(read(), SECONDS))
    assert found == [{"path": "/bin/bash"}, {"path": "/x"}]


def test_a_subscription_outlives_its_stream(node: Node) -> None:
    received: list[int] = []

    async def read() -> kchan.Totals:
        async with kchan.aio.Client(node.read) as client:
            subscription = client.subscribe("t*", start=kchan.Oldest(), backoff=FAST)
            deliveries = subscription.deliveries()
            async for delivery in deliveries:
                if isinstance(delivery, kchan.Batch):
                    received.extend(
                        one.sequence for one in delivery.items if isinstance(one, kchan.Record)
                    )
                    if received[-1] >= 16:
                        break
                    if received[-1] in (12, 14):
                        node.cut_streams()
                if isinstance(delivery, kchan.Hello) and received:
                    async with kchan.aio.Client(node.control) as control:
                        await control.publish("tick", "make", {"count": 2})
            await subscription.close()
            return subscription.totals

    totals = asyncio.run(asyncio.wait_for(read(), SECONDS))
    assert received == [1, 2, 3, *range(11, 17)]
    assert totals == kchan.Totals(covered=16, received=9, lost=7)


def test_several_subscriptions_share_a_loop(node: Node) -> None:
    async def count(client: kchan.aio.Client, channel: str) -> int:
        subscription = client.subscribe(channel, start=kchan.Oldest(), follow=False)
        return len([item async for item in subscription])

    async def read() -> list[int]:
        async with kchan.aio.Client(node.read) as client:
            return await asyncio.gather(*(count(client, name) for name in ("exec", "tick")))

    assert asyncio.run(asyncio.wait_for(read(), SECONDS)) == [2, 6]


def test_close_wakes_a_reader_that_waits(node: Node) -> None:
    async def read() -> list[object]:
        async with kchan.aio.Client(node.read) as client:
            subscription = client.subscribe("tick")
            async for delivery in subscription.deliveries():
                if isinstance(delivery, kchan.HistoryEnd):
                    break
            later = asyncio.create_task(subscription.close())
            items = [item async for item in subscription.deliveries()]
            await later
            return items

    assert asyncio.run(asyncio.wait_for(read(), SECONDS)) == []


def test_a_cancelled_task_ends_its_stream(node: Node) -> None:
    async def read() -> None:
        async with kchan.aio.Client(node.read) as client:
            subscription = client.subscribe("tick")
            async for _ in subscription:
                pass

    async def run() -> None:
        task = asyncio.create_task(read())
        done, _ = await asyncio.wait([task], timeout=0.2)
        assert not done
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(run(), SECONDS))


def test_a_broken_promise_is_not_believed(fake: FakeDaemon) -> None:
    fake.subscribe = lambda stream: iter([hello(), batch(1, 2), batch(4, 5)])

    async def read() -> None:
        async with kchan.aio.Client(fake.target) as client:
            async for _ in client.subscribe("tick"):
                pass

    with pytest.raises(kchan.DataLoss):
        asyncio.run(asyncio.wait_for(read(), SECONDS))


def test_batches_are_acknowledged(fake: FakeDaemon) -> None:
    acknowledged: list[int] = []

    def subscribe(stream: Stream) -> Iterator[service.SubscribeResponse]:
        assert stream.opening.window_bytes == 1
        yield hello()
        yield batch(1, 2)
        for request in stream.requests:
            last = request.acknowledge.cursors[0].sequence
            acknowledged.append(last)
            yield batch(last + 1, last + 2)

    fake.subscribe = subscribe

    async def read() -> None:
        async with kchan.aio.Client(fake.target) as client:
            async with client.subscribe("tick", window_bytes=1) as subscription:
                async for item in subscription:
                    assert isinstance(item, kchan.Record)
                    if item.sequence == 6:
                        return

    asyncio.run(asyncio.wait_for(read(), SECONDS))
    assert acknowledged[:2] == [2, 4]


def test_unary_calls_and_errors(node: Node) -> None:
    async def run() -> None:
        async with kchan.aio.Client(node.control) as client:
            names = [channel.name for channel in await client.channels()]
            assert names == sorted(names) and "tick" in names
            assert (await client.channel("tick")).documentation == "Counts."
            assert (await client.schema("tick")).type("make").id == 2
            assert (await client.node()).name == "node1"
            assert (await client.status()).problems[0].remedy == "mend it"
            changed = await client.update_channel("tick", {"rate": 40})
            assert changed.parameters[0].value == 40
            with pytest.raises(kchan.NotFound) as error:
                await client.channel("tock")
            assert error.value.reason == "NO_SUCH_CHANNEL"
            with pytest.raises(kchan.InvalidArgument) as refused:
                await client.publish("tick", "make", {"count": 13})
            assert refused.value.kernel_errno == 22
            answers = client.publish_all("tick", "make", [{"count": 1}, {"count": -1}])
            with pytest.raises(kchan.SchemaError, match="out of range"):
                assert [answer.error async for answer in answers]
            async for change in client.watch_channels():
                if change.synced:
                    break

    asyncio.run(asyncio.wait_for(run(), SECONDS))


def test_values_and_blocks(fake: FakeDaemon) -> None:
    response = value_pb2.WatchValuesResponse()
    response.update.channel = "limits"
    response.update.values.words.add(name="text").value.text_value = "max"
    fake.watch = lambda: iter([response])
    fake.read = lambda request: iter([block_pb2.ReadBlocksResponse(data=b"a" * 512)])

    async def run() -> None:
        async with kchan.aio.Client(fake.target) as client:
            async for update in client.watch_values("limits"):
                assert update.values["text"] == "max"
                break
            assert await client.read_blocks("ram") == b"a" * 512
            await client.write_blocks("ram", 0, b"b" * 512)

    asyncio.run(asyncio.wait_for(run(), SECONDS))
    assert [one.data for one in fake.extents] == [b"b" * 512]
