# SPDX-License-Identifier: Apache-2.0
"""What families multicast, as channels."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Daemon
from namespaces import Namespace

MGMT = "netlink/netdev/mgmt"
MONITOR = "netlink/ethtool/monitor"
DEVICE_DELETED = 3  # NETDEV_CMD_DEV_DEL_NTF


def decode(daemon: Daemon, family: str, records: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    from google.protobuf.json_format import MessageToDict
    from kchan.v1 import netlink_service_pb2, netlink_service_pb2_grpc

    stub = netlink_service_pb2_grpc.NetlinkServiceStub(daemon.read.channel)
    request = netlink_service_pb2.DecodeRequest(
        family=family, messages=[record.payload for record in records]
    )
    messages = stub.Decode(request, timeout=30).messages
    return [(each.operation, MessageToDict(each.attributes)) for each in messages]


def until_deleted(stream: Any, devices: int) -> list[Any]:
    """All records up to the one that the last of so many devices has gone. Kernels
    differ in what they say of one before."""
    seen: list[Any] = []
    while sum(record.type == DEVICE_DELETED for record in seen) < devices:
        seen.extend(record for _, record in stream.take(1))
    return seen


def test_devices_that_come_and_go_are_records(daemon: Daemon, namespace: Namespace) -> None:
    stream = daemon.read.subscribe("netlink/netdev/*")
    stream.until_live(MGMT)
    namespace.add_pairs(1)
    added = set(namespace.links().values()) - {1}
    namespace.run("ip", "link", "delete", "va0")
    records = until_deleted(stream, 2)
    seen = decode(daemon, "netdev", records)
    for wanted in ("dev-add-ntf", "dev-del-ntf"):
        assert {int(each["ifindex"]) for name, each in seen if name == wanted} == added
    assert {name for name, _ in seen} <= {"dev-add-ntf", "dev-change-ntf", "dev-del-ntf"}
    assert [record.type for record in records] == [record.payload[0] for record in records]
    assert stream.ledger(MGMT).balances()
    stream.cancel()


def test_a_changed_feature_is_a_record(daemon: Daemon, namespace: Namespace) -> None:
    namespace.add_pairs(1)
    stream = daemon.read.subscribe("netlink/ethtool/*")
    stream.until_live(MONITOR)
    namespace.run("ethtool", "-K", "va0", "tso", "off")
    ((_, record),) = stream.take(1)
    ((name, attributes),) = decode(daemon, "ethtool", [record])
    assert name == "features-ntf"
    assert attributes["header"]["dev-name"] == "va0"
    stream.cancel()


def test_history_is_served_again(daemon: Daemon, namespace: Namespace) -> None:
    stream = daemon.read.subscribe("netlink/netdev/*")
    stream.until_live(MGMT)
    namespace.add_pairs(2)
    namespace.delete_pairs(2)
    first = [(each.sequence, each.payload) for each in until_deleted(stream, 4)]
    again = daemon.read.subscribe(MGMT, oldest=True)
    assert [(each.sequence, each.payload) for each in until_deleted(again, 4)] == first
    for each in (stream, again):
        each.cancel()


def test_what_found_no_room_is_lost_by_the_kernels_count(
    start_daemon: Callable[..., Daemon], namespace: Namespace
) -> None:
    daemon = start_daemon("receive_bytes: 32768")
    stream = daemon.read.subscribe("netlink/netdev/*")
    stream.until_live(MGMT)
    namespace.add_pairs(1)
    namespace.delete_pairs(1)
    of_one_pair = len(until_deleted(stream, 2))
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        namespace.add_pairs(150)
        namespace.delete_pairs(150)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    # Behind the loss the stream goes on.
    stream.until(lambda response: response.HasField("batch") and len(response.batch.lost) > 0)
    namespace.add_pairs(1)
    namespace.delete_pairs(1)
    until_deleted(stream, 2)
    ledger = stream.ledger(MGMT)
    assert ledger.lost["LOSS_STAGE_KERNEL_TRANSPORT"] == sum(ledger.lost.values()) > 0
    assert ledger.received + sum(ledger.lost.values()) == 152 * of_one_pair
    assert ledger.balances()
    stream.cancel()


@pytest.fixture
def blue(make_namespace: Callable[[str], Namespace]) -> Namespace:
    return make_namespace("blue")


@pytest.fixture
def daemon_of_both(start_daemon: Callable[..., Daemon], blue: Namespace) -> Daemon:
    """One that also follows `blue`."""
    return start_daemon(f'network_namespaces {{ name: "blue" path: "{blue.path}" }}')


def test_another_namespaces_groups_are_channels_of_their_own(
    daemon_of_both: Daemon, blue: Namespace
) -> None:
    stream = daemon_of_both.read.subscribe("netlink/netdev/*")
    stream.until_live(MGMT + "@blue")
    blue.add_pairs(1)
    assert {channel for channel, _ in stream.take(2)} == {MGMT + "@blue"}
    stream.cancel()


def test_listen_prints_what_happens(daemon: Daemon, namespace: Namespace) -> None:
    namespace.add_pairs(1)
    stream = daemon.read.subscribe("netlink/ethtool/*")
    stream.until_live(MONITOR)  # so that what comes next is in the history
    namespace.run("ethtool", "-K", "va0", "tso", "off")
    stream.take(1)
    stream.cancel()
    (record,) = daemon.lines(
        "netlink", "listen", "ethtool", "monitor", "--last", 1, "--count", 1, "--json"
    )
    assert record["operation"] == "features-ntf"
    assert record["attributes"]["header"]["dev-name"] == "va0"
    text = daemon.cli("netlink", "listen", "ethtool", "monitor", "--last", 1, "--count", 1)
    assert text.returncode == 0 and " features-ntf {" in text.stdout, text
    assert json.loads(text.stdout[text.stdout.index("{"):]) == record["attributes"]


def toggle(daemon: Daemon, namespace: Namespace, channel: str) -> None:
    """Two records that are in the history when it returns."""
    stream = daemon.read.subscribe(channel)
    stream.until_live(channel)
    for state in ("off", "on"):
        namespace.run("ethtool", "-K", "va0", "tso", state)
    stream.take(2)
    stream.cancel()


def test_listen_leaves_out_other_namespaces(
    daemon_of_both: Daemon, namespace: Namespace, blue: Namespace
) -> None:
    for where, channel in ((blue, MONITOR + "@blue"), (namespace, MONITOR)):
        where.add_pairs(1)
        toggle(daemon_of_both, where, channel)
    with daemon_of_both.cli_running(
        "netlink", "listen", "ethtool", "--last", 10, "--count", 4, "--json"
    ) as listening:
        heard = [json.loads(listening.stdout.readline()) for _ in range(2)]
        toggle(daemon_of_both, namespace, MONITOR)
        heard += map(json.loads, listening.stdout)
    assert [each["channel"] for each in heard] == [MONITOR] * 4


def test_listen_says_that_it_waits_for_a_family_that_is_not_there(daemon: Daemon) -> None:
    done = daemon.cli("netlink", "listen", "nosuch", "--for", "100ms")
    assert done.returncode == 0
    assert "netlink family 'nosuch' is not there" in done.stderr
    assert "kchan netlink families" in done.stderr


def test_a_group_that_is_not_there_is_not_found(daemon: Daemon) -> None:
    done: subprocess.CompletedProcess[str] = daemon.cli("netlink", "listen", "netdev", "mgmnt")
    assert done.returncode == 1
    assert "netlink/netdev/mgmt" in done.stderr
