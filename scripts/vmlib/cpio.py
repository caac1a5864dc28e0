# SPDX-License-Identifier: Apache-2.0
"""Writes initramfs archives ("newc" cpio), which need no root to make."""

from __future__ import annotations

import posixpath
import stat
from typing import BinaryIO


class CpioWriter:
    """Writes one archive. All entries belong to root.

    Folders are made as needed. Archives may be concatenated: the kernel
    unpacks one after the other. Not thread safe.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._inode = 0
        self._folders: set[str] = set()

    def add_folder(self, path: str, mode: int = 0o755) -> None:
        path = _relative(path)
        if not path or path in self._folders:
            return
        self.add_folder(posixpath.dirname(path))
        self._folders.add(path)
        self._entry(path, stat.S_IFDIR | mode, b"")

    def add_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        path = _relative(path)
        self.add_folder(posixpath.dirname(path))
        self._entry(path, stat.S_IFREG | mode, content)

    def add_symlink(self, path: str, target: str) -> None:
        path = _relative(path)
        self.add_folder(posixpath.dirname(path))
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def finish(self) -> None:
        """Ends the archive; aligned so that another one can follow."""
        self._entry("TRAILER!!!", 0, b"")
        self._pad(512)

    def _entry(self, path: str, mode: int, content: bytes) -> None:
        self._inode += 1
        name = path.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        self._out.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        self._pad(4)
        self._out.write(content)
        self._pad(4)

    def _pad(self, alignment: int) -> None:
        self._out.write(b"\0" * (-self._out.tell() % alignment))


def _relative(path: str) -> str:
    return posixpath.normpath("/" + path).lstrip("/")
