# SPDX-License-Identifier: Apache-2.0
"""Decoded fields as a dataclass."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def dataclass_of(kind: type[T], values: Mapping[str, Any]) -> T:
    """Members that the class does not have are left out; those that it has and
    `values` has not keep their defaults. Classes in classes, and in lists, too."""
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is not a dataclass")
    hints = typing.get_type_hints(kind)
    members = {
        member.name: _convert(hints[member.name], values[member.name])
        for member in dataclasses.fields(kind)
        if member.init and member.name in values
    }
    try:
        return kind(**members)
    except TypeError as error:
        raise TypeError(f"{kind.__name__}: {error}: the record has {', '.join(values)}") from None


def _convert(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        some = [arm for arm in typing.get_args(hint) if arm is not types.NoneType]
        return _convert(some[0], value) if len(some) == 1 else value
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return dataclass_of(hint, value)
    if typing.get_origin(hint) in (list, tuple) and isinstance(value, list):
        element = next(iter(typing.get_args(hint)), Any)
        converted = [_convert(element, one) for one in value]
        return tuple(converted) if typing.get_origin(hint) is tuple else converted
    return value
