# SPDX-License-Identifier: Apache-2.0
"""What the release before can do works with a kchand of another release: each part of
the protocol once, by the Python package and by the CLI. What only this tree can do is
in test_newer_client.py until the release before can."""

from __future__ import annotations

import errno
import os
from itertools import islice
from pathlib import Path

import grpc
import pytest
from scenario import play

import kchan
from kchan.v1 import channel_service_pb2 as service
from kchan.v1.node_service_pb2 import KERNEL_SIDE_READY

# A field of no release so far: number 1023, a varint.
FIELD_OF_TOMORROW = b"\xf8\x3f\x01"
STEP_SECONDS = 60


def test_the_kernel_side_is_ready(client: kchan.Client) -> None:
    status = client.status()
    assert status.kernel_side == KERNEL_SIDE_READY, status
    assert status.node.module_version and status.node.daemon_version


def test_channels_are_listed_and_watched_with_their_schemas(client: kchan.Client) -> None:
    listed = {channel.name: channel for channel in client.channels()}
    assert listed["echo"].provider == "kchan_echo"
    assert listed["slate"].block.capacity_bytes == 65536
    assert "counter" in {field.name for field in client.schema("tick").type("tick").fields}
    watched = client.watch_channels()
    seen = set()
    for update in watched:
        if update.HasField("synced"):
            break
        seen.add(update.updated.name)
    watched.close()
    assert seen == listed.keys()


def test_a_cursor_resumes_behind_itself_under_a_window(client: kchan.Client) -> None:
    client.update_channel("tick", {"rate_hz": 1000, "count": 0})
    window = {"window_bytes": 4096, "max_batch_bytes": 4096}
    with client.subscribe("tick", **window) as subscription:
        # Many windows: it goes on because it is acknowledged.
        first = list(islice(subscription, 500))
    assert subscription.totals.balance()
    with client.subscribe("tick", start=first[-1].cursor, max_records=100, **window) as resumed:
        second = list(resumed)
    numbers = []
    for item in [*first, *second]:
        if isinstance(item, kchan.Record):
            numbers.append(item.sequence)
        else:
            numbers.extend(range(item.first_sequence, item.first_sequence + item.count))
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert sum(isinstance(item, kchan.Record) for item in second) == 100


def test_a_filter_counts_what_it_withholds(client: kchan.Client) -> None:
    with client.subscribe(
        "tick", start=kchan.Last(100), filter="counter < 0", follow=False
    ) as subscription:
        assert not [item for item in subscription if isinstance(item, kchan.Record)]
    assert subscription.totals.filtered >= 100
    with pytest.raises(kchan.InvalidArgument, match="no selected channel has a field"):
        next(iter(client.subscribe("tick", filter="nosuch = 1")))


def test_parameters_are_set_and_what_is_out_of_range_named(client: kchan.Client) -> None:
    updated = client.update_channel("tick", {"rate_hz": 500})
    assert {one.name: one.value for one in updated.parameters}["rate_hz"] == 500
    with pytest.raises(kchan.InvalidArgument, match="context"):
        client.update_channel("tick", {"context": 99})


def test_commands_are_answered_by_the_kernel(client: kchan.Client) -> None:
    with client.subscribe("echo") as subscription:
        deliveries = subscription.deliveries()
        assert any(
            isinstance(one, kchan.ChannelUpdate) and one.state == "LIVE" for one in deliveries
        )
        client.publish("echo", "say", {"text": "hello"})
        (said,) = next(one for one in deliveries if isinstance(one, kchan.Batch)).items
    assert isinstance(said, kchan.Record) and said["text"] == "hello"
    with pytest.raises(kchan.InvalidArgument, match="nothing to say") as refused:
        client.publish("echo", "say", bytes(64))
    assert refused.value.kernel_errno == errno.EINVAL


def test_values_are_set_swapped_and_watched(client: kchan.Client) -> None:
    client.set_value("heater", "target", 0)
    updates = client.watch_values("heater")
    assert next(updates).values["target"] == 0
    assert client.add_value("heater", "target", -7) == (0, -7)
    assert next(update for update in updates if update.values["target"] == -7)
    updates.close()
    assert not client.compare_and_swap("heater", "target", 1, 2)
    assert client.compare_and_swap("heater", "target", -7, 2)
    with pytest.raises(kchan.KchanError, match="the module refused the change"):
        client.set_value("heater", "target", 90000)


def test_blocks_are_written_flushed_and_read(client: kchan.Client) -> None:
    client.write_blocks("slate", 0, b"quiet".ljust(512, b"\0"), flush=True)
    assert client.read_blocks("slate", 512, 512).rstrip(b"\0") == b"QUIET"
    data = os.urandom(32768)
    client.write_blocks("slate", 4096, data)
    client.flush_blocks("slate")
    assert client.read_blocks("slate", 4096, 32768) == data
    with pytest.raises(kchan.OutOfRange):
        client.read_blocks("slate", 65536, 512)


def test_the_cli_does_all_of_it(target: str, cli: Path, tmp_path: Path) -> None:
    environment = {"PATH": f"{cli}:{os.environ['PATH']}", "KCHAN_SERVER": target, "TZ": "UTC"}
    scenario = Path(__file__).with_name("cli.scenario")
    play(scenario, os.environ | environment, str(tmp_path), seconds=STEP_SECONDS)


def test_a_field_of_tomorrow_is_left_alone(client: kchan.Client, target: str) -> None:
    # Each request at its top, and where options are added: in `open`.
    opening = service.SubscribeRequest.Open(
        selections=[service.Selection(name="tick", start={"oldest": {}})], stop={"records": 5}
    )
    opening.MergeFromString(FIELD_OF_TOMORROW)
    request = service.SubscribeRequest(open=opening).SerializeToString() + FIELD_OF_TOMORROW
    assert request.count(FIELD_OF_TOMORROW) == 2
    with grpc.insecure_channel(target) as channel:
        subscribe = channel.stream_stream("/kchan.v1.ChannelService/Subscribe")
        responses = map(
            service.SubscribeResponse.FromString, subscribe(iter([request]), timeout=STEP_SECONDS)
        )
        records = [record for response in responses for record in response.batch.records]
        assert len(records) == 5

        listed = channel.unary_unary("/kchan.v1.ChannelService/ListChannels")
        answer = service.ListChannelsResponse.FromString(
            listed(FIELD_OF_TOMORROW, timeout=STEP_SECONDS)
        )
    assert [one.name for one in answer.channels] == [one.name for one in client.channels()]


@pytest.mark.parametrize("service_name", ["ChannelService", "NetlinkService", "NodeService"])
def test_a_method_of_tomorrow_is_unimplemented(target: str, service_name: str) -> None:
    with grpc.insecure_channel(target) as channel:
        method = channel.unary_unary(f"/kchan.v1.{service_name}/DoWhatNobodyCanYet")
        with pytest.raises(grpc.RpcError) as refused:
            method(b"", timeout=STEP_SECONDS)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
