# SPDX-License-Identifier: Apache-2.0
"""What is installed is whole, typed, and gets along with its neighbours."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kchan

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = Path(kchan.__file__).parent


def test_the_installed_package_is_tested_not_the_source() -> None:
    assert _ROOT / "clients" not in _PACKAGE.parents
    assert (_PACKAGE / "py.typed").exists()


def test_its_version_is_the_projects() -> None:
    lists = (_ROOT / "CMakeLists.txt").read_text()
    (version,) = re.findall(r"project\(kchan\s+VERSION (\S+)", lists)
    assert kchan.__version__ == version


def test_its_types_are_strict() -> None:
    mypy = shutil.which("mypy", path="/usr/bin")
    if mypy is None:
        pytest.skip("mypy is not installed (Debian: mypy)")
    config = _ROOT / "clients/python/pyproject.toml"
    checked = subprocess.run(
        [mypy, "--config-file", config, "--cache-dir", "/dev/null", "-p", "kchan"],
        cwd=_PACKAGE.parent,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


_NEIGHBOUR = """
from google.protobuf import descriptor_pb2, descriptor_pool
file = descriptor_pb2.FileDescriptorProto(name="google/rpc/status.proto", package="google.rpc")
file.message_type.add(name="Status")
file.message_type.add(name="SomethingThatOursHasNot")
descriptor_pool.Default().Add(file)
import kchan, kchan.aio
"""


def test_it_can_be_imported_beside_googleapis_common_protos() -> None:
    ran = subprocess.run([sys.executable, "-c", _NEIGHBOUR], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
