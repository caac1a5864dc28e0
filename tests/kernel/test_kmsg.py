# SPDX-License-Identifier: Apache-2.0
"""The kernel log of a node, read and written from afar."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from daemon import Daemon, settle
from records import Records
from remote import Remote
from vm import Vm

LIVE, FAILED = 2, 4

_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_LINE = 2
_SETPRIV = "/usr/bin/setpriv"
DAEMON_CONFIG = "kernel_log { publish: true }"


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm]) -> Iterator[Vm]:
    # A kernel log of 256 KiB, that a test can fill, and none of our modules.
    with make_vm(core=False, programs=[_SETPRIV], append="log_buf_len=256K") as guest:
        guest.sh("echo on > /proc/sys/kernel/printk_devkmsg")
        yield guest


def says(text: str) -> Callable[[dict[str, Any]], bool]:
    return lambda record: record.get("text") == text


def write_kmsg(vm: Vm, text: str, priority: int = 14) -> None:
    vm.sh(f"printf '<{priority}>%s\\n' '{text}' > /dev/kmsg")


def flood(vm: Vm, count: int) -> None:
    text = "of many lines that fill a log of a small size quite soon"
    vm.sh(
        f'i=0; while [ $i -lt {count} ]; do i=$((i+1)); echo "<14>$i {text}"; done > /dev/kmsg',
        timeout=120,
    )


def line(text: str, level: int = 0, facility: int = 0) -> bytes:
    return bytes([level, facility]) + text.encode()


def test_kmsg_is_the_kernel_log_from_its_first_record_on(vm: Vm, remote: Remote) -> None:
    with Records(remote, "kmsg", oldest=True) as log:
        first = log.find(lambda _: True)
        assert first["sequence"] == 0
        assert (first["level"], first["facility"]) == ("notice", "kern")
        assert first["text"].startswith("Linux version 6.")
        # What a driver says of its device comes with its name.
        driver = log.find(lambda record: "SUBSYSTEM=pci\n" in record["dictionary"])
        assert "DEVICE=+pci:0000:00:" in driver["dictionary"]
        assert " 0000:00:" in driver["text"]


def test_kmsg_tells_each_level_and_facility(vm: Vm, remote: Remote) -> None:
    facilities = {1: "user", 3: "daemon", 4: "auth", 10: "authpriv", 16: "local0", 23: "local7"}
    with Records(remote, "kmsg", oldest=True) as log:
        for level, (number, name) in itertools.product(range(8), facilities.items()):
            text = f"test of {name} {level}"
            write_kmsg(vm, text, number << 3 | level)
            record = log.find(says(text))
            assert (record["level"], record["facility"]) == (_LEVELS[level], name)


def test_kmsg_unescapes_and_keeps_lines_together(vm: Vm, remote: Remote) -> None:
    with Records(remote, "kmsg", oldest=True) as log:
        write_kmsg(vm, "gr\xfcn \\ and\ttab")
        record = log.find(lambda record: record["text"].startswith("gr"))
        assert record["text"] == "gr\xfcn \\ and\ttab"


def test_kmsg_that_was_overwritten_is_one_loss_with_the_exact_count(
    vm: Vm, daemon: Daemon, remote: Remote
) -> None:
    with Records(remote, "kmsg", oldest=True) as log:
        write_kmsg(vm, "before the flood")
        before = log.find(says("before the flood"))
        count = 6000
        with daemon.stopped():
            flood(vm, count)
            write_kmsg(vm, "after the flood")
        seen = log.through(says("after the flood"))
        after = seen[-1]
        # No more than the kernel still had, and the rest by its own numbers.
        (loss,) = log.losses
        assert 0 < len(seen) < count
        assert loss.count == after["sequence"] - before["sequence"] - len(seen)
        assert loss.first_sequence == before["sequence"] + 2  # a number is the kernel's plus one
        assert log.stream.ledger("kmsg").lost.keys() == {"LOSS_STAGE_KERNEL_RING"}
        assert [record["sequence"] for record in seen] == list(
            range(seen[0]["sequence"], after["sequence"] + 1)
        )
        # The stream goes on.
        write_kmsg(vm, "and on")
        assert log.find(says("and on"))["sequence"] == after["sequence"] + 1
        assert log.stream.ledger("kmsg").balances()


def test_kmsg_loses_nothing_for_a_reader_that_is_slow(vm: Vm, remote: Remote) -> None:
    with Records(remote, "kmsg", oldest=True) as slow, Records(remote, "kmsg", oldest=True) as fast:
        write_kmsg(vm, "begin")
        begin = fast.find(says("begin"))
        # More than the kernel keeps, in turns that kchand can follow; the slow one
        # reads nothing meanwhile.
        for turn in range(12):
            flood(vm, 500)
            write_kmsg(vm, f"turn {turn}")
            end = fast.find(says(f"turn {turn}"))
        assert fast.losses == []
        slow.find(says("begin"))
        assert len(slow.through(says("turn 11"))) == end["sequence"] - begin["sequence"]
        assert slow.losses == []


def test_a_line_is_written_where_it_is_allowed(vm: Vm, remote: Remote) -> None:
    with Records(remote, "kmsg", oldest=True) as log:
        (answer,) = remote.publish("kmsg", _LINE, [line("from afar", level=3, facility=16)])
        assert (answer.status.code, answer.kernel_errno) == (0, 0)
        record = log.find(says("kchand: from afar"))
        assert (record["level"], record["facility"]) == ("err", "local0")
        # Nobody writes as the kernel, whatever a text begins with.
        (answer,) = remote.publish("kmsg", _LINE, [line("<0>a\n<0>b")])
        assert answer.status.code == 0
        record = log.find(says("kchand: <0>a?<0>b"))
        assert (record["level"], record["facility"]) == ("info", "user")


def test_lines_beyond_the_kernels_limit_are_refused_not_ignored(vm: Vm, remote: Remote) -> None:
    vm.sh("echo ratelimit > /proc/sys/kernel/printk_devkmsg")
    try:
        answers = remote.publish("kmsg", _LINE, [line(f"limit {i}") for i in range(12)])
    finally:
        vm.sh("echo on > /proc/sys/kernel/printk_devkmsg")
    taken = [answer for answer in answers if answer.status.code == 0]
    assert 0 < len(taken) <= 10
    assert "10 lines in 5 s" in answers[-1].status.message
    with Records(remote, "kmsg", oldest=True) as log:
        log.find(says(f"kchand: limit {len(taken) - 1}"))


def test_where_lines_are_not_allowed_they_are_refused_with_the_reason(
    vm: Vm, stubs: None
) -> None:
    daemon = Daemon(vm, "kernel_log { publish: false }")
    daemon.start()
    try:
        with daemon.remote() as remote:
            (answer,) = remote.publish("kmsg", _LINE, [line("x")])
            assert answer.status.code == grpc.StatusCode.PERMISSION_DENIED.value[0]
            assert "kernel_log { publish: true }" in answer.status.message
    finally:
        daemon.terminate()


def test_a_kernel_log_that_may_not_be_read_fails_with_a_remedy(vm: Vm, stubs: None) -> None:
    vm.sh("echo 1 > /proc/sys/kernel/dmesg_restrict")
    daemon = Daemon(vm, "", run_by=f"{_SETPRIV} --bounding-set=-syslog,-sys_admin")
    daemon.start()
    try:
        with daemon.remote() as remote:
            stream = remote.subscribe("kmsg")
            settle(remote, lambda _: remote.channels()["kmsg"].state == FAILED)
            (problem,) = [
                each for each in remote.status().problems if each.subject == "channel kmsg"
            ]
            assert "CAP_SYSLOG" in problem.remedy
            vm.sh("echo 0 > /proc/sys/kernel/dmesg_restrict")
            # By itself, at its next try.
            settle(remote, lambda _: remote.channels()["kmsg"].state == LIVE, seconds=60)
            stream.cancel()
    finally:
        vm.sh("echo 1 > /proc/sys/kernel/dmesg_restrict")
        daemon.terminate()
