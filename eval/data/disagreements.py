"""Questions that articles answer differently, each with its articles and the sides that differ."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sourcebook.eval.data.articles import plain_article
from sourcebook.eval.data.files import json_lines, string
from sourcebook.index.article import Article
from sourcebook.index.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedDisagreement:
    """A question, the articles that answer it, and the words of each side that must be shown.

    `sides` is empty where the articles do not disagree. A side that no few words state is left out
    of it; any words will do.
    """

    id: str
    question: str
    articles: tuple[Article, ...]
    sides: tuple[str, ...]
    type: str


def is_disagreements(path: Path) -> bool:
    """Whether a file holds judged disagreements, and not judged questions."""
    return any(
        {"articles", "expected"} <= row.keys() for _, row in itertools.islice(json_lines(path), 1)
    )


def load_disagreements(path: Path) -> tuple[JudgedDisagreement, ...]:
    """The questions of a .jsonl file, one a line.

    Raises InputError, naming file and line, for a line of another form.
    """
    return tuple(_question(row, where) for where, row in json_lines(path))


def _question(row: Mapping[str, Any], where: str) -> JudgedDisagreement:
    expected, articles = row.get("expected"), row.get("articles")
    if not isinstance(expected, dict) or not isinstance(articles, list):
        raise InputError(f"{where}: expected `articles`, a list, and `expected`, an object.")
    sides = expected.get("sides", [])
    if not isinstance(sides, list) or bool(sides) != bool(expected.get("disagree")):
        raise InputError(
            f"{where}: `sides` are {sides!r}; expected some if and only if `disagree`."
        )
    return JudgedDisagreement(
        id=string(row, "id", where),
        question=string(row, "question", where),
        articles=tuple(_article(each, where) for each in articles),
        sides=tuple(side for side in sides if side),
        type=f"{expected.get('kind') or 'no'} disagreement",
    )


def _article(row: Mapping[str, Any], where: str) -> Article:
    """An article with its publisher and date; its id is its source."""
    made = plain_article(
        string(row, "id", where), row.get("title") or "", string(row, "text", where)
    )
    facts = replace(
        made.metadata,
        publisher=row.get("publisher") or "",
        published=row.get("published"),
    )
    return replace(made, metadata=facts)
