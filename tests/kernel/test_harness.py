# SPDX-License-Identifier: Apache-2.0
"""The virtual machine itself keeps its promises: the other tests stand on it."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator

import pytest
from vmlib import machine
from vm import CommandFailed, CommandTimeout, GuestGone, Vm

_PORT = 7


@pytest.fixture(scope="module")
def bare(kernel: str) -> Iterator[Vm]:
    """A guest without our modules."""
    wanted = {"available": ["veth"], "programs": ["/usr/sbin/ip"], "disk_mb": 16}
    with Vm(kernel, forwards={_PORT: 0}, **wanted) as vm:
        yield vm


def test_runs_the_kernel_under_test(bare: Vm, kernel: str) -> None:
    assert bare.sh("uname -r").stdout.startswith(f"{kernel}.")
    assert bare.sh("nproc").stdout == "2\n"


def test_command_gives_code_and_both_outputs(bare: Vm) -> None:
    with pytest.raises(CommandFailed) as failed:
        bare.sh("echo out; echo err >&2; exit 3")
    result = failed.value.result
    assert (result.code, result.stdout, result.stderr) == (3, "out\n", "err\n")


def test_any_byte_goes_in_and_out(bare: Vm) -> None:
    content = bytes(range(256)) * 5000
    bare.push(content, "/tmp/bytes", mode=0o600)
    assert bare.pull("/tmp/bytes") == content
    assert bare.sh("stat -c %a /tmp/bytes").stdout == "600\n"


def test_late_command_is_killed_with_its_children(bare: Vm) -> None:
    with pytest.raises(CommandTimeout, match="before"):
        bare.sh("echo before; sleep 1000 & wait", timeout=1)
    assert "sleep 1000" not in bare.sh("ps").stdout
    assert bare.sh("echo after").stdout == "after\n"


def test_commands_run_side_by_side(bare: Vm) -> None:
    bare.sh("mkfifo /tmp/pipe")
    reader = threading.Thread(target=bare.sh, args=("read line </tmp/pipe",))
    reader.start()
    bare.sh("echo line >/tmp/pipe")
    reader.join(timeout=30)
    assert not reader.is_alive()


def test_spawned_program_has_its_own_pid(bare: Vm) -> None:
    pid = bare.spawn("sleep 1000")
    # busybox runs itself by another name first.
    bare.wait_for(f'test "$(cat /proc/{pid}/comm)" = sleep')
    bare.sh(f"kill {pid}")
    bare.wait_for(f"! test -e /proc/{pid}")


def test_forwarded_port_reaches_the_guest(bare: Vm) -> None:
    bare.spawn(f"nc -l -p {_PORT} -e echo hello")
    bare.wait_for(f"netstat -ltn | grep -q :{_PORT}")
    with socket.create_connection(("127.0.0.1", bare.ports[_PORT]), timeout=30) as peer:
        assert peer.recv(100) == b"hello\n"


def test_disk_modules_and_host_programs_are_there(bare: Vm) -> None:
    bare.sh("modprobe veth && /usr/bin/ip link add veth0 type veth peer name veth1")
    bare.sh("ip link show veth1 && ip link del veth0")
    assert bare.sh("cat /sys/block/vda/size").stdout == f"{16 << 11}\n"


def test_processor_goes_off_and_on(bare: Vm) -> None:
    switch = "/sys/devices/system/cpu/cpu1/online"
    bare.sh(f"echo 0 >{switch} && test $(nproc) = 1 && echo 1 >{switch} && test $(nproc) = 2")


def test_complaint_of_the_kernel_is_found_once(bare: Vm) -> None:
    assert bare.kernel_warnings() == []
    bare.sh("echo 'BUG: an invented one' >/dev/kmsg")
    assert [line.split("] ")[-1] for line in bare.kernel_warnings()] == ["BUG: an invented one"]
    assert bare.kernel_warnings() == []


def test_panic_ends_the_guest_and_is_told(kernel: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(GuestGone, match="sysrq triggered crash"), Vm(kernel) as vm:
        vm.sh("echo c >/proc/sysrq-trigger")
    assert "Kernel panic" in capfd.readouterr().err
    shutil.rmtree(vm.folder)  # kept, as it ended with an exception


def test_a_kernel_that_does_not_boot_is_tried_again(
    kernel: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "_BOOT_SECONDS", 0.1)
    vm = Vm(kernel)
    with pytest.raises(GuestGone), vm:
        pass
    assert "the kernel did not boot: 1 more tries" in capfd.readouterr().err
    shutil.rmtree(vm.folder)
