# SPDX-License-Identifier: Apache-2.0
"""What every kernel has without any module of ours, but the kernel log: uevents,
files of sysfs and procfs, pressure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from daemon import Daemon, settle
from records import Records
from remote import Remote
from vm import Vm

IDLE, LIVE, FAILED = 1, 2, 4

_SETPRIV = "/usr/bin/setpriv"

DAEMON_CONFIG = """
value_files { name: "hostname" path: "/proc/sys/kernel/hostname" writable: true
              sample_interval_ms: 0 }
value_files { name: "mtu" path: "/sys/class/net/lo/mtu" writable: true
              sample_interval_ms: 50 }
psi_triggers { name: "pressure.even" path: "/proc/pressure/cpu" kind: PSI_KIND_SOME
               stall_us: 50000 window_us: 2000000 }
psi_triggers { name: "pressure.odd" path: "/proc/pressure/cpu" kind: PSI_KIND_SOME
               stall_us: 50000 window_us: 1000000 }
"""


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm]) -> Iterator[Vm]:
    with make_vm(
        core=False, available=["dummy", "veth"], programs=["/usr/sbin/ip", _SETPRIV]
    ) as guest:
        guest.sh("modprobe veth")
        yield guest


# --- uevents


def of(action: str, devpath: str) -> Callable[[dict[str, Any]], bool]:
    return lambda record: (record["action"], record["devpath"]) == (action, devpath)


def properties(record: dict[str, Any]) -> dict[str, str]:
    return dict(each.split("=", 1) for each in record["properties"].split("\n"))


def test_uevent_tells_of_modules_and_devices(vm: Vm, remote: Remote) -> None:
    with Records(remote, "uevent") as uevents:
        uevents.stream.until_live("uevent")
        vm.sh("modprobe dummy numdummies=0")
        added = uevents.find(of("add", "/module/dummy"))
        assert added["subsystem"] == "module"
        assert properties(added) == {
            "ACTION": "add", "DEVPATH": "/module/dummy", "SUBSYSTEM": "module",
            "SEQNUM": str(added["seqnum"]),
        }  # fmt: skip

        vm.sh("/usr/bin/ip link add va type veth peer name vb")
        device = uevents.find(of("add", "/devices/virtual/net/va"))
        index = vm.sh("cat /sys/class/net/va/ifindex").stdout.strip()
        assert device["subsystem"] == "net"
        assert properties(device)["INTERFACE"] == "va"
        assert properties(device)["IFINDEX"] == index
        vm.sh("/usr/bin/ip link set va name vc")
        moved = uevents.find(of("move", "/devices/virtual/net/vc"))
        assert properties(moved)["DEVPATH_OLD"] == "/devices/virtual/net/va"
        vm.sh("/usr/bin/ip link del vc && rmmod dummy")
        uevents.find(of("remove", "/devices/virtual/net/vc"))
        gone = uevents.find(of("remove", "/module/dummy"))
        assert gone["seqnum"] > added["seqnum"]
        assert uevents.losses == []


def test_uevents_that_found_no_room_are_lost_by_the_kernels_count(
    vm: Vm, daemon: Daemon, remote: Remote
) -> None:
    count = 30000  # more than kchand's socket has room for
    with Records(remote, "uevent") as uevents:
        uevents.stream.until_live("uevent")
        with daemon.stopped():
            # What has no room fails the write, but has been told to all others.
            vm.sh(
                f"i=0; while [ $i -lt {count} ]; do i=$((i+1));"
                " echo change > /sys/class/net/lo/uevent; done 2>/dev/null; true",
                timeout=240,
            )
            # Protocol 15; of all sockets only kchand's has lost.
            count_drops = "awk '$2 == 15 { drops += $9 } END { print drops }' /proc/net/netlink"
            drops = int(vm.sh(count_drops).stdout)
        assert drops > 0
        # Only then is there room again.
        seen = uevents.until_lost()
        (loss,) = uevents.losses
        assert loss.count == drops == count - len(seen)
        assert {each["devpath"] for each in seen} == {"/devices/virtual/net/lo"}
        vm.sh("/usr/bin/ip link add mark type veth peer name kram")
        uevents.find(of("add", "/devices/virtual/net/mark"))
        ledger = uevents.stream.ledger("uevent")
        assert ledger.lost == {"LOSS_STAGE_KERNEL_TRANSPORT": drops}
        assert ledger.balances()
        vm.sh("/usr/bin/ip link del mark")
        uevents.find(of("remove", "/devices/virtual/net/mark"))


# --- files as values


def texts(call: grpc.Call) -> Iterator[str]:
    for response in call:
        if response.HasField("update"):
            yield response.update.values.words[0].value.text_value


@pytest.mark.parametrize(
    ("channel", "path", "first", "second"),
    [
        ("hostname", "/proc/sys/kernel/hostname", "one", "two"),  # announced by the kernel
        ("mtu", "/sys/class/net/lo/mtu", "40000", "50000"),  # sampled
    ],
)
def test_a_file_is_read_set_and_watched(
    vm: Vm, remote: Remote, channel: str, path: str, first: str, second: str
) -> None:
    before = remote.text(channel)
    assert before == vm.sh(f"cat {path}").stdout.strip()
    try:
        remote.set_text(channel, first)
        assert vm.sh(f"cat {path}").stdout == f"{first}\n"
        watch = remote.watch_values(channel)
        changes = texts(watch)
        assert next(changes) == first
        vm.sh(f"echo {second} > {path}")
        assert next(changes) == second
        watch.cancel()
    finally:
        remote.set_text(channel, before)


# --- pressure

_WITHOUT = f"{_SETPRIV} --bounding-set=-sys_resource"


@pytest.mark.parametrize(
    ("channel", "run_by", "wanted"),
    [
        ("pressure.even", "", LIVE),
        ("pressure.odd", "", LIVE),
        ("pressure.even", _WITHOUT, LIVE),
        ("pressure.odd", _WITHOUT, FAILED),
    ],
)
def test_a_trigger_needs_the_capability_that_the_documents_say(
    vm: Vm, stubs: None, channel: str, run_by: str, wanted: int
) -> None:
    daemon = Daemon(vm, DAEMON_CONFIG, run_by=run_by)
    daemon.start()
    try:
        with daemon.remote() as remote:
            watch = remote.watch_values(channel)
            settle(remote, lambda _: remote.channels()[channel].state > IDLE)
            problems = remote.status().problems
            assert remote.channels()[channel].state == wanted, problems
            if wanted == FAILED:
                (remedy,) = [
                    each.remedy for each in problems if each.subject == f"channel {channel}"
                ]
                assert "CAP_SYS_RESOURCE" in remedy
                assert "multiple of two seconds" in remedy
            watch.cancel()
    finally:
        daemon.terminate()


def test_a_stall_fires_the_trigger(vm: Vm, remote: Remote) -> None:
    watch = remote.watch_values("pressure.odd")
    # More runners than processors.
    burners = [vm.spawn("sh -c 'while :; do :; done'") for _ in range(6)]
    try:
        totals = []
        for response in watch:
            if response.HasField("update"):
                words = {word.name: word.value for word in response.update.values.words}
                totals.append(words["some_total_us"].unsigned_value)
            if len(totals) == 3:
                break
        assert totals == sorted(set(totals))
    finally:
        watch.cancel()
        vm.sh(f"kill {' '.join(map(str, burners))}")
