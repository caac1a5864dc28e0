# SPDX-License-Identifier: Apache-2.0
"""Netlink families of this very kernel through kchand, in network namespaces of the
test's own. Needs root and ip."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kchan
import kchan.aio
from kchan import netlink
from kchan.v1 import netlink_service_pb2 as service

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "tests/netlink"))

from namespaces import Namespace  # noqa: E402

MONITOR = "netlink/ethtool/monitor"


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> Iterator[Namespace]:
    made = Namespace(f"kchan-python-{id(request):x}")
    made.add_pairs(1)
    yield made
    made.delete()


@pytest.fixture
def kchand(build_dir: Path, tmp_path: Path, namespace: Namespace) -> Iterator[Path]:
    """The folder of its sockets."""
    fetched = subprocess.run(
        [_ROOT / "scripts/fetch-netlink-specs"], check=True, capture_output=True, text=True
    )
    config = f"""
        unix_sockets {{ directory: "{tmp_path}" }}
        netlink {{ spec_directories: "{fetched.stdout.strip()}" privileged: "ethtool:channels-set" }}
    """
    (tmp_path / "config").write_text(config)
    command = namespace.command(build_dir / "bridge/kchand", "--config", tmp_path / "config")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "serving unix:" in line and "control.sock" in line:
                break
        yield tmp_path
        process.terminate()
        process.communicate()


@pytest.fixture
def node(kchand: Path) -> Iterator[kchan.Client]:
    with kchan.Client(f"unix:{kchand}/read.sock") as reader:
        yield reader


@pytest.fixture
def writer(kchand: Path) -> Iterator[kchan.Client]:
    with kchan.Client(f"unix:{kchand}/control.sock") as control:
        yield control


VA0: dict[str, Any] = {"header": {"dev-name": "va0"}}


def test_families_and_what_they_take_are_told(node: kchan.Client) -> None:
    families = {family.name: family for family in node.netlink.families()}
    assert families["nlctrl"].id == 16
    described = node.netlink.describe("ethtool", "rings-get")
    (operation,) = described.family.operations
    assert operation.name == "rings-get"
    sets = {each.name: each for each in described.attribute_sets}
    assert "rx-max" in {each.name for each in sets[operation.attribute_set].attributes}


def test_a_do_takes_and_gives_dicts(node: kchan.Client, namespace: Namespace) -> None:
    answer = node.netlink.do("ethtool", "channels-get", VA0)
    index = namespace.links()["va0"]
    assert answer["header"] == {"dev-index": index, "dev-name": "va0"}
    assert (answer["rx-count"], answer["tx-count"]) == (1, 1)
    assert all(type(answer[name]) is int for name in ("rx-count", "rx-max"))


def test_a_do_that_is_only_acknowledged_gives_nothing(writer: kchan.Client) -> None:
    assert writer.netlink.do("ethtool", "channels-set", {**VA0, "rx-count": 1}) == {}


def test_a_dump_is_a_list(node: kchan.Client, namespace: Namespace) -> None:
    devices = node.netlink.dump("netdev", "dev-get")
    assert {device["ifindex"] for device in devices} == set(namespace.links().values())


def test_an_operation_may_be_a_number_and_a_family_in_another_form(node: kchan.Client) -> None:
    assert node.netlink.do("nlctrl", 3, {"family-id": 16})["family-name"] == "nlctrl"
    request = netlink.request_of("nlctrl", "getfamily", {"family-id": 16})
    request.form = service.NETLINK_FORM_BOTH
    (message,) = node.netlink.messages(request)
    assert message.operation == "getfamily" and message.by_specification
    assert message["family-name"] == "nlctrl" and message.raw[0] == message.command == 1


def test_what_the_kernel_refuses_says_all_that_it_said(node: kchan.Client) -> None:
    with pytest.raises(kchan.NotFound) as caught:
        node.netlink.do("ethtool", "linkinfo-get", {"header": {"dev-name": "nosuch"}})
    error = caught.value
    assert (error.kernel_errno, error.errno_name) == (19, "ENODEV")
    assert error.extended_ack == "no device matches name"
    assert error.attribute == "header.dev-name"
    with pytest.raises(kchan.InvalidArgument) as missing:
        node.netlink.do("netdev", "dev-get")
    assert missing.value.missing_attribute == "ifindex"


def test_what_kchand_refuses_says_which_attribute(node: kchan.Client) -> None:
    with pytest.raises(kchan.InvalidArgument) as caught:
        node.netlink.do("netdev", "dev-get", {"ifindx": 1})
    assert "did you mean ifindex" in str(caught.value)
    assert caught.value.kernel_errno == 0 and caught.value.errno_name == ""
    with pytest.raises(kchan.PermissionDenied):
        node.netlink.do("ethtool", "rings-set", VA0)
    with pytest.raises(kchan.NotFound):
        node.netlink.describe("nosuch")


def toggle(namespace: Namespace, client: kchan.Client) -> None:
    """Causes one record, and waits for it."""
    with client.subscribe(MONITOR) as subscription:
        deliveries = subscription.deliveries()
        for delivery in deliveries:
            if isinstance(delivery, kchan.ChannelUpdate) and delivery.state == "LIVE":
                break
        namespace.run("ethtool", "-K", "va0", "tso", "off")
        assert any(isinstance(delivery, kchan.Batch) for delivery in deliveries)


def test_listen_gives_what_happens_decoded(node: kchan.Client, namespace: Namespace) -> None:
    toggle(namespace, node)
    (message,) = node.netlink.listen("ethtool", "monitor", start=kchan.Oldest(), max_records=1)
    assert isinstance(message, netlink.Message)
    assert message.operation == "features-ntf"
    assert message["header"]["dev-name"] == "va0"
    assert message.record is not None and message.record.channel == MONITOR
    assert message.raw == message.record.payload


def test_listening_to_what_is_not_there_is_not_found(node: kchan.Client) -> None:
    with pytest.raises(kchan.NotFound):
        next(node.netlink.listen("ethtool", "nosuch"))


def test_aio_has_the_same(kchand: Path, node: kchan.Client, namespace: Namespace) -> None:
    toggle(namespace, node)

    async def everything() -> None:
        async with kchan.aio.Client(f"unix:{kchand}/read.sock") as client:
            families = await client.netlink.families()
            assert [each.name for each in families] == [
                each.name for each in node.netlink.families()
            ]
            assert await client.netlink.describe("nlctrl") == node.netlink.describe("nlctrl")
            answers = await asyncio.gather(
                client.netlink.do("ethtool", "channels-get", VA0),
                client.netlink.dump("netdev", "dev-get"),
            )
            assert answers[0] == node.netlink.do("ethtool", "channels-get", VA0)
            assert answers[1] == node.netlink.dump("netdev", "dev-get")
            with pytest.raises(kchan.NotFound) as caught:
                await client.netlink.do("netdev", "dev-get", {"ifindex": 77777})
            assert caught.value.errno_name == "ENODEV"
            heard = client.netlink.listen(
                "ethtool", "monitor", start=kchan.Oldest(), max_records=1
            )
            assert [each.operation async for each in heard if isinstance(each, netlink.Message)] == [
                "features-ntf"
            ]

    asyncio.run(everything())


# ---- Without a daemon ----------------------------------------------------------------


def test_attributes_go_and_come_as_python_has_them() -> None:
    given: dict[str, Any] = {
        "small": -5,
        "large": 2**64 - 1,
        "text": "x",
        "flag": True,
        "none": None,
        "bytes": b"\x00\xff",
        "nest": {"list": [1, ("a", {"b": 2})]},
    }
    assert netlink.dict_of(netlink.struct_of(given)) == {
        **given,
        "large": str(2**64 - 1),
        "bytes": "00ff",
        "nest": {"list": [1, ["a", {"b": 2}]]},
    }


@pytest.mark.parametrize("value", [1.5, float("nan"), object()])
def test_what_no_attribute_holds_is_named(value: object) -> None:
    with pytest.raises(TypeError, match=r"header\.flags\[1\]: .* is no attribute's value"):
        netlink.struct_of({"header": {"flags": ["x", value]}})


def response(*commands: int, restarted: bool = False, interrupted: bool = False) -> Any:
    made = service.RequestResponse(restarted=restarted, interrupted=interrupted)
    for command in commands:
        made.messages.add(command=command)
    return made


def test_a_dump_that_begins_again_forgets_what_came_before() -> None:
    answer = netlink.Answer("here")
    for each in (response(1, 2), response(3, restarted=True), response(4)):
        answer.take(each)
    assert [message.command for message in answer.finish()] == [3, 4]


def test_a_dump_that_stays_interrupted_is_an_error() -> None:
    answer = netlink.Answer("here")
    answer.take(response(1, interrupted=True))
    with pytest.raises(netlink.Interrupted, match="more restarts"):
        answer.finish()


@pytest.mark.parametrize(
    ("group", "network_namespace", "channel", "is_asked_for"),
    [
        ("*", "", "netlink/f/g", True),
        ("*", "", "netlink/f/g@blue", False),
        ("*", "blue", "netlink/f/g@blue", True),
        ("*@*", "", "netlink/f/g@blue", True),
    ],
)
def test_listening_leaves_out_other_namespaces(
    group: str, network_namespace: str, channel: str, is_asked_for: bool
) -> None:
    batch = kchan.Batch(channel, 1, 1, 0, 0, [])
    assert netlink.is_asked_for(batch, group, network_namespace) is is_asked_for


def test_what_is_decoded_at_once_is_bounded_and_losses_stay_in_their_place() -> None:
    def record(payload: bytes) -> kchan.Record:
        clock = kchan.Clock()
        return kchan.Record("n", "c", 1, 1, 1, 0, 1, payload, None, clock)

    lost = kchan.Lost("n", "c", 1, 1, 2, "KERNEL_TRANSPORT", None, "")
    items = [record(b"x")] * 1001 + [lost] + [record(b"y" * (1 << 20))] * 2
    batch = kchan.Batch("c", 1, 1, 1, 0, items, False)
    parts = [part if isinstance(part, kchan.Lost) else len(part) for part in netlink.parts_of(batch)]
    assert parts == [1000, 1, lost, 1, 1]
