#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes kchan.v1, Python's classes of the protos, in FOLDER/kchan.

    generate_stubs.py [--protos FOLDER] FOLDER

Needs protoc and grpc_python_plugin (Debian: protobuf-compiler,
protobuf-compiler-grpc). setup.py runs it; nothing of what it makes is in git.

google.rpc becomes kchan.google_rpc on the way. A process has one pool of
protobuf descriptors, and ours hold only the part of google.rpc that kchan uses:
beside googleapis-common-protos, which many programs have, the two would clash.
On the wire nothing changes.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROTOS = Path(__file__).resolve().parents[2] / "proto"
SERVICES = ("channel_service.proto", "netlink_service.proto", "node_service.proto")


def copy_protos(source: Path, target: Path) -> list[Path]:
    """Copies what clients need, renamed; the copies."""
    copies = []
    for folder, renamed in (("kchan/v1", "kchan/v1"), ("google/rpc", "kchan/google_rpc")):
        for proto in sorted((source / folder).glob("*.proto")):
            text = proto.read_text()
            text = text.replace('"google/rpc/', '"kchan/google_rpc/')
            text = re.sub(r"\bgoogle\.rpc\b", "kchan.google_rpc", text)
            copies.append(target / renamed / proto.name)
            copies[-1].parent.mkdir(parents=True, exist_ok=True)
            copies[-1].write_text(text)
    return copies


def generate(folder: Path, protos: Path = PROTOS) -> None:
    for tool in ("protoc", "grpc_python_plugin"):
        if shutil.which(tool) is None:
            sys.exit(f"generate_stubs.py: no {tool}: install protobuf-compiler-grpc")
    if not (protos / "kchan/v1").is_dir():
        sys.exit(f"generate_stubs.py: no protos in {protos}: build from a checkout of kchan")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as copies_folder:
        copies = copy_protos(protos, Path(copies_folder))
        base = ["protoc", f"-I{copies_folder}"]
        outputs = [f"--python_out={folder}", f"--pyi_out={folder}"]
        subprocess.run([*base, *outputs, *map(str, copies)], check=True)
        plugin = f"--plugin=protoc-gen-grpc_python={shutil.which('grpc_python_plugin')}"
        services = [str(copy) for copy in copies if copy.name in SERVICES]
        subprocess.run([*base, plugin, f"--grpc_python_out={folder}", *services], check=True)
    for package in ("v1", "google_rpc"):
        (folder / "kchan" / package / "__init__.py").write_text(
            "# SPDX-License-Identifier: Apache-2.0\n# Generated from the protos.\n"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--protos", type=Path, default=PROTOS)
    arguments = parser.parse_args()
    generate(arguments.folder, arguments.protos)


if __name__ == "__main__":
    main()
