"""Text, lines and JSON of data files; every error names the file and the line."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sourcebook.index.errors import InputError, NotFoundError, UnreadableError

# JSON can contain a lone surrogate; UTF-8, and so a report, cannot.
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def load_text(path: Path) -> str:
    """The text of a UTF-8 file with its line ends unchanged, so that offsets stay right.

    Raises NotFoundError if the file is missing, UnreadableError if it cannot be read or is not
    UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise NotFoundError(f"No file {str(path)!r}.") from error
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{path} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}."
        ) from error


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line that is not blank, after `file:line` for error messages."""
    for number, line in enumerate(load_text(path).split("\n"), 1):
        if line.strip():
            yield f"{path}:{number}", line.rstrip("\r")


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON object of each line, after `file:line`. Raises InputError for anything else."""
    for where, line in lines(path):
        yield where, json_object(line, where)


def json_object(text: str, where: str) -> dict[str, Any]:
    """The JSON object in `text`. Raises InputError for other JSON, and for NaN and infinities."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error}).") from error
    if not isinstance(value, dict):
        raise InputError(f"{where}: {_shown(value)} is not a JSON object.")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def string(row: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    """The text under `key`; without a default it is required and must not be blank."""
    value = row.get(key, default)
    if not isinstance(value, str):
        raise InputError(f"{where}: {key!r} is {_shown(value)}; expected a text.")
    if default is None and not value.strip():
        raise InputError(f"{where}: {key!r} is empty; expected a text.")
    if LONE_SURROGATE.search(value):
        raise InputError(f"{where}: {key!r} is {_shown(value)}; it contains half a character.")
    return value


def _shown(value: object) -> str:
    return repr(value)[:80]


def grade(text: str, where: str) -> int:
    """A relevance grade, at least 0.

    A negative grade (spam in the Web Tracks, -1 in BEIR's TREC-COVID) becomes 0, judged and not
    relevant: every measure here gives it that meaning, and pytrec_eval does not accept it.
    """
    try:
        return max(0, int(text))
    except ValueError as error:
        raise InputError(f"{where}: the grade is {text!r}; expected a whole number.") from error


def score(text: str, where: str) -> float:
    """A score of a run: any finite number, because NaN cannot be ranked."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: the score is {text!r}; expected a finite number.")
    return value


def judge(qrels: dict[str, dict[str, int]], row: Sequence[str], where: str) -> None:
    """Add one judgement `(query, document, grade)`. Raises InputError if the pair was judged."""
    query, document, text = row
    judged = qrels.setdefault(query, {})
    if document in judged:
        raise InputError(f"{where}: query {query!r} judges document {document!r} a second time.")
    judged[document] = grade(text, where)
