# SPDX-License-Identifier: Apache-2.0
"""The host's end of one agent (scripts/guest/agent says the protocol)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass


class VmError(Exception):
    """The guest does not do what was asked."""


class GuestGone(VmError):
    """The guest, or QEMU, has ended or hangs."""


class _Late(GuestGone):
    """Nothing came before the deadline."""


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
    """Runs commands one at a time. Not thread safe. Owns its socket.

    `kill` kills, through another port, the command that runs on this one.
    """

    # What an emulated guest on a busy host may need beyond the command's time.
    _GRACE_SECONDS = 20.0

    def __init__(self, sock: socket.socket, kill: Callable[[], None]) -> None:
        self._sock = sock
        self._kill = kill
        self._received = b""

    def close(self) -> None:
        self._sock.close()

    def wait_ready(self, deadline: float) -> None:
        line = self._read_line(deadline)
        if line != b"ready":
            raise GuestGone(f"the agent said {line!r} instead of 'ready'")

    def run(self, command: str, stdin: bytes, timeout: float) -> Result:
        deadline = time.monotonic() + timeout
        request = b"%d\n%b\0%b" % (len(stdin), command.encode(), stdin)
        try:
            self._sock.settimeout(timeout + self._GRACE_SECONDS)
            self._sock.sendall(request)
        except OSError as error:
            raise GuestGone(f"cannot send {command!r}: {error}") from error

        late = False
        try:
            header = self._read_line(deadline)
        except _Late:
            late = True
            self._kill()
            header = self._read_line(time.monotonic() + self._GRACE_SECONDS)
        result = self._read_result(header)
        if late:
            raise CommandTimeout(
                f"{command!r} did not end within {timeout} s\n"
                f"stdout: {result.stdout}\nstderr: {result.stderr}"
            )
        return result

    def _read_result(self, header: bytes) -> Result:
        deadline = time.monotonic() + self._GRACE_SECONDS
        code, output_bytes, error_bytes = map(int, header.split())
        output = self._read_exactly(output_bytes, deadline)
        errors = self._read_exactly(error_bytes, deadline)
        return Result(code, output, errors)

    def _read_line(self, deadline: float) -> bytes:
        while b"\n" not in self._received:
            self._received += self._receive(deadline)
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _read_exactly(self, count: int, deadline: float) -> bytes:
        have = bytearray(self._received)
        while len(have) < count:
            have += self._receive(deadline)
        self._received = bytes(have[count:])
        return bytes(have[:count])

    def _receive(self, deadline: float) -> bytes:
        try:
            self._sock.settimeout(max(deadline - time.monotonic(), 0.001))
            received = self._sock.recv(1 << 20)
        except TimeoutError as error:
            raise _Late("the guest does not answer") from error
        except OSError as error:
            raise GuestGone(f"the guest's port: {error}") from error
        if not received:
            raise GuestGone("the guest has ended")
        return received
