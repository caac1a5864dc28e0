# SPDX-License-Identifier: Apache-2.0
"""The project's version, as in CMakeLists.txt."""

VERSION = "0.1.0"
