#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The demonstration, once everything is built; scripts/demo builds it.

In a virtual machine (default) or on this very kernel (--host, where modules
can be loaded), it starts kchand, lets real things happen, and runs the CLI
outside as a remote user would.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_BUILD = _ROOT / "build/dev"
_CLI = _BUILD / "clients/cli/kchan"
_PORT = 50051
_CHANNELS = ("exec", "exit", "netdev", "sock_state", "tick")
_START_SECONDS = 30


def say(text: str) -> None:
    print(f"\n\033[1m# {text}\033[0m" if sys.stdout.isatty() else f"\n# {text}", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Boot a stock kernel with kchan in it and follow its records from outside.",
    )
    parser.add_argument("--seconds", type=float, default=8, help="follow for this long (8)")
    parser.add_argument("--kernel", default="6.12", choices=["6.1", "6.12"])
    parser.add_argument("--keep", action="store_true",
                        help="leave the guest running until Enter, to try things")  # fmt: skip
    parser.add_argument("--host", action="store_true",
                        help="use the running kernel instead of a guest (root)")  # fmt: skip
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.seconds <= 0:
        parser.error(f"--seconds {arguments.seconds}: must be more than 0")
    return arguments


@contextmanager
def guest(kernel: str) -> Iterator[str]:
    """A guest with kchand and things going on in it; where it can be reached."""
    from vm import Vm, built_modules, built_programs

    say(f"A stock Debian kernel {kernel} boots in QEMU, with kchan.ko and kchan_sources.ko")
    with Vm(
        kernel,
        modules=built_modules(_BUILD, kernel),
        programs=built_programs(_BUILD),
        available=["dummy"],
        files={"/usr/bin/demo-activity": _ROOT / "scripts/guest/demo-activity"},
        forwards={_PORT: 0},
    ) as vm:
        print(vm.sh("uname -sr; lsmod | grep kchan").stdout, end="")
        say("kchand starts in the guest; it finds the module's channels by generic netlink")
        vm.sh("mkdir -p /run/kchan && modprobe dummy")
        vm.spawn(
            f"/usr/bin/kchand --node-name demo-guest --listen-tcp 0.0.0.0:{_PORT}"
            " --tcp-right control --insecure --allow-remote-insecure",
            log="/tmp/kchand.log",
        )
        vm.wait_for(f"netstat -ltn | grep -q :{_PORT}")
        vm.spawn("sh /usr/bin/demo-activity")
        yield f"127.0.0.1:{vm.ports[_PORT]}"


@contextmanager
def host() -> Iterator[str]:
    """This kernel, with the modules built for it; everything is taken back."""
    release = os.uname().release
    headers = Path(f"/lib/modules/{release}/build")
    if os.geteuid() != 0:
        sys.exit("demo: --host loads modules: run it as root")
    if not Path("/proc/modules").exists() or not headers.exists():
        sys.exit(f"demo: --host needs a kernel with loadable modules and its headers ({headers}): "
                 f"install linux-headers-{release}, or leave --host out")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="kchan-demo-") as folder, _loaded(folder):
        socket = f"{folder}/control.sock"
        daemon = subprocess.Popen(
            [_BUILD / "bridge/kchand", "--listen-unix-dir", folder, "--node-name", "demo-host"],
            stderr=open(f"{folder}/kchand.log", "wb"),
        )
        processes = [daemon]
        try:
            _await_serving(daemon, socket, Path(folder) / "kchand.log")
            if not _has_listening_nc():
                say("nc of this host cannot serve (-l -p, -e: busybox has them): "
                    "no connection is made, so sock_state shows only those of others")  # fmt: skip
            activity = subprocess.Popen(
                ["sh", _ROOT / "scripts/guest/demo-activity"], start_new_session=True
            )
            processes.insert(0, activity)
            yield f"unix:{socket}"
        finally:
            for process in processes:
                process.terminate()
                process.wait(timeout=30)


