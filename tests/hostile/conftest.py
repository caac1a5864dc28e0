# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "tests/kernel"), str(Path(__file__).parent)]

from attacks import Address  # noqa: E402
from remote import generate_stubs  # noqa: E402
from victim import Kchand  # noqa: E402

_DESCRIPTORS = 4096


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--build-dir", default=str(_ROOT / "build/dev"), metavar="FOLDER")


@pytest.fixture(scope="session")
def build_dir(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.getoption("--build-dir")).resolve()


@pytest.fixture(scope="module", autouse=True)
def generated(tmp_path_factory: pytest.TempPathFactory) -> None:
    generate_stubs(tmp_path_factory.mktemp("stubs"))


@pytest.fixture(scope="module", autouse=True)
def many_descriptors() -> None:
    """For both ends: shells often leave 1024, kchand's unit does not."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= _DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, hard))


def free_address() -> Address:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address: Address = listener.getsockname()
        return address


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cert.pem, of a CA that has signed itself, and key.pem."""
    folder = tmp_path_factory.mktemp("certificate")
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=ca"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", *command.split(), *files], check=True, capture_output=True)
    return folder


@pytest.fixture
def kchand(build_dir: Path, certificate: Path, tmp_path: Path) -> Iterator[Kchand]:
    address, tls_address = free_address(), free_address()
    config = tmp_path / "config"
    config.write_text(
        f"""
        unix_sockets {{ directory: "{tmp_path}" }}
        tcp_listeners {{ address: "127.0.0.1:{address[1]}" insecure: true }}
        tcp_listeners {{
          address: "127.0.0.1:{tls_address[1]}"
          tls {{
            certificate_file: "{certificate}/cert.pem"
            key_file: "{certificate}/key.pem"
            client_ca_file: "{certificate}/cert.pem"
          }}
        }}
        """
    )
    program = [str(build_dir / "bridge/kchand"), "--config", str(config)]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(program, stderr=log) as process:
        running = Kchand(
            process.pid, address, tls_address, f"unix:{tmp_path}/read.sock", tmp_path / "log"
        )
        with grpc.insecure_channel(running.socket) as channel:
            grpc.channel_ready_future(channel).result(timeout=20)
        yield running
        process.send_signal(signal.SIGTERM)
        ends = (0, 3) if running.is_overrun else (0,)
        assert process.wait(20) in ends, (tmp_path / "log").read_text()
