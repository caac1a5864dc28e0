# SPDX-License-Identifier: Apache-2.0
"""How fast this machine's time stamp counter runs.

An emulated guest reads the host's counter, and measures its frequency while
it boots. On a busy host it may be wrong by any factor, and then all its time
is: so it is told.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import time

# rdtsc; shl rdx, 32; or rax, rdx; ret
_READ_TSC = bytes.fromhex("0f31 48c1e220 4809d0 c3")
_MEASURE_SECONDS = 0.1


@functools.cache
def frequency_khz() -> int:
    """Measured once; within 0.1 % however busy the machine is."""
    executable = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    with mmap.mmap(-1, mmap.PAGESIZE, prot=executable) as code:
        code.write(_READ_TSC)
        address = ctypes.c_char.from_buffer(code)
        try:
            read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(address))
            first_ns, first = _sample(read)
            time.sleep(_MEASURE_SECONDS)
            last_ns, last = _sample(read)
        finally:
            del address
    return round((last - first) * 1e6 / (last_ns - first_ns))


def _sample(read: ctypes._FuncPointer) -> tuple[int, int]:
    """A time and the counter at it: of a few, the pair read the closest."""
    best = None
    for _ in range(50):
        before = time.monotonic_ns()
        count = read()
        after = time.monotonic_ns()
        if best is None or after - before < best[0]:
            best = (after - before, (before + after) // 2, count)
    assert best is not None
    return best[1], best[2]
