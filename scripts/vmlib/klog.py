# SPDX-License-Identifier: Apache-2.0
"""What in a kernel log means that the kernel found a bug, or a system call that kchand may not make.

As a program: prints such lines of its input and fails if there are any.
"""

from __future__ import annotations

import re
import sys

# A stack dump alone ("Call Trace:") is no bug: an OOM kill prints one.
_BUG = re.compile(
    r"""
      \bWARNING:\s                   # WARN_ON, lockdep, RCU
    | \bBUG:\s | kernel\ BUG\ at     # page faults, scheduling while atomic, soft lockups
    | \bOops\b | Kernel\ panic
    | general\ protection\ fault | double\ fault | stack\ segment
    | \b(KASAN|KCSAN|UBSAN|KFENCE|ODEBUG):
    | \brefcount_t:
    | INFO:\ (possible|inconsistent|suspicious|trying\ to\ register)
    | INFO:\ task\ .*\ blocked\ for\ more\ than
    | (self-)?detected\ (expedited\ )?stalls?\b
    | soft\ lockup | hard\ LOCKUP | DEADLOCK
    | DEBUG_LOCKS_WARN_ON
    | list_(add|del)\ corruption
    | sleeping\ function\ called\ from
    | Bad\ page\ (state|map) | [Dd]ouble\ free | slab\ corruption
    | kmemleak:\ .*\ new\ suspected
    | nobody\ cared
    | cannot\ create\ duplicate\ filename
    | kobject_add_internal\ failed
    | Slab\ cache\ still\ has\ objects | Objects\ remaining
    | audit:\ type=1326\ .*\ exe="[^"]*kchand"  # a system call that our own filter refuses
    """,
    re.VERBOSE,
)


def find_warnings(log: str) -> list[str]:
    """The lines of `log` that report a bug."""
    return [line for line in log.splitlines() if _BUG.search(line)]


if __name__ == "__main__":
    found = find_warnings(sys.stdin.read())
    print("\n".join(found))
    sys.exit(1 if found else 0)
