"""Frozen dataclasses as JSON and back; the annotations are the schema."""

import dataclasses
import json
import types
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from sourcebook.index.errors import InputError

T = TypeVar("T")


def to_json(document: Any) -> str:
    """A frozen dataclass as a line of JSON. Raises InputError for NaN and infinities."""
    try:
        return json.dumps(document, default=_fields, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise InputError(f"The document cannot be JSON: {error}.") from error


def _fields(value: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(value):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}


def from_json(kind: type[T], value: Any, where: str) -> T:
    """The dataclass `kind` from a JSON object.

    Raises InputError, naming the place as `where.field`, for missing or unknown fields and for
    values of another type than the annotation.
    """
    if not isinstance(value, dict):
        raise _mismatch(value, where, "an object")
    hints = get_type_hints(kind)
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]  # every caller passes a dataclass
    required = {each.name for each in fields if not _has_default(each)}
    if not required <= value.keys() <= hints.keys():
        missing = sorted(required - value.keys()) or sorted(value.keys() - hints.keys())
        raise InputError(f"{where}: missing or unknown {', '.join(missing)}.")
    return kind(**{key: _value(hints[key], each, f"{where}.{key}") for key, each in value.items()})


def _has_default(each: "dataclasses.Field[Any]") -> bool:
    return (
        each.default is not dataclasses.MISSING or each.default_factory is not dataclasses.MISSING
    )


def _value(kind: Any, value: Any, where: str) -> Any:
    """One JSON value as the annotation `kind`. Raises InputError with its place."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is types.UnionType:
        return None if value is None else _value(arguments[0], value, where)
    if origin is tuple:
        return _items(arguments, value, where)
    if dataclasses.is_dataclass(kind):
        return from_json(kind, value, where)  # type: ignore[arg-type]  # never an instance
    if origin is not None:
        if not isinstance(value, dict):
            raise _mismatch(value, where, "an object")
        return {key: _value(arguments[1], each, f"{where}.{key}") for key, each in value.items()}
    expected = (int, float) if kind is float else kind
    if not isinstance(value, expected) or (isinstance(value, bool) and kind is not bool):
        raise _mismatch(value, where, kind.__name__)
    return value


def _items(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _mismatch(value, where, "a list")
    kinds = arguments[:1] * len(value) if arguments[-1] is ... else arguments
    if len(kinds) != len(value):
        raise _mismatch(value, where, f"{len(kinds)} values")
    pairs = enumerate(zip(kinds, value, strict=True))
    return tuple(_value(kind, each, f"{where}[{i}]") for i, (kind, each) in pairs)


def _mismatch(value: object, where: str, expected: str) -> InputError:
    return InputError(f"{where} is {repr(value)[:60]}; expected {expected}.")
