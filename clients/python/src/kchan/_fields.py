# SPDX-License-Identifier: Apache-2.0
"""Fields of a record type, made of what a daemon says and does not get believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kchan.v1 import schema_pb2 as pb

# The kernel side's own bounds are far lower; these only keep a hostile daemon
# from making us hold or show nonsense.
_MAX_FIELDS = 4096
_MAX_TYPE_BYTES = 1 << 20
_MAX_ELEMENTS = 1 << 20
# Each may show the whole payload again, so it counts as many.
_ELEMENTS_OF_LOC = 256
_MAX_DEPTH = 4  # part of the API

# struct's code and the size of each kind of integer.
INTEGERS: dict[int, tuple[str, int]] = {
    pb.FIELD_KIND_U8: ("B", 1),
    pb.FIELD_KIND_U16: ("H", 2),
    pb.FIELD_KIND_U32: ("I", 4),
    pb.FIELD_KIND_U64: ("Q", 8),
    pb.FIELD_KIND_S8: ("b", 1),
    pb.FIELD_KIND_S16: ("h", 2),
    pb.FIELD_KIND_S32: ("i", 4),
    pb.FIELD_KIND_S64: ("q", 8),
    pb.FIELD_KIND_BOOL: ("B", 1),
}
STRINGS = (pb.FIELD_KIND_STRING, pb.FIELD_KIND_STRING_LOC, pb.FIELD_KIND_STRING_REST)
LOCS = (pb.FIELD_KIND_STRING_LOC, pb.FIELD_KIND_BYTES_LOC)
RESTS = (pb.FIELD_KIND_STRING_REST, pb.FIELD_KIND_BYTES_REST)
LOC_BYTES = 4
ADDRESS_BYTES: dict[int, int] = {
    pb.FIELD_DISPLAY_IPV4: 4,
    pb.FIELD_DISPLAY_IPV6: 16,
    pb.FIELD_DISPLAY_MAC: 6,
    pb.FIELD_DISPLAY_IP: 16,
}


@dataclass(frozen=True)
class Field:
    """One member of a record or of a structure in it."""

    name: str
    kind: int  # kchan.v1.FieldKind
    display: int  # kchan.v1.FieldDisplay
    offset: int  # from the start of what it is a member of
    size_bytes: int
    unit: str
    documentation: str
    writable: bool  # a value that clients may change
    count: int  # of integers and structures: how many; otherwise 1
    element_bytes: int  # of one of these; 0 for other kinds
    format: str  # of struct, for all integers of the field or a LOC; otherwise ""
    names: dict[int, str] = field(hash=False)
    values: dict[str, int] = field(hash=False)  # the other way round
    members: tuple[Field, ...] = ()

    @property
    def is_array(self) -> bool:
        return self.count != 1

    @property
    def is_struct(self) -> bool:
        return self.kind == pb.FIELD_KIND_STRUCT

    @property
    def is_string(self) -> bool:
        return self.kind in STRINGS


def make_fields(proto: pb.RecordType, order: str) -> tuple[Field, ...]:
    """ValueError says what is wrong."""
    if proto.size_bytes > _MAX_TYPE_BYTES:
        raise ValueError("it is too large")
    return _Builder(order).make(proto.fields, "", proto.size_bytes, depth=0, times=1)


def _wrong_alone(proto: pb.Field, size_bytes: int, depth: int) -> str | None:
    """What is wrong with a field by itself."""
    if not proto.name:
        return "has no name"
    if proto.offset + proto.size_bytes > size_bytes:
        return f"leaves its type of {size_bytes} bytes"
    if proto.kind in RESTS:
        if depth:
            return "takes the rest inside a structure"
        return "takes the rest, but has a size" if proto.size_bytes else None
    if not proto.size_bytes:
        return "has no bytes"
    if proto.kind in LOCS and proto.size_bytes != LOC_BYTES:
        return "is LOC, not 4 bytes"
    if proto.kind == pb.FIELD_KIND_STRUCT:
        if depth == _MAX_DEPTH:
            return "is a structure that is too deep in others"
        if not proto.members:
            return "is a structure without members"
        if not proto.element_bytes:
            return "is a structure without a size"
    element_bytes = _element_bytes(proto)
    if element_bytes and proto.size_bytes % element_bytes:
        return "is not whole elements"
    return None


def _element_bytes(proto: pb.Field) -> int:
    if proto.kind == pb.FIELD_KIND_STRUCT:
        return proto.element_bytes
    return INTEGERS[proto.kind][1] if proto.kind in INTEGERS else 0


class _Builder:
    """Makes the fields of one type, and counts them."""

    def __init__(self, order: str) -> None:
        self._order = order
        self._fields = 0
        self._elements = 0

    def make(
        self, protos: Sequence[pb.Field], path: str, size_bytes: int, depth: int, times: int
    ) -> tuple[Field, ...]:
        self._fields += len(protos)
        if self._fields > _MAX_FIELDS:
            raise ValueError("it has too many fields")
        names: set[str] = set()
        for index, proto in enumerate(protos, start=1):
            if proto.name in names:
                raise ValueError(f"it has two fields {path + proto.name!r}")
            names.add(proto.name)
            wrong = _wrong_alone(proto, size_bytes, depth)
            if wrong is None and proto.kind in RESTS and index != len(protos):
                wrong = "takes the rest, but is not the last"
            if wrong is not None:
                raise ValueError(f"field {path + proto.name!r} {wrong}")
        return tuple(self._make_one(proto, path + proto.name, depth, times) for proto in protos)

    def _make_one(self, proto: pb.Field, path: str, depth: int, times: int) -> Field:
        element_bytes = _element_bytes(proto)
        count = proto.size_bytes // element_bytes if element_bytes else 1
        self._elements += times * (_ELEMENTS_OF_LOC if proto.kind in LOCS else count)
        if self._elements > _MAX_ELEMENTS:
            raise ValueError(f"field {path!r} is one too many")
        layout = ""
        if proto.kind in INTEGERS:
            layout = f"{self._order}{count}{INTEGERS[proto.kind][0]}"
        elif proto.kind in LOCS:
            layout = f"{self._order}I"
        members: tuple[Field, ...] = ()
        if proto.kind == pb.FIELD_KIND_STRUCT:
            members = self.make(
                proto.members, path + ".", proto.element_bytes, depth + 1, times * count
            )
        return Field(
            name=proto.name,
            kind=proto.kind,
            display=proto.display,
            offset=proto.offset,
            size_bytes=proto.size_bytes,
            unit=proto.unit,
            documentation=proto.documentation,
            writable=proto.writable,
            count=count,
            element_bytes=element_bytes,
            format=layout,
            names={named.value: named.name for named in proto.names},
            values={named.name: named.value for named in proto.names},
            members=members,
        )
