# SPDX-License-Identifier: Apache-2.0
"""Decodes records by what the kernel said about them, and only by that."""

from __future__ import annotations

import ipaddress
import struct
from typing import Any

_INTEGERS = {1: "B", 2: "H", 3: "I", 4: "Q", 5: "b", 6: "h", 7: "i", 8: "q", 9: "?"}
_STRING, _BYTES, _STRING_LOC, _BYTES_LOC = 10, 11, 12, 13
_STRING_REST, _BYTES_REST = 15, 16
_ENUM, _IPV4, _IPV6, _MAC, _IP = 2, 4, 5, 6, 8


class Schema:
    def __init__(self, schema: Any) -> None:
        self.id = schema.id
        self._order = ">" if schema.byte_order == 2 else "<"
        self.types = {kind.id: kind for kind in schema.types}

    def type_id(self, name: str) -> int:
        (found,) = [kind.id for kind in self.types.values() if kind.name == name]
        return found

    def decode(self, record: Any) -> dict[str, Any]:
        kind = self.types[record.type]
        assert len(record.payload) >= kind.size_bytes
        return {member.name: self._value(member, record.payload) for member in kind.fields}

    def encode(self, record_type: int, **values: int) -> bytes:
        """A payload of integer fields; those not named are zero."""
        kind = self.types[record_type]
        payload = bytearray(kind.size_bytes)
        for member in kind.fields:
            code = self._order + _INTEGERS[member.kind]
            struct.pack_into(code, payload, member.offset, values.pop(member.name, 0))
        assert not values, f"no such field: {values}"
        return bytes(payload)

    def _value(self, member: Any, payload: bytes) -> Any:
        raw = payload[member.offset : member.offset + member.size_bytes]
        assert len(raw) == member.size_bytes, member.name
        if member.kind in (_STRING_LOC, _BYTES_LOC):
            (location,) = struct.unpack(self._order + "I", raw)
            raw = payload[location & 0xFFFF :][: location >> 16]
        if member.kind in (_STRING_REST, _BYTES_REST):
            raw = payload[member.offset :]
        if member.kind in (_STRING, _STRING_LOC, _STRING_REST):
            return raw.split(b"\0")[0].decode(errors="replace")
        if member.display == _MAC:
            return raw.hex(":")
        if member.display in (_IPV4, _IPV6, _IP):
            return self._address(raw)
        if member.kind in (_BYTES, _BYTES_LOC, _BYTES_REST):
            return raw
        return self._integer(member, raw)

    @staticmethod
    def _address(raw: bytes) -> str:
        address = ipaddress.ip_address(raw)
        mapped = getattr(address, "ipv4_mapped", None)
        return str(mapped or address)

    def _integer(self, member: Any, raw: bytes) -> Any:
        code = _INTEGERS[member.kind]
        values = struct.unpack(f"{self._order}{len(raw) // struct.calcsize(code)}{code}", raw)
        if len(values) > 1:
            return list(values)
        if member.display == _ENUM:
            names = {named.value: named.name for named in member.names}
            return names.get(values[0], values[0])
        return values[0]
