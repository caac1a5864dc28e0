# SPDX-License-Identifier: Apache-2.0
"""One channel's records as a test looks at them: decoded, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from remote import Remote, Stream


class Records:
    """One channel's records, decoded, with all that was lost between them."""

    def __init__(self, remote: Remote, channel: str, **start: Any) -> None:
        self._schema = remote.schema(channel)
        self._pending: deque[dict[str, Any]] = deque()
        self.stream: Stream = remote.subscribe(channel, **start)
        self.losses: list[Any] = []

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.cancel()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            while self._pending:
                yield self._pending.popleft()
            self._read_batch()

    def _read_batch(self) -> None:
        batch = self.stream.until(lambda response: response.HasField("batch")).batch
        self.losses.extend(batch.lost)
        self._pending.extend(self._schema.decode(record) for record in batch.records)

    def until_lost(self) -> list[dict[str, Any]]:
        """All records up to the batch that tells of a loss, and those of that."""
        while not self.losses:
            self._read_batch()
        seen = list(self._pending)
        self._pending.clear()
        return seen

    def find(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first such record; those before it are let go."""
        return next(record for record in self if wanted(record))

    def through(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """All records up to the first such one."""
        seen = []
        for record in self:
            seen.append(record)
            if wanted(record):
                return seen
        raise AssertionError("unreachable")
