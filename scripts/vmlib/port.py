# SPDX-License-Identifier: Apache-2.0
"""The host's end of one agent (scripts/guest/agent says the protocol)."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass


class VmError(Exception):
    """The guest does not do what was asked."""


class GuestGone(VmError):
    """The guest, or QEMU, has ended or hangs."""


class CommandFailed(VmError):
    """A command in the guest ended with another code than 0."""

    def __init__(self, command: str, result: Result) -> None:
        super().__init__(
            f"{command!r} ended with {result.code}\n"
            f"stdout: {result.stdout}\nstderr: {result.stderr}"
        )
        self.result = result


class CommandTimeout(VmError):
    """A command in the guest was killed at its deadline."""


@dataclass(frozen=True)
class Result:
    """How a command in the guest ended."""

    code: int
    output: bytes
    errors: bytes

    @property
    def stdout(self) -> str:
        return self.output.decode(errors="replace")

    @property
    def stderr(self) -> str:
        return self.errors.decode(errors="replace")


class Port:
    """Runs commands one at a time. Not thread safe. Owns its socket."""

    # The guest kills a command at its deadline; an emulated guest needs a
    # while to say so.
    _GRACE_SECONDS = 15.0

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._received = b""

    def close(self) -> None:
        self._sock.close()

    def wait_ready(self, deadline: float) -> None:
        while (line := self._read_line(deadline)) != b"ready":
            raise GuestGone(f"the agent said {line!r} instead of 'ready'")

    def run(self, command: str, stdin: bytes, timeout: float) -> Result:
        body = command.encode() + b"\n"
        seconds = max(1, round(timeout))
        deadline = time.monotonic() + seconds + self._GRACE_SECONDS
        request = b"%d %d %d\n%b%b" % (seconds, len(body), len(stdin), body, stdin)
        started = time.monotonic()
        try:
            self._sock.settimeout(deadline - time.monotonic())
            self._sock.sendall(request)
        except OSError as error:
            raise GuestGone(f"cannot send {command!r}: {error}") from error
        code, stdout_bytes, stderr_bytes = map(int, self._read_line(deadline).split())
        output = self._read_exactly(stdout_bytes, deadline)
        errors = self._read_exactly(stderr_bytes, deadline)
        # 128 + SIGKILL: the agent's `timeout`, unless it came too early.
        if code == 137 and time.monotonic() - started >= seconds:
            raise CommandTimeout(
                f"{command!r} did not end within {seconds} s\n"
                f"stdout: {output.decode(errors='replace')}\n"
                f"stderr: {errors.decode(errors='replace')}"
            )
        return Result(code, output, errors)

    def _read_line(self, deadline: float) -> bytes:
        while b"\n" not in self._received:
            self._receive(deadline)
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _read_exactly(self, count: int, deadline: float) -> bytes:
        parts = [self._received[:count]]
        self._received = self._received[count:]
        have = len(parts[0])
        while have < count:
            self._receive(deadline)
            part, self._received = self._received[: count - have], self._received[count - have :]
            parts.append(part)
            have += len(part)
        return b"".join(parts)

    def _receive(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise GuestGone("the guest does not answer")
        self._sock.settimeout(left)
        try:
            received = self._sock.recv(1 << 20)
        except TimeoutError as error:
            raise GuestGone("the guest does not answer") from error
        except OSError as error:
            raise GuestGone(f"the guest's port: {error}") from error
        if not received:
            raise GuestGone("the guest has ended")
        self._received += received
