"""Articles as files that can be read back: JSONL holds all of an article, Markdown most of it."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from itertools import groupby
from typing import Any

import yaml

from sourcebook.index.article import (
    CELLS,
    CORRECTABLE,
    Article,
    Block,
    BlockKind,
    Metadata,
    Removal,
    cells_of,
    deeper_than,
)
from sourcebook.index.errors import InputError, UnreadableError
from sourcebook.index.parsing.layout import STRUCTURED
from sourcebook.index.parsing.structure import Part, led
from sourcebook.index.parsing.tidy import HALVES, MAX_DEPTH, tidied

# The member that tells such a line from any other, with the version of the format.
MARK, VERSION = "sourcebook", 1

FIELDS = fields(Metadata)
LISTS, MAPPINGS = ("authors", "tags"), ("date_sources", "extra")
# What Markdown would take for its own signs, anywhere and at the start of a paragraph.
SIGNS = re.compile(r"[\\`*_\[\]<>#|~&!]")
ESCAPED = r"\\\g<0>"
START = re.compile(r"^(\d{0,9})([-+=:.)])")


def as_line(article: Article, *, raw: bool) -> bytes:
    """The article as one line of JSON; `raw` adds its original bytes and what cleaning removed."""
    record: dict[str, Any] = {
        MARK: VERSION,
        "id": article.id,
        "source": article.source,
        "sha256": article.sha256,
        **article.metadata.facts(),
        "text": article.text,
        "blocks": [block.values for block in article.blocks],
    }
    if article.parsed:
        record["parsed"] = article.parsed
    if raw:
        record["raw"] = base64.b64encode(article.raw).decode()
        record["removals"] = [asdict(removal) for removal in article.removals]
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def from_line(record: Mapping[str, Any], line: bytes, place: str) -> Article:
    """The article that `as_line` wrote; the line itself stands in for original bytes it lacks.

    Raises `UnreadableError` where it is not as it was written.
    """
    try:
        if record[MARK] != VERSION:
            raise ValueError(f"{MARK} is {record[MARK]!r:.40}; expected {VERSION}")
        article = Article(
            source=_text(record, "source"),
            text=_text(record, "text"),
            blocks=tuple(_block(*block) for block in record["blocks"]),
            metadata=Metadata(**{field.name: _value(record, field.name) for field in FIELDS}),
            raw=base64.b64decode(record["raw"], validate=True) if "raw" in record else line,
            removals=tuple(Removal(**removal) for removal in record.get("removals", ())),
            parsed=_parsed(record),
        )
        if article.sha256 != record["sha256"]:
            raise ValueError("its text is not the one that was exported")
        words = [
            article.source,
            article.metadata.facts(),
            article.parsed,
            [asdict(one) for one in article.removals],
        ]
        if HALVES.search(json.dumps(words, ensure_ascii=False)):
            raise ValueError("it holds half a character, which cannot be stored")
        # Bounded as those of any other file are, both as they are and as the page says.
        page = tidied(article.as_parsed, place)
        return replace(
            article,
            metadata=tidied(article.metadata, place),
            parsed={name: getattr(page, name) for name in article.parsed},
        )
    except (KeyError, TypeError, ValueError, InputError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
        raise UnreadableError(
            f"{place} is not an article as `sourcebook export` writes it: {reason}.",
            cure=f"Export it again, or take out its {MARK!r} to have its text read like any other.",
        ) from error


def as_markdown(article: Article) -> str:
    """The article as Markdown with front matter."""
    known = {name: value for name, value in article.metadata.facts().items() if value}
    known.pop("date_sources", None)
    # What is nested deeper would be refused when the file is read.
    extra = {
        name: value
        for name, value in known.pop("extra", {}).items()
        if not deeper_than(value, MAX_DEPTH - 1)
    }
    front = {"source": article.source, **extra, **known}
    for name in LISTS:
        if name in front:
            front[name] = list(front[name])
    head = yaml.safe_dump(front, allow_unicode=True, sort_keys=False, width=100_000)
    return f"---\n{head}---\n\n" + "\n\n".join(_paragraphs(article)) + "\n"


def _paragraphs(article: Article) -> list[str]:
    """The blocks in Markdown; the rows of a table are one piece.

    Lists and tables that Markdown cannot hold, or from which other leads would be read back, are
    paragraphs.
    """
    parts = _parts(article)
    same = [lead == block.lead for lead, block in zip(led(parts), article.blocks, strict=True)]
    found: list[str] = []
    each_with_same = zip(parts, same, strict=True)
    for structured, run in groupby(each_with_same, lambda each: each[0].kind in STRUCTURED):
        own = list(run)
        lines = _structured([part for part, _ in own]) if all(kept for _, kept in own) else None
        found += lines if structured and lines else [_plain(part) for part, _ in own]
    return found


def _parts(article: Article) -> list[Part]:
    """The blocks as they are read from Markdown, where each header begins a table."""
    parts: list[Part] = []
    for block in article.blocks:
        text = " ".join(article.text[block.start : block.end].split())
        depth = 0
        if block.kind is BlockKind.ITEM:
            depth = 1 + (0 if block.lead is None else parts[block.lead].depth)
        parts.append(Part(block.kind, text, depth, begins=block.kind is BlockKind.HEADER))
    return parts


def _structured(run: Sequence[Part]) -> list[str] | None:
    """A run of items and rows as lists and tables; None where it cannot be."""
    found: list[str] = []
    width = 0
    for part in run:
        if part.kind is BlockKind.ITEM:
            found.append(f"{'  ' * (part.depth - 1)}- {_plain(part)}")
            width = 0
            continue
        cells = cells_of(part.text)
        row = f"| {' | '.join(SIGNS.sub(ESCAPED, cell) for cell in cells)} |"
        if part.kind is BlockKind.HEADER:
            found.append(f"{row}\n{'|---' * len(cells)}|")
            width = len(cells)
        elif len(cells) == width:
            found[-1] += f"\n{row}"
        else:
            return None
        if " ".join(CELLS.join(cells).split()) != part.text:
            return None
    return found


def _plain(part: Part) -> str:
    text = SIGNS.sub(ESCAPED, part.text)
    if part.kind is BlockKind.HEADING:
        return f"## {text}"
    if part.kind is BlockKind.CAPTION:
        return f"![{text}]()"
    return START.sub(r"\1\\\2", text)


def _parsed(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says where somebody corrected it; it must be metadata as well."""
    found = _of_type(dict, record.get("parsed", {}), "parsed", "an object")
    names = {*CORRECTABLE, "date_sources"}
    if strange := found.keys() - names:
        raise ValueError(f"{min(strange)!r} of its page cannot be corrected")
    values = {name: _value(found, name) for name in found}
    Metadata(**values)
    return values


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r:.40}; expected a text")
    return value


def _value(record: Mapping[str, Any], name: str) -> Any:
    """One field of the metadata, of its own type."""
    value = record[name]
    if name in LISTS:
        return tuple(_text({name: one}, name) for one in _of_type(list, value, name, "a list"))
    if name in MAPPINGS:
        found = _of_type(dict, value, name, "an object")
        return found if name == "extra" else {key: _text(found, key) for key in found}
    return value if value is None else _text(record, name)


def _block(kind: str, *places: object) -> Block:
    numbers = (_of_type(int, place, "the place of a block", "a number") for place in places)
    return Block.of(kind, *numbers)


def _of_type(kind: type, value: object, name: str, expected: str) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {value!r:.40}; expected {expected}")
    return value
