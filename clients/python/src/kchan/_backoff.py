# SPDX-License-Identifier: Apache-2.0
"""How long to wait before a broken stream is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """`initial_s`, each time `multiplier` times longer, at most `max_s`.

    Of that a random part between a half and the whole, so that many clients do
    not come back at once. The first batch starts it anew. A wait that the daemon
    asks for comes on top, up to one minute.
    """

    initial_s: float = 0.1
    max_s: float = 10.0
    multiplier: float = 1.6


class Waits:
    """The waits of one stream."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._next_s = backoff.initial_s

    def next_s(self, asked_for_s: float | None) -> float:
        wait_s = self._next_s * random.uniform(0.5, 1.0)
        self._next_s = min(self._next_s * self._backoff.multiplier, self._backoff.max_s)
        return wait_s + min(max(asked_for_s or 0.0, 0.0), 60.0)

    def reset(self) -> None:
        self._next_s = self._backoff.initial_s
