# SPDX-License-Identifier: Apache-2.0
"""kchand in a guest: start, stop, kill, and reach it from outside."""

from __future__ import annotations

import time

import grpc
from remote import Remote
from vm import Vm

PORT = 50051


class Daemon:
    """One kchand in `vm`, reachable on the guest's `port`, which the guest
    forwards. `config` is what its configuration file says."""

    def __init__(self, vm: Vm, config: str = "", port: int = PORT) -> None:
        self._vm = vm
        self._config = config
        self._port = port
        self._log = f"/tmp/kchand.{port}.log"
        self.pid = 0

    def start(self) -> None:
        config = f"/tmp/kchand.{self._port}.textproto"
        self._vm.sh("mkdir -p /run/kchan")
        self._vm.push(self._config.encode(), config)
        self.pid = self._vm.spawn(
            f"/usr/bin/kchand --config {config}"
            f" --insecure --allow-remote-insecure --tcp-right control"
            f" --listen-tcp 0.0.0.0:{self._port} --node-name guest",
            log=self._log,
        )
        self._vm.wait_for(f"netstat -ltn | grep -q :{self._port}")

    def remote(self) -> Remote:
        return Remote(f"127.0.0.1:{self._vm.ports[self._port]}")

    def kill(self) -> None:
        """As a crash would: no chance to say good-bye."""
        self._signal("KILL")

    def terminate(self) -> None:
        self._signal("TERM")

    def stop(self) -> None:
        """It stays, and does nothing until resume()."""
        self._vm.sh(f"kill -STOP {self.pid}")

    def resume(self) -> None:
        self._vm.sh(f"kill -CONT {self.pid}")

    def hang_up(self) -> None:
        self._vm.sh(f"kill -HUP {self.pid}")

    def running(self) -> bool:
        return self._vm.sh(f"test -d /proc/{self.pid}", check=False).code == 0

    def log(self) -> str:
        return self._vm.sh(f"cat {self._log}").stdout

    def _signal(self, name: str) -> None:
        self._vm.sh(f"kill -{name} {self.pid}")
        self._vm.wait_for(f"! test -d /proc/{self.pid}")


def settle(remote: Remote, wanted, seconds: float = 30):
    """Waits until `wanted(status)` is true of the daemon's status; returns it."""
    deadline = time.monotonic() + seconds
    while True:
        status = remote.status()
        if wanted(status):
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.05)


def ends_with(call: grpc.Call, code: grpc.StatusCode) -> str:
    """Reads a stream to its end, which must be `code`; its message."""
    try:
        for _ in call:
            pass
    except grpc.RpcError as error:
        assert error.code() == code, error
        return error.details()
    raise AssertionError(f"ended with OK, not {code}")
