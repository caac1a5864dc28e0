#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures every method on a stock kernel in a virtual machine.

scripts/bench --methods builds what is needed and calls this. The table comes
from `kchan bench methods`, run in the guest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from vm import Vm, built_modules

_ROOT = Path(__file__).resolve().parents[1]
_DOCUMENT = _ROOT / "docs/methods.md"
_BEGIN, _END = "<!-- table -->", "<!-- /table -->"


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench --methods", description="Measure every method in a virtual machine."
    )
    parser.add_argument("--kernel", default="6.12", choices=["6.1", "6.12"])
    parser.add_argument("--seconds", type=float, default=2, help="for each method (2)")
    parser.add_argument("--bytes", type=int, default=64, help="of each payload (64)")
    parser.add_argument("--json", action="store_true", help="one JSON object, no table")
    parser.add_argument("--update-docs", action="store_true",
                        help="put the table into docs/methods.md")  # fmt: skip
    parser.add_argument("--build", type=Path, default=_ROOT / "build/dev")
    return parser.parse_args()


def bench_files(build: Path, kernel: str) -> dict[str, str | Path | bytes]:
    """What a guest needs beside our modules."""
    return {"/modules/kchan_bench.ko": build / "kmod" / kernel / "bench/kchan_bench.ko"}


def measure(vm: Vm, arguments: str, timeout: float) -> str:
    """Runs the command in a guest that has the core loaded."""
    vm.sh("insmod /modules/kchan_bench.ko")
    try:
        return vm.sh(f"/usr/bin/kchan bench methods {arguments}", timeout=timeout).stdout
    finally:
        vm.sh("rmmod kchan_bench", check=False)


def _micros(ns: float) -> str:
    return f"{ns / 1000:.1f}"


def _row(row: dict[str, Any]) -> list[str]:
    names = [row["method"], row["direction"], row["amount"], row["lock"]]
    if row["reason"]:
        return [*names, *[""] * 6, f"not measured: {row['reason']}"]
    flat_out = row["flat_out"]
    lost = ""
    if flat_out["produced"]:
        word = " joined" if row["amount"] == "value" else ""
        lost = f"{flat_out['lost']:.0f} of {flat_out['produced']:.0f}{word}"
    return [
        *names,
        f"{row['records_per_second']:,.0f}",
        f"{row['bytes_per_second'] / 1e6:.2f}",
        _micros(row["latency_p50_ns"]),
        _micros(row["latency_p99_ns"]),
        f"{row['kernel_ns']:.0f}" if row["kernel_ns"] else "",
        f"{row['kernel_ns_while_read']:.0f}" if row["kernel_ns_while_read"] else "",
        lost,
    ]  # fmt: skip


_HEADING = ["method", "direction", "amount", "lock", "records/s", "MB/s", "p50 µs", "p99 µs",
            "kernel ns", "ns while read", "lost flat out"]  # fmt: skip


def _lines(rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]


def _ratio(value: float, by: float) -> str:
    return f"{value / by:.2f}" if value and by else ""


def _comparison(costs: dict[str, Any]) -> list[str]:
    def bpf(kind: str) -> list[str]:
        kchan, taken_off = costs[f"kchan_{kind}_ns"], costs[f"bpf_{kind}_ns"]
        raw = costs[f"bpf_{kind}_raw_ns"]
        return [f"{taken_off:.1f}", _ratio(kchan, taken_off), _ratio(kchan, raw)]

    return _lines([
        ["64 bytes, nobody woken", "kernel ns", "kchan's share", "raw"],
        ["`kchan_emit`, per-CPU ring", f"{costs['kchan_per_cpu_ns']:.1f}", "", ""],
        ["`bpf_ringbuf_output`, per-CPU", *bpf("per_cpu")],
        ["`kchan_emit`, shared ring", f"{costs['kchan_shared_ns']:.1f}", "", ""],
        ["`bpf_ringbuf_output`, shared", *bpf("shared")],
        ["`relay_write`, without kchan", f"{costs['relay_write_ns']:.1f}", "", ""],
    ])  # fmt: skip


def _commit() -> str:
    return subprocess.run(
        ["git", "-C", str(_ROOT), "rev-parse", "--short", "HEAD"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout.strip()  # fmt: skip


def markdown(report: dict[str, Any], command: str) -> str:
    machine = report["machine"]
    where = (
        f"Kernel {machine['kernel']}, {machine['processors']:.0f} x {machine['processor']}, clock"
        f" source {machine['clock_source']}; {report['bytes']:.0f} bytes of payload; commit"
        f" {_commit()}, `{command}`."
    )
    if machine["emulated"]:
        where += " **Emulated**: compare rows, not with other machines."
    load = os.getloadavg()[0]
    if load > 2 * machine["processors"]:
        where += f" The host was busy (load {load:.0f}): take orders of magnitude, not digits."
    rows = [_HEADING, *(_row(row) for row in report["methods"])]
    return "\n".join([where, "", *_lines(rows), "", *_comparison(report["comparison"])])


def update_document(table: str) -> None:
    text = _DOCUMENT.read_text()
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        sys.exit(f"bench: {_DOCUMENT} has no {_BEGIN} .. {_END} to put the table between")
    _DOCUMENT.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{after}")


def main() -> int:
    arguments = _parse()
    with Vm(
        arguments.kernel,
        modules=built_modules(arguments.build, arguments.kernel)[:1],
        programs=[arguments.build / "clients/cli/kchan"],
        files=bench_files(arguments.build, arguments.kernel),
    ) as vm:
        options = f"--seconds {arguments.seconds:g} --bytes {arguments.bytes}"
        as_json = arguments.json or arguments.update_docs
        output = measure(vm, options + (" --json" if as_json else ""), timeout=1800)
        for line in vm.kernel_warnings():
            print(f"kernel: {line}", file=sys.stderr)
    if arguments.update_docs:
        command = f"scripts/bench --methods --kernel {arguments.kernel} {options}"
        update_document(markdown(json.loads(output), command))
    print(output, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
