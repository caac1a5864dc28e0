# SPDX-License-Identifier: Apache-2.0
"""FILE channels end to end: what the kernel writes while kchand is there, slow,
gone or killed reaches a remote client under its numbers, once, and the disk is
never full of it; and the way down is a file, too."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon import PORT, Daemon, settle
from remote import Remote, Stream
from vm import Vm

CHANNEL = "test.file"
FOLDER = "/var/lib/kchand/files"
# Another kchand: nobody reads there, so it only carries commands.
WRITER_PORT = 50052
ROTATE_BYTES, MAX_BYTES = 65536, 131072
FRAME_BYTES = 96  # of 64 bytes of payload
CONFIG = f"""
file_writing {{ rotate_bytes: {ROTATE_BYTES} max_bytes: {MAX_BYTES} }}
"""
# What fits into the channel's queue even if nobody empties it.
CHUNK = 500


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm], build_dir: Path, kernel: str) -> Iterator[Vm]:
    modules = build_dir / "kmod" / kernel
    with make_vm(
        modules=[modules / "tests/kchan_testbed.ko", modules / "samples/kchan_file.ko"],
        forwards={PORT: 0, WRITER_PORT: 0},
    ) as guest:
        guest.sh("mkdir -p /var/lib")
        yield guest


@pytest.fixture
def daemon(vm: Vm, stubs: None) -> Iterator[Daemon]:
    # Each test has its own generation, and finds nothing of another's.
    vm.sh(f"rmmod kchan_testbed && insmod /modules/kchan_testbed.ko && rm -rf {FOLDER}")
    with Daemon(vm, CONFIG) as running:
        yield running


@pytest.fixture
def remote(daemon: Daemon) -> Iterator[Remote]:
    with daemon.remote() as connection:
        settle(connection, lambda _: {CHANNEL, "file"} <= connection.channels().keys())
        yield connection


@pytest.fixture
def writer(vm: Vm, stubs: None) -> Iterator[Remote]:
    other = Daemon(vm, 'unix_sockets { directory: "" }', WRITER_PORT)
    other.start()
    with other.remote() as connection:
        settle(connection, lambda _: CHANNEL in connection.channels())
        yield connection
    other.terminate()


def write(remote: Remote, count: int) -> None:
    """Lets the testbed write `count` records; a full queue is no error here."""
    schema = remote.schema(CHANNEL)
    kind = schema.type_id("write")
    (answer,) = remote.publish(CHANNEL, kind, [schema.encode(kind, count=count, length=64)])
    assert answer.kernel_errno in (0, errno.ENOBUFS), answer


def follow(remote: Remote) -> Stream:
    stream = remote.subscribe(CHANNEL)
    settle(remote, lambda _: remote.channels()[CHANNEL].state == 2)
    return stream


def accounted(stream: Stream) -> int:
    ledgers = stream.ledgers.get(CHANNEL, {}).values()
    return sum(ledger.received + sum(ledger.lost.values()) for ledger in ledgers)


def received(stream: Stream) -> int:
    return sum(ledger.received for ledger in stream.ledgers[CHANNEL].values())


def wait_for(stream: Stream, attempts: int) -> None:
    if accounted(stream) < attempts:
        stream.until(lambda _: accounted(stream) >= attempts)
    assert accounted(stream) == attempts
    assert all(ledger.balances() for ledger in stream.ledgers[CHANNEL].values())


def files(vm: Vm) -> dict[int, int]:
    """The channel's files: by index, how long each is."""
    listed = vm.sh(f"cd {FOLDER} && for f in {CHANNEL}.*; do stat -c '%n %s' $f; done").stdout
    found = re.findall(r"\.([0-9]{10}) ([0-9]+)$", listed, re.MULTILINE)
    return {int(index): int(size) for index, size in found}


def test_rotation_under_load_loses_and_doubles_nothing(vm: Vm, remote: Remote) -> None:
    stream = follow(remote)
    for chunk in range(1, 21):
        write(remote, CHUNK)
        wait_for(stream, chunk * CHUNK)
    assert received(stream) == 20 * CHUNK
    (ledger,) = stream.ledgers[CHANNEL].values()
    assert (ledger.first, ledger.last) == (1, 20 * CHUNK)
    left = files(vm)
    assert max(left) >= 10, "a megabyte, by 64 KiB"
    # The one that is written, and at most the one that is just being removed.
    vm.wait_for(f"test $(ls {FOLDER} | grep -c ^{CHANNEL}) -le 1")
    stream.cancel()


