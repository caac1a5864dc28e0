# SPDX-License-Identifier: Apache-2.0
"""Payloads, read and written by what the kernel said about them.

    schema = client.schema("exec")
    schema.type("exec").decode(payload)     {"pid": 4711, "comm": "bash", ..}

What a field becomes in Python:

    integers      int                       arrays     list
    ENUM          str, its name; int if the value has none
    FLAGS         list of names, and an int of the bits without one
    bool          bool                      strings    str, U+FFFD for what is not UTF-8
    bytes         bytes                     addresses  str: "10.0.0.1", "52:54:00:12:34:56"
    structures    dict                      absent     None: the payload is too short
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kchan import _decode, _encode
from kchan._fields import Field, make_fields
from kchan.v1 import schema_pb2

# The kernel side's own bound is far lower; this only keeps a hostile daemon from
# making us hold nonsense.
_MAX_TYPES = 1024

Value = Any
"""What a field becomes in Python: see the module."""


class SchemaError(ValueError):
    """A schema that contradicts itself, or a value that a field cannot hold."""


class RecordType:
    """One kind of record. Immutable."""

    def __init__(self, proto: schema_pb2.RecordType, byte_order: str) -> None:
        self.id: int = proto.id
        self.name: str = proto.name
        self.documentation: str = proto.documentation
        self.size_bytes: int = proto.size_bytes
        self.proto = proto
        self._order = byte_order
        self.fields: tuple[Field, ...] = make_fields(proto, byte_order)
        self._by_name = {field.name: field for field in self.fields}

    def decode(self, payload: bytes) -> dict[str, Value]:
        """All fields by name. Safe with any payload."""
        return _decode.fields(self.fields, payload, 0)

    def decode_field(self, name: str, payload: bytes) -> Value:
        """One field: KeyError if the type has none of this name."""
        return _decode.field(self._by_name[name], payload, 0)

    def encode(self, values: Mapping[str, Value]) -> bytes:
        """The payload of these fields; those that are left out are zero.

        Takes what decode() gives, and for people numerals ("0x10"), names of
        flags as "UP|0x40" and bytes as hex digits. SchemaError names the field
        and what it may be.
        """
        try:
            return _encode.payload(self, self._order, values)
        except _encode.Refused as refused:
            raise SchemaError(f"type {self.name!r}: {refused}") from None

    def __repr__(self) -> str:
        return f"RecordType({self.id}, {self.name!r}, {[field.name for field in self.fields]})"


class Schema:
    """How to read a channel's payloads. Immutable."""

    def __init__(self, proto: schema_pb2.Schema) -> None:
        """SchemaError if it contradicts itself; the message names the field."""
        self.id: int = proto.id
        self.proto = proto
        orders = {schema_pb2.BYTE_ORDER_LITTLE_ENDIAN: "<", schema_pb2.BYTE_ORDER_BIG_ENDIAN: ">"}
        if proto.byte_order not in orders:
            raise SchemaError("schema has no byte order")
        if len(proto.types) > _MAX_TYPES:
            raise SchemaError(f"schema has more than {_MAX_TYPES} types")
        self.types: tuple[RecordType, ...] = tuple(
            self._make_type(kind, orders[proto.byte_order]) for kind in proto.types
        )
        self._by_id = {kind.id: kind for kind in self.types}
        if len(self._by_id) != len(self.types):
            raise SchemaError("schema has two types of one number")

    @staticmethod
    def _make_type(proto: schema_pb2.RecordType, order: str) -> RecordType:
        try:
            return RecordType(proto, order)
        except ValueError as error:
            raise SchemaError(f"schema, type {proto.id} {proto.name!r}: {error}") from None

    def type(self, name_or_id: str | int) -> RecordType:
        """KeyError if it has no such type."""
        found = self.find_type(name_or_id)
        if found is None:
            raise KeyError(f"no type {name_or_id!r}: it has {[kind.name for kind in self.types]}")
        return found

    def find_type(self, name_or_id: str | int) -> RecordType | None:
        if isinstance(name_or_id, int):
            return self._by_id.get(name_or_id)
        return next((kind for kind in self.types if kind.name == name_or_id), None)
