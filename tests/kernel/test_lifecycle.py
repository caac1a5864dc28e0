# SPDX-License-Identifier: Apache-2.0
"""The kernel side comes and goes; the daemon and its streams stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon import Daemon, settle
from remote import Remote, Stream
from vm import Vm

LIVE, ENDED = 2, 3
READY, ABSENT, ABI_MISMATCH, QUIESCED = 1, 2, 3, 4


@pytest.fixture
def vm(make_vm: Callable[..., Vm], build_dir: Path, kernel: str) -> Iterator[Vm]:
    """A guest of its own for each test, with nothing loaded."""
    other_abi = build_dir / "kmod" / kernel / "tests/kchan_abi_mismatch.ko"
    with make_vm(core=False, files={f"/modules/{other_abi.name}": other_abi}) as guest:
        yield guest
        assert guest.kernel_warnings() == []


def load(vm: Vm, *names: str) -> None:
    for name in names or ("kchan", "kchan_sources"):
        vm.sh(f"insmod /modules/{name}.ko")


def update_to(stream: Stream, channel: str, state: int) -> None:
    stream.until(
        lambda response: response.HasField("channel_update")
        and response.channel_update.channel == channel
        and response.channel_update.state == state
    )


def test_runs_and_explains_itself_with_no_module(remote: Remote) -> None:
    status = settle(remote, lambda status: status.kernel_side == ABSENT)
    (problem,) = status.problems
    assert problem.subject == "kernel side"
    assert "kchan" in problem.remedy
    # What every kernel has is there all the same.
    assert {channel.provider for channel in remote.channels().values()} == {"kernel"}


def test_finds_a_module_that_is_loaded_later(vm: Vm, remote: Remote) -> None:
    settle(remote, lambda status: status.kernel_side == ABSENT)
    load(vm)
    status = settle(remote, lambda status: status.kernel_side == READY)
    assert status.node.module_abi == "1.0"
    settle(remote, lambda _: "tick" in remote.channels())


def test_refuses_a_module_of_another_abi_and_says_so(vm: Vm, remote: Remote) -> None:
    load(vm, "kchan_abi_mismatch")
    status = settle(remote, lambda status: status.kernel_side == ABI_MISMATCH)
    assert "2.0" in status.problems[0].description
    assert "1." in status.problems[0].description
    assert status.problems[0].remedy


def test_unloaded_provider_ends_its_channels_and_a_reload_is_a_new_epoch(
    vm: Vm, remote: Remote
) -> None:
    load(vm)
    settle(remote, lambda _: "tick" in remote.channels())
    remote.update("tick", rate_hz=1000)
    stream = remote.subscribe("tick")
    stream.take(100)

    vm.sh("rmmod kchan_sources")
    update_to(stream, "tick", ENDED)
    assert remote.channels()["tick"].state == ENDED

    load(vm, "kchan_sources")
    settle(remote, lambda _: remote.channels()["tick"].state != ENDED)
    remote.update("tick", rate_hz=1000)
    update_to(stream, "tick", LIVE)
    stream.take(100)

    first, second = stream.ledgers["tick"].values()
    assert first.balances() and second.balances()
    assert second.first == 1


def test_core_is_replaced_under_a_running_daemon(vm: Vm, daemon: Daemon, remote: Remote) -> None:
    load(vm)
    settle(remote, lambda _: "tick" in remote.channels())
    remote.update("tick", rate_hz=1000)
    stream = remote.subscribe("tick")
    stream.take(100)
    vm.sh("/usr/bin/kchand --quiesce-module")
    update_to(stream, "tick", ENDED)
    vm.sh("rmmod kchan_sources")
    vm.wait_for("rmmod kchan")
    settle(remote, lambda status: status.kernel_side == ABSENT)

    load(vm)
    settle(remote, lambda _: remote.channels()["tick"].state != ENDED)
    remote.update("tick", rate_hz=1000)
    stream.take(100)
    assert len(stream.ledgers["tick"]) == 2
    assert all(ledger.balances() for ledger in stream.ledgers["tick"].values())
    assert daemon.running()
