# SPDX-License-Identifier: Apache-2.0
"""Network namespaces of this machine, for tests that run as root."""

from __future__ import annotations

import json
import subprocess


class Namespace:
    """A network namespace. Deleted, it may be made again: another of the same name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = f"/run/netns/{name}"
        self.make()

    def make(self) -> None:
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.exists = True

    def command(self, *words: object) -> list[str]:
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def run(self, *words: object, text: str | None = None) -> str:
        done = subprocess.run(
            self.command(*words), check=True, capture_output=True, text=True, input=text
        )
        return done.stdout

    def links(self) -> dict[str, int]:
        """Interface indices by name, as `ip` has them."""
        return {link["ifname"]: link["ifindex"] for link in json.loads(self.run("ip", "-j", "link"))}

    def add_pairs(self, count: int, first: int = 0) -> None:
        """Devices vaN and vbN."""
        lines = [
            f"link add va{i} type veth peer name vb{i}\n" for i in range(first, first + count)
        ]
        self.run("ip", "-batch", "-", text="".join(lines))

    def delete_pairs(self, count: int, first: int = 0) -> None:
        lines = [f"link delete va{i}\n" for i in range(first, first + count)]
        self.run("ip", "-batch", "-", text="".join(lines))

    def delete(self) -> None:
        self.exists = False
        subprocess.run(["ip", "netns", "delete", self.name], check=True)
