# SPDX-License-Identifier: Apache-2.0
"""Dumps during which what they list changes: the kernel marks these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Daemon
from namespaces import Namespace

# Far more than what a client that does not read, and kchand for it, have room for.
PAIRS = 300


@pytest.fixture
def node(start_daemon: Callable[..., Daemon], namespace: Namespace) -> Daemon:
    namespace.add_pairs(PAIRS)
    return start_daemon(more='classic_netlink_protocols: "route"')


def changed_within(node: Daemon, namespace: Namespace, **more: Any) -> Iterator[Any]:
    """The responses of a dump of all devices; one comes while it stands still."""
    call = node.start_request(node.read, "rt-link", "getlink", dump=True, **more)
    first = next(call)
    namespace.add_pairs(1, first=PAIRS)
    yield first
    yield from call


def names(responses: list[Any]) -> list[str]:
    return [each.attributes["ifname"] for answer in responses for each in answer.messages]


def test_a_dump_is_marked_in_which_something_may_be_missing(
    node: Daemon, namespace: Namespace
) -> None:
    responses = list(changed_within(node, namespace))
    assert [answer.interrupted for answer in responses] == [False] * (len(responses) - 1) + [True]
    assert not any(answer.restarted for answer in responses)
    assert len(names(responses)) > PAIRS


def test_it_is_begun_again_as_often_as_asked(node: Daemon, namespace: Namespace) -> None:
    responses = list(changed_within(node, namespace, max_restarts=1))
    (again,) = [i for i, answer in enumerate(responses) if answer.restarted]
    assert not any(answer.interrupted for answer in responses)
    # What came before counts no more: the rest is a whole dump.
    assert not responses[again].messages
    assert sorted(names(responses[again:])) == sorted(namespace.links())


def test_a_dump_that_nothing_changes_is_not_marked(node: Daemon, namespace: Namespace) -> None:
    answer = node.request("rt-link", "getlink", dump=True, max_restarts=1)
    assert not answer.interrupted
    assert len(answer) == len(namespace.links())
