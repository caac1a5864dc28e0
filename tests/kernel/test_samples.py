# SPDX-License-Identifier: Apache-2.0
"""Each sample module does what its comment says, on its node and for a remote
client, and can be unloaded while it is read."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from daemon import Daemon, settle
from remote import Remote, Stream
from vm import Vm

LIVE, ENDED = 2, 3


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm]) -> Iterator[Vm]:
    with make_vm(available=["dummy"]) as guest:
        guest.sh(
            "grep -q ' /sys/kernel/debug ' /proc/mounts"
            " || mount -t debugfs none /sys/kernel/debug"
        )
        yield guest


@pytest.fixture(scope="module")
def daemon(vm: Vm, stubs: None) -> Iterator[Daemon]:
    with Daemon(vm) as running:
        yield running


@pytest.fixture(scope="module")
def remote(daemon: Daemon) -> Iterator[Remote]:
    with daemon.remote() as connection:
        yield connection


class Sample:
    """One sample, loaded while kchand runs; its channel, seen from outside."""

    def __init__(self, vm: Vm, remote: Remote, module: str, channel: str) -> None:
        self.vm = vm
        self.remote = remote
        self.module = module
        self.channel = channel
        vm.sh(f"insmod /modules/{module}.ko")
        settle(remote, lambda _: self.state() not in (None, ENDED))
        self.schema = remote.schema(channel) if module != "kchan_block" else None

    def state(self) -> int | None:
        channel = self.remote.channels().get(self.channel)
        return channel.state if channel else None

    def follow(self) -> Stream:
        stream = self.remote.subscribe(self.channel)
        settle(self.remote, lambda _: self.state() == LIVE)
        return stream

    def take(self, stream: Stream, count: int) -> list[dict[str, Any]]:
        assert self.schema is not None
        return [self.schema.decode(record) for _, record in stream.take(count)]

    def send(self, kind: str, payload: bytes) -> Any:
        assert self.schema is not None
        (answer,) = self.remote.publish(self.channel, self.schema.type_id(kind), [payload])
        return answer

    def unload(self, stream: Stream | None = None) -> None:
        """At any time, read or not."""
        self.vm.sh(f"rmmod {self.module}")
        settle(self.remote, lambda _: self.state() == ENDED)
        if stream is not None:
            ledgers = stream.ledgers.get(self.channel, {})
            assert all(ledger.balances() for ledger in ledgers.values())
            stream.cancel()


@pytest.fixture
def load(vm: Vm, remote: Remote) -> Iterator[Callable[[str, str], Sample]]:
    loaded: list[str] = []

    def one(module: str, channel: str) -> Sample:
        loaded.append(module)
        return Sample(vm, remote, module, channel)

    yield one
    for module in loaded:
        vm.sh(f"! test -e /sys/module/{module} || rmmod {module}")


def test_hello_says_hello_while_somebody_reads(load: Callable[[str, str], Sample]) -> None:
    hello = load("kchan_hello", "hello")
    assert hello.state() != LIVE
    stream = hello.follow()
    records = hello.take(stream, 3)
    assert [record["who"] for record in records] == ["world"] * len(records)
    assert [record["count"] for record in records] == list(range(1, len(records) + 1))
    hello.unload(stream)


def test_submit_adds_what_it_is_handed(load: Callable[[str, str], Sample]) -> None:
    submit = load("kchan_submit", "submit")
    assert submit.schema is not None
    stream = submit.follow()
    kind = submit.schema.type_id("sum")
    sums = [submit.schema.encode(kind, id=i, a=i, b=-2 * i) for i in range(1, 101)]
    answers = submit.remote.publish("submit", kind, sums)
    assert {answer.kernel_errno for answer in answers} == {0}
    results = submit.take(stream, 100)
    assert results == [{"id": i, "value": -i} for i in range(1, 101)]
    refused = submit.send("sum", submit.schema.encode(kind, a=1))
    assert "a sum needs an id" in refused.status.message
    submit.unload(stream)


def test_echo_says_what_it_is_told_to_all_who_listen(load: Callable[[str, str], Sample]) -> None:
    echo = load("kchan_echo", "echo")
    first, second = echo.follow(), echo.follow()
    assert echo.send("say", b"hello".ljust(64, b"\0")).kernel_errno == 0
    for stream in (first, second):
        (said,) = echo.take(stream, 1)
        assert (said["count"], said["uid"], said["text"]) == (1, 0, "hello")
        assert echo.vm.sh(f"cat /proc/{said['pid']}/comm").stdout == "kchand\n"
    second.cancel()
    assert "nothing to say" in echo.send("say", bytes(64)).status.message
    echo.unload(first)


def test_chardev_shouts_what_a_shell_says_and_back(load: Callable[[str, str], Sample]) -> None:
    shout = load("kchan_chardev", "shout")
    # For programs that know nothing of kchan, as its comment shows.
    shell = "exec 3<>/dev/kchan.shout; echo hello >&3; head -n 1 <&3"
    assert shout.vm.sh(shell).stdout == "HELLO\n"
    # Nobody reads any more once its linger is over; kchand does.
    stream = shout.follow()
    assert shout.send("say", b"from afar").kernel_errno == 0
    assert shout.take(stream, 1)[0]["text"] == "FROM AFAR"
    shout.vm.sh("echo from a shell > /dev/kchan.shout")
    assert shout.take(stream, 1)[0]["text"] == "FROM A SHELL\n"
    shout.unload(stream)
    assert shout.vm.sh("test -e /dev/kchan.shout", check=False).code != 0


def test_relay_samples_an_interrupt(load: Callable[[str, str], Sample]) -> None:
    relay = load("kchan_relay", "relay")
    stream = relay.follow()
    samples = relay.take(stream, 200)
    assert samples[-1]["count"] == stream.ledger("relay").last  # a lost one took a number
    assert all(sample["late_ns"] < 10e9 for sample in samples)
    # By hand, as root, with the channel enabled by somebody.
    assert relay.vm.sh("ls /sys/kernel/debug/kchan/relay").stdout == "cpu0\ncpu1\n"
    relay.unload(stream)
    assert relay.vm.sh("test -e /sys/kernel/debug/kchan/relay", check=False).code != 0


def test_value_follows_its_target_while_somebody_watches(
    load: Callable[[str, str], Sample],
) -> None:
    heater = load("kchan_value", "heater")
    values = "/sys/class/kchan/heater/values"
    heater.vm.sh(f"echo 3000 > {values}/target")
    # Who asks once has looked, too: from here on it heats.
    assert heater.remote.values("heater")["target"] == 3000
    watch = heater.remote.watch_values("heater")
    seen: list[tuple[int, bool]] = []
    for response in watch:
        if response.HasField("update"):
            words = {word.name: word.value for word in response.update.values.words}
            seen.append(
                (words["temperature"].signed_value, words["heating"].unsigned_value == 1)
            )
        if seen and seen[-1] == (3000, False):
            break
    # Both change together, or not at all.
    assert len(seen) > 1
    assert all(heats == (0 < temperature) for temperature, heats in seen[:-1])
    assert heater.vm.sh(f"cat {values}/temperature").stdout == "3000\n"
    assert heater.vm.sh(f"echo 90000 > {values}/target", check=False).code != 0
    assert heater.remote.values("heater")["target"] == 3000
    heater.unload()
    watch.cancel()


def test_block_repeats_the_first_block_louder(load: Callable[[str, str], Sample]) -> None:
    slate = load("kchan_block", "slate")
    # As its comment shows; the module has seen it when fsync() returns.
    slate.vm.sh("echo hello | dd of=/dev/kchan.slate bs=512 conv=sync,fsync oflag=direct")
    louder = "dd if=/dev/kchan.slate bs=512 skip=1 count=1 iflag=direct"
    assert slate.vm.sh(louder).stdout.startswith("HELLO\n")
    assert slate.remote.read_blocks("slate", 0, 1024).replace(b"\0", b"") == b"hello\nHELLO\n"
    slate.remote.write_blocks("slate", 0, b"from afar".ljust(512, b"\0"), flush=True)
    assert slate.vm.sh(louder).stdout.startswith("FROM AFAR")
    slate.unload()
    assert slate.vm.sh("test -e /dev/kchan.slate", check=False).code != 0


def test_file_keeps_which_modules_come_and_go(load: Callable[[str, str], Sample]) -> None:
    file = load("kchan_file", "file")
    stream = file.follow()
    assert file.send("mark", b"before the test".ljust(64, b"\0")).kernel_errno == 0
    file.vm.sh("modprobe dummy && rmmod dummy")
    marked, coming, live, going = file.take(stream, 4)
    assert marked == {"text": "before the test"}
    assert [each["state"] for each in (coming, live, going)] == ["coming", "live", "going"]
    assert {each["name"] for each in (coming, live, going)} == {"dummy"}
    assert "a mark needs a text" in file.send("mark", bytes(64)).status.message
    file.unload(stream)


def test_log_lets_three_of_five_lines_through_and_counts_the_others(
    load: Callable[[str, str], Sample],
) -> None:
    diary = load("kchan_log", "diary")
    stream = diary.follow()
    texts = [record["text"] for record in diary.take(stream, 6)]
    assert texts[:3] == [f"day 1, thought {i}" for i in (1, 2, 3)]
    assert stream.ledger("diary").lost["LOSS_STAGE_KERNEL_RING"] >= 2
    log = diary.vm.dmesg()
    assert "diary#1: day 1, thought 1" in log
    # The limit's second and the writer's are not the same one: which lines are withheld
    # depends on the machine's load, but each is there or counted.
    summary = re.search(r"diary: (\d+) lines withheld, up to #(\d+)", log)
    assert summary
    withheld, up_to = map(int, summary.groups())
    written = {int(number) for number in re.findall(r"diary#(\d+):", log)}
    assert len([number for number in written if number <= up_to]) + withheld == up_to
    diary.unload(stream)


def test_all_of_them_come_and_go_side_by_side(vm: Vm, remote: Remote) -> None:
    names = ("hello", "submit", "echo", "chardev", "relay", "value", "block", "file", "log")

    def come_and_go(name: str) -> None:
        for _ in range(3):
            vm.sh(f"insmod /modules/kchan_{name}.ko", timeout=60)
            vm.sh(f"rmmod kchan_{name}", timeout=60)

    stream = remote.subscribe("*")
    threads = [threading.Thread(target=come_and_go, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settle(
        remote,
        lambda _: not any(
            channel.provider == f"kchan_{name}" and channel.state != ENDED
            for channel in remote.channels().values()
            for name in names
        ),
    )
    stream.cancel()
