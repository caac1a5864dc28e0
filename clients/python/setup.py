# SPDX-License-Identifier: Apache-2.0
"""Adds the classes of the protos, which are not in git, to what is packaged."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# A build back end does not run in this folder's name.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from generate_stubs import generate  # noqa: E402


class BuildWithStubs(build_py):
    def run(self) -> None:
        super().run()
        generate(Path(self.build_lib))


setup(cmdclass={"build_py": BuildWithStubs})
