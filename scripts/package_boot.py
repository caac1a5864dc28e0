#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Boots a Debian that has the packages, with systemd, and looks whether they
work: scripts/package-test runs it.

  scripts/package_boot.py DISK RELEASE

DISK is an ext4 image; it is written to. The kernel is the stock one of the
cache: its release must be the one whose modules DKMS has built.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from vm import Vm

# A name space's root is what was mounted last on it, as after switch_root.
_START = b"""#!/bin/sh
mount -t ext4 /dev/vda /mnt
cd /mnt
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount --move . /
exec chroot . /lib/systemd/systemd systemd.unit=multi-user.target
"""
_BOOT_SECONDS = 600
_CAP_NET_ADMIN = 1 << 12
_CAP_SYSLOG = 1 << 34
# Each by another transport or source: ring, shared ring, generic netlink, kernel log.
_CHANNELS = ("exec", "tick_shared", "tick_genl", "kmsg")


class Debian:
    """The booted system in the guest."""

    def __init__(self, vm: Vm) -> None:
        self._vm = vm
        vm.push(_START, "/run/start", 0o755)
        vm.spawn("unshare -p -f -m /run/start", log="/tmp/systemd.log")
        self._enter = "nsenter -t $(pidof systemd) -m -p"
        vm.wait_for(f"{self._enter} test -S /run/systemd/private", timeout=_BOOT_SECONDS)
        # 1: some unit failed; which ones is looked at below.
        self.sh("systemctl is-system-running --wait", timeout=_BOOT_SECONDS, check=False)

    def sh(self, command: str, timeout: float = 120, check: bool = True) -> str:
        result = self._vm.sh(
            f"{self._enter} /bin/sh -c {shlex.quote(command)}", timeout=timeout, check=check
        )
        return result.stdout


def expect(what: str, seen: str, wanted: str) -> None:
    if wanted not in seen:
        sys.exit(f"package_boot: {what}: '{seen.strip()}' has no '{wanted}'")
    line = next(line for line in seen.splitlines() if wanted.strip() in line)
    print(f"{what}: {line}", flush=True)


def main_pid(debian: Debian) -> str:
    return debian.sh("systemctl show -p MainPID --value kchand").strip()


def look_at_service(debian: Debian) -> None:
    failed = debian.sh("systemctl --failed --plain --no-legend")
    if "kchan" in failed or "modules-load" in failed:
        sys.exit(f"package_boot: units failed: {failed}{debian.sh('journalctl -b --no-pager')}")
    expect("kchand.service", debian.sh("systemctl is-active kchand", check=False), "active\n")
    expect("modules", debian.sh("lsmod | grep kchan"), "kchan_sources")
    expect("/dev/kchan", debian.sh("stat -c '%U %G %a' /dev/kchan"), "root kchan 660")
    expect("kernel side", debian.sh("kchan status"), "kernel side  ready")


def records_of(debian: Debian, channel: str) -> str:
    """Three records, while programs run and lines are written to the kernel log."""
    return debian.sh(
        f"kchan tail {channel} --count 3 --for 60s & "
        "while kill -0 $! 2>/run/loop; do /bin/true; echo hello >/dev/kmsg; sleep 0.2; done; wait $!"
    )


def read_channels(debian: Debian) -> None:
    """What the sandbox lets kchand do is all it needs."""
    debian.sh("kchan set tick_shared rate_hz=100 && kchan set tick_genl rate_hz=100")
    for channel in _CHANNELS:
        lines = records_of(debian, channel).splitlines()
        expect(f"{len(lines)} records of {channel}", lines[-1] if lines else "", channel)
    request = """kchan netlink do nlctrl getfamily --json '{"family-name": "nlctrl"}'"""
    expect("netlink", debian.sh(request), "nlctrl")
    status = debian.sh("kchan status")
    expect("problems", "\n".join(status.split("what to do")[1:]) or "none", "none")


def look_at_confinement(debian: Debian) -> None:
    """What kchand takes from itself within the sandbox of its unit (docs/confinement.md)."""
    process = f"/proc/{main_pid(debian)}/status"
    # The unit leaves CAP_CHOWN too, of which this configuration has no use.
    wanted = f"{_CAP_NET_ADMIN | _CAP_SYSLOG:016x}"
    expect("capabilities", debian.sh(f"grep CapEff: {process}"), wanted)
    expect("system calls", debian.sh("journalctl -u kchand --no-pager"), "system calls ours")


