# SPDX-License-Identifier: Apache-2.0
"""Runs the GoogleTest programs that need a kernel with our modules.

Each test of each <name>_guest_test of the build is one test here, in one
guest, so that a complaint of the kernel is put down to the test that caused
it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from vm import Vm


def _list_tests(program: Path) -> list[str]:
    listed = subprocess.run(
        [program, "--gtest_list_tests"], check=True, stdout=subprocess.PIPE, text=True
    )
    names = []
    suite = ""
    for line in listed.stdout.splitlines():
        name = line.split("#")[0].rstrip()
        if name.startswith("  "):
            names.append(suite + name.strip())
        elif name.endswith("."):
            suite = name
    return names


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    folder = Path(metafunc.config.getoption("--build-dir")) / "tests/kernel"
    programs = sorted(folder.glob("*_guest_test"))
    assert programs, f"no *_guest_test in {folder}: build it first"
    cases = [(program.name, test) for program in programs for test in _list_tests(program)]
    metafunc.parametrize(("program", "test"), cases, ids=[f"{p}:{t}" for p, t in cases])


def test_in_guest(vm: Vm, kernel: str, program: str, test: str) -> None:
    # A kernel that checks each access takes its time.
    timeout = 600 if kernel.endswith("-debug") else 120
    result = vm.sh(f"/usr/bin/{program} --gtest_filter={test}", timeout=timeout, check=False)
    assert result.code == 0, result.stdout + result.stderr
    # A filter that fits nothing succeeds, too.
    assert "1 test from 1 test suite ran" in result.stdout, result.stdout
