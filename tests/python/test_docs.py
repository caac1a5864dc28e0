# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/python.md run, and print what stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Node

_DOCS = (Path(__file__).resolve().parents[2] / "docs/python.md").read_text()
# An example, and if "prints .." follows, what it prints.
_EXAMPLE = re.compile(r"```python\n(.*?)```\n(?:\nprints(.*?)\n\n```\n(.*?)```\n)?", re.DOTALL)
_EXAMPLES = _EXAMPLE.findall(_DOCS)


@pytest.mark.parametrize("number", range(len(_EXAMPLES)))
def test_an_example_prints_what_the_guide_says(node: Node, tmp_path: Path, number: int) -> None:
    code, how, printed = _EXAMPLES[number]
    assert printed, "an example that prints nothing shows nothing"
    code = code.replace("unix:/run/kchan/read.sock", node.read)
    code = code.replace("unix:/run/kchan/control.sock", node.control)
    program = tmp_path / "example.py"
    program.write_text(code)
    ran = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    if "among others" in how:
        lines = [line for line in lines if line in printed.splitlines()]
    assert lines == printed.splitlines()


def test_the_guide_has_examples() -> None:
    assert len(_EXAMPLES) >= 6
