# SPDX-License-Identifier: Apache-2.0
"""The daemon that is attacked, and one who is served by it meanwhile."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from attacks import Address

MIB = 1 << 20
# Far below what unbounded growth reaches in that time; far above noise.
_MAX_GROWTH = 400 * MIB
# Somebody who asks meanwhile, on a machine that the attacker shares.
MAX_WAIT = 5.0


def stubs() -> Any:
    from kchan.v1 import channel_service_pb2_grpc, node_service_pb2_grpc

    return channel_service_pb2_grpc, node_service_pb2_grpc


@dataclass
class Kchand:
    """A running daemon."""

    pid: int
    address: Address  # for whoever comes
    tls_address: Address  # for those with a certificate
    socket: str
    log: Path
    is_overrun: bool = False  # then it may have to end by force, with status 3

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise AssertionError("kchand has ended")

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel("{}:{}".format(*self.address))


@dataclass
class Bystander:
    """One who asks for the node's status all the time, over the Unix socket."""

    kchand: Kchand
    waits: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    most_bytes: int = 0

    def __enter__(self) -> Bystander:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        from kchan.v1 import node_service_pb2

        _, services = stubs()
        with grpc.insecure_channel(self.kchand.socket) as channel:
            node = services.NodeServiceStub(channel)
            while not (self.waits and self._stop.wait(0.01)):
                begin = time.monotonic()
                try:
                    node.GetStatus(node_service_pb2.GetStatusRequest(), timeout=10)
                except grpc.RpcError as error:
                    self.failures.append(str(error))
                self.waits.append(time.monotonic() - begin)
                self.most_bytes = max(self.most_bytes, self.kchand.resident_bytes())


def check(kchand: Kchand, bystander: Bystander, before: int, what: str) -> None:
    growth = bystander.most_bytes - before
    median = statistics.median(bystander.waits)
    print(
        f"\n{what}: memory +{growth / MIB:.0f} MiB; a bystander waited "
        f"{median * 1e3:.1f} ms (median), {max(bystander.waits) * 1e3:.0f} ms (most)"
    )
    assert not bystander.failures, bystander.failures[0]
    assert growth < _MAX_GROWTH
    assert max(bystander.waits) < MAX_WAIT
