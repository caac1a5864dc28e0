# SPDX-License-Identifier: Apache-2.0
"""Our reading of the kernel's specs against the kernel tree's own (tools/net/ynl).

  /usr/bin/python3 -m pytest tests/ynl --translator PROGRAM --ynl FOLDER --specs FOLDER

Both decode the very bytes that the running kernel sends, in a network namespace
of this test, and both encode the same requests. As root.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from differences import difference

# Families that any kernel has, and what is dumped of them.
DUMPS = [
    ("nlctrl", "getfamily", {}),
    ("nlctrl", "getpolicy", {"family-name": "ethtool"}),
    ("netdev", "dev-get", {}),
    ("netdev", "queue-get", {}),
    ("ethtool", "strset-get", {}),
    ("ethtool", "linkinfo-get", {}),
    ("ethtool", "linkmodes-get", {}),
    ("ethtool", "linkstate-get", {}),
    ("ethtool", "features-get", {}),
    ("ethtool", "channels-get", {}),
    ("ethtool", "tsinfo-get", {}),
    ("ethtool", "phc-vclocks-get", {}),
    ("rt-link", "getlink", {}),
    ("rt-link", "getstats", {"filter-mask": 31}),
    ("rt-addr", "getaddr", {}),
    ("rt-route", "getroute", {}),
    ("tc", "getqdisc", {}),
    ("mptcp_pm", "get-addr", {}),
    ("tcp_metrics", "get", {}),
]

# Requests that both encode; the attributes in the order of their numbers.
REQUESTS = [
    ("nlctrl", "getfamily", {"family-name": "ethtool"}),
    ("netdev", "dev-get", {"ifindex": 7}),
    ("netdev", "page-pool-get", {"id": 5}),
    ("netdev", "page-pool-get", {"id": 4294967295}),
    ("ethtool", "rings-get", {"header": {"dev-index": 3, "dev-name": "eth0", "flags": ["stats"]}}),
    ("ethtool", "rings-set", {"header": {"dev-name": "eth0"}, "rx": 512, "tx-push": 1}),
    (
        "ethtool",
        "features-set",
        {
            "header": {"dev-name": "eth0"},
            "wanted": {"nomask": True, "size": 64, "bits": {"bit": [{"name": "tso"}, {"index": 4, "value": True}]}},
        },
    ),
    ("rt-link", "newlink", {"ifi-index": 4, "ifname": "x0", "linkinfo": {"kind": "bridge", "data": {"forward-delay": 7}}}),
    ("rt-addr", "newaddr", {"ifa-family": 2, "ifa-prefixlen": 24, "ifa-index": 2, "ifa-local": "0a000001"}),
    ("mptcp_pm", "add-addr", {"addr": {"family": 2, "id": 1, "addr4": 167772161, "flags": 6}}),
    ("devlink", "port-set", {"bus-name": "pci", "dev-name": "0000:00:03.0", "port-index": 1, "port-type": "eth"}),
    ("ovs_vport", "new", {"dp-ifindex": 3, "type": "netdev", "name": "p0"}),
    ("tc", "newqdisc", {"family": 0, "ifindex": 3, "handle": 65536, "parent": 4294967295, "kind": "fq_codel", "options": {"limit": 100}}),
]


class Capture:
    """Keeps the bytes behind the headers of each message that a family decodes."""

    def __init__(self, family: Any) -> None:
        self.messages: list[tuple[int, bytes]] = []
        decode = family.nlproto.decode

        def record(ynl: Any, message: Any, operation: Any) -> Any:
            decoded = decode(ynl, message, operation)
            self.messages.append((decoded.cmd(), decoded.raw))
            return decoded

        family.nlproto.decode = record


def test_dumps_are_decoded_alike(open_family: Callable[[str], Any], translate: Callable[..., Any]) -> None:
    compared: dict[str, int] = {}
    differences = []
    for name, operation, values in DUMPS:
        family = open_family(name)
        capture = Capture(family)
        theirs = family.dump(operation, dict(values)) or []
        assert len(theirs) == len(capture.messages), (name, operation)
        for message, (_, raw) in zip(theirs, capture.messages):
            ours = translate(family=name, operation=operation, decode=raw.hex())
            differences += [f"{name} {operation}: {d}" for d in difference(ours["values"], message)]
        compared[f"{name} {operation}"] = len(theirs)
    print(compared)
    assert not differences
    assert all(compared.values()), compared


def test_notifications_are_decoded_alike(
    open_family: Callable[[str], Any], translate: Callable[..., Any]
) -> None:
    families = {"netdev": "mgmt", "ethtool": "monitor"}
    listening = {name: open_family(name) for name in families}
    captures = {name: Capture(family) for name, family in listening.items()}
    for name, group in families.items():
        listening[name].ntf_subscribe(group)
    # The kernel has queued its notifications when a request returns.
    subprocess.run(["ip", "link", "add", "x0", "type", "veth", "peer", "name", "x1"], check=True)
    wanted = {"bits": {"bit": [{"name": "tx-tcp-segmentation"}]}}
    open_family("ethtool").do("features-set", {"header": {"dev-name": "x0"}, "wanted": wanted})
    subprocess.run(["ip", "link", "del", "x0"], check=True)

    compared = set()
    for name, family in listening.items():
        family.check_ntf()
        assert len(family.async_msg_queue) == len(captures[name].messages)
        for theirs, (number, raw) in zip(family.async_msg_queue, captures[name].messages):
            ours = translate(family=name, notification=number, decode=raw.hex())
            assert ours["operation"] == theirs["name"]
            assert difference(ours["values"], theirs["msg"]) == []
            compared.add(ours["operation"])
    assert compared >= {"dev-add-ntf", "dev-del-ntf", "features-ntf"}


# Requests that any kernel refuses, and what it complains about.
REFUSED = [
    ("netdev", "dev-get", {"ifindex": 0}, "ifindex"),
    ("ethtool", "rings-get", {"header": {"dev-name": "veth0", "flags": 1 << 20}}, "header.flags"),
]


@pytest.mark.parametrize(("name", "operation", "values", "path"), REFUSED)
def test_what_the_kernel_complains_about_is_named(
    name: str,
    operation: str,
    values: dict[str, Any],
    path: str,
    open_family: Callable[[str], Any],
    translate: Callable[..., Any],
) -> None:
    family = open_family(name)
    complaints = []
    decode = family._decode_extack

    def record(request: bytes, op: Any, extack: dict[str, Any]) -> None:
        complaints.append((request, extack["bad-attr-offs"]))
        decode(request, op, extack)

    family._decode_extack = record
    with pytest.raises(Exception, match="Invalid argument|out of range|Not supported"):
        family.do(operation, dict(values))
    [(request, offset)] = complaints
    headers = family.nlproto.msghdr_size()
    named = translate(
        family=name, operation=operation, path=offset - headers, of=request[headers:].hex()
    )
    assert named["path"] == path


@pytest.mark.parametrize(("name", "operation", "values"), REQUESTS)
def test_requests_are_encoded_alike(
    name: str,
    operation: str,
    values: dict[str, Any],
    ynl_spec: Callable[[str], Any],
    translate: Callable[..., Any],
) -> None:
    family = ynl_spec(name)
    op = family.ops[operation]
    message = family._encode_message(op, json.loads(json.dumps(values)), [], 1)
    theirs = message[family.nlproto.msghdr_size() :]
    ours = translate(family=name, operation=operation, encode=values)
    assert ours.get("bytes") == theirs.hex(), ours
