# SPDX-License-Identifier: Apache-2.0
"""What clients may ask for, and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from conftest import Daemon
from namespaces import Namespace
from test_requests import channels_of, details

COUNT = {"header": {"dev-name": "va0"}, "rx-count": 1}


def denied(daemon: Daemon, right: str, family: str, operation: str, **more: object) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        daemon.request(family, operation, right=right, **more)
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED, caught.value
    return caught.value.details()


def test_what_changes_something_is_denied_and_the_line_that_opens_it_is_named(
    daemon: Daemon, namespace: Namespace
) -> None:
    namespace.add_pairs(1)
    for right in ("read", "control"):
        text = denied(daemon, right, "ethtool", "channels-set", attributes=COUNT)
        assert 'netlink { privileged: "ethtool:channels-set" }' in text
    denials = [line["result"] for line in daemon.audit() if line["decision"] == "denied"]
    assert denials == ["NETLINK_NOT_OPENED"] * 2, daemon.audit()


def test_what_is_opened_is_done_for_the_control_right_and_written_down(
    start_daemon: Callable[..., Daemon], namespace: Namespace
) -> None:
    namespace.run("ip", "link", "add", "va0", "numrxqueues", 4, "type", "veth", "peer", "name", "b")
    daemon = start_daemon('privileged: "ethtool:channels-set"')
    namespace.run("ethtool", "-L", "va0", "rx", 4)
    assert "control right" in denied(daemon, "read", "ethtool", "channels-set", attributes=COUNT)
    daemon.request("ethtool", "channels-set", right="control", attributes=COUNT)
    assert channels_of(namespace, "va0")["current"]["RX"] == 1
    done = [line for line in daemon.audit() if line["decision"] == "allowed"]
    assert [(line["object"], line["identity"], line["result"]) for line in done] == [
        ("netlink ethtool channels-set", "unix:control", "OK")
    ], daemon.audit()
    # Nothing else has been opened.
    denied(daemon, "control", "ethtool", "rings-set", attributes={"header": {"dev-name": "va0"}})


def test_what_the_kernel_keeps_for_itself_is_not_had_through_kchands_capabilities(
    daemon: Daemon,
) -> None:
    # kchand is root here; who may join the group is not announced anywhere.
    assert "netlink/mptcp_pm/mptcp_pm_events" not in daemon.read.channels()


def test_an_opened_group_is_a_channel(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon('privileged: "mptcp_pm:mptcp_pm_events"')
    stream = daemon.read.subscribe("netlink/mptcp_pm/*")
    stream.until_live("netlink/mptcp_pm/mptcp_pm_events")
    stream.cancel()


def test_reading_can_be_narrowed(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon('read: "netdev"')
    assert daemon.request("netdev", "dev-get", dump=True)
    assert 'netlink { read: "ethtool:' in denied(
        daemon, "control", "ethtool", "linkinfo-get", dump=True
    )
    stream = daemon.read.subscribe("netlink/*/*")
    stream.until_live("netlink/netdev/mgmt")
    stream.cancel()
    names = {name for name in daemon.read.channels() if name.startswith("netlink/")}
    assert {name.split("/")[1] for name in names} == {"netdev"}


def test_classic_netlink_is_closed_and_says_why(daemon: Daemon) -> None:
    text = denied(daemon, "control", "rt-link", "getlink", dump=True)
    assert "classic netlink" in text and 'classic_netlink_protocols: "route"' in text
    assert "classic netlink" in denied(daemon, "control", "nftables", "gettable", dump=True)


def test_route_is_read_where_it_is_opened_and_never_written(
    start_daemon: Callable[..., Daemon], namespace: Namespace
) -> None:
    namespace.add_pairs(2)
    daemon = start_daemon('privileged: "*"', 'classic_netlink_protocols: "route"')
    listed = json.loads(namespace.run("ip", "-j", "link"))
    answer = daemon.request("rt-link", "getlink", dump=True).attributes
    assert {(each["ifname"], each["ifi-index"], each["mtu"]) for each in answer} == {
        (link["ifname"], link["ifindex"], link["mtu"]) for link in listed
    }
    text = denied(daemon, "control", "rt-link", "dellink", attributes={"ifname": "va0"})
    assert "only what reads" in text
    assert "va0" in namespace.links()


def test_other_namespaces_are_those_of_the_configuration(
    start_daemon: Callable[..., Daemon], make_namespace: Callable[[str], Namespace]
) -> None:
    blue = make_namespace("blue")
    blue.add_pairs(2)
    daemon = start_daemon(f'network_namespaces {{ name: "blue" path: "{blue.path}" }}')
    here = daemon.request("netdev", "dev-get", dump=True)
    there = daemon.request("netdev", "dev-get", dump=True, network_namespace="blue").attributes
    assert len(here) == 1
    assert {int(each["ifindex"]) for each in there} == set(blue.links().values())
    with pytest.raises(grpc.RpcError) as caught:
        daemon.request("netdev", "dev-get", dump=True, network_namespace="red")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert "network_namespaces" in caught.value.details()


def test_a_namespace_that_is_missing_is_told_with_what_to_do(
    start_daemon: Callable[..., Daemon],
) -> None:
    daemon = start_daemon('network_namespaces { name: "blue" path: "/run/netns/no-such" }')
    with pytest.raises(grpc.RpcError) as caught:
        daemon.request("netdev", "dev-get", dump=True, network_namespace="blue")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    problems = {each.subject: each for each in daemon.read.status().problems}
    assert "ip netns add" in problems["network namespace blue"].remedy


def test_a_refusal_of_the_kernel_says_what_would_open_it(daemon: Daemon) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        daemon.request("tcp_metrics", "2", dump=False, raw=b"")  # TCP_METRICS_CMD_DEL
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert details(caught.value).reason == "NETLINK_NOT_OPENED"


POLICY = """
unix_sockets: UNIX_SOCKET_RIGHTS_BY_POLICY
roles { name: "us" members: "unix:*" }
rules { name: "look" roles: "us" status: true }
rules { name: "net" roles: "us" read: "tick"
        netlink { read: "ethtool:channels-get" privileged: "ethtool:channels-set" } }
