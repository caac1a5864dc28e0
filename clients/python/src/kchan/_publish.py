# SPDX-License-Identifier: Apache-2.0
"""Records to the kernel: what the sync and the aio client have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kchan import errors
from kchan._calls import check_published, type_to_kernel
from kchan.schema import Schema
from kchan.v1 import channel_service_pb2 as service

Sendable = Mapping[str, Any] | bytes
"""A record's fields by name, or its payload."""


@dataclass(frozen=True)
class Published:
    """What became of one record: taken by the kernel if `error` is None."""

    index: int  # from 0
    error: errors.KchanError | None


class Publishing:
    """One stream of records of one type."""

    def __init__(
        self, operation: str, channel: str, schema: Schema, record_type: str | int
    ) -> None:
        self.operation = operation
        self._channel = channel
        self._type = type_to_kernel(schema, channel, record_type)
        self._answered = 0
        self._failed: Exception | None = None

    def request(self, index: int, record: Sendable) -> service.PublishRequest:
        payload = record if isinstance(record, bytes) else self._type.encode(record)
        return service.PublishRequest(
            request_id=index, channel=self._channel, type=self._type.id, payload=payload
        )

    def requests(self, records: Iterable[Sendable]) -> Iterator[service.PublishRequest]:
        """Runs in a thread of gRPC's, which would swallow what is raised: finish()
        raises it where the caller is."""
        try:
            for index, record in enumerate(records):
                yield self.request(index, record)
        except Exception as error:
            self._failed = error

    def answer(self, response: service.PublishResponse) -> Published:
        index = self._answered
        self._answered += 1
        if response.request_id != index:
            what = f"answer {response.request_id} came for record {index}"
            raise errors.make(errors.DataLoss, self.operation, what)
        try:
            check_published(self.operation, response)
        except errors.KchanError as error:
            return Published(index, error)
        return Published(index, None)

    def finish(self) -> None:
        if self._failed is not None:
            raise self._failed