def open_to_group(debian: Debian) -> None:
    """docs/operations.md, "Let people in": the group's members read, others do not."""
    debian.sh("sed -i 's/^  read { mode: 0660 }/  read { mode: 0660 group: \"kchan\" }/' "
              "/etc/kchan/kchan.textproto && systemctl restart kchand")  # fmt: skip
    as_stranger = "setpriv --reuid 12345 --regid 12345 --clear-groups"
    as_member = "setpriv --reuid 12345 --regid 12345 --groups $(getent group kchan | cut -d: -f3)"
    expect("a member of the group reads", debian.sh(f"{as_member} kchan list"), "uevent")
    refused = debian.sh(f"{as_member} kchan set tick_genl rate_hz=1 2>&1", check=False)
    expect("and does not write", refused, "Permission denied")
    refused = debian.sh(f"{as_stranger} kchan list 2>&1", check=False)
    expect("a stranger reads nothing", refused, "Permission denied")


def reload_and_restart(debian: Debian) -> None:
    debian.sh("systemctl reload kchand")
    expect("reloaded", debian.sh("systemctl is-active kchand", check=False), "active\n")
    debian.sh("systemctl restart kchand && kchan health")
    expect("restarted", debian.sh("systemctl show -p Result kchand"), "Result=success")


def replace_module(debian: Debian) -> None:
    """docs/operations.md, "A new module under a running kchand"."""
    daemon = main_pid(debian)

    def then(command: str, wanted: str) -> None:
        debian.sh(f"{command} && until kchan status >/run/status; grep -q {shlex.quote(wanted)} "
                  "/run/status; do sleep 0.1; done")  # fmt: skip
        print(f"{command}: {wanted}", flush=True)

    then("kchand --quiesce-module", "(quiesced)")
    then("modprobe -r kchan_sources kchan", "kchan.ko is not loaded")
    then("modprobe kchan_sources", "kernel side  ready")
    expect("records again", records_of(debian, "exec"), "exec")
    expect("the same kchand", main_pid(debian), daemon)


def exchange_package(debian: Debian) -> None:
    """A package of another version, while the service runs: that goes on with it."""
    before = main_pid(debian)
    debian.sh("dpkg --force-confold -i /older/kchand.deb", timeout=_BOOT_SECONDS)
    if (after := main_pid(debian)) == before:
        sys.exit(f"package_boot: another kchand was installed, and process {after} runs on")
    expect("with another kchand", debian.sh("kchan status"), "kernel side  ready")


def remove_and_purge(debian: Debian, release: str) -> None:
    debian.sh("dpkg -r kchand kchan kchan-dkms", timeout=_BOOT_SECONDS)
    expect("removed", debian.sh("systemctl is-active kchand", check=False), "inactive")
    gone = f"/usr/bin/kchand /lib/modules/{release}/updates/dkms/kchan.ko /run/kchan"
    debian.sh(f"for path in {gone}; do test ! -e $path || {{ echo $path >&2; exit 1; }}; done")
    debian.sh("test -d /var/lib/kchand -a -s /etc/kchan/kchan.textproto")
    debian.sh("rmmod kchan_sources kchan && touch /etc/kchan/policy.textproto")
    debian.sh("dpkg -P kchand kchan kchan-dkms", timeout=_BOOT_SECONDS)
    debian.sh("test ! -e /var/lib/kchand -a ! -e /etc/kchan/kchan.textproto")
    expect("purged but for an own file", debian.sh("ls /etc/kchan"), "policy.textproto")


def main() -> int:
    disk, release = Path(sys.argv[1]), sys.argv[2]
    version = "6.12" if release.startswith("6.12.") else "6.1"
    with Vm(version, modules=["ext4"], disk=disk, memory_mb=2048) as vm:
        if vm.kernel.release != release:
            sys.exit(f"package_boot: the cached kernel is {vm.kernel.release}, the modules are for "
                     f"{release}: run scripts/install-deps --kernels")  # fmt: skip
        debian = Debian(vm)
        look_at_service(debian)
        look_at_confinement(debian)
        read_channels(debian)
        reload_and_restart(debian)
        open_to_group(debian)
        replace_module(debian)
        exchange_package(debian)
        remove_and_purge(debian, release)
        debian.sh("sync")
        if warnings := vm.kernel_warnings():
            sys.exit("package_boot: the kernel complains:\n" + "\n".join(warnings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
