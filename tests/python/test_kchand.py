# SPDX-License-Identifier: Apache-2.0
"""The package against kchand itself, on this very kernel: without the module,
its channel is the kernel log."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import kchan
from kchan.v1 import channel_pb2, node_service_pb2

FAST = kchan.Backoff(initial_s=0.01, max_s=0.1)


class Daemon:
    def __init__(self, program: Path, folder: Path) -> None:
        self._command = [program, "--config", folder / "config"]
        (folder / "config").write_text(f'unix_sockets {{ directory: "{folder}" }}\n')
        self.read = f"unix:{folder}/read.sock"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if "serving unix:" in line and "control.sock" in line:
                return
        raise AssertionError(f"kchand ended with {self._process.wait()}")

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def daemon(build_dir: Path, tmp_path: Path) -> Iterator[Daemon]:
    running = Daemon(build_dir / "bridge/kchand", tmp_path)
    yield running
    running.kill()


def kernel_log(client: kchan.Client) -> None:
    """Skips where there is none to read, as in a container without /dev/kmsg."""
    with client.subscribe("kmsg"):
        state = client.channel("kmsg")
    if state.state == channel_pb2.CHANNEL_STATE_FAILED:
        pytest.skip(f"the kernel log cannot be read here: {state.state_reason}")


def test_it_says_that_the_module_is_missing_and_what_to_do(daemon: Daemon) -> None:
    with kchan.Client(daemon.read) as client:
        status = client.status()
    if status.kernel_side == node_service_pb2.KERNEL_SIDE_READY:
        pytest.skip("the module is loaded")
    assert [problem.remedy for problem in status.problems if problem.remedy]


def test_the_kernel_log_is_decoded(daemon: Daemon) -> None:
    with kchan.Client(daemon.read) as client:
        kernel_log(client)
        items = iter(client.subscribe("kmsg", start=kchan.Oldest()))
        record = next(item for item in items if isinstance(item, kchan.Record))
        assert isinstance(record["text"], str)
        assert record["level"] in "emerg alert crit err warning notice info debug".split()
        assert record.sequence == record["sequence"] + 1


def test_a_killed_daemons_successor_goes_on_exactly(daemon: Daemon) -> None:
    with kchan.Client(daemon.read) as client:
        kernel_log(client)
        with client.subscribe(
            "kmsg", start=kchan.Oldest(), backoff=FAST, max_batch_bytes=4096
        ) as subscription:
            deliveries = subscription.deliveries()
            first = next(one for one in deliveries if isinstance(one, kchan.Batch))
            daemon.kill()
            assert any(isinstance(one, kchan.Disconnected) for one in deliveries)
            daemon.start()
            at, epoch = first.last_sequence, first.epoch
            for one in deliveries:
                if isinstance(one, kchan.Batch):
                    assert (one.epoch, one.first_sequence) == (epoch, at + 1)
                    at = one.last_sequence
                if isinstance(one, kchan.HistoryEnd):
                    break
            assert subscription.totals.balance()
