# SPDX-License-Identifier: Apache-2.0
"""Any netlink family through kchand: the module's own as an outsider would ask it,
and a subscription that outlives its module."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from daemon import settle
from remote import Remote
from vm import Vm

ENDED = 3
CHANNELS = "netlink/kchan/channels"

# enum kchan_cmd
CHANNEL_GET, QUIESCE, CHANNEL_NEW = 2, 9, 10
# enum kchan_attr
_CHANNEL_NAME = 9


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm]) -> Iterator[Vm]:
    with make_vm(core=False) as guest:
        load(guest, "kchan", "kchan_sources")
        yield guest


def load(vm: Vm, *names: str) -> None:
    for name in names:
        vm.sh(f"insmod /modules/{name}.ko")


def netlink(remote: Remote) -> tuple[Any, Any]:
    from kchan.v1 import netlink_service_pb2, netlink_service_pb2_grpc

    return netlink_service_pb2, netlink_service_pb2_grpc.NetlinkServiceStub(remote.channel)


def families(remote: Remote) -> dict[str, Any]:
    service, stub = netlink(remote)
    listed = stub.ListFamilies(service.ListFamiliesRequest(), timeout=30).families
    return {family.name: family for family in listed}


def request(remote: Remote, operation: int, dump: bool = False, raw: bytes = b"") -> list[bytes]:
    """The module's answers, each as its attributes' bytes."""
    service, stub = netlink(remote)
    asked = service.RequestRequest(
        family="kchan",
        operation=str(operation),
        mode="NETLINK_MODE_DUMP" if dump else "NETLINK_MODE_DO",
        form="NETLINK_FORM_BOTH",
        raw=raw,
    )
    messages = [
        message for response in stub.Request(asked, timeout=60) for message in response.messages
    ]
    # There is no specification of it.
    assert {message.decoding for message in messages} <= {service.NETLINK_DECODING_TREE}
    return [message.raw[4:] for message in messages]


def attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while len(data) >= 4:
        length, number = struct.unpack_from("=HH", data)
        found.setdefault(number & 0x3FFF, data[4:length])
        data = data[(length + 3) // 4 * 4 :]
    return found


def name_of(data: bytes) -> str:
    return attributes(data)[_CHANNEL_NAME].rstrip(b"\0").decode()


def test_the_modules_own_family_is_asked_as_any_other(remote: Remote) -> None:
    family = families(remote)["kchan"]
    assert family.specification == ""
    operations = {operation.number: operation for operation in family.operations}
    assert operations[CHANNEL_GET].can_dump
    assert operations[QUIESCE].privilege == 3  # NETLINK_PRIVILEGE_ADMIN
    listed = {name_of(message) for message in request(remote, CHANNEL_GET, dump=True)}
    ours = {name for name, each in remote.channels().items() if each.provider == "kchan_sources"}
    assert ours and ours == listed


def test_what_the_module_keeps_for_admins_is_not_had_through_kchand(remote: Remote) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        request(remote, QUIESCE)
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert 'netlink { privileged: "kchan:9" }' in caught.value.details()
    # Its records are for CAP_NET_ADMIN, though no flag of nlctrl says so.
    assert "netlink/kchan/records" not in remote.channels()


def test_a_subscription_outlives_its_module(vm: Vm, remote: Remote) -> None:
    stream = remote.subscribe("netlink/kchan/*")
    stream.until_live(CHANNELS)
    id_before = families(remote)["kchan"].id

    vm.sh("/usr/bin/kchand --quiesce-module")
    vm.sh("rmmod kchan_sources")
    vm.wait_for("rmmod kchan")
    ended = stream.until(
        lambda response: response.HasField("channel_update")
        and response.channel_update.state == ENDED
    )
    assert "load its module again" in ended.channel_update.reason
    assert "kchan" not in families(remote)
    (before,) = stream.ledgers[CHANNELS].values()
    assert before.balances() and not before.lost

    load(vm, "kchan")
    settle(remote, lambda _: "kchan" in families(remote))
    stream.until_live(CHANNELS)
    load(vm, "kchan_sources")
    assert families(remote)["kchan"].id != id_before
    lost = stream.until(lambda response: response.HasField("batch") and response.batch.lost)
    # What was said before kchand had joined again nobody knows.
    (loss,) = lost.batch.lost
    assert loss.count == 0 and loss.cause == "family registered anew"
    assert len(stream.ledgers[CHANNELS]) == 2
    records = list(lost.batch.records)
    while CHANNEL_NEW not in {record.type for record in records}:
        records.extend(record for _, record in stream.take(1))
    stream.cancel()
