# SPDX-License-Identifier: Apache-2.0
"""Python to payloads."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kchan._fields import ADDRESS_BYTES, INTEGERS, LOCS, RESTS, Field
from kchan.v1 import schema_pb2 as pb

if TYPE_CHECKING:
    from kchan.schema import RecordType

# What LOC fields can point to, and below the kernel's bound.
_MAX_PAYLOAD_BYTES = 65535


class Refused(Exception):
    """Why, with the field's path."""


def payload(kind: RecordType, order: str, values: Mapping[str, Any]) -> bytes:
    writer = _Writer(kind, order)
    writer.write(kind.fields, values, "", 0)
    return writer.finish()


class _Writer:
    def __init__(self, kind: RecordType, order: str) -> None:
        self._kind = kind
        self._order = order
        self._payload = bytearray(kind.size_bytes)
        self._locs: list[tuple[int, bytes]] = []
        self._rest: bytes | None = None

    def write(
        self, fields: Sequence[Field], values: Mapping[str, Any], path: str, base: int
    ) -> None:
        if not isinstance(values, Mapping):
            raise Refused(f"field {path.rstrip('.')!r} takes a mapping" if path else "no mapping")
        by_name = {field.name: field for field in fields}
        for name, value in values.items():
            if name not in by_name:
                raise Refused(f"no field {path + name!r}: it has {', '.join(by_name)}")
            if value is None:
                continue
            field = by_name[name]
            if field.is_struct:
                self._write_structs(field, value, path + name, base)
                continue
            try:
                self._write_value(field, value, base + field.offset)
            except ValueError as error:
                raise Refused(f"field {path + name!r} {error}") from None

    def _write_structs(self, field: Field, value: Any, path: str, base: int) -> None:
        start = base + field.offset
        if not field.is_array:
            self.write(field.members, value, path + ".", start)
            return
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise Refused(f"field {path!r} takes a list")
        if len(value) > field.count:
            raise Refused(f"field {path!r} takes at most {field.count} elements")
        for index, element in enumerate(value):
            if element is not None:
                at = start + index * field.element_bytes
                self.write(field.members, element, f"{path}[{index}].", at)

    def _write_value(self, field: Field, value: Any, offset: int) -> None:
        if ADDRESS_BYTES.get(field.display) == field.size_bytes and field.kind not in LOCS:
            self._put(offset, _address(field.display, value))
        elif field.kind in INTEGERS:
            numbers = _numbers(field, value)
            code = f"{self._order}{len(numbers)}{INTEGERS[field.kind][0]}"
            struct.pack_into(code, self._payload, offset, *numbers)
        else:
            raw = _bytes(field, value)
            if field.kind in LOCS:
                self._locs.append((offset, raw))
            elif field.kind in RESTS:
                self._rest = raw
            elif len(raw) > field.size_bytes:
                raise ValueError(f"holds {field.size_bytes} bytes, not {len(raw)}")
            else:
                self._put(offset, raw)

    def _put(self, offset: int, raw: bytes) -> None:
        self._payload[offset : offset + len(raw)] = raw

    def finish(self) -> bytes:
        if self._kind.fields and self._kind.fields[-1].kind in RESTS:
            self._append_rest(self._kind.fields[-1])
        for offset, raw in self._locs:
            at = len(self._payload)
            if at + len(raw) > _MAX_PAYLOAD_BYTES:
                break
            struct.pack_into(f"{self._order}I", self._payload, offset, len(raw) << 16 | at)
            self._payload += raw
        else:
            if len(self._payload) <= _MAX_PAYLOAD_BYTES:
                return bytes(self._payload)
        raise Refused(f"the payload would be longer than {_MAX_PAYLOAD_BYTES} bytes")

    def _append_rest(self, rest: Field) -> None:
        if self._locs and not rest.is_string:
            # They would be a part of it.
            raise Refused(
                f"field {rest.name!r} takes the rest of the payload, so what other fields "
                "point to has no place"
            )
        if self._rest is not None:
            self._put(rest.offset, self._rest)
        if self._locs:
            self._payload.append(0)  # ends it before them


def _bytes(field: Field, value: Any) -> bytes:
    if field.is_string:
        if not isinstance(value, str):
            raise ValueError("takes a str")
        return value.encode()
    if isinstance(value, str):
        try:
            return bytes.fromhex(value)
        except ValueError:
            raise ValueError("takes bytes, or hex digits, two for each byte") from None
    if not isinstance(value, bytes | bytearray | memoryview):
        raise ValueError("takes bytes")
    return bytes(value)


def _address(display: int, value: Any) -> bytes:
    try:
        if display == pb.FIELD_DISPLAY_MAC:
            raw = bytes.fromhex(str(value).replace(":", ""))
            if len(raw) == 6 and raw.hex(":") == str(value).lower():
                return raw
        else:
            address = ipaddress.ip_address(value)
            if address.version == 6 and display != pb.FIELD_DISPLAY_IPV4:
                return address.packed
            if address.version == 4 and display == pb.FIELD_DISPLAY_IPV4:
                return address.packed
            if address.version == 4 and display == pb.FIELD_DISPLAY_IP:
                return b"\0" * 10 + b"\xff\xff" + address.packed
    except ValueError:
        pass
    raise ValueError("is not an address of its kind")


def _numbers(field: Field, value: Any) -> list[int]:
    if not field.is_array:
        return [_number(field, value)]
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError("takes a list")
    if len(value) > field.count:
        raise ValueError(f"takes at most {field.count} elements")
    return [0 if element is None else _number(field, element) for element in value]


def _number(field: Field, value: Any) -> int:
    if isinstance(value, str):
        words = value.split("|") if field.display == pb.FIELD_DISPLAY_FLAGS else [value]
        return _in_range(field, _union(_word(field, word) for word in words if word))
    if isinstance(value, list | tuple) and field.display == pb.FIELD_DISPLAY_FLAGS:
        return _in_range(field, _union(_flag(field, flag) for flag in value))
    if isinstance(value, int):
        return _in_range(field, int(value))
    raise ValueError(f"takes {_takes(field)}")


def _union(bits: Any) -> int:
    union = 0
    for some in bits:
        union |= some
    return union


def _flag(field: Field, flag: Any) -> int:
    if isinstance(flag, int):
        return flag
    if isinstance(flag, str):
        return _word(field, flag)
    raise ValueError(f"takes {_takes(field)}")


def _word(field: Field, word: str) -> int:
    if word in field.values:
        return _bits(field, field.values[word])
    try:
        return int(word, 16 if word.lower().removeprefix("-").startswith("0x") else 10)
    except ValueError:
        raise ValueError(f"is {word!r}, but takes {_takes(field)}") from None


def _bits(field: Field, value: int) -> int:
    """A name's value, which is bits, as a number of the field."""
    bits = 8 * field.element_bytes
    signed = INTEGERS[field.kind][0].islower()
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def _in_range(field: Field, number: int) -> int:
    code, size = INTEGERS[field.kind]
    bits = 1 if field.kind == pb.FIELD_KIND_BOOL else 8 * size
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if code.islower() else (0, (1 << bits) - 1)
    if field.display == pb.FIELD_DISPLAY_FLAGS and code.islower() and high < number < 1 << bits:
        return number - (1 << bits)  # the sign is a flag too
    if not low <= number <= high:
        raise ValueError(f"is out of range: {low} to {high}")
    return number


def _takes(field: Field) -> str:
    return f"a number or one of {', '.join(field.values)}" if field.values else "a number"
