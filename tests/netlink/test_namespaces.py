# SPDX-License-Identifier: Apache-2.0
"""Network namespaces that are deleted and made again while their groups are followed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Daemon
from namespaces import Namespace
from test_requests import eventually

MGMT = "netlink/netdev/mgmt@blue"


@pytest.fixture
def blue(make_namespace: Callable[[str], Namespace]) -> Namespace:
    return make_namespace("blue")


@pytest.fixture
def daemon(start_daemon: Callable[..., Daemon], blue: Namespace) -> Daemon:
    return start_daemon(f'network_namespaces {{ name: "blue" path: "{blue.path}" }}')


def until_ended(stream: Any) -> str:
    """The reason."""
    from kchan.v1 import channel_pb2

    update = stream.until(
        lambda response: response.channel_update.channel == MGMT
        and response.channel_update.state == channel_pb2.CHANNEL_STATE_ENDED
    )
    return update.channel_update.reason


def until_attached(stream: Any, but: int = 0) -> int:
    """The epoch, another than `but`. A reader that sleeps meanwhile is not told that
    one ended, only which there is now."""
    from kchan.v1 import channel_pb2

    update = stream.until(
        lambda response: response.channel_update.channel == MGMT
        and response.channel_update.state == channel_pb2.CHANNEL_STATE_LIVE
        and response.channel_update.epoch not in (0, but)
    )
    return update.channel_update.epoch


def problems(daemon: Daemon) -> list[str]:
    (status,) = daemon.lines("status", "--json")
    return [each["subject"] for each in status.get("problems", [])]


def test_what_is_deleted_ends_and_what_is_made_again_goes_on_in_a_new_epoch(
    daemon: Daemon, blue: Namespace
) -> None:
    stream = daemon.read.subscribe("netlink/netdev/*")
    stream.until_live(MGMT)
    blue.add_pairs(1)
    stream.until(lambda response: response.batch.channel == MGMT)
    blue.delete()
    assert "network namespace is gone" in until_ended(stream)
    assert eventually(lambda: "network namespace blue" in problems(daemon))
    blue.make()
    stream.until_live(MGMT)
    assert eventually(lambda: "network namespace blue" not in problems(daemon))
    # What happened there before kchand had joined again nobody can know.
    stream.until(lambda response: any(lost.count == 0 for lost in response.batch.lost))
    blue.add_pairs(1)
    assert {channel for channel, _ in stream.take(2)} == {MGMT}
    before, after = stream.ledgers[MGMT].values()
    assert before.received >= 2 and before.balances()
    assert after.received >= 2 and after.balances()
    stream.cancel()


def test_a_deleted_namespace_is_not_held(
    daemon: Daemon, blue: Namespace, namespace: Namespace
) -> None:
    stream = daemon.read.subscribe("netlink/netdev/*")
    stream.until_live(MGMT)
    # Of a pair of which one end is there, both end with it.
    namespace.run("ip", "link", "add", "here", "type", "veth",
                  "peer", "name", "there", "netns", blue.name)  # fmt: skip
    blue.delete()
    assert eventually(lambda: "here" not in namespace.links())
    stream.cancel()


def test_nor_is_one_that_nobody_reads(
    daemon: Daemon, blue: Namespace, namespace: Namespace
) -> None:
    assert eventually(lambda: any(each["name"] == MGMT for each in daemon.lines("list", "--json")))
    namespace.run("ip", "link", "add", "here", "type", "veth",
                  "peer", "name", "there", "netns", blue.name)  # fmt: skip
    blue.delete()
    assert eventually(lambda: "here" not in namespace.links())


def test_one_that_was_replaced_while_kchand_slept_is_found(daemon: Daemon, blue: Namespace) -> None:
    stream = daemon.read.subscribe("netlink/netdev/*")
    before = until_attached(stream)
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        blue.delete()
        blue.make()
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    until_attached(stream, but=before)
    blue.add_pairs(1)
    assert {channel for channel, _ in stream.take(2)} == {MGMT}
    stream.cancel()


def test_coming_and_going_leaves_nothing_behind(daemon: Daemon, blue: Namespace) -> None:
    stream = daemon.read.subscribe("netlink/netdev/*")
    stream.until_live(MGMT)
    before = daemon.descriptors()
    for _ in range(10):
        blue.delete()
        until_ended(stream)
        blue.make()
        stream.until_live(MGMT)
    assert eventually(lambda: daemon.descriptors() == before)
    stream.cancel()


def test_one_that_is_missing_costs_nothing(daemon: Daemon, blue: Namespace) -> None:
    stream = daemon.read.subscribe("netlink/netdev/*")
    stream.until_live(MGMT)
    blue.delete()
    until_ended(stream)
    before = daemon.cpu_ticks()
    time.sleep(2)
    assert daemon.cpu_ticks() - before <= 4  # of 200
    stream.cancel()
