"""The judged metadata of web pages keep the promises of `tests/data/README.md`."""

import gzip
import hashlib
import html
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parent / "data" / "page_metadata.jsonl"
PAGES = 60
FIELDS = ("page", "title", "authors", "publisher", "published", "modified")
LIKE = str.maketrans("‘’“”–—\xa0", "''\"\"-- ")


def judged() -> list[dict[str, Any]]:
    """The lines of the file."""
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def by_hash(page: str) -> str:
    return hashlib.sha256(page.encode()).hexdigest()


def folded(text: str) -> str:
    """The text without regard to case, spacing and the shape of quotes and dashes."""
    return " ".join(html.unescape(text).translate(LIKE).casefold().split())


def is_day_or_month(value: str) -> bool:
    day = f"{value}-01" if len(value) == len("2019-11") else value
    try:
        return date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False


def is_value(field: str, value: object) -> bool:
    """Whether `value` may stand in `field`."""
    if field == "authors":
        return isinstance(value, list) and all(is_value("name", name) for name in value)
    if field in ("published", "modified"):
        return value is None or (isinstance(value, str) and is_day_or_month(value))
    return isinstance(value, str) and value == value.strip() != ""


def test_sixty_pages_are_judged_once_in_their_order() -> None:
    pages = [line["page"] for line in judged()]
    assert len(set(pages)) == len(pages) == PAGES
    assert pages == sorted(pages, key=by_hash)
    assert all(re.fullmatch("[0-9a-f]{64}", page) for page in pages)


@pytest.mark.parametrize("line", judged(), ids=lambda line: line["page"][:8])
def test_a_line_holds_valid_values(line: dict[str, Any]) -> None:
    also = line.get("also", {})
    assert set(FIELDS) <= set(line) <= {*FIELDS, "also", "note"}
    assert set(also) <= {"authors", "publisher", "published", "modified"}
    for field in FIELDS:
        others = also.get(field, [])
        assert all(is_value(field, value) for value in (line[field], *others)), field
        assert line[field] not in others, field
        assert (field not in also) or others, field
    assert is_value("note", line.get("note", "none"))
    if line["published"] and line["modified"]:
        assert line["published"] <= line["modified"]


@pytest.mark.external
def test_the_pages_hold_the_titles_authors_and_publishers(shared: Path) -> None:
    folder = shared / "bench" / "article_extraction" / "html"
    ids = sorted((path.name.removesuffix(".html.gz") for path in folder.iterdir()), key=by_hash)
    assert [line["page"] for line in judged()] == ids[:PAGES]
    for line in judged():
        source = gzip.decompress((folder / f"{line['page']}.html.gz").read_bytes())
        page = folded(source.decode("utf-8", "replace"))
        for value in (line["title"], line["publisher"], *line["authors"]):
            assert folded(value) in page, (line["page"], value)
