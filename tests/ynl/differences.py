# SPDX-License-Identifier: Apache-2.0
"""What differs between a message as kchan decodes it and as ynl does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_EXACT = 1 << 53


def difference(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    return list(_objects(ours, theirs, ""))


def _objects(ours: dict[str, Any], theirs: dict[str, Any], path: str) -> Iterator[str]:
    ours = dict(ours)
    raw = ours.pop("@raw", [])
    ours.pop("@rest", None)  # ynl does not look at it
    # ynl lets the fixed header take an attribute's place.
    ours.update(ours.pop("@header", {}))
    unknown = {f"UnknownAttr({each['type']})" for each in raw if "name" not in each}
    for each in raw:
        if "name" not in each:
            continue
        # The spec of nlctrl takes NL_POLICY_TYPE_ATTR_MASK for padding; ynl gives
        # padding as bytes.
        if theirs.get(each["name"]) == bytes.fromhex(each["bytes"]):
            ours[each["name"]] = each["bytes"]
        else:
            yield f"{path}.{each['name']} is raw: {each['why']}"
    for name in sorted(ours.keys() | theirs.keys()):
        where = f"{path}.{name}"
        if name in theirs and name.startswith("UnknownAttr"):
            if name not in unknown:
                yield f"{where}: not in ours"
        elif name not in ours:
            if theirs[name] not in (b"", {}):  # padding
                yield f"{where}: not in ours, {theirs[name]!r} in theirs"
        elif name not in theirs:
            yield f"{where}: {ours[name]!r} in ours, not in theirs"
        else:
            yield from _values(ours[name], theirs[name], where)


def _values(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    if isinstance(ours, list) and isinstance(theirs, str):
        # ynl does not see that a subset makes an attribute multi: the last stays.
        ours = ours[-1]
    if isinstance(theirs, dict):
        if isinstance(ours, dict):
            yield from _objects(ours, theirs, path)
            return
    elif isinstance(theirs, set):
        if isinstance(ours, list) and set(ours) == theirs:
            return
    elif isinstance(theirs, list):
        if isinstance(ours, list) and len(ours) == len(theirs):
            for i, (one, other) in enumerate(zip(ours, theirs)):
                yield from _values(*_indexed(one, other, i), f"{path}[{i}]")
            return
    elif ours == _plain(theirs) and isinstance(ours, bool) == isinstance(theirs, bool):
        return
    yield f"{path}: {ours!r} in ours, {theirs!r} in theirs"


def _indexed(ours: Any, theirs: Any, place: int) -> tuple[Any, Any]:
    """ynl gives nests in arrays as {index: nest}, kchan an index that is not its place."""
    if not isinstance(theirs, dict) or len(theirs) != 1 or not isinstance(next(iter(theirs)), int):
        return ours, theirs
    [(index, nest)] = theirs.items()
    ours = dict(ours)
    ours_index = ours.pop("@index", place + 1)
    return (ours, nest) if ours_index == index else ({"index": ours_index}, {"index": index})


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and abs(value) > _EXACT:
        return str(value)
    return value
