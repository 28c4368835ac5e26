"""Whether near copies of an article are told from versions of it that differ in a fact."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sourcebook.eval.data.articles import plain_article
from sourcebook.eval.data.files import json_lines
from sourcebook.eval.parsing.table import Table
from sourcebook.index.article import Article
from sourcebook.index.differences import same_text
from sourcebook.index.duplicates import SAME, signature, similarity

PAIRS = Path(__file__).parents[1] / "gold" / "copies.jsonl"
NOTE = (
    "Pairs of our own (eval/gold/copies.jsonl): an article, and a copy, version or report that was "
    "made from it by hand. Right is the decision whether the second is a copy of the first. By "
    "resemblance alone it is one if both share most of their runs of five words."
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles, and whether the second is a copy of the first; `kind` says how it was made."""

    id: str
    kind: str
    one: Article
    other: Article
    same: bool


def pairs(path: Path = PAIRS) -> tuple[Pair, ...]:
    """The judged pairs of a file."""
    rows = [row for _, row in json_lines(path)]
    texts = {row["name"]: row["text"] for row in rows if "name" in row}
    return tuple(
        Pair(
            id=row["id"],
            kind=row["kind"],
            one=plain_article("one", "One", texts[row["base"]]),
            other=plain_article("other", "Other", made_of(texts[row["base"]], row)),
            same=row["same"],
        )
        for row in rows
        if "kind" in row
    )


def made_of(text: str, row: Mapping[str, Any]) -> str:
    """The second text of a pair: another one, or the first with changes.

    Raises `ValueError` for words to replace that do not stand in it once.
    """
    if "text" in row:
        return str(row["text"])
    for old, new in row.get("replace", ()):
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times in a text; expected once")
        text = text.replace(old, new)
    if opening := row.get("cut"):  # the paragraph that begins so
        text = "\n\n".join(each for each in text.split("\n\n") if not each.startswith(opening))
    text = f"{row.get('before', '')}{text}{row.get('after', '')}"
    text = unicodedata.normalize(row.get("unicode", "NFC"), text)
    return text.upper() if row.get("case") == "upper" else text


def resemble(one: Article, other: Article) -> bool:
    """Whether both share most of their words in the same order."""
    return similarity(signature(one.text), signature(other.text)) >= SAME


def measure(shared: Path | None) -> Table:
    """Right decisions by kind of pair: by resemblance alone, and with the facts compared."""
    deciders: tuple[Callable[[Pair], bool], ...] = (
        lambda pair: resemble(pair.one, pair.other),
        lambda pair: resemble(pair.one, pair.other) and same_text(pair.one, pair.other),
    )
    judged = pairs()
    rows = []
    for kind in dict.fromkeys(pair.kind for pair in judged):
        own = [pair for pair in judged if pair.kind == kind]
        right = [sum(decide(pair) is pair.same for pair in own) for decide in deciders]
        rows.append((kind, str(len(own)), *map(str, right)))
    totals = [sum(int(row[column]) for row in rows) for column in (1, 2, 3)]
    return Table(
        title="Copies",
        note=NOTE,
        head=("pair", "pairs", "right by resemblance", "right with facts"),
        rows=(*rows, ("all", *map(str, totals))),
    )
