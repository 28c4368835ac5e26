"""What every data set shares: spans, gold, rankings, and lines read with file and line named."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sourcebook.index.errors import InputError, NotFoundError, UnreadableError

# Half of a character: JSON can hold it, UTF-8 and so reports cannot.
HALF = re.compile("[\ud800-\udfff]")

Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
"""Query id -> document id -> grade; 0 is judged and not relevant, 1 or more relevant."""

Run: TypeAlias = Mapping[str, Sequence[str]]
"""Query id -> document ids, best first: the order is the ranking."""

Kind: TypeAlias = Literal["judged", "beir", "chunking"]


@dataclass(frozen=True, slots=True)
class Span:
    """The characters `[start, end)` of one article's text, in Unicode code points."""

    article: str
    start: int
    end: int

    def __post_init__(self) -> None:
        """Refuse an empty or negative span."""
        if not 0 <= self.start < self.end:
            raise InputError(
                f"A span of {self.article!r} is [{self.start}, {self.end}); "
                "expected 0 <= start < end."
            )

    def contains(self, other: "Span") -> bool:
        """Whether `other` lies wholly inside this span."""
        return self.article == other.article and self.start <= other.start and other.end <= self.end

    def overlaps(self, other: "Span") -> bool:
        """Whether the two spans share at least one character."""
        return self.article == other.article and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Wanted:
    """The gold of one question: its pieces of evidence, each with every place that satisfies it.

    A piece has several places where its quote occurs more than once or has alternatives, and none
    where the quote is no longer in its article: it then counts as never found. With `any`, one
    piece suffices; otherwise all are needed.
    """

    evidence: tuple[tuple[Span, ...], ...]
    any: bool = False

    def __post_init__(self) -> None:
        """Refuse gold that nothing could satisfy."""
        if not self.evidence:
            raise InputError("Gold without evidence; expected at least one quote or reference.")

    @property
    def places(self) -> tuple[Span, ...]:
        """Every place of every piece of evidence."""
        return tuple(place for places in self.evidence for place in places)


def data_kind(path: Path) -> Kind:
    """Which kind of data set lies at `path`: a `.jsonl` of judged questions, or a folder.

    Raises NotFoundError where nothing is there, InputError where it is none of the kinds.
    """
    if not path.exists():
        raise NotFoundError(f"No data set at {str(path)!r}.")
    if path.is_file():
        return "judged"
    if (path / "corpus.jsonl").is_file():
        return "beir"
    if (path / "questions.csv").is_file():
        return "chunking"
    raise InputError(
        f"{str(path)!r} is no data set; expected a .jsonl file of judged questions, a BEIR folder "
        "with corpus.jsonl, or a folder with questions.csv and corpora/."
    )


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, its line ends as they are, so that offsets hold.

    Raises NotFoundError where the file is missing, UnreadableError where it cannot be read or is
    not UTF-8.
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
    """Each line that is not blank, with `file:line` to name it in a complaint."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            yield f"{path}:{number}", line.rstrip("\r")


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's JSON object, with `file:line`. Raises InputError for anything else."""
    for where, line in lines(path):
        yield where, json_object(line, where)


def json_object(text: str, where: str) -> dict[str, Any]:
    """The JSON object in `text`; NaN and infinities are refused, as JSON does not have them."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error}).") from error
    if not isinstance(value, dict):
        raise InputError(f"{where}: {_shown(value)} is not a JSON object.")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def string(row: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    """The text under `key`; required and not blank where there is no default."""
    value = row.get(key, default)
    if not isinstance(value, str):
        raise InputError(f"{where}: {key!r} is {_shown(value)}; expected a text.")
    if default is None and not value.strip():
        raise InputError(f"{where}: {key!r} is empty; expected a text.")
    if HALF.search(value):
        raise InputError(f"{where}: {key!r} is {_shown(value)}; it has half of a character.")
    return value


def _shown(value: object) -> str:
    return repr(value)[:80]


def grade(text: str, where: str) -> int:
    """A relevance grade.

    A negative grade (spam in the Web Tracks, -1 in BEIR's TREC-COVID) is read as 0, judged and
    not relevant: every measure here gives it that meaning, and pytrec_eval cannot hold it.
    """
    try:
        return max(0, int(text))
    except ValueError as error:
        raise InputError(f"{where}: the grade is {text!r}; expected a whole number.") from error


def score(text: str, where: str) -> float:
    """A score of a run: any finite number, since NaN and infinities have no order to rank by."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: the score is {text!r}; expected a finite number.")
    return value


def judge(qrels: dict[str, dict[str, int]], row: Sequence[str], where: str) -> None:
    """Add one judgement `(query, document, grade)`. Raises InputError for a second on the pair."""
    query, document, text = row
    judged = qrels.setdefault(query, {})
    if document in judged:
        raise InputError(f"{where}: query {query!r} judges document {document!r} a second time.")
    judged[document] = grade(text, where)
