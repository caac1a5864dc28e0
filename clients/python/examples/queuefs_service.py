#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Serves a folder to the file system kchan_queuefs of another machine.

  queuefs_service.py --server NODE:50051 --root ./files
  (there)  mount -t kchan_queuefs none /mnt && cat /mnt/motd

Three queues, as kmod/samples/queuefs/queuefs.h describes: lookups come on
queuefs.commands, what a file is goes to queuefs.inodes, what it holds to
queuefs.blocks; what was written there comes back as `changed` on queuefs.inodes.

Not a product: each file gets its place in the blocks once, room for it to grow
by half a megabyte, and keeps it until the service ends.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

import kchan

COMMANDS, INODES, BLOCKS = "queuefs.commands", "queuefs.inodes", "queuefs.blocks"
_BLOCK_BYTES = 4096  # a multiple of the channel's, whatever that is
_ROOM_BYTES = 512 << 10


def up_to_block(length: int) -> int:
    return -(-length // _BLOCK_BYTES) * _BLOCK_BYTES


@dataclass
class File:
    path: Path
    ino: int
    offset: int  # in the blocks
    length: int


class Refused(Exception):
    """What the process that opens the file shall get."""

    def __init__(self, error: int) -> None:
        super().__init__(errno.errorcode[error])
        self.error = error


class Folder:
    """The files that have been asked for. From any thread."""

    def __init__(self, root: Path, capacity_bytes: int) -> None:
        self._root = root.resolve()
        self._capacity_bytes = capacity_bytes
        self._lock = threading.Lock()
        self._by_name: dict[str, File] = {}
        self._used_bytes = 0

    def find(self, name: str) -> File:
        # The name is a stranger's: one file, in this folder, no link out of it.
        path = self._root / name
        if "/" in name or path.parent != self._root or path.is_symlink() or not path.is_file():
            raise Refused(errno.ENOENT)
        with self._lock:
            return self._by_name.get(name) or self._add(name, path)

    def by_ino(self, ino: int) -> File | None:
        with self._lock:
            return next((file for file in self._by_name.values() if file.ino == ino), None)

    def _add(self, name: str, path: Path) -> File:
        length = up_to_block(path.stat().st_size + _ROOM_BYTES)
        if self._used_bytes + length > self._capacity_bytes:
            raise Refused(errno.ENOSPC)
        file = File(path, ino=len(self._by_name) + 2, offset=self._used_bytes, length=length)
        self._used_bytes += length
        self._by_name[name] = file
        return file


class Service:
    def __init__(self, client: kchan.Client, root: Path) -> None:
        self._client = client
        self._folder = Folder(root, client.channel(BLOCKS).block.capacity_bytes)
        # A file is sent or fetched, not both at once.
        self._contents = threading.Lock()

    def run(self) -> None:
        """Until the program is ended, across kchand's restarts."""
        changes = self._client.subscribe(INODES)
        threading.Thread(target=self._follow_changes, args=(changes,), daemon=True).start()
        with self._client.subscribe(COMMANDS) as lookups:
            for item in lookups:
                # Who asked in a lookup that was lost gets ETIMEDOUT there.
                if isinstance(item, kchan.Record):
                    self._answer(item)

    def _follow_changes(self, changes: kchan.Subscription) -> None:
        for item in changes:
            # Of a lost change only the bytes on the disk here are old: the
            # next one of that file brings all of it.
            if isinstance(item, kchan.Lost):
                print(f"{item.count} changes lost", flush=True)
            elif item.record_type and item.record_type.name == "changed":
                self._fetch(item["ino"], item["size"])

    def _answer(self, lookup: kchan.Record) -> None:
        error = 0
        try:
            self._send(lookup["id"], self._folder.find(lookup["name"]))
        except Refused as refused:
            error = refused.error
        except kchan.KchanError as failed:
            # Nobody waits any more (ENOENT), or the kernel side is gone.
            print(f"{lookup['name']}: {failed}", flush=True)
            error = errno.EIO
        with contextlib.suppress(kchan.KchanError):
            self._client.publish(COMMANDS, "answer", {"id": lookup["id"], "error": error})

    def _send(self, request: int, file: File) -> None:
        with self._contents:
            held = file.path.read_bytes()
            if len(held) > file.length:
                raise Refused(errno.EFBIG)
            blocks = held.ljust(up_to_block(len(held)), b"\0")
            if blocks:
                self._client.write_blocks(BLOCKS, file.offset, blocks)
        extent = {"offset": file.offset, "length": file.length}
        inode = {
            "id": request, "ino": file.ino, "size": len(held), "extent": extent, "mode": 0o644,
        }  # fmt: skip
        self._client.publish(INODES, "inode", inode)

    def _fetch(self, ino: int, size: int) -> None:
        file = self._folder.by_ino(ino)
        if file is None or not size or size > file.length:
            return
        with self._contents:
            held = self._client.read_blocks(BLOCKS, file.offset, up_to_block(size))
            # Who reads the file finds the old or the new one, whole.
            fresh = file.path.with_name(f".{file.path.name}.new")
            fresh.write_bytes(held[:size])
            fresh.replace(file.path)
        print(f"{file.path.name}: {size} bytes written", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="unix:/run/kchan/control.sock")
    parser.add_argument("--root", type=Path, required=True, help="the folder to serve")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with kchan.Client(arguments.server) as client, contextlib.suppress(KeyboardInterrupt):
        Service(client, arguments.root).run()


if __name__ == "__main__":
    main()