def test_a_killed_daemon_costs_nothing(
    vm: Vm, daemon: Daemon, remote: Remote, writer: Remote
) -> None:
    stream = follow(remote)
    write(remote, CHUNK)
    wait_for(stream, CHUNK)
    ((epoch, ledger),) = stream.ledgers[CHANNEL].items()
    stream.cancel()
    remote.close()  # or its next attempt to connect delays ours
    daemon.kill()
    # The kernel goes on with its file, so this is no matter of the queue.
    before = sum(files(vm).values())
    for chunk in range(1, 4):
        write(writer, 200)
        written = before + chunk * 200 * FRAME_BYTES
        vm.wait_for(f"test $(cat {FOLDER}/{CHANNEL}.* | wc -c) -eq {written}")
    daemon.start()
    with daemon.remote() as again:
        settle(again, lambda _: CHANNEL in again.channels())
        resumed = again.subscribe(CHANNEL, cursor=again.cursor(CHANNEL, epoch, ledger.last))
        wait_for(resumed, 600)
        write(again, CHUNK)
        wait_for(resumed, 600 + CHUNK)
        assert received(resumed) == 600 + CHUNK
        assert resumed.ledgers[CHANNEL].keys() == {epoch}
        assert resumed.ledger(CHANNEL).first == CHUNK + 1
        resumed.cancel()


def test_what_is_left_of_an_activation_that_is_over_is_its_history(
    vm: Vm, daemon: Daemon, remote: Remote, writer: Remote
) -> None:
    stream = follow(remote)
    write(remote, 100)
    wait_for(stream, 100)
    ((epoch, ledger),) = stream.ledgers[CHANNEL].items()
    stream.cancel()
    remote.close()
    daemon.kill()
    write(writer, 200)
    # Everything is written before the channel is no more.
    vm.sh("rmmod kchan_testbed && insmod /modules/kchan_testbed.ko")
    daemon.start()
    with daemon.remote() as again:
        settle(again, lambda _: CHANNEL in again.channels())
        resumed = again.subscribe(CHANNEL, cursor=again.cursor(CHANNEL, epoch, ledger.last))
        wait_for(resumed, 200)
        assert resumed.ledgers[CHANNEL].keys() == {epoch}
        write(again, 50)
        wait_for(resumed, 250)
        assert received(resumed) == 250
        assert resumed.ledgers[CHANNEL][epoch].first == 101
        ((_, now),) = [item for item in resumed.ledgers[CHANNEL].items() if item[0] != epoch]
        assert (now.first, now.last) == (1, 50)
        resumed.cancel()


def test_a_daemon_that_does_nothing_does_not_fill_the_disk(
    vm: Vm, daemon: Daemon, remote: Remote, writer: Remote
) -> None:
    stream = follow(remote)
    write(remote, 100)
    wait_for(stream, 100)
    with daemon.stopped():
        for _ in range(10):
            write(writer, CHUNK)
        vm.wait_for(f"test $(cat {FOLDER}/{CHANNEL}.* | wc -c) -ge {MAX_BYTES - FRAME_BYTES}")
        assert all(size <= MAX_BYTES for size in files(vm).values())
        assert len(files(vm)) == 1
    wait_for(stream, 100 + 10 * CHUNK)
    ledger = stream.ledger(CHANNEL)
    assert ledger.received >= MAX_BYTES // FRAME_BYTES
    assert set(ledger.lost) == {"LOSS_STAGE_KERNEL_RING"}
    write(writer, 100)
    wait_for(stream, 200 + 10 * CHUNK)
    stream.cancel()


def test_commands_go_down_by_a_file(vm: Vm, daemon: Daemon, remote: Remote) -> None:
    write(remote, 0)
    # It is kept for the next record.
    links = vm.sh(f"ls -l /proc/{daemon.pid}/fd").stdout
    assert f"memfd:kchan.{CHANNEL}" in links
    # Nobody reads: the channel's source is left alone.
    assert remote.channels()[CHANNEL].state == 1


def test_the_sample_tells_of_modules_and_takes_marks(vm: Vm, remote: Remote) -> None:
    schema = remote.schema("file")
    stream = remote.subscribe("file")
    settle(remote, lambda _: remote.channels()["file"].state == 2)
    mark = b"before the test".ljust(64, b"\0")
    good, empty = remote.publish("file", schema.type_id("mark"), [mark, bytes(64)])
    assert good.kernel_errno == 0
    assert empty.kernel_errno == errno.EINVAL
    assert "a mark needs a text" in empty.status.message
    vm.sh("insmod /modules/kchan_hello.ko && rmmod kchan_hello")
    records = [record for _, record in stream.take(4)]
    assert schema.decode(records[0])["text"] == "before the test"
    told = [schema.decode(record) for record in records[1:]]
    assert {each["name"] for each in told} == {"kchan_hello"}
    assert [each["state"] for each in told] == ["coming", "live", "going"]
    assert stream.ledger("file").balances()
    stream.cancel()
