# SPDX-License-Identifier: Apache-2.0
"""What is told of a family: enough to write requests and to read replies."""

from __future__ import annotations

import re
from typing import Any

import grpc
import pytest
from conftest import Daemon


def described(daemon: Daemon, *words: str) -> Any:
    (answer,) = daemon.lines("netlink", "describe", *words, "--json")
    return answer


def by_name(parts: list[Any]) -> dict[str, Any]:
    return {each["name"]: each for each in parts}


def test_a_request_can_be_written_by_the_description(daemon: Daemon) -> None:
    answer = described(daemon, "ethtool", "rings-set")
    (operation,) = answer["family"]["operations"]
    sets = by_name(answer["attribute_sets"])
    rings = by_name(sets[operation["attribute_set"]]["attributes"])
    exchange = operation["do_exchange"]
    assert {"header", "rx", "tx", "tcp-data-split"} <= set(exchange["request_attributes"])
    assert set(exchange["request_attributes"]) <= set(rings)
    assert "reply_command" not in exchange  # only an acknowledgement
    assert rings["rx"]["type"] == "u32" and rings["rx"]["number"] == 6
    header = by_name(sets[rings["header"]["nested_set"]]["attributes"])
    assert header["dev-name"]["type"] == "string"
    assert header["flags"]["enumeration_as_flags"]
    flags = by_name(answer["enumerations"])[header["flags"]["enumeration"]]
    assert flags["flags"]
    assert [each["name"] for each in flags["entries"]] == ["compact-bitsets", "omit-reply", "stats"]
    # Nothing that it does not need.
    assert "bitset" not in sets and "rings-ntf" not in str(sets)


def test_a_family_is_told_with_what_it_multicasts(daemon: Daemon) -> None:
    answer = described(daemon, "netdev")
    notifications = by_name(answer["notifications"])
    assert notifications["dev-add-ntf"]["group"] == "mgmt"
    assert notifications["dev-add-ntf"]["notifies"] == "dev-get"
    sets = by_name(answer["attribute_sets"])
    assert notifications["dev-add-ntf"]["attribute_set"] in sets


def test_an_operation_is_found_by_its_number_too(daemon: Daemon) -> None:
    assert described(daemon, "nlctrl", "3") == described(daemon, "nlctrl", "getfamily")


def test_an_operation_that_is_not_there_is_suggested(daemon: Daemon) -> None:
    done = daemon.cli("netlink", "describe", "ethtool", "ring-set")
    assert done.returncode == 1
    assert "no operation 'ring-set'" in done.stderr and "did you mean rings-set" in done.stderr


def test_every_family_of_this_kernel_can_be_described(daemon: Daemon) -> None:
    from kchan.v1 import netlink_service_pb2, netlink_service_pb2_grpc

    stub = netlink_service_pb2_grpc.NetlinkServiceStub(daemon.read.channel)
    sizes = {}
    for family in daemon.lines("netlink", "families", "--json"):
        request = netlink_service_pb2.DescribeFamilyRequest(family=family["name"])
        answer = stub.DescribeFamily(request, timeout=30)
        sizes[family["name"]] = answer.ByteSize()
        used = {policy.id for policy in answer.policies}
        for operation in answer.family.operations:
            for policy in ("do_policy", "dump_policy"):
                assert not operation.HasField(policy) or getattr(operation, policy) in used
    assert max(sizes.values()) < 1 << 20, sizes


def test_an_operation_reads_well(daemon: Daemon) -> None:
    done = daemon.cli("netlink", "describe", "ethtool", "rings-get")
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert re.search(r"^ethtool rings-get \(number 15\)$", text, re.M)
    assert re.search(r"^  can +do, dump$", text, re.M)
    request, reply = text.split("\nReply of do:\n")
    assert re.search(r"^  header +nest", request, re.M)
    assert re.search(r"^    dev-name +string, at most 127 B$", request, re.M)
    assert re.search(r"^    flags +u32, any of header-flags", request, re.M)
    assert re.search(r"^  header +nest, as above$", reply, re.M)
    assert re.search(r"^  rx-max +u32$", reply, re.M)
    assert re.search(r"^header-flags: compact-bitsets=0, omit-reply=1, stats=2$", reply, re.M)


def test_without_a_specification_the_kernels_rules_are_shown(daemon: Daemon) -> None:
    families = daemon.lines("netlink", "families", "--json")
    unknown = next(each for each in families if not each.get("specification"))
    done = daemon.cli("netlink", "describe", unknown["name"])
    assert done.returncode == 0, done.stderr
    assert "none is known here" in done.stdout


def test_a_family_that_is_not_there_is_not_found(daemon: Daemon) -> None:
    from kchan.v1 import netlink_service_pb2, netlink_service_pb2_grpc

    stub = netlink_service_pb2_grpc.NetlinkServiceStub(daemon.read.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.DescribeFamily(netlink_service_pb2.DescribeFamilyRequest(family="nosuch"), timeout=30)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
