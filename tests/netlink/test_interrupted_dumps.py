# SPDX-License-Identifier: Apache-2.0
"""Dumps during which what they list changes: the kernel marks these."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
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


class Telling:
    """A daemon that answers each request with the same; what the CLI makes of it."""

    def __init__(self, folder: Path, build_dir: Path, *responses: dict[str, Any]) -> None:
        messages = importlib.import_module("kchan.v1.netlink_service_pb2")
        services = importlib.import_module("kchan.v1.netlink_service_pb2_grpc")
        answer = [messages.RequestResponse(**response) for response in responses]

        class Servicer(services.NetlinkServiceServicer):  # type: ignore[misc, name-defined]
            def Request(self, request: Any, context: Any) -> Iterator[Any]:
                yield from answer

        self._cli = [build_dir / "clients/cli/kchan", "--server", f"unix:{folder}/socket"]
        self._server = grpc.server(ThreadPoolExecutor(max_workers=1))
        services.add_NetlinkServiceServicer_to_server(Servicer(), self._server)
        self._server.add_insecure_port(f"unix:{folder}/socket")

    def __enter__(self) -> Telling:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    def dump(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [*self._cli, "netlink", "dump", "family", "get", "--lines", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_cli_prints_only_what_still_counts(tmp_path: Path, build_dir: Path) -> None:
    old, new = ({"messages": [{"operation": word}]} for word in ("old", "new"))
    with Telling(tmp_path, build_dir, old, {"restarted": True}, new) as node:
        done = node.dump("--restarts", "3")
    assert done.returncode == 0
    assert "new" in done.stdout and "old" not in done.stdout
    assert "asked for again" in done.stderr


def test_the_cli_fails_where_something_may_be_missing(tmp_path: Path, build_dir: Path) -> None:
    marked = {"messages": [{"operation": "some"}], "interrupted": True}
    with Telling(tmp_path, build_dir, marked) as node:
        done = node.dump()
    assert done.returncode == 1
    assert "some" in done.stdout
    assert "something may be missing" in done.stderr
