# SPDX-License-Identifier: Apache-2.0
"""Families, and requests to them, beside what the kernel's own tools say."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from conftest import Daemon
from namespaces import Namespace


def details(error: grpc.RpcError) -> Any:
    """The ErrorInfo of an error."""
    from google.rpc import error_details_pb2, status_pb2

    status = status_pb2.Status()
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            status.ParseFromString(value)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info), status
    return info


def eventually(is_true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def genl_families(namespace: Namespace) -> dict[str, int]:
    listed = namespace.run("genl", "ctrl", "list")
    found = re.findall(r"Name: (\S+)\n\s+ID: (0x[0-9a-f]+)", listed)
    return {name: int(number, 16) for name, number in found}


def channels_of(namespace: Namespace, device: str) -> dict[str, dict[str, int]]:
    """What `ethtool -l` says of a device: its maximums and what is current."""
    maximums, current = namespace.run("ethtool", "-l", device).split("Current hardware settings")
    return {
        name: {key: int(value) for key, value in re.findall(r"^(RX|TX):\s+(\d+)$", text, re.M)}
        for name, text in (("maximums", maximums), ("current", current))
    }


def test_families_are_those_that_genl_lists(daemon: Daemon, namespace: Namespace) -> None:
    families = {each["name"]: each for each in daemon.lines("netlink", "families", "--json")}
    assert {name: each["id"] for name, each in families.items()} == genl_families(namespace)
    ethtool = families["ethtool"]
    assert ethtool["specification"] == "ethtool"
    monitor = next(group for group in ethtool["groups"] if group["name"] == "monitor")
    assert monitor["channel"] == "netlink/ethtool/monitor"
    operations = {each["name"]: each for each in ethtool["operations"]}
    assert operations["rings-get"]["privilege"] == "NETLINK_PRIVILEGE_NONE"
    assert operations["rings-get"]["can_do"] and operations["rings-get"]["can_dump"]
    assert operations["rings-set"]["privilege"] == "NETLINK_PRIVILEGE_NAMESPACE_ADMIN"


def test_a_dump_of_families_by_specification_agrees_with_genl(
    daemon: Daemon, namespace: Namespace
) -> None:
    answer = daemon.request("nlctrl", "getfamily", dump=True).attributes
    found = {each["family-name"]: int(each["family-id"]) for each in answer}
    assert found == genl_families(namespace)


def test_a_family_is_described_as_the_kernel_checks_it(daemon: Daemon) -> None:
    (described,) = daemon.lines("netlink", "describe", "ethtool", "--json")
    operations = {each["name"]: each for each in described["family"]["operations"]}
    policies = {each["id"]: each["attributes"] for each in described["policies"]}
    rings = {each["name"]: each for each in policies[operations["rings-set"]["do_policy"]]}
    assert rings["rx"]["kind"] == "NETLINK_ATTRIBUTE_KIND_U32"
    header = {each["name"]: each for each in policies[rings["header"]["nested_policy"]]}
    assert header["dev-name"]["kind"] == "NETLINK_ATTRIBUTE_KIND_NUL_STRING"
    assert header["dev-name"]["max_bytes"] == 127  # ALTIFNAMSIZ, without its NUL


def test_network_devices_are_those_of_ip(daemon: Daemon, namespace: Namespace) -> None:
    namespace.add_pairs(3)
    answer = daemon.request("netdev", "dev-get", dump=True).attributes
    assert {int(each["ifindex"]) for each in answer} == set(namespace.links().values())


def test_features_are_those_of_ethtool(daemon: Daemon, namespace: Namespace) -> None:
    namespace.add_pairs(1)
    (answer,) = daemon.request(
        "ethtool", "features-get", attributes={"header": {"dev-name": "va0"}}
    ).attributes
    assert answer["header"] == {"dev-index": namespace.links()["va0"], "dev-name": "va0"}
    bits = answer["active"]["bits"]["bit"]
    active = {bit["name"] for bit in bits}
    listed = json.loads(namespace.run("ethtool", "--json", "-k", "va0"))[0]
    known = {name for name, each in listed.items() if isinstance(each, dict) and each["active"]}
    # ethtool has names of its own for groups of features.
    assert active & set(listed) == {name for name in known if name in active}
    assert {"tx-tcp-segmentation", "tx-checksum-ip-generic"} & active <= active
    assert "highdma" in active and listed["highdma"]["active"]


def test_channels_are_those_of_ethtool(daemon: Daemon, namespace: Namespace) -> None:
    namespace.run("ip", "link", "add", "va", "numrxqueues", 4, "numtxqueues", 3,
                  "type", "veth", "peer", "name", "vb")  # fmt: skip
    (answer,) = daemon.request(
        "ethtool", "channels-get", attributes={"header": {"dev-name": "va"}}
    ).attributes
    channels = channels_of(namespace, "va")
    assert channels["maximums"] == {"RX": answer["rx-max"], "TX": answer["tx-max"]}
    assert channels["current"] == {"RX": answer["rx-count"], "TX": answer["tx-count"]}


def test_the_kernels_words_and_the_attribute_reach_the_client(daemon: Daemon) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        daemon.request("ethtool", "linkinfo-get", attributes={"header": {"dev-name": "nosuch"}})
    error = caught.value
    assert error.code() == grpc.StatusCode.NOT_FOUND
    info = details(error)
    assert info.reason == "KERNEL_REFUSED"
    assert info.metadata["errno"] == "19"
    assert info.metadata["errno_name"] == "ENODEV"
    assert info.metadata["extended_ack"] == "no device matches name"
    assert info.metadata["attribute"] == "header.dev-name"
    done = daemon.cli(
        "netlink", "do", "ethtool", "linkinfo-get", "--json", '{"header": {"dev-name": "nosuch"}}'
    )
    assert done.returncode == 1
    assert "no device matches name (attribute header.dev-name)" in done.stderr


def test_a_missing_attribute_is_named(daemon: Daemon) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        daemon.request("netdev", "dev-get", attributes={})
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert details(caught.value).metadata["missing_attribute"] == "ifindex"


def test_a_value_out_of_range_never_reaches_the_kernel(daemon: Daemon) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        daemon.request("netdev", "dev-get", attributes={"ifindex": 5_000_000_000})
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "attributes.ifindex" in caught.value.details()


def test_a_request_of_bytes_is_answered_in_bytes(daemon: Daemon) -> None:
    # CTRL_ATTR_FAMILY_NAME "nlctrl", of operation 3.
    raw = b"\x0b\x00\x02\x00nlctrl\x00\x00"
    (message,) = daemon.request("nlctrl", "3", raw=raw, form="NETLINK_FORM_RAW")
    assert message.command == 1 and not message.HasField("attributes")
    assert message.raw[0] == 1 and b"nlctrl\x00" in message.raw


def test_names_that_are_wrong_are_suggested_right(daemon: Daemon) -> None:
    done = daemon.cli("netlink", "do", "ethtol", "rings-get")
    assert done.returncode == 1 and "did you mean ethtool?" in done.stderr, done.stderr
    done = daemon.cli("netlink", "dump", "ethtool", "ring-get")
    assert done.returncode == 1 and "did you mean rings-get" in done.stderr, done.stderr


def test_what_can_only_dump_does_not_do(daemon: Daemon) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        daemon.request("nlctrl", "getpolicy")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_cancelled_dump_frees_its_socket(daemon: Daemon, namespace: Namespace) -> None:
    namespace.add_pairs(200)
    before = daemon.netlink_sockets()
    call = daemon.start_request(daemon.read, "netdev", "dev-get", dump=True)
    assert next(call).messages
    call.cancel()
    assert eventually(lambda: daemon.netlink_sockets() == before)


def test_requests_have_a_bound_and_stalled_ones_hold_up_no_other(
    start_daemon: Callable[..., Daemon], namespace: Namespace
) -> None:
    namespace.add_pairs(300)
    daemon = start_daemon(
        more='limits { max_netlink_requests: 4 } classic_netlink_protocols: "route"'
    )
    # Each is far longer than what a client that does not read has room for.
    stalled = [
        daemon.start_request(daemon.connect("read"), "rt-link", "getlink", dump=True)
        for _ in range(3)
    ]
    for call in stalled:
        assert next(call).messages
    links = len(namespace.links())
    assert len(daemon.request("netdev", "dev-get", dump=True)) == links
    stalled.append(
        daemon.start_request(daemon.connect("read"), "rt-link", "getlink", dump=True)
    )
    assert next(stalled[-1]).messages
    with pytest.raises(grpc.RpcError) as caught:
        daemon.request("netdev", "dev-get", dump=True)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "max_netlink_requests" in caught.value.details()
    for call in stalled:
        call.cancel()

    def answers() -> bool:
        try:
            return len(daemon.request("netdev", "dev-get", dump=True)) == links
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            return False

    assert eventually(answers)


def test_many_requests_at_once_get_their_own_answers(
    start_daemon: Callable[..., Daemon], namespace: Namespace
) -> None:
    namespace.add_pairs(20)
    daemon = start_daemon(more="limits { max_netlink_requests: 64 }")
    links = namespace.links()

    def ask(item: tuple[str, int]) -> bool:
        name, index = item
        attributes = {"header": {"dev-name": name}}
        (answer,) = daemon.request("ethtool", "linkinfo-get", attributes=attributes).attributes
        return answer["header"] == {"dev-index": index, "dev-name": name}

    veths = [item for item in links.items() if item[0] != "lo"] * 10
    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(ask, veths))
