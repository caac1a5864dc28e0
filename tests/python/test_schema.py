# SPDX-License-Identifier: Apache-2.0
"""Payloads are read and written by their schema, whatever they hold."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

import kchan
from fake_daemon import one_type
from kchan.v1 import schema_pb2 as pb
from kchan.v1.schema_pb2 import Field, NamedValue


def make(size_bytes: int, *fields: Field, big_endian: bool = False) -> kchan.RecordType:
    return kchan.Schema(one_type(size_bytes, *fields, big_endian=big_endian)).type("sample")


def field(name: str, kind: str, offset: int, size_bytes: int, **more: object) -> Field:
    return Field(
        name=name,
        kind=pb.FieldKind.Value(f"FIELD_KIND_{kind}"),
        offset=offset,
        size_bytes=size_bytes,
        **more,
    )


def peer(name: str, offset: int, count: int) -> Field:
    ip = field("ip", "U32", 0, 4, display=pb.FIELD_DISPLAY_IPV4)
    port = field("port", "U16", 4, 2)
    return field(name, "STRUCT", offset, 8 * count, element_bytes=8, members=[ip, port])


def connections(big_endian: bool = False) -> kchan.RecordType:
    return make(
        28, peer("local", 0, 1), peer("peers", 8, 2), field("count", "U32", 24, 4),
        big_endian=big_endian,
    )  # fmt: skip


CONNECTIONS = (
    b"\x7f\0\0\x01\x50\0\0\0"
    b"\x0a\0\0\x01\xbb\x01\0\0"
    b"\x0a\0\0\x02\x35\0\0\0"
    b"\2\0\0\0"
)
DECODED = {
    "local": {"ip": "127.0.0.1", "port": 80},
    "peers": [{"ip": "10.0.0.1", "port": 443}, {"ip": "10.0.0.2", "port": 53}],
    "count": 2,
}


def test_structures_become_dicts_and_arrays_lists() -> None:
    assert connections().decode(CONNECTIONS) == DECODED


@pytest.mark.parametrize("big_endian", [False, True])
def test_encode_writes_what_decode_reads(big_endian: bool) -> None:
    kind = connections(big_endian)
    assert kind.decode(kind.encode(DECODED)) == DECODED


def test_what_the_payload_does_not_hold_is_none() -> None:
    assert connections().decode(b"") == {"local": None, "peers": [None, None], "count": None}
    cut = connections().decode(CONNECTIONS[:13])
    assert cut["peers"] == [{"ip": "10.0.0.1", "port": None}, None]
    array = make(8, field("a", "U16", 0, 8))
    assert array.decode(b"\1\0\2\0\3") == {"a": [1, 2, None, None]}


def test_integers() -> None:
    kind = make(
        16, field("s", "S8", 0, 1), field("u", "U64", 8, 8), field("b", "BOOL", 1, 1)
    )
    payload = b"\xff\1" + bytes(6) + b"\xff" * 8
    assert kind.decode(payload) == {"s": -1, "u": 2**64 - 1, "b": True}
    assert kind.encode({"s": -1, "u": "0xffffffffffffffff", "b": True}) == payload


def test_enums_and_flags_have_names() -> None:
    names = [NamedValue(value=1, name="UP"), NamedValue(value=4, name="RUNNING")]
    kind = make(
        2,
        field("state", "U8", 0, 1, display=pb.FIELD_DISPLAY_ENUM, names=names),
        field("flags", "U8", 1, 1, display=pb.FIELD_DISPLAY_FLAGS, names=names),
    )
    assert kind.decode(b"\1\x0d") == {"state": "UP", "flags": ["UP", "RUNNING", 8]}
    assert kind.decode(b"\2\0") == {"state": 2, "flags": []}
    for flags in (["UP", "RUNNING", 8], "UP|RUNNING|0x8", 13):
        assert kind.encode({"state": "UP", "flags": flags}) == b"\1\x0d"


def test_a_negative_enum_value_has_a_name() -> None:
    names = [NamedValue(value=2**64 - 2, name="GONE")]
    kind = make(4, field("e", "S32", 0, 4, display=pb.FIELD_DISPLAY_ENUM, names=names))
    assert kind.decode(b"\xfe\xff\xff\xff") == {"e": "GONE"}
    assert kind.encode({"e": "GONE"}) == b"\xfe\xff\xff\xff"


def test_addresses_are_text() -> None:
    kind = make(
        26,
        field("mac", "BYTES", 0, 6, display=pb.FIELD_DISPLAY_MAC),
        field("ip", "BYTES", 6, 16, display=pb.FIELD_DISPLAY_IP),
        field("v4", "BYTES", 22, 4, display=pb.FIELD_DISPLAY_IPV4),
    )
    for ip in ("10.0.0.2", "fe80::1"):
        values = {"mac": "52:54:00:12:34:ff", "ip": ip, "v4": "127.0.0.1"}
        assert kind.decode(kind.encode(values)) == values


def test_strings_end_at_their_nul_and_bytes_do_not() -> None:
    kind = make(8, field("t", "STRING", 0, 4), field("b", "BYTES", 4, 4))
    assert kind.decode(b"ab\0cd\0ef") == {"t": "ab", "b": b"d\0ef"}
    assert kind.decode(b"\xff\0\0\0\0\0\0\0")["t"] == "\ufffd"


def test_loc_fields_point_into_the_payload_from_structures_too() -> None:
    path = field("path", "STRING_LOC", 0, 4)
    kind = make(8, field("files", "STRUCT", 0, 8, element_bytes=4, members=[path]))
    values = {"files": [{"path": "/a"}, {"path": "/bin/b"}]}
    assert kind.encode(values) == b"\x08\0\2\0\x0a\0\6\0/a/bin/b"
    assert kind.decode(kind.encode(values)) == values
    assert kind.decode(b"\xff\xff\1\0\0\0\0\0")["files"][0] == {"path": None}


def test_the_rest_goes_to_the_payloads_end() -> None:
    text = make(2, field("level", "U16", 0, 2), field("text", "STRING_REST", 2, 0))
    assert text.decode(b"\6\0a line") == {"level": 6, "text": "a line"}
    assert text.decode(b"\6\0") == {"level": 6, "text": ""}
    assert text.decode(b"\6") == {"level": None, "text": None}
    assert text.encode({"level": 6, "text": "line"}) == b"\6\0line"
    raw = make(2, field("raw", "BYTES_REST", 2, 0))
    assert raw.decode(raw.encode({"raw": b"\0\xff"})) == {"raw": b"\0\xff"}


def test_what_loc_fields_point_to_stands_behind_a_rest_of_characters() -> None:
    kind = make(4, field("name", "STRING_LOC", 0, 4), field("text", "STRING_REST", 4, 0))
    values = {"name": "n", "text": "a line"}
    assert kind.decode(kind.encode(values)) == values
    raw = make(4, field("name", "STRING_LOC", 0, 4), field("rest", "BYTES_REST", 4, 0))
    with pytest.raises(kchan.SchemaError, match="'rest' takes the rest"):
        raw.encode({"name": "n", "rest": b"x"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"local": {"port": 65536}}, "field 'local.port' is out of range: 0 to 65535"),
        ({"peers": [{}, {"ip": "x"}]}, "field 'peers[1].ip' is not an address of its kind"),
        ({"local": 80}, "field 'local' takes a mapping"),
        ({"peers": {}}, "field 'peers' takes a list"),
        ({"peers": [{}, {}, {}]}, "field 'peers' takes at most 2 elements"),
        ({"local": {"mac": 1}}, "no field 'local.mac': it has ip, port"),
        ({"pid": 1}, "no field 'pid': it has local, peers, count"),
    ],
)
def test_errors_of_encoding_name_the_field(values: dict[str, object], message: str) -> None:
    with pytest.raises(kchan.SchemaError) as refused:
        connections().encode(values)
    assert str(refused.value) == f"type 'sample': {message}"


def test_a_payload_is_bounded() -> None:
    kind = make(4, field("s", "STRING_LOC", 0, 4))
    with pytest.raises(kchan.SchemaError, match="longer than 65535"):
        kind.encode({"s": "x" * 65536})


def deep(depth: int) -> Field:
    inner = field("number", "U32", 0, 4)
    for _ in range(depth):
        inner = field("s", "STRUCT", 0, 4, element_bytes=4, members=[inner])
    return inner


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([field("a", "U32", 8, 4)], "field 'a' leaves its type of 8 bytes"),
        ([field("a", "U32", 0xFFFFFFFE, 4)], "leaves its type"),
        ([field("a", "U32", 0, 6)], "is not whole elements"),
        ([field("a", "U32", 0, 0)], "has no bytes"),
        ([field("", "U32", 0, 4)], "has no name"),
        ([field("a", "U8", 0, 1), field("a", "U8", 1, 1)], "it has two fields 'a'"),
        ([field("a", "STRING_LOC", 0, 8)], "is LOC, not 4 bytes"),
        ([field("a", "STRUCT", 0, 8, element_bytes=8)], "a structure without members"),
        ([field("a", "STRUCT", 0, 8, members=[deep(0)])], "a structure without a size"),
        (
            [field("a", "STRUCT", 0, 8, element_bytes=2, members=[deep(0)])],
            "field 'a.number' leaves its type of 2 bytes",
        ),
        ([deep(5)], "too deep in others"),
        ([field("r", "BYTES_REST", 0, 0), field("a", "U8", 0, 1)], "is not the last"),
        ([field("r", "BYTES_REST", 0, 4)], "takes the rest, but has a size"),
    ],
)
def test_a_schema_that_contradicts_itself_is_refused(fields: list[Field], message: str) -> None:
    with pytest.raises(kchan.SchemaError, match=message):
        make(8, *fields)
    make(8, deep(4))


def test_a_small_schema_cannot_make_us_show_without_end() -> None:
    members = [
        field(str(i), "STRUCT", 0, 1, element_bytes=1, members=[field("m", "U8", 0, 1)])
        for i in range(64)
    ]
    with pytest.raises(kchan.SchemaError, match="one too many"):
        make(1 << 16, field("o", "STRUCT", 0, 1 << 16, element_bytes=1, members=members))


def test_two_types_of_one_number_are_refused() -> None:
    proto = one_type(8)
    proto.types.append(proto.types[0])
    with pytest.raises(kchan.SchemaError, match="two types of one number"):
        kchan.Schema(proto)


def test_any_payload_can_be_decoded() -> None:
    numbers = random.Random(4)
    loc = field("loc", "STRING_LOC", 4, 4)
    both = peer("peers", 0, 2)
    both.members.append(loc)
    kind = make(
        24,
        both,
        field("flags", "S16", 16, 4, display=pb.FIELD_DISPLAY_FLAGS),
        field("text", "STRING", 20, 4),
        field("rest", "STRING_REST", 24, 0),
    )
    for _ in range(2000):
        payload = numbers.randbytes(numbers.randrange(64))
        assert list(kind.decode(payload)) == ["peers", "flags", "text", "rest"]


@dataclass
class Peer:
    ip: str
    port: int


@dataclass
class Connections:
    count: int
    peers: list[Peer]
    local: Peer | None = None
    comment: str = "none"


def record(kind: kchan.RecordType | None, payload: bytes) -> kchan.Record:
    return kchan.Record("n", "c", 1, 1, 5, 0, 1, payload, kind, kchan.Clock(1_000_000_000))


def test_a_record_becomes_a_dataclass() -> None:
    made = record(connections(), CONNECTIONS).into(Connections)
    assert made == Connections(
        2, [Peer("10.0.0.1", 443), Peer("10.0.0.2", 53)], Peer("127.0.0.1", 80)
    )


def test_a_dataclass_that_needs_more_says_what_the_record_has() -> None:
    @dataclass
    class Other:
        pid: int

    with pytest.raises(TypeError, match="pid.*the record has local, peers, count"):
        record(connections(), CONNECTIONS).into(Other)


def test_a_record_is_decoded_when_it_is_asked_for() -> None:
    one = record(connections(), CONNECTIONS)
    assert one["count"] == 2
    assert "fields" not in one.__dict__
    assert one.fields == DECODED
    assert one["local"] is one.fields["local"]
    with pytest.raises(KeyError):
        one["pid"]
    assert one.time_ns == 1_000_000_005
    assert one.time.isoformat() == "1970-01-01T00:00:01+00:00"


def test_a_record_without_a_schema_still_has_its_payload() -> None:
    with pytest.raises(LookupError, match="only its payload is known"):
        assert record(None, b"x").fields
