# SPDX-License-Identifier: Apache-2.0
"""Payloads to Python. What a payload does not hold is None; none is trusted."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from typing import Any

from kchan._fields import ADDRESS_BYTES, INTEGERS, LOCS, RESTS, Field
from kchan.v1 import schema_pb2 as pb


def fields(members: Sequence[Field], payload: bytes, base: int) -> dict[str, Any]:
    """`base`: where what they are members of starts in the payload."""
    return {member.name: field(member, payload, base) for member in members}


def field(member: Field, payload: bytes, base: int) -> Any:
    if member.is_struct:
        return _structs(member, payload, base + member.offset)
    if member.display in ADDRESS_BYTES:
        raw = _raw(member, payload, base)
        if raw is not None and len(raw) == ADDRESS_BYTES[member.display]:
            return _address(member.display, raw)
    if member.kind in INTEGERS:
        return _integers(member, payload, base + member.offset)
    raw = _raw(member, payload, base)
    if raw is None or not member.is_string:
        return raw
    return raw.partition(b"\0")[0].decode(errors="replace")


def _structs(member: Field, payload: bytes, start: int) -> Any:
    elements = [
        fields(member.members, payload, at) if at < len(payload) else None
        for at in range(start, start + member.size_bytes, member.element_bytes)
    ]
    return elements if member.is_array else elements[0]


def _raw(member: Field, payload: bytes, base: int) -> bytes | None:
    """Its bytes: of a LOC field what it points to."""
    start = base + member.offset
    if start > len(payload) or member.size_bytes > len(payload) - start:
        return None
    if member.kind in RESTS:
        return payload[start:]
    if member.kind not in LOCS:
        return payload[start : start + member.size_bytes]
    (loc,) = struct.unpack_from(member.format, payload, start)
    offset, size = loc & 0xFFFF, loc >> 16
    if offset > len(payload) or size > len(payload) - offset:
        return None
    return payload[offset : offset + size]


def _integers(member: Field, payload: bytes, start: int) -> Any:
    if start + member.size_bytes <= len(payload):
        numbers = struct.unpack_from(member.format, payload, start)
        if not member.is_array:
            return _number(member, numbers[0])
        return [_number(member, number) for number in numbers]
    if not member.is_array:
        return None
    whole = max(0, len(payload) - start) // member.element_bytes
    code = f"{member.format[0]}{whole}{INTEGERS[member.kind][0]}"
    numbers = struct.unpack_from(code, payload, start) if whole else ()
    return [_number(member, number) for number in numbers] + [None] * (member.count - whole)


def _number(member: Field, number: int) -> Any:
    if member.display == pb.FIELD_DISPLAY_ENUM:
        # Names of a signed field's values are its bits, extended.
        return member.names.get(number & 0xFFFF_FFFF_FFFF_FFFF, number)
    if member.display == pb.FIELD_DISPLAY_FLAGS:
        return _flags(member, number & ((1 << 8 * member.element_bytes) - 1))
    return number != 0 if member.kind == pb.FIELD_KIND_BOOL else number


def _flags(member: Field, bits: int) -> list[str | int]:
    shown: list[str | int] = []
    for mask, name in member.names.items():
        if mask and bits & mask == mask:
            shown.append(name)
            bits &= ~mask
    return [*shown, bits] if bits else shown


def _address(display: int, raw: bytes) -> str:
    if display == pb.FIELD_DISPLAY_MAC:
        return raw.hex(":")
    if display == pb.FIELD_DISPLAY_IPV4:
        return str(ipaddress.IPv4Address(raw))
    address = ipaddress.IPv6Address(raw)
    if display == pb.FIELD_DISPLAY_IP and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
