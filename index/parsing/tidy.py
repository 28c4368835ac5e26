"""Makes what a file says about its article safe to store, to list and to send.

Metadata come from strangers: a title may forge lines of a list, a mapping may be too deep to send.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, replace

from sourcebook.index.article import Metadata, deeper_than
from sourcebook.index.errors import UnreadableError
from sourcebook.index.parsing.characters import as_seen

# Far above any that was met, and far below the 255 levels that pydantic writes as JSON.
MAX_DEPTH = 20
MAX_LINE = 2_000  # characters of a title, a name or an address
MAX_NAMES = 1_000  # authors or tags
MAX_EXTRA = 100_000  # characters of everything that there is no field for, as JSON
MAX_DIGITS = 19  # of a whole number: more do not fit in 64 bits

HALVES = re.compile("[\ud800-\udfff]")
# Control characters, and signs that turn the direction of all that follows on a line.
UNSEEN = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
CURE = "Correct it, or leave it out."


def whole(text: str) -> str:
    """The text with U+FFFD for each half of a character, which cannot be encoded."""
    return HALVES.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The text on one line, without what would command a terminal."""
    return " ".join(UNSEEN.sub("", whole(text)).split())


def whole_number(digits: str) -> int:
    """The number that JSON or YAML writes with these digits. Raises `ValueError` for too many."""
    if len(digits) > MAX_DIGITS + 1:
        raise ValueError(
            f"a number has {len(digits):,} digits; expected at most {MAX_DIGITS} or quotation marks"
        )
    return int(digits)


def refuse_depth(value: object, place: str, *, around: int = 0) -> None:
    """Raise `UnreadableError` where lists and mappings are nested more than MAX_DEPTH deep.

    So many levels `around` the metadata do not count.
    """
    if deeper_than(value, MAX_DEPTH + around):
        raise UnreadableError(
            f"{place} is nested more than {MAX_DEPTH} levels deep; expected metadata.",
            cure="Leave out what is not metadata.",
        )


def jsonable(value: object) -> object:
    """`value` in types of JSON: dates in ISO 8601, keys as text, numbers that are finite.

    Raises `ValueError` for a number that no other program would read as it is.
    """
    if isinstance(value, Mapping):
        return {one_line(str(key)): jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [jsonable(inner) for inner in value]
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int):
        if value.bit_length() >= 64:
            raise ValueError("a number has more than 63 bits; expected quotation marks around it")
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return UNSEEN.sub("", whole(str(value)))


def tidied(known: Metadata, place: str) -> Metadata:
    """The metadata with every field on one line and nothing in it that cannot be stored or sent.

    Raises `UnreadableError` for what is longer or deeper than any metadata.
    """
    refuse_depth(known.extra, f"The metadata of {place}")
    found: dict[str, object] = {}
    for field in fields(Metadata):
        value = getattr(known, field.name)
        if isinstance(value, str):
            found[field.name] = _short(field.name, value, place)
        elif isinstance(value, tuple):
            lines = (_short(field.name, each, place) for each in value[:MAX_NAMES])
            found[field.name] = tuple(dict.fromkeys(filter(None, lines)))
    try:
        extra = {one_line(str(key)): jsonable(value) for key, value in known.extra.items()}
    except ValueError as error:
        raise UnreadableError(f"In the metadata of {place}, {error}.", cure=CURE) from error
    size = len(json.dumps(extra, ensure_ascii=False))
    if size > MAX_EXTRA:
        raise UnreadableError(
            f"The further metadata of {place} have {size:,} characters; expected at most "
            f"{MAX_EXTRA:,}.",
            cure="Leave out what is not metadata.",
        )
    return replace(known, **found, extra=extra)  # type: ignore[arg-type]  # each of its field's type


def _short(name: str, value: str, place: str) -> str:
    line = as_seen(one_line(value))
    if len(line) > MAX_LINE:
        raise UnreadableError(
            f"{name} of {place} has {len(line):,} characters; expected at most {MAX_LINE:,}.",
            cure=CURE,
        )
    return line
