"""Corrections: what people say of an article where its page says something else, or nothing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sourcebook.index.article import CORRECTABLE, Article, Metadata
from sourcebook.index.errors import InputError
from sourcebook.index.parsing.tidy import tidied

# Those that are None in `Metadata` where there is none.
OPTIONAL = ("published", "modified", "url")
# Its words are encoded before each passage; sentences are cut, and words stemmed, by the language.
ENCODED = ("title", "language")
# Where a date was found that somebody gave.
SOURCE = "correction"

Corrections = Mapping[str, Any]


def corrections_of(article: Article) -> dict[str, Any]:
    """The article's corrections: values by field."""
    return {one: getattr(article.metadata, one) for one in CORRECTABLE if one in article.parsed}


def corrected(article: Article, corrections: Corrections) -> Article:
    """The article with exactly these corrections, whichever it has.

    An empty value says that there is none, such as no author. Raises `InputError` for a field that
    cannot be corrected, and where a value cannot be stored.
    """
    page = article.as_parsed
    for name in corrections:
        if name not in CORRECTABLE:
            raise InputError(
                f"{name!r} cannot be corrected; expected one of {', '.join(CORRECTABLE)}."
            )
    known = tidied(Metadata(**corrections), article.source)
    values = {name: getattr(known, name) for name in corrections}
    names = [*values]
    if dates := {"published", "modified"} & {*values}:
        others = {name: found for name, found in page.date_sources.items() if name not in dates}
        values["date_sources"] = others | {name: SOURCE for name in sorted(dates) if values[name]}
        names.append("date_sources")
    return replace(
        article,
        metadata=replace(page, **values),
        parsed={name: getattr(page, name) for name in names},
    )


def changed(article: Article, changes: Corrections) -> Article:
    """The article after these changes: values by field, None where a correction is taken back.

    Raises what `corrected` raises.
    """
    kept = {one: value for one, value in corrections_of(article).items() if one not in changes}
    given = {
        one: value or None if one in OPTIONAL else value
        for one, value in changes.items()
        if value is not None
    }
    return corrected(article, kept | given)


def encoded_alike(article: Article, other: Article) -> bool:
    """Whether two versions of an article differ in nothing that its passages are made of."""
    return all(getattr(article.metadata, one) == getattr(other.metadata, one) for one in ENCODED)


def as_json(values: Corrections) -> str:
    """Values by field as JSON."""
    return json.dumps(values, ensure_ascii=False)


def from_json(text: str) -> dict[str, Any]:
    """What `as_json` wrote. Raises `ValueError`."""
    found = json.loads(text)
    return {name: tuple(v) if isinstance(v, list) else v for name, v in found.items()}
