# SPDX-License-Identifier: Apache-2.0
"""kchand as a user without rights: each thing it does works with exactly the
capability that docs/confinement.md lists for it, and without that says what is
missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import pytest
from daemon import Daemon, settle
from records import Records
from vm import Vm

IDLE, LIVE, FAILED = 1, 2, 4

_SETPRIV = "/usr/bin/setpriv"
_IP = "/usr/bin/ip"
_USER = 1000
_RUN = "/tmp/run"
_LINUX_CAPABILITIES = {
    "chown": 0, "net_bind_service": 10, "net_admin": 12, "sys_admin": 21, "sys_resource": 24,
    "syslog": 34,
}  # fmt: skip
BASE = f'unix_sockets {{ directory: "{_RUN}" }}\n'


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm]) -> Iterator[Vm]:
    with make_vm(programs=[_SETPRIV, "/usr/sbin/ip"]) as guest:
        guest.sh("echo readers:x:77: >>/etc/group")
        guest.sh("echo 1 >/proc/sys/kernel/dmesg_restrict")
        # As udev's rule does for the group that the packages make.
        guest.sh(f"mkdir {_RUN} /tmp/spool && chown {_USER} {_RUN} /tmp/spool /dev/kchan")
        guest.sh(f"mkdir -p /run/netns && {_IP} netns add blue")
        yield guest


def run_with(*capabilities: str) -> str:
    """A command that runs another as a user with these, who can get no others."""
    names = ",".join(["-all", *(f"+{each}" for each in capabilities)])
    return (
        f"{_SETPRIV} --reuid {_USER} --regid {_USER} --clear-groups"
        f" --inh-caps {names} --ambient-caps {names} --bounding-set {names}"
    )


def capabilities(vm: Vm, pid: int) -> set[str]:
    (line,) = [
        line for line in vm.sh(f"cat /proc/{pid}/status").stdout.splitlines() if "CapPrm" in line
    ]
    bits = int(line.split()[1], 16)
    names = {name for name, bit in _LINUX_CAPABILITIES.items() if bits >> bit & 1}
    assert sum(1 << _LINUX_CAPABILITIES[name] for name in names) == bits
    return names


@pytest.fixture
def start(vm: Vm, stubs: None) -> Iterator[Callable[..., Daemon]]:
    """Starts kchand with these capabilities; it keeps them, and has no other."""
    started: list[Daemon] = []

    def make(config: str, *wanted: str) -> Daemon:
        daemon = Daemon(vm, config or BASE, run_by=run_with(*wanted))
        daemon.start()
        started.append(daemon)
        assert capabilities(vm, daemon.pid) == set(wanted)
        return daemon

    yield make
    for daemon in started:
        daemon.terminate()


def remedy(daemon: Daemon, channel: str) -> str:
    """What is to be done for a channel that fails."""
    with daemon.remote() as remote:
        stream = remote.subscribe(channel)
        settle(remote, lambda _: remote.channels()[channel].state == FAILED)
        found = [each.remedy for each in remote.status().problems if channel in each.subject]
        stream.cancel()
    return " ".join(found)


def test_the_modules_family(start: Callable[..., Daemon]) -> None:
    with start("", "net_admin").remote() as remote:
        stream = remote.subscribe("tick_genl")
        stream.until_live("tick_genl")
        assert remote.update("tick", linger_ms=100).linger_ms == 100
        stream.cancel()


def test_the_modules_family_without(start: Callable[..., Daemon]) -> None:
    daemon = start("")
    assert "CAP_NET_ADMIN" in remedy(daemon, "tick_genl")
    with daemon.remote() as remote, pytest.raises(grpc.RpcError) as refused:
        remote.update("tick", linger_ms=100)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert "CAP_NET_ADMIN" in refused.value.details()


def test_kernel_log(vm: Vm, start: Callable[..., Daemon]) -> None:
    daemon = start("", "syslog")
    with daemon.remote() as remote, Records(remote, "kmsg") as log:
        log.stream.until_live("kmsg")
        vm.sh("echo 'for a user' >/dev/kmsg")
        log.find(lambda record: record["text"] == "for a user")


def test_kernel_log_without(start: Callable[..., Daemon]) -> None:
    assert "CAP_SYSLOG" in remedy(start(""), "kmsg")


_BLUE = f'{BASE} netlink {{ network_namespaces {{ name: "blue" path: "/run/netns/blue" }} }}'


def test_network_namespaces(vm: Vm, start: Callable[..., Daemon]) -> None:
    channel = "netlink/nlctrl/notify@blue"
    with start(_BLUE, "sys_admin").remote() as remote:
        settle(remote, lambda _: channel in remote.channels())
        stream = remote.subscribe(channel)
        stream.until_live(channel)
        stream.cancel()


def test_network_namespaces_without(start: Callable[..., Daemon]) -> None:
    with start(_BLUE).remote() as remote:
        status = settle(
            remote, lambda status: any("blue" in each.subject for each in status.problems)
        )
        (problem,) = [each for each in status.problems if "blue" in each.subject]
        assert "CAP_SYS_ADMIN" in problem.remedy


_READERS = f'unix_sockets {{ directory: "{_RUN}" read {{ group: "readers" }} }}'


def test_group_of_a_socket(vm: Vm, start: Callable[..., Daemon]) -> None:
    start(_READERS, "chown")
    assert vm.sh(f"stat -c %g {_RUN}/read.sock").stdout == "77\n"


_WEB = f'{BASE} metrics {{ address: "127.0.0.1:80" }}'


def test_low_port(vm: Vm, start: Callable[..., Daemon]) -> None:
    start(_WEB, "net_bind_service")
    assert "kchan_build_info" in vm.sh("wget -q -O - http://127.0.0.1:80/metrics").stdout


@pytest.mark.parametrize(
    ("config", "missing"), [(_READERS, "CAP_CHOWN"), (_WEB, "CAP_NET_BIND_SERVICE")]
)
def test_what_it_cannot_start_without_it_names(vm: Vm, config: str, missing: str) -> None:
    vm.push(config.encode(), "/tmp/wanting.textproto")
    done = vm.sh(f"{run_with()} /usr/bin/kchand --config /tmp/wanting.textproto", check=False)
    assert done.code == 1
    assert missing in done.stdout + done.stderr


_ANYBODY = f"""{BASE}
value_files {{ name: "mtu" path: "/sys/class/net/lo/mtu" }}
spool {{ directory: "/tmp/spool" }}
channels {{ glob: "uevent" spool {{ }} }}
"""


def test_the_rest_needs_none(vm: Vm, start: Callable[..., Daemon]) -> None:
    with start(_ANYBODY).remote() as remote:
        with Records(remote, "exec") as execs:
            execs.stream.until_live("exec")
            vm.sh(f"{_IP} link")
            execs.find(lambda record: record["comm"] == "ip")
        assert remote.text("mtu").strip() == "65536"
        with Records(remote, "uevent") as uevents:
            uevents.stream.until_live("uevent")
            vm.sh("echo change >/sys/devices/virtual/net/lo/uevent")
            uevents.find(lambda record: record["devpath"] == "/devices/virtual/net/lo")
        settle(remote, lambda status: status.spool_bytes > 0)
        stream = remote.subscribe("netlink/nlctrl/notify")
        stream.until_live("netlink/nlctrl/notify")
        stream.cancel()
