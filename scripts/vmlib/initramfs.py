# SPDX-License-Identifier: Apache-2.0
"""The guest's file system: a few cpio archives, one after the other.

Layers change at different rates (busybox and the kernel's modules hardly
ever, our programs with each build), so each is kept in the cache under a
digest of what it is made of.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from .cpio import CpioWriter
from .kernel import SCRIPTS, Kernel

_CACHE = Path(
    os.environ.get("KCHAN_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kchan"
)
_LAYERS = _CACHE / "layers"
_LAYERS_KEPT = 40

_BUSYBOX = Path("/bin/busybox")

_FSTAB = """\
proc /proc proc defaults 0 0
sys /sys sysfs defaults 0 0
pts /dev/pts devpts gid=5,mode=620 0 0
shm /dev/shm tmpfs defaults 0 0
cgroup2 /sys/fs/cgroup cgroup2 defaults 0 0
debug /sys/kernel/debug debugfs defaults 0 0
trace /sys/kernel/tracing tracefs defaults 0 0
"""
_ETC = {
    "/etc/fstab": _FSTAB,
    "/etc/hostname": "guest\n",
    "/etc/hosts": "127.0.0.1 localhost\n127.0.0.1 guest\n",
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "/etc/group": "root:x:0:\ntty:x:5:\nkchan:x:900:\nnogroup:x:65534:\n",
}
_FOLDERS = ("/dev", "/proc", "/sys", "/tmp", "/run", "/root", "/var/log", "/mnt", "/etc/kchan")


def build(
    kernel: Kernel,
    out: Path,
    *,
    ports: int,
    shell: bool,
    load: Iterable[str],
    available: Iterable[str],
    programs: Iterable[Path],
    files: Mapping[str, Path | bytes],
) -> None:
    """Writes the archive for one guest to `out`.

    `load`: modules to load at boot, names or .ko files. `available`: names of
    modules for the guest's modprobe. `programs`: host executables, put in
    /usr/bin with the libraries they need. `files`: guest path -> content.
    """
    layers = [_base_layer()]
    boot_files, loaded = _module_files(kernel, load, available)
    layers.append(_program_layer(programs))

    last: dict[str, bytes | Path] = {
        "/etc/kchan/modules": "".join(f"{path}\n" for path in loaded).encode(),
        "/etc/kchan/ports": b"%d\n" % ports,
    }
    if shell:
        last["/etc/kchan/shell"] = b""
    last.update(boot_files)
    last.update(files)
    with out.open("wb") as stream:
        for layer in layers:
            with layer.open("rb") as source:
                shutil.copyfileobj(source, stream, 1 << 20)
        writer = CpioWriter(stream)
        for path, content in last.items():
            _add(writer, path, content)
        writer.finish()


def _add(writer: CpioWriter, path: str, content: Path | bytes) -> None:
    if isinstance(content, bytes):
        writer.add_file(path, content)
    else:
        writer.add_file(path, content.read_bytes(), content.stat().st_mode & 0o777)


def _module_files(
    kernel: Kernel, load: Iterable[str], available: Iterable[str]
) -> tuple[dict[str, bytes | Path], list[str]]:
    """What to put in the guest, and which of it to load, in order."""
    content: dict[str, bytes | Path] = {}
    loaded: list[str] = []
    dep_lines: list[str] = []
    base = f"/lib/modules/{kernel.release}"

    def take(name: str) -> list[str]:
        paths = []
        for file in kernel.closure(name):
            path = f"{base}/{file.removesuffix('.xz').removesuffix('.zst')}"
            if path not in content:
                content[path] = kernel.read_module(file)
                needs = " ".join(reversed(paths))
                dep_lines.append(f"{path}: {needs}")
            paths.append(path)
        return paths

    for module in load:
        if module.endswith(".ko"):
            path = f"/modules/{Path(module).name}"
            content[path] = Path(module)
            loaded.append(path)
        else:
            loaded.extend(path for path in take(module) if path not in loaded)
    for name in available:
        take(name)
    content[f"{base}/modules.dep"] = "".join(f"{line}\n" for line in dep_lines).encode()
    return content, loaded


def _base_layer() -> Path:
    guest = SCRIPTS / "guest"

    def write(writer: CpioWriter) -> None:
        for folder in _FOLDERS:
            writer.add_folder(folder, 0o1777 if folder == "/tmp" else 0o755)
        writer.add_file("/bin/busybox", _BUSYBOX.read_bytes(), 0o755)
        for applet in _applets():
            if applet != "busybox":
                writer.add_symlink(f"/bin/{applet}", "busybox")
        for path, text in _ETC.items():
            writer.add_file(path, text.encode())
        writer.add_file("/init", (guest / "init").read_bytes(), 0o755)
        writer.add_file("/etc/kchan/agent", (guest / "agent").read_bytes(), 0o755)

    inputs = [_BUSYBOX, guest / "init", guest / "agent", Path(__file__)]
    return _layer("base", inputs, write)


def _applets() -> list[str]:
    listed = subprocess.run(
        [_BUSYBOX, "--list"], check=True, stdout=subprocess.PIPE, text=True
    )
    return listed.stdout.split()


def _program_layer(programs: Iterable[Path]) -> Path:
    paths = [Path(program).resolve(strict=True) for program in programs]
    libraries = sorted({library for path in paths for library in _libraries(path)})

    def write(writer: CpioWriter) -> None:
        for path in paths:
            writer.add_file(f"/usr/bin/{path.name}", _stripped(path), 0o755)
        for library in libraries:
            writer.add_file(str(library), library.read_bytes(), 0o755)

    return _layer("programs", [*paths, *libraries, Path(__file__)], write)


def _libraries(program: Path) -> list[Path]:
    """The shared libraries that `program` is linked with, and the loader."""
    listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=False)
    if "not found" in listed.stdout:
        raise FileNotFoundError(f"{program} needs libraries that are not here:\n{listed.stdout}")
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", listed.stdout)]


def _stripped(program: Path) -> bytes:
    """Without debug symbols, which are most of a program's size."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / program.name
        done = subprocess.run(
            ["strip", "--strip-debug", "-o", out, program], stderr=subprocess.DEVNULL, check=False
        )
        # A script, for instance, cannot be stripped.
        return (out if done.returncode == 0 else program).read_bytes()


def _layer(name: str, inputs: Iterable[Path], write: Callable[[CpioWriter], None]) -> Path:
    """The cached archive that `write` makes of `inputs`."""
    digest = hashlib.sha256()
    for path in inputs:
        status = path.stat()
        digest.update(f"{path} {status.st_mtime_ns} {status.st_size}\n".encode())
    layer = _LAYERS / f"{name}-{digest.hexdigest()[:24]}.cpio"
    if layer.exists():
        os.utime(layer)
        return layer

    _LAYERS.mkdir(parents=True, exist_ok=True)
    archive = io.BytesIO()
    writer = CpioWriter(archive)
    write(writer)
    writer.finish()
    with tempfile.NamedTemporaryFile(dir=_LAYERS, delete=False) as partial:
        partial.write(archive.getbuffer())
    os.replace(partial.name, layer)
    _forget_old_layers()
    return layer


def _forget_old_layers() -> None:
    layers = sorted(_LAYERS.glob("*.cpio"), key=lambda path: path.stat().st_mtime)
    for layer in layers[:-_LAYERS_KEPT]:
        layer.unlink(missing_ok=True)
