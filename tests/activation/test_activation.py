# SPDX-License-Identifier: Apache-2.0
"""kchand on sockets that whoever starts it has made.

  /usr/bin/python3 -m pytest tests/activation --build-dir build/dev
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_FIRST = 3  # the number of the first one passed
_PATIENCE = 20.0


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config"
    file.write_text(f'unix_sockets {{ directory: "{tmp_path}" }}\n')
    return file


def ask(build_dir: Path, address: str) -> subprocess.Popen[bytes]:
    """A client that asks once, in the background."""
    return subprocess.Popen([build_dir / "clients/cli/kchan", "--server", address, "health"])


def is_served(build_dir: Path, address: str) -> bool:
    return ask(build_dir, address).wait(_PATIENCE) == 0


def wait_until_said(log: Path, text: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)


def wait_until_queued(path: Path) -> None:
    """Until somebody waits at the Unix socket for being accepted."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        listed = subprocess.run(
            ["ss", "-xlnH", "src", str(path)], check=True, capture_output=True, text=True
        ).stdout
        if listed.split()[2] != "0":
            return
        assert time.monotonic() < deadline, listed
        time.sleep(0.01)


class Activated:
    """kchand, started with sockets as systemd does it. It gets SIGTERM at the end."""

    def __init__(self, build_dir: Path, config: Path, sockets: list[socket.socket]) -> None:
        self.log = config.with_name("log")
        # Above all numbers that they are to have.
        given = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 100) for each in sockets]
        moves = " ".join(f"{_FIRST + i}<&{fd} {fd}<&-" for i, fd in enumerate(given))
        environment = {
            "LISTEN_FDS": str(len(sockets)),
            "LISTEN_FDNAMES": ":".join(f"kchand-{i}.socket" for i in range(len(sockets))),
        }
        # The shell's number becomes kchand's.
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", f'LISTEN_PID=$$ exec "$@" {moves}', "bash",
                 build_dir / "bridge/kchand", "--config", config],
                pass_fds=given, stderr=log, env=os.environ | environment,
            )  # fmt: skip
        for fd in given:
            os.close(fd)

    def __enter__(self) -> Activated:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(_PATIENCE) == 0, self.log.read_text()

    def wait_until_serving(self) -> None:
        wait_until_said(self.log, "serving unix:", self.process)


@pytest.fixture
def read_socket(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "read.sock"))
        listening.listen()
        yield listening


def test_systemd_socket_activate_starts_kchand_for_the_first_client(
    build_dir: Path, config: Path, tmp_path: Path
) -> None:
    paths = [str(tmp_path / name) for name in ("read.sock", "control.sock")]
    command = ["systemd-socket-activate", "--listen", paths[0], "--listen", paths[1],
               "--fdname=kchand-read.socket:kchand-control.socket",
               build_dir / "bridge/kchand", "--config", config]  # fmt: skip
    log = tmp_path / "log"
    with log.open("w") as stderr, subprocess.Popen(command, stderr=stderr) as process:
        wait_until_said(log, f"Listening on {paths[1]}", process)
        assert is_served(build_dir, f"unix:{paths[0]}"), log.read_text()
        assert is_served(build_dir, f"unix:{paths[1]}"), log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE) == 0, log.read_text()


def test_client_waits_while_kchand_restarts(
    build_dir: Path, config: Path, tmp_path: Path, read_socket: socket.socket
) -> None:
    address = f"unix:{tmp_path}/read.sock"
    with Activated(build_dir, config, [read_socket]) as first:
        assert is_served(build_dir, address), first.log.read_text()
    client = ask(build_dir, address)
    wait_until_queued(tmp_path / "read.sock")
    with Activated(build_dir, config, [read_socket]) as second:
        assert client.wait(_PATIENCE) == 0, second.log.read_text()


def test_socket_of_somebody_else_is_neither_changed_nor_removed_and_its_own_are_its_own(
    build_dir: Path, config: Path, tmp_path: Path, read_socket: socket.socket
) -> None:
    (tmp_path / "read.sock").chmod(0o604)
    with Activated(build_dir, config, [read_socket]) as kchand:
        kchand.wait_until_serving()
        assert stat.S_IMODE((tmp_path / "read.sock").stat().st_mode) == 0o604
        assert is_served(build_dir, f"unix:{tmp_path}/control.sock")
    assert (tmp_path / "read.sock").exists()
    assert not (tmp_path / "control.sock").exists()


def test_tcp_socket_is_its_listeners(build_dir: Path, config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = "{}:{}".format(*listening.getsockname())
        with config.open("a") as file:
            file.write(f'tcp_listeners {{ address: "{address}" insecure: true }}\n')
        with Activated(build_dir, config, [listening]) as kchand:
            assert is_served(build_dir, address), kchand.log.read_text()


def test_socket_of_no_listener_is_named(build_dir: Path, config: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "other.sock"))
        other.listen()
        with Activated(build_dir, config, [other]) as kchand:
            assert kchand.process.wait(_PATIENCE) == 1
            said = f"passed socket kchand-0.socket listens on unix:{tmp_path}/other.sock"
            assert said in kchand.log.read_text()


def test_variables_for_another_process_are_not_kchands(
    build_dir: Path, config: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    environment = os.environ | {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
    command = [build_dir / "bridge/kchand", "--config", config]
    with log.open("w") as stderr, subprocess.Popen(
        command, stderr=stderr, env=environment
    ) as process:
        wait_until_said(log, "serving unix:", process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE) == 0


@pytest.mark.parametrize(
    ("count", "said"),
    [("many", "'many' is no number of sockets"), ("2", "descriptor 4: Bad file descriptor")],
)
def test_wrong_number_of_sockets_is_said(
    build_dir: Path, config: Path, read_socket: socket.socket, count: str, said: str
) -> None:
    command = f'LISTEN_PID=$$ LISTEN_FDS={count} exec "$@" 3<&{{}} 4<&-'
    fd = fcntl.fcntl(read_socket, fcntl.F_DUPFD_CLOEXEC, 100)
    done = subprocess.run(
        ["bash", "-c", command.format(fd), "bash", build_dir / "bridge/kchand", "--config", config],
        pass_fds=[fd], stderr=subprocess.PIPE, text=True, timeout=_PATIENCE,
    )  # fmt: skip
    os.close(fd)
    assert done.returncode == 1
    assert said in done.stderr
