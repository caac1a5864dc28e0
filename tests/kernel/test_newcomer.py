# SPDX-License-Identifier: Apache-2.0
"""docs/methods.md, followed to the letter: a module of one's own, built outside
of the tree by the document's commands and read by a remote client."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_GUIDE = (_ROOT / "docs/methods.md").read_text()


def block(mark: str) -> str:
    """The guide's block behind `<!-- mark -->`."""
    (found,) = re.findall(
        rf"^<!-- {re.escape(mark)} -->\n```\w+\n(.*?\n)```$", _GUIDE, re.MULTILINE | re.DOTALL
    )
    return found


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, build_dir: Path) -> Path:
    """A checkout in which the build under test is build/dev."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "scripts").symlink_to(_ROOT / "scripts")
    (folder / "build").mkdir()
    (folder / "build/dev").symlink_to(build_dir)
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newcomer's folder, with the files that the guide shows."""
    folder = tmp_path_factory.mktemp("newcomer")
    for name in ("pulse.c", "Kbuild"):
        (folder / name).write_text(block(f"file: {name}"))
    return folder


@pytest.fixture(scope="module")
def environment(checkout: Path) -> dict[str, str]:
    return os.environ | {"CHECKOUT": str(checkout)}


def command(mark: str, kernel: str) -> list[str]:
    return ["bash", "-e", "-c", block(f"run: {mark}").replace("6.12", kernel)]


@pytest.fixture(scope="module")
def module(own: Path, kernel: str, environment: dict[str, str]) -> Path:
    built = subprocess.run(
        command("build", kernel), cwd=own, env=environment, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout
    assert "warning:" not in built.stdout.lower(), built.stdout
    return own / "pulse.ko"


@pytest.fixture
def server(module: Path, kernel: str, environment: dict[str, str]) -> Iterator[str]:
    """What the first terminal prints; it is ended as by Ctrl-C."""
    serving = subprocess.Popen(
        ["timeout", "--kill-after=10", "180", *command("serve", kernel)],
        cwd=module.parent, env=environment, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert serving.stdout is not None
    printed = serving.stdout.readline()  # `timeout` is its deadline
    try:
        yield printed
    finally:
        if serving.poll() is None:
            os.killpg(serving.pid, signal.SIGINT)
        serving.stdout.close()
        # 1: the kernel complained, and stderr says of what.
        assert serving.wait(timeout=60) == 0, "Ctrl-C did not end it well"


def test_ones_own_module_is_read_by_a_remote_client(
    server: str, own: Path, kernel: str, environment: dict[str, str]
) -> None:
    found = re.fullmatch(r"export (KCHAN_SERVER)=(127\.0\.0\.1:\d+)\n", server)
    assert found, server
    client = subprocess.run(
        command("client", kernel), cwd=own, env=environment | {found[1]: found[2]}, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert client.returncode == 0, client.stdout
    promised = re.findall(r"^count=.*$", _GUIDE, re.MULTILINE)
    assert len(promised) == 3
    for line in promised:
        assert f"pulse          {line}\n" in client.stdout, client.stdout


def test_without_the_cores_symbols_it_is_refused_as_the_guide_says(
    own: Path, kernel: str, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "pulse.c").write_bytes((own / "pulse.c").read_bytes())
    kbuild = (own / "Kbuild").read_text().replace("KBUILD_EXTRA_SYMBOLS", "# none")
    (tmp_path / "Kbuild").write_text(kbuild)
    built = subprocess.run(
        command("build", kernel), cwd=tmp_path, env=environment, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert built.returncode != 0
    assert '"__kchan_register" [' in built.stdout, built.stdout
    assert "] undefined!" in built.stdout, built.stdout
