"""Arrays in and out of a flat mapping: nested dataclasses become 'part/field' entries that an .npz can hold."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T")


def flatten(value: Any, prefix: str = "") -> dict[str, NDArray[Any]]:
    """A dataclass of arrays, numbers and dataclasses as one level of arrays; fields that are None are left out."""
    arrays: dict[str, NDArray[Any]] = {}
    for field in fields(value):
        part, name = getattr(value, field.name), f"{prefix}{field.name}"
        if part is None:
            continue
        arrays |= flatten(part, f"{name}/") if is_dataclass(part) else {name: np.asarray(part)}
    return arrays


def restore(kind: type[_T], arrays: Mapping[str, NDArray[Any]], prefix: str = "") -> _T:
    """What `flatten` took apart. Raises KeyError where an array is missing."""
    parts: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        parts[name] = _part(hint, arrays, f"{prefix}{name}")
    return kind(**parts)


def _part(hint: Any, arrays: Mapping[str, NDArray[Any]], name: str) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        if name not in arrays and not any(key.startswith(f"{name}/") for key in arrays):
            return None
        hint = next(choice for choice in get_args(hint) if choice is not type(None))
    if is_dataclass(hint):
        return restore(hint, arrays, f"{name}/")  # type: ignore[arg-type]
    if hint in (int, float, bool):
        return hint(arrays[name])
    return arrays[name]
