#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Boots a stock Debian kernel in QEMU, with our modules and programs.

  scripts/vm.py --kernel 6.12 --build build/dev --run 'kchan list'
  scripts/vm.py --build build/dev --module ./mine.ko --serve
                                   kchand, reachable from here; Ctrl-C ends it,
                                   with 1 if the kernel complained meanwhile
  scripts/vm.py --shell            a shell on the console; Ctrl-A X ends it

Programs import it as a module: from vm import Vm.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from vmlib import CommandFailed, CommandTimeout, GuestGone, Result, Vm, VmError

__all__ = [
    "CommandFailed", "CommandTimeout", "GuestGone", "Result", "Vm", "VmError", "built_modules",
    "built_programs",
]  # fmt: skip

# The core first: the others need its symbols.
_MODULES = ("kchan.ko", "kchan_sources.ko")
_PROGRAMS = ("bridge/kchand", "clients/cli/kchan")
_SERVER_PORT = 50051


def built_modules(build: Path, kernel: str) -> list[Path]:
    """Our modules of a build folder, in the order of loading."""
    folder = build / "kmod" / kernel
    return [folder / name for name in _MODULES]


def built_programs(build: Path) -> list[Path]:
    """The daemon and the CLI of a build folder."""
    return [build / name for name in _PROGRAMS]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernel", default="6.12", choices=["6.1", "6.12", "6.12-debug"])
    parser.add_argument("--build", type=Path, help="take modules and programs of this build")
    parser.add_argument("--module", action="append", default=[], help="also load this module")
    parser.add_argument("--program", action="append", default=[], help="also copy this program")
    parser.add_argument("--forward", action="append", default=[], type=int, metavar="PORT",
                        help="make this TCP port of the guest reachable")  # fmt: skip
    parser.add_argument("--smp", default="2")
    parser.add_argument("--memory-mb", default=1024, type=int)
    parser.add_argument("--disk-mb", default=0, type=int)
    parser.add_argument("--append", default="", help="more kernel arguments")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--shell", action="store_true", help="a shell on this terminal")
    what.add_argument("--serve", action="store_true",
                      help="run the build's kchand, say where it is, until Ctrl-C")  # fmt: skip
    what.add_argument("--run", metavar="COMMAND", help="run this, print what it says, end")
    arguments = parser.parse_args()
    if arguments.serve:
        if not arguments.build:
            parser.error("--serve wants --build: kchand has to be from somewhere")
        arguments.forward.append(_SERVER_PORT)
    return arguments


def serve(vm: Vm) -> None:
    """Runs kchand in the guest, open to whoever reaches this machine's loopback."""
    vm.sh("mkdir -p /run/kchan")
    vm.spawn(
        f"kchand --listen-tcp 0.0.0.0:{_SERVER_PORT} --tcp-right control"
        " --insecure --allow-remote-insecure",
        log="/tmp/kchand.log",
    )
    vm.wait_for(f"netstat -ltn | grep -q :{_SERVER_PORT}")
    print(f"export KCHAN_SERVER=127.0.0.1:{vm.ports[_SERVER_PORT]}", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def print_warnings(vm: Vm) -> bool:
    """Says what the kernel complained of; whether it did."""
    warnings = vm.kernel_warnings()
    for line in warnings:
        print(f"kernel: {line}", file=sys.stderr)
    return bool(warnings)


def main() -> int:
    arguments = _parse()
    modules: list[str | Path] = []
    programs: list[str | Path] = []
    if arguments.build:
        modules += built_modules(arguments.build, arguments.kernel)
        programs += [path for path in built_programs(arguments.build) if path.exists()]
    if arguments.serve:
        # Before the Vm's threads and QEMU: Ctrl-C is for serve(), not for them.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    with Vm(
        arguments.kernel,
        modules=modules + arguments.module,
        programs=programs + arguments.program,
        forwards=dict.fromkeys(arguments.forward, 0),
        smp=arguments.smp,
        memory_mb=arguments.memory_mb,
        disk_mb=arguments.disk_mb,
        append=arguments.append,
        on_terminal=arguments.shell,
    ) as vm:
        for guest, host in vm.ports.items():
            print(f"guest port {guest} is 127.0.0.1:{host}", file=sys.stderr)
        if arguments.shell:
            return vm.wait_end()
        if arguments.serve:
            serve(vm)
            return 1 if print_warnings(vm) else 0
        result = vm.sh(arguments.run, timeout=600, check=False)
        sys.stdout.buffer.write(result.output)
        sys.stdout.flush()
        sys.stderr.buffer.write(result.errors)
        print_warnings(vm)
        return result.code


if __name__ == "__main__":
    sys.exit(main())
