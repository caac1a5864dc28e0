# SPDX-License-Identifier: Apache-2.0
"""`kchan bench methods`: every method is measured, and every account closes.

How fast is not asked here: that is the machine's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench_methods import bench_files, markdown, measure
from vm import Vm

TO_USER = {
    "bench.ring", "bench.ring.mutex", "bench.ring.semaphore", "bench.ring.spinlock", "bench.genl",
    "bench.chardev", "bench.relay", "bench.relay.overwrite", "bench.file", "bench.log",
    "bench.value", "bench.value.spinlock", "bench.block",
}  # fmt: skip
TO_KERNEL = {
    "bench.ring", "bench.genl", "bench.chardev", "bench.file", "bench.value",
    "bench.value.spinlock", "bench.block",
}  # fmt: skip


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm], build_dir: Path, kernel: str) -> Iterator[Vm]:
    with make_vm(files=bench_files(build_dir, kernel)) as guest:
        yield guest


def test_every_method_is_measured_and_every_account_closes(vm: Vm) -> None:
    report = json.loads(measure(vm, "--seconds 0.2 --json", timeout=240))
    rows = report["methods"]
    assert {row["channel"] for row in rows if row["direction"] == "to user"} == TO_USER
    assert {row["channel"] for row in rows if row["direction"] == "to kernel"} == TO_KERNEL
    for row in rows:
        assert row["reason"] == "", row
        assert row["received"] + row["lost"] == row["produced"] > 0, row
        assert row["received"] > 0, row
        assert row["records_per_second"] > 0, row
    costs = report["comparison"]
    assert costs["bpf_reason"] == "", costs
    assert all(cost > 0 for name, cost in costs.items() if name.endswith("_ns")), costs
    assert "| ring per_cpu | to user |" in markdown(report, "test")


def test_without_its_module_it_says_what_to_load(vm: Vm) -> None:
    result = vm.sh("/usr/bin/kchan bench methods", check=False)
    assert result.code != 0
    assert "kchan_bench.ko" in result.stderr
