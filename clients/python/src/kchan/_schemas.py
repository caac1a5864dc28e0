# SPDX-License-Identifier: Apache-2.0
"""Schemas that were fetched. They are immutable, so nothing has to be refreshed."""

from __future__ import annotations

import threading
from collections import OrderedDict

from kchan.schema import Schema

_MAX_SCHEMAS = 256


class SchemaCache:
    """The most recently used ones, by id. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._schemas: OrderedDict[int, Schema] = OrderedDict()

    def find(self, schema_id: int) -> Schema | None:
        with self._lock:
            schema = self._schemas.get(schema_id)
            if schema is not None:
                self._schemas.move_to_end(schema_id)
            return schema

    def add(self, schema: Schema) -> None:
        with self._lock:
            self._schemas[schema.id] = schema
            if len(self._schemas) > _MAX_SCHEMAS:
                self._schemas.popitem(last=False)
