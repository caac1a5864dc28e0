# SPDX-License-Identifier: Apache-2.0
"""Stock Debian kernels in QEMU, for tests and for trying things out."""

from .machine import Vm
from .port import CommandFailed, CommandTimeout, GuestGone, Result, VmError

__all__ = ["CommandFailed", "CommandTimeout", "GuestGone", "Result", "Vm", "VmError"]