"""


def test_a_policy_gives_some_of_what_is_offered(
    start_daemon: Callable[..., Daemon], namespace: Namespace, tmp_path: Path
) -> None:
    namespace.run("ip", "link", "add", "va0", "numrxqueues", 4, "type", "veth", "peer", "name", "b")
    (tmp_path / "policy").write_text(POLICY)
    opened = 'privileged: "ethtool:channels-set" privileged: "ethtool:rings-set"'
    daemon = start_daemon(opened, f'policy_file: "{tmp_path}/policy"')
    header = {"header": {"dev-name": "va0"}}
    assert daemon.request("ethtool", "channels-get", attributes=header)
    daemon.request("ethtool", "channels-set", right="control", attributes=COUNT)
    # By number it is the same operation.
    assert daemon.request("ethtool", "17", attributes=header)
    for right, family, operation in (
        ("control", "netdev", "dev-get"),
        ("control", "ethtool", "rings-get"),
        ("control", "ethtool", "rings-set"),
    ):
        text = denied(daemon, right, family, operation, attributes=header)
        assert "no rule of this node's policy gives it" in text, text
    assert "control right" in denied(daemon, "read", "ethtool", "channels-set", attributes=COUNT)
    # Not even whether there is such a namespace or family.
    for more in ({"network_namespace": "blue"}, {}):
        text = denied(daemon, "control", "no_such" if not more else "ethtool", "1", **more)
        assert "no rule of this node's policy gives it" in text, text
    done = [line for line in daemon.audit() if line["decision"] == "allowed"]
    assert [(line["object"], line["rule"]) for line in done] == [
        ("netlink ethtool channels-set", "net")
    ]
    stream = daemon.read.subscribe("netlink/*/*")
    assert not [name for name in daemon.read.channels() if name.startswith("netlink/")]
    stream.cancel()
