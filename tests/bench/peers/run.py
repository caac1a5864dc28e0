# SPDX-License-Identifier: Apache-2.0
"""One round of scripts/bench --peers: one guest, all tools, one JSON object a line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from guest import Guest
from measure import Load, carry, single_records, without_tools
from tools import TOOLS, Kchan, LttngLive
from vm import VmError


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", required=True, choices=["6.1", "6.12"])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--lttng", type=Path, help="folder of its modules; without, it is skipped")
    parser.add_argument("--reads", type=int, default=200_000, help="of the flood (200000)")
    parser.add_argument("--rate", type=int, default=2000, help="of the steady load (2000)")
    parser.add_argument("--seconds", type=int, default=3, help="of the steady load (3)")
    parser.add_argument("--tool", action="append", help="only those whose name has this in it")
    return parser.parse_args()


def _say(row: dict[str, Any]) -> None:
    print(json.dumps(row), flush=True)


def main() -> int:
    arguments = _parse()
    Kchan.program = arguments.build / "clients/cli/kchan"
    flood = Load("flood", arguments.reads)
    steady = Load("steady", arguments.rate * arguments.seconds, arguments.rate)
    failed = 0
    with Guest(arguments.kernel, arguments.build, arguments.lttng) as guest:
        _say({"tool": "", "load": "", "kernel": guest.vm.kernel.release})
        _say(without_tools(guest, flood))
        for tool in TOOLS:
            if arguments.tool and not any(part in tool.name for part in arguments.tool):
                continue
            if tool is LttngLive and not guest.has_lttng:
                _say({"tool": tool.name, "load": "", "skipped": "no kernel modules"})
                continue
            try:
                _say(carry(tool, guest, flood))
                _say(carry(tool, guest, steady))
                _say(single_records(tool, guest))
            except (RuntimeError, SubprocessError, ValueError, VmError) as error:
                _say({"tool": tool.name, "load": "", "failed": str(error)})
                failed += 1
        for line in guest.vm.kernel_warnings():
            print(f"kernel: {line}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