def _await_serving(daemon: subprocess.Popen[bytes], socket: str, log: Path) -> None:
    """Waits until the daemon answers on its socket."""
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(socket):
        if daemon.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"demo: kchand does not serve {socket}; it says:\n{log.read_text()}")
        time.sleep(0.05)


def _answers(socket: str) -> bool:
    command = [str(_CLI), "--server", f"unix:{socket}", "list"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _has_listening_nc() -> bool:
    """Whether `nc -l -p PORT -e PROGRAM` works here, as demo-activity uses it."""
    shown = subprocess.run(["sh", "-c", "nc -h 2>&1"], capture_output=True, text=True, check=False)
    return re.search(r"^\s*-e\b", shown.stdout, re.MULTILINE) is not None


@contextmanager
def _loaded(folder: str) -> Iterator[None]:
    """The modules, built for the running kernel, for as long as the block lasts."""
    say(f"kchan.ko and kchan_sources.ko are built for {os.uname().release} and loaded")
    subprocess.run(
        [_ROOT / "scripts/build-kmod", "--release", os.uname().release, "--out", folder],
        check=True,
    )
    loaded: list[str] = []
    try:
        for name in ("kchan", "kchan_sources"):
            subprocess.run(["insmod", f"{folder}/{name}.ko"], check=True)
            loaded.append(name)
        yield
    finally:
        for name in reversed(loaded):
            subprocess.run(["rmmod", name], check=True)


def kchan(server: str, *arguments: str) -> None:
    """Runs the CLI as a user would, and shows how."""
    print(f"\n$ kchan {' '.join(arguments)}", flush=True)
    subprocess.run([_CLI, "--server", server, *arguments], check=True)


def follow(server: str, seconds: float) -> tuple[Counter[str], int]:
    """Runs `kchan tail` and shows it; records by channel, and how many were lost."""
    command = ["tail", *_CHANNELS, "--for", f"{seconds:g}s"]
    print(f"\n$ kchan {' '.join(command)}", flush=True)
    tail = subprocess.Popen(
        [_CLI, "--server", server, *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert tail.stdout and tail.stderr
    notes: list[str] = []
    reader = threading.Thread(target=lambda: notes.extend(tail.stderr))
    reader.start()
    records: Counter[str] = Counter()
    for line in tail.stdout:
        print(line, end="", flush=True)
        found = re.match(r"\S+ cpu\d+ +([^\s/]+)", line)
        if found:
            records[found[1]] += 1
    reader.join()
    print("".join(notes), end="", flush=True)
    summary = re.search(r"(\d+) records?, (\d+) lost", "".join(notes))
    if tail.wait() != 0 or not summary:
        sys.exit("demo: the tail did not end as it should")
    if int(summary[1]) != records.total():
        sys.exit(f"demo: the tail says {summary[1]} records, but it showed {records.total()}")
    return records, int(summary[2])


def demonstrate(server: str, seconds: float) -> tuple[Counter[str], int]:
    say("From here on we are a remote client. What channels does the node have?")
    kchan(server, "list")
    say("Records describe themselves: no client knows a layout in advance")
    kchan(server, "describe", "exec")
    say("The generator `tick` is slowed down to two records a second, remotely")
    kchan(server, "set", "tick", "rate_hz=2")
    say(f"{seconds:g} seconds of what happens there: programs, sockets, links, and ticks")
    records, lost = follow(server, seconds)
    say("Nothing vanishes uncounted: what was read, and what was lost at which stage")
    kchan(server, "status")
    return records, lost


def main() -> int:
    arguments = _parse()
    if arguments.check:
        return 0
    sys.path.insert(0, str(_ROOT / "scripts"))
    with host() if arguments.host else guest(arguments.kernel) as server:
        records, lost = demonstrate(server, arguments.seconds)
        if arguments.keep:
            say(f"Still running: export KCHAN_SERVER={server}; {_CLI} tail\n# Enter ends it")
            with suppress(EOFError, KeyboardInterrupt):
                input()
    if not records:
        sys.exit("demo: no record arrived")
    print(f"\ndemo: {records.total()} records from {len(records)} channels, {lost} lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
