# SPDX-License-Identifier: Apache-2.0
"""Everything at once for a while: clients that come, stall and resume, a source
that floods, falls silent and is reloaded, a daemon that is hung up on and killed.
Numbers add up for each client, memory stays flat, nobody is stuck.

30 seconds here; scripts/soak runs ten minutes.
"""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from daemon import PORT, Daemon, settle
from tick import HARDIRQ, MIXED, PROCESS, SOFTIRQ
from vm import Vm

CLIENTS = 12
LOG_BYTES = 4 << 20
DAEMON_CONFIG = f'channels {{ glob: "tick*" log_max_bytes: {LOG_BYTES} }}\n'
# What gRPC, the allocator and a client that stalls may take beside the log.
SLACK_KB = 24 << 10


class Source:
    """tick, and what befalls it."""

    def __init__(self, vm: Vm, daemon: Daemon, lots: random.Random) -> None:
        self._vm = vm
        self._daemon = daemon
        self._lots = lots
        self.remote = daemon.remote()
        self.events: Counter[str] = Counter()

    def upset(self) -> None:
        kinds: list[tuple[int, Callable[[], None]]] = [
            (5, self.flood), (5, self.burst), (3, self.fall_silent), (4, self.run_steadily),
            (1, self.reload), (1, self.hang_up), (1, self.kill_daemon),
        ]  # fmt: skip
        (happens,) = self._lots.choices([k for _, k in kinds], [weight for weight, _ in kinds])
        self.events[happens.__name__] += 1
        happens()

    def flood(self) -> None:
        self._set(rate_hz=0, size=self._lots.choice([64, 1024]), context=MIXED, cpus=2)

    def burst(self) -> None:
        context = self._lots.choice([PROCESS, SOFTIRQ, HARDIRQ])
        self._set(rate_hz=20, burst=500, size=256, context=context, cpus=1)

    def run_steadily(self) -> None:
        self._set(rate_hz=1000, burst=1, size=self._lots.randint(64, 2048), context=PROCESS)

    def fall_silent(self) -> None:
        self._set(rate_hz=1, burst=1)

    def reload(self) -> None:
        # Not while the daemon opens a channel of it: it is tried until it goes.
        self._vm.wait_for("rmmod kchan_sources")
        self._vm.sh("insmod /modules/kchan_sources.ko")
        settle(self.remote, lambda _: "tick" in self.remote.channels())
        self.run_steadily()

    def hang_up(self) -> None:
        self._daemon.hang_up()

    def kill_daemon(self) -> None:
        self.remote.close()
        self._daemon.kill()
        self._daemon.start()
        self.remote = self._daemon.remote()
        settle(self.remote, lambda _: "tick" in self.remote.channels())

    def _set(self, **parameters: int) -> None:
        try:
            self.remote.update("tick", **({"cpus": 1, "checksum": 1} | parameters))
        except grpc.RpcError as error:
            # It may be going just now.
            assert error.code() in {
                grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.FAILED_PRECONDITION,
            }, error  # fmt: skip


class Memory:
    """The daemon's, sample by sample; a new process starts anew."""

    def __init__(self, vm: Vm, daemon: Daemon) -> None:
        self._vm = vm
        self._daemon = daemon
        self.peak_kb = 0
        self.samples: list[tuple[int, int, int]] = []  # pid, KiB, descriptors

    def sample(self) -> None:
        pid = self._daemon.pid
        text = self._vm.sh(
            f"grep VmRSS /proc/{pid}/status; ls /proc/{pid}/fd | wc -l", timeout=120
        ).stdout.split()
        self.samples.append((pid, int(text[1]), int(text[-1])))
        self.peak_kb = max(self.peak_kb, self.samples[-1][1])

    def of_last_process(self) -> list[tuple[int, int]]:
        return [(kb, fds) for pid, kb, fds in self.samples if pid == self.samples[-1][0]]


def reports(clients: subprocess.Popen[str]) -> list[dict[str, Any]]:
    output, _ = clients.communicate(timeout=180)
    assert clients.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


def test_soak(vm: Vm, daemon: Daemon, build_dir: Path, soak_seconds: int) -> None:
    lots = random.Random(20261126)
    source = Source(vm, daemon, lots)
    memory = Memory(vm, daemon)
    memory.sample()
    before_kb = memory.peak_kb
    clients = subprocess.Popen(
        [
            build_dir / "tests/soak/soak_clients", "--target", f"127.0.0.1:{vm.ports[PORT]}",
            "--clients", str(CLIENTS), "--seconds", str(soak_seconds),
        ],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    end = time.monotonic() + soak_seconds
    while time.monotonic() < end:
        source.upset()
        # What was upset is left to run for a while: that is the load.
        time.sleep(lots.uniform(0.2, 2))
        memory.sample()
    # Each client has a last life, which must see something new.
    source.run_steadily()
    seen = reports(clients)

    print(json.dumps({
        "seconds": soak_seconds, "events": source.events, "peak_kb": memory.peak_kb,
        "before_kb": before_kb, "lives": sum(client["lives"] for client in seen),
        "reconnects": sum(client["reconnects"] for client in seen),
        "records": sum(client["records"] for client in seen),
        "lost": sum((Counter(client["lost"]) for client in seen), Counter()),
    }))  # fmt: skip
    assert len(seen) == CLIENTS
    assert [client["violations"] for client in seen] == [[]] * CLIENTS
    assert [client["last_life"] for client in seen] == ["OK"] * CLIENTS
    assert all(client["records"] > 0 for client in seen)
    assert memory.peak_kb <= before_kb + (LOG_BYTES >> 10) + SLACK_KB
    # No stream is left behind, and what they held is given back.
    status = settle(source.remote, lambda status: status.subscriptions == 0)
    assert status.subscriptions == 0
    memory.sample()
    fds = [fds for _, fds in memory.of_last_process()]
    assert fds[-1] <= fds[0] + CLIENTS
