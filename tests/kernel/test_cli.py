# SPDX-License-Identifier: Apache-2.0
"""Every method of the kernel through the command line: scenarios/*.scenario are
played on this side, against a kchand in a guest that has the samples loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon import PORT, Daemon
from vm import Vm

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "scenarios"))

from scenario import Done, Unexpected, play  # noqa: E402

_SAMPLES = ("hello", "submit", "echo", "chardev", "relay", "value", "block", "file", "log")

_CONFIG = """
kernel_log { publish: true }
value_files { name: "hostname" path: "/proc/sys/kernel/hostname" writable: true
              sample_interval_ms: 0 }
value_files { name: "lo.mtu" path: "/sys/class/net/lo/mtu" writable: true
              sample_interval_ms: 50 }
value_files { name: "ostype" path: "/proc/sys/kernel/ostype" }
value_files { name: "gone" path: "/sys/class/net/nosuch/mtu" }
psi_triggers { name: "pressure.cpu" path: "/proc/pressure/cpu" stall_us: 100000
               window_us: 1000000 kind: PSI_KIND_SOME }
"""

# An emulated guest on a busy machine: a step makes up to some dozens of calls.
_STEP_SECONDS = 120


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm], build_dir: Path, kernel: str) -> Iterator[Vm]:
    modules = build_dir / "kmod" / kernel
    samples = [modules / f"samples/kchan_{name}.ko" for name in _SAMPLES]
    with make_vm(
        modules=[*samples, modules / "tests/kchan_testbed.ko"], available=["dummy"]
    ) as guest:
        guest.sh(
            "grep -q ' /sys/kernel/debug ' /proc/mounts"
            " || mount -t debugfs none /sys/kernel/debug"
        )
        yield guest


@pytest.fixture(scope="module")
def daemon(vm: Vm, stubs: None) -> Iterator[Daemon]:
    with Daemon(vm, _CONFIG) as running:
        yield running


@pytest.mark.parametrize("name", sorted(path.stem for path in _HERE.glob("scenarios/*.scenario")))
def test_scenario(vm: Vm, daemon: Daemon, build_dir: Path, tmp_path: Path, name: str) -> None:
    def on_node(command: str) -> Done:
        result = vm.sh(command, timeout=_STEP_SECONDS, check=False)
        return Done(result.code, result.stdout, result.stderr)

    environment = os.environ | {
        "PATH": f"{build_dir / 'clients/cli'}:{os.environ['PATH']}",
        "KCHAN_SERVER": f"127.0.0.1:{vm.ports[PORT]}",
        "TZ": "UTC",
    }
    wrong = ""
    try:
        play(
            _HERE / f"scenarios/{name}.scenario",
            environment,
            str(tmp_path),
            seconds=_STEP_SECONDS,
            on_node=on_node,
        )
    except Unexpected as error:
        wrong = str(error)
    if wrong:
        pytest.fail(wrong, pytrace=False)
