# SPDX-License-Identifier: Apache-2.0
"""kchand in a guest: start, stop, kill, and reach it from outside."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import grpc
from remote import Remote
from vm import Vm

# Where it listens in the guest when a test wants it reachable by TCP.
PORT = 50051
CONFIG = "/etc/kchan.textproto"


class Daemon:
    """One kchand in `vm`, reachable on the guest's `port`, which the guest
    forwards.

    config: its configuration, where the defaults will not do.
    run_by: a command that runs it, as with other privileges.
    """

    def __init__(self, vm: Vm, config: str = "", port: int = PORT, run_by: str = "") -> None:
        self._vm = vm
        self._config = config
        self._port = port
        self._run_by = run_by
        self._log = f"/tmp/kchand.{port}.log" if port != PORT else "/tmp/kchand.log"
        self._path = f"/tmp/kchand.{port}.textproto" if port != PORT else CONFIG
        self.pid = 0

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        # One that a test has ended is ended; one that ended by itself is a failure.
        if self.pid:
            self.terminate()

    def start(self) -> None:
        self._vm.sh("mkdir -p /run/kchan /var/lib")
        self.configure(self._config)
        self.pid = self._vm.spawn(
            f"{self._run_by} /usr/bin/kchand --config {self._path}"
            f" --insecure --allow-remote-insecure --tcp-right control"
            f" --listen-tcp 0.0.0.0:{self._port} --node-name guest",
            log=self._log,
        )
        self._vm.wait_for(f"netstat -ltn | grep -q :{self._port}")

    def configure(self, config: str) -> None:
        """Writes its configuration, which it reads when it starts or is hung up on."""
        self._vm.push(config.encode(), self._path)

    def remote(self) -> Remote:
        return Remote(f"127.0.0.1:{self._vm.ports[self._port]}")

    def kill(self) -> None:
        """As a crash would: no chance to say good-bye."""
        self._signal("KILL")

    def terminate(self) -> None:
        self._signal("TERM")

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Meanwhile it is there, but does nothing."""
        self._vm.sh(f"kill -STOP {self.pid}")
        try:
            yield
        finally:
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
        self.pid = 0


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
