# SPDX-License-Identifier: Apache-2.0
"""Each source tells the truth about something that the test makes happen."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest
from daemon import Daemon
from remote import Remote
from vm import Vm

VM = {
    "disk_mb": 16,
    "available": ["dummy", "sch_netem", "null_blk"],
    "programs": ["/usr/sbin/ip", "/usr/sbin/tc", "/usr/bin/xz"],
}

NOBODY = 65534


@pytest.fixture(scope="module")
def daemon(vm: Vm, stubs: None) -> Iterator[Daemon]:
    with Daemon(vm) as running:
        yield running


@pytest.fixture(scope="module")
def remote(daemon: Daemon) -> Iterator[Remote]:
    with daemon.remote() as connection:
        yield connection


class Watch:
    """The records of one channel from now on, decoded."""

    def __init__(self, remote: Remote, channel: str) -> None:
        self._schema = remote.schema(channel)
        self._stream = remote.subscribe(channel)
        self._stream.until_live(channel)
        self._pending: deque[dict[str, Any]] = deque()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.cancel()

    def records(self, seconds: float = 60) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while True:
            while self._pending:
                yield self._pending.popleft()
            left = deadline - time.monotonic()
            batch = self._stream.until(lambda response: response.HasField("batch"), left).batch
            self._pending.extend(self._schema.decode(record) for record in batch.records)

    def find(self, **expected: Any) -> dict[str, Any]:
        """The first record with these values; those before it are let go."""
        return next(
            record for record in self.records() if expected.items() <= record.items()
        )


def inode(vm: Vm, path: str) -> int:
    return int(vm.sh(f"stat -L -c %i {path}").stdout)


def program(vm: Vm, name: str, body: str = "exit 0") -> str:
    """A program in the guest that is called `name`."""
    path = f"/tmp/{name}"
    vm.push(f"#!/bin/sh\n{body}\n".encode(), path, mode=0o755)
    return path


def run(vm: Vm, path: str, before: str = ":") -> int:
    """Runs a program to its end, whatever that is; its pid."""
    return int(vm.sh(f"{before}; sh -c 'echo $$; exec {path}'; true").stdout)


def until_both_rings_are_read(vm: Vm, watch: Watch) -> list[dict[str, Any]]:
    """All records of processes that were made before this call.

    One marker runs on each processor: what its ring held before it has been
    read when it is seen. Order holds within a ring only.
    """
    marks = {program(vm, f"mark-{mask}").rsplit("/", 1)[1] for mask in (1, 2)}
    for mask in (1, 2):
        vm.sh(f"taskset {mask} /tmp/mark-{mask}")
    seen = []
    for record in watch.records():
        marks.discard(record["comm"])
        if not marks:
            return seen
        seen.append(record)
    raise AssertionError("unreachable")


def test_every_source_is_registered_with_a_documented_schema(remote: Remote, vm: Vm) -> None:
    wanted = {
        "tick", "tick_shared", "tick_genl", "exec", "exit", "fork", "oom_kill", "netdev",
        "sock_state", "tcp_retransmit", "block_io",
    }  # fmt: skip
    assert wanted <= remote.channels().keys(), vm.dmesg()
    for channel in wanted:
        for kind in remote.schema(channel).types.values():
            assert kind.documentation
            assert all(member.documentation for member in kind.fields), kind.name


def test_exec_names_the_program_and_who_runs_it(vm: Vm, remote: Remote) -> None:
    path = program(vm, "exec-probe")
    with Watch(remote, "exec") as watch:
        pid = run(vm, path, before="mkdir -p /sys/fs/cgroup/probe")
        record = watch.find(filename=path)
        assert record["pid"] == record["tgid"] == record["ns_pid"] == record["old_pid"] == pid
        assert record["comm"] == "exec-probe"
        assert (record["uid"], record["gid"], record["euid"], record["egid"]) == (0, 0, 0, 0)
        assert record["pid_ns"] == inode(vm, "/proc/1/ns/pid")
        assert record["net_ns"] == inode(vm, "/proc/1/ns/net")
        assert record["ppid"] > 1
        uptime_ns = float(vm.sh("cut -d' ' -f1 /proc/uptime").stdout) * 1e9
        assert 0 < uptime_ns - record["start_boottime_ns"] < 30e9


def test_exec_tells_user_cgroup_and_namespaces(vm: Vm, remote: Remote) -> None:
    path = program(vm, "exec-elsewhere")
    vm.sh("mkdir -p /sys/fs/cgroup/probe")
    with Watch(remote, "exec") as watch:
        own_net_ns = vm.sh(
            "echo $$ >/sys/fs/cgroup/probe/cgroup.procs; unshare -n -p -f"
            f" sh -c 'stat -L -c %i /proc/self/ns/net; exec su -s {path} nobody'"
        ).stdout
        record = watch.find(filename=path)
        assert (record["uid"], record["euid"]) == (NOBODY, NOBODY)
        assert record["cgroup_id"] == inode(vm, "/sys/fs/cgroup/probe")
        assert record["net_ns"] == int(own_net_ns)
        assert record["pid_ns"] != inode(vm, "/proc/1/ns/pid")
        assert record["ns_pid"] < record["pid"]


def test_exec_gives_a_long_path_whole(vm: Vm, remote: Remote) -> None:
    folder = "/tmp/" + "/".join(["long" * 60] * 10)
    vm.sh(f"mkdir -p {folder}")
    path = program(vm, f"{folder[5:]}/program")
    with Watch(remote, "exec") as watch:
        vm.sh(path)
        assert watch.find(comm="program")["filename"] == path


def test_exit_tells_code_and_duration(vm: Vm, remote: Remote) -> None:
    path = program(vm, "exit-probe", "read line </proc/uptime; exit 42")
    with Watch(remote, "exit") as watch:
        pid = run(vm, path)
        record = watch.find(pid=pid, comm="exit-probe")
        assert (record["exit_code"], record["signal"]) == (42, "none")
        assert record["core_dumped"] is False
        assert 0 < record["duration_ns"] < 30e9
        assert record["tgid"] == record["ns_pid"] == pid


@pytest.mark.parametrize("signal", ["TERM", "KILL", "SEGV"])
def test_exit_tells_the_signal(vm: Vm, remote: Remote, signal: str) -> None:
    path = program(vm, f"by-{signal}", f"kill -{signal} $$")
    with Watch(remote, "exit") as watch:
        pid = run(vm, path)
        record = watch.find(pid=pid)
        assert (record["signal"], record["exit_code"]) == (f"SIG{signal}", 0)


def test_process_with_threads_has_one_exit(vm: Vm, remote: Remote) -> None:
    remote.update("fork", threads=1)
    try:
        with Watch(remote, "fork") as forks, Watch(remote, "exit") as exits:
            compress = "/usr/bin/xz -0 -T 4 --block-size=64KiB"
            pid = int(
                vm.sh(
                    "head -c 4000000 /dev/zero >/tmp/zeros;"
                    f"sh -c 'echo $$; exec {compress} -c </tmp/zeros >/dev/null'"
                ).stdout
            )
            thread = forks.find(tgid=pid, parent_tgid=pid)
            assert thread["pid"] != pid
            ends = [record for record in until_both_rings_are_read(vm, exits)
                    if record["tgid"] == pid]  # fmt: skip
            assert [(end["pid"], end["comm"], end["exit_code"]) for end in ends] == [(pid, "xz", 0)]

            # All of its threads die at once.
            killed = vm.spawn(f"{compress} -c </dev/zero >/dev/null")
            forks.find(tgid=killed, parent_tgid=killed)
            vm.sh(f"kill -9 {killed}")
            vm.wait_for(f"! test -e /proc/{killed}")
            ends = [record for record in until_both_rings_are_read(vm, exits)
                    if record["tgid"] == killed]  # fmt: skip
            assert [(end["pid"], end["signal"]) for end in ends] == [(killed, "SIGKILL")]
    finally:
        remote.update("fork", threads=0)


def test_fork_tells_child_and_parent(vm: Vm, remote: Remote) -> None:
    path = program(vm, "fork-probe", "(read line </proc/uptime) & echo $!; wait")
    with Watch(remote, "fork") as watch:
        pid, child = map(int, vm.sh(f"sh -c 'echo $$; exec {path}'").stdout.split())
        record = watch.find(pid=child)
        assert (record["parent_pid"], record["parent_tgid"], record["ppid"]) == (pid, pid, pid)
        assert record["comm"] == record["parent_comm"] == "fork-probe"
        assert record["tgid"] == child


def test_netdev_tells_a_device_s_life(vm: Vm, remote: Remote) -> None:
    vm.sh("modprobe dummy numdummies=0")
    ip = "/usr/bin/ip"
    with Watch(remote, "netdev") as watch:
        vm.sh(
            f"{ip} link add probe0 type dummy && {ip} link set probe0 name probe1 &&"
            f"{ip} link set probe1 address 02:00:00:00:be:ef && {ip} link set probe1 mtu 1400 &&"
            f"{ip} link set probe1 up"
        )
        index = int(vm.sh("cat /sys/class/net/probe1/ifindex").stdout)
        vm.sh(f"{ip} link set probe1 down && {ip} link del probe1")

        register = watch.find(action="register", name="probe0")
        assert (register["ifindex"], register["mtu"], register["device_type"]) == (index, 1500, 1)
        assert register["net_ns"] == inode(vm, "/proc/1/ns/net")
        assert register["old_name"] == ""
        assert watch.find(action="rename", ifindex=index, old_name="probe0")["name"] == "probe1"
        assert watch.find(action="address", ifindex=index)["mac"] == "02:00:00:00:be:ef"
        assert watch.find(action="mtu", ifindex=index)["mtu"] == 1400
        up = watch.find(action="up", ifindex=index)
        assert up["flags"] & 1
        assert not watch.find(action="down", ifindex=index)["flags"] & 1
        gone = watch.find(action="unregister", ifindex=index)
        assert (gone["name"], gone["mac"]) == ("probe1", "02:00:00:00:be:ef")


def test_netdev_tells_no_old_news(vm: Vm, remote: Remote) -> None:
    vm.sh("modprobe dummy numdummies=0; /usr/bin/ip link add probe2 type dummy")
    with Watch(remote, "netdev") as watch:
        vm.sh("/usr/bin/ip link set lo mtu 60000 && /usr/bin/ip link set probe2 name probe3")
        # The first record is news: not one of the devices that exist.
        assert next(watch.records())["action"] in ("unregister", "register", "mtu")
        # A device that was there before the channel was read has an old name too.
        assert watch.find(action="rename", name="probe3")["old_name"] == "probe2"
    vm.sh("/usr/bin/ip link del probe3; /usr/bin/ip link set lo mtu 65536")


def test_sock_state_tells_a_connection_s_life(vm: Vm, remote: Remote) -> None:
    port = 7000
    with Watch(remote, "sock_state") as watch:
        listener = vm.spawn(f"nc -l -p {port} -e true")
        vm.wait_for(f"netstat -ltn | grep -q :{port}")
        vm.sh(f"nc 127.0.0.1 {port} </dev/null; true")
        vm.wait_for(f"! test -e /proc/{listener}")

        listen = watch.find(source_port=port, new_state="listen")
        assert (listen["old_state"], listen["protocol"]) == ("close", "tcp")
        begun = watch.find(destination_port=port, new_state="syn_sent")
        assert begun["family"] == "inet"
        assert begun["destination"] == "127.0.0.1"
        assert begun["net_ns"] == inode(vm, "/proc/1/ns/net")
        assert begun["uid"] == 0
        made = watch.find(destination_port=port, new_state="established")
        assert (made["old_state"], made["source"]) == ("syn_sent", "127.0.0.1")
        watch.find(destination_port=port, new_state="close")


def test_sock_state_tells_ipv6_addresses_and_owner(vm: Vm, remote: Remote) -> None:
    port = 7001
    with Watch(remote, "sock_state") as watch:
        # Nobody listens: the connection is refused.
        vm.sh(f"su -s {program(vm, 'call', f'nc ::1 {port}')} nobody", check=False)
        begun = watch.find(destination_port=port, new_state="syn_sent")
        assert (begun["family"], begun["destination"]) == ("inet6", "::1")
        assert begun["uid"] == NOBODY


def test_tcp_retransmit_tells_a_connection_that_nobody_answers(vm: Vm, remote: Remote) -> None:
    port = 7002
    vm.sh("modprobe dummy numdummies=0; /usr/bin/ip link add void type dummy")
    vm.sh("/usr/bin/ip addr add 10.99.0.1/24 dev void && /usr/bin/ip link set void up")
    with Watch(remote, "tcp_retransmit") as watch:
        caller = vm.spawn(f"nc 10.99.0.2 {port}")
        record = watch.find(destination_port=port)
        assert (record["source"], record["destination"]) == ("10.99.0.1", "10.99.0.2")
        assert record["state"] == "syn_sent"
        assert record["segment_bytes"] == 1
        assert record["total_retransmits"] == 1
        again = watch.find(destination_port=port)
        assert again["tcp_sequence"] == record["tcp_sequence"]
        assert again["total_retransmits"] == 2
        assert again["timeouts"] == record["timeouts"] + 1
        vm.sh(f"kill {caller}")
    vm.sh("/usr/bin/ip link del void")


def test_tcp_retransmit_tells_data_that_is_not_acknowledged(vm: Vm, remote: Remote) -> None:
    port = 7003
    vm.sh("touch /tmp/typed")
    vm.spawn(f"nc -l -p {port} -e sh -c 'cat >/tmp/heard'")
    vm.wait_for(f"netstat -ltn | grep -q :{port}")
    vm.spawn(f"tail -f /tmp/typed | nc 127.0.0.1 {port}")
    vm.wait_for(f"netstat -tn | grep -q '127.0.0.1:{port}.*ESTABLISHED'")
    with Watch(remote, "tcp_retransmit") as watch:
        vm.sh("modprobe sch_netem && /usr/bin/tc qdisc add dev lo root netem loss 100%")
        try:
            vm.sh("printf 12345 >>/tmp/typed")
            record = watch.find(destination_port=port)
            assert (record["state"], record["segment_bytes"]) == ("established", 5)
            assert record["congestion_window"] > 0
        finally:
            vm.sh("/usr/bin/tc qdisc del dev lo root")
    vm.wait_for("grep -q 12345 /tmp/heard")
    vm.sh("killall tail")


def test_block_io_tells_a_write_and_its_latency(vm: Vm, remote: Remote) -> None:
    major, minor = map(int, vm.sh("cat /sys/block/vda/dev").stdout.split(":"))
    with Watch(remote, "block_io") as watch:
        vm.sh("dd if=/dev/zero of=/dev/vda bs=4096 seek=8 count=1 oflag=direct")
        record = watch.find(operation="write", sector=64)
        assert (record["major"], record["minor"], record["disk"]) == (major, minor, "vda")
        assert (record["bytes"], record["error"]) == (4096, 0)
        assert record["latency_known"] is True
        assert record["partial"] is False
        assert 0 < record["latency_ns"] < 10e9

        vm.sh("dd if=/dev/vda of=/dev/null bs=8192 skip=2 count=1 iflag=direct")
        assert watch.find(operation="read", sector=32)["bytes"] == 8192


def test_block_io_tells_an_error(vm: Vm, remote: Remote) -> None:
    vm.sh(
        "modprobe null_blk nr_devices=0; mount -t configfs none /sys/kernel/config;"
        "cd /sys/kernel/config/nullb && mkdir nullb0 && cd nullb0 && echo 1 >memory_backed &&"
        "echo 8 >size && echo +16-23 >badblocks && echo 1 >power"
    )
    disk = "nullb0"
    with Watch(remote, "block_io") as watch:
        dd = f"dd if=/dev/{disk} of=/dev/null bs=4096 count=1 iflag=direct"
        assert vm.sh(f"{dd} skip=2", check=False).code != 0
        assert watch.find(disk=disk, sector=16)["error"] == -5
        vm.sh(f"{dd} skip=3")
        assert watch.find(disk=disk, sector=24)["error"] == 0


def test_oom_kill_tells_the_victim_and_its_memory(vm: Vm, remote: Remote) -> None:
    group, bound = "/sys/fs/cgroup/tight", 16 << 20
    vm.sh(
        f"echo +memory >/sys/fs/cgroup/cgroup.subtree_control; mkdir {group};"
        f"echo {bound} >{group}/memory.max; echo 200 >/proc/self/oom_score_adj"
    )
    with Watch(remote, "oom_kill") as kills, Watch(remote, "exit") as exits:
        pid = int(
            vm.sh(
                f"sh -c 'echo $$ >{group}/cgroup.procs; echo 200 >/proc/self/oom_score_adj;"
                " echo $$; exec tail -c 100000000 /dev/zero'",
                check=False,
            ).stdout
        )
        record = kills.find(pid=pid)
        assert (record["comm"], record["uid"], record["oom_score_adj"]) == ("tail", 0, 200)
        assert record["memcg_id"] == record["cgroup_id"] == inode(vm, group)
        assert bound // 2 < record["anon_rss_bytes"] <= bound
        assert record["total_vm_bytes"] > record["anon_rss_bytes"]
        assert record["page_table_bytes"] > 0
        assert exits.find(pid=pid)["signal"] == "SIGKILL"


def test_all_sources_can_be_unloaded_while_they_are_read(vm: Vm, remote: Remote) -> None:
    """Last: afterwards there are no sources."""
    ended = 3
    channels = [name for name, channel in remote.channels().items()
                if channel.provider == "kchan_sources"]  # fmt: skip
    assert len(channels) == 11
    # One at full speed: three would leave the guest no time for the rmmod.
    remote.update("tick", rate_hz=0, context=3, cpus=2)
    for name in ("tick_shared", "tick_genl"):
        remote.update(name, rate_hz=1000, context=3, cpus=2)
    stream = remote.subscribe(*channels)
    stream.take(10000)
    vm.sh("rmmod kchan_sources")
    left = set(channels)

    def all_ended(response: Any) -> bool:
        update = response.channel_update if response.HasField("channel_update") else None
        if update and update.state == ended:
            left.discard(update.channel)
        return not left

    stream.until(all_ended)
    for channel, ledgers in stream.ledgers.items():
        assert all(ledger.balances() for ledger in ledgers.values()), channel
