# SPDX-License-Identifier: Apache-2.0
"""A stock Debian kernel in the cache: its image and its modules."""

from __future__ import annotations

import functools
import lzma
import subprocess
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent


class Kernel:
    """One kernel, such as "6.12", fetched on first use. Immutable."""

    def __init__(self, version: str) -> None:
        fetched = subprocess.run(
            [SCRIPTS / "fetch-kernel", version], check=True, stdout=subprocess.PIPE, text=True
        )
        self.version = version
        self.folder = Path(fetched.stdout.strip())
        self.release = (self.folder / "release").read_text().strip()
        self.image = self.folder / "vmlinuz"
        self._modules = self.folder / "lib/modules" / self.release

    @functools.cached_property
    def _dependencies(self) -> dict[str, list[str]]:
        """Module file -> the files it needs, as modules.dep lists them."""
        table = {}
        for line in (self._modules / "modules.dep").read_text().splitlines():
            file, _, needs = line.partition(":")
            table[file] = needs.split()
        return table

    @functools.cached_property
    def _by_name(self) -> dict[str, str]:
        return {module_name(file): file for file in self._dependencies}

    @functools.cached_property
    def _builtin(self) -> set[str]:
        lines = (self._modules / "modules.builtin").read_text().splitlines()
        return {module_name(line) for line in lines}

    def closure(self, name: str) -> list[str]:
        """The module files to load for `name`, in the order of loading.

        Empty when the kernel has it built in; KeyError when it has it not.
        """
        wanted = module_name(name)
        if wanted in self._builtin:
            return []
        if wanted not in self._by_name:
            raise KeyError(f"kernel {self.release} has no module {name!r}")
        file = self._by_name[wanted]
        # modules.dep lists the nearest dependency first.
        return [*reversed(self._dependencies[file]), file]

    def read_module(self, file: str) -> bytes:
        """The module's bytes, not compressed."""
        path = self._modules / file
        if path.suffix == ".xz":
            return lzma.decompress(path.read_bytes())
        if path.suffix == ".zst":
            return subprocess.run(
                ["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE
            ).stdout
        return path.read_bytes()


def module_name(file: str) -> str:
    """kernel/net/virtio-net.ko.xz -> virtio_net, as the kernel calls it."""
    return Path(file).name.split(".ko")[0].replace("-", "_")
