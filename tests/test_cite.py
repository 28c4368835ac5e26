"""Citations: exact on any text, refused otherwise, with a link and a reference."""

from dataclasses import replace
from typing import Any

import pytest
from conftest import article_from
from hypothesis import given, settings
from hypothesis import strategies as st
from made import SCORES, citation, passage, record

from sourcebook.index.article import Article
from sourcebook.service.asking.citation import (
    CONTEXT_CHARACTERS,
    Citation,
    cite,
    display_title,
    reference,
    text_fragment,
)

ANY_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200
).filter(str.strip)


def quote(article: Article, start: int, end: int, **changes: Any) -> Citation:
    facts: dict[str, Any] = {
        "number": 1,
        "article": article,
        "record": record(article),
        "scores": SCORES,
    }
    return cite(passage=passage(article), start=start, end=end, **facts | changes)


@settings(deadline=None)
@given(ANY_TEXT, st.data())
def test_a_quote_is_exact_on_any_text(text: str, data: st.DataObject) -> None:
    article = article_from(text.strip(), "any")
    start = data.draw(st.integers(0, len(article.text) - 1))
    end = data.draw(st.integers(start + 1, len(article.text)))
    cited = quote(article, start, end)
    assert article.text[cited.start : cited.end] == cited.exact
    assert cited.text_sha256 == article.sha256
    before, after = article.text[: cited.start], article.text[cited.end :]
    assert before.endswith(cited.prefix)
    assert after.startswith(cited.suffix)
    assert len(cited.prefix) == min(CONTEXT_CHARACTERS, len(before))
    assert len(cited.suffix) == min(CONTEXT_CHARACTERS, len(after))


def test_what_is_not_in_the_passage_is_refused() -> None:
    article = article_from("Coca grows in Cauca. It pays.", "a")
    part = passage(article, 0, 20)
    for start, end in ((0, 21), (21, 29), (5, 5), (9, 3), (-1, 4)):
        with pytest.raises(ValueError, match="leaves the passage"):
            cite(
                number=1, article=article, record=record(article), passage=part,
                start=start, end=end, scores=SCORES,
            )  # fmt: skip


def test_another_version_or_article_is_refused() -> None:
    old, new = (article_from(text, "a") for text in ("Coca grows.", "Coca grew.."))
    other = article_from("Coca grows.", "b")
    for article in (new, other):
        with pytest.raises(ValueError, match="is not of article"):
            cite(
                number=1, article=article, record=record(article), passage=passage(old),
                start=0, end=4, scores=SCORES,
            )  # fmt: skip


def test_a_citation_refuses_a_span_that_cannot_be() -> None:
    right = citation()
    for changes in ({"exact": ""}, {"end": right.end + 1}, {"exact": right.exact + "!"}):
        with pytest.raises(ValueError, match="cannot be the text"):
            replace(right, **changes)


@pytest.mark.parametrize(
    ("exact", "fragment"),
    [
        ("Coca grows.", "Coca%20grows."),
        ("“Total peace”, he said", "%E2%80%9CTotal%20peace%E2%80%9D%2C%20he%20said"),
        ("well-known R&D #1", "well%2Dknown%20R%26D%20%231"),
        ("two\n\nlines  apart", "two%20lines%20apart"),
        ("año 50%", "a%C3%B1o%2050%25"),
        (
            " ".join(f"w{number}" for number in range(17)),
            "w0%20w1%20w2%20w3%20w4%20w5,w11%20w12%20w13%20w14%20w15%20w16",
        ),
    ],
)
def test_text_fragments(exact: str, fragment: str) -> None:
    assert text_fragment("https://e.org/a?b=c", exact) == f"https://e.org/a?b=c#:~:text={fragment}"
    assert text_fragment("https://e.org/a#part", exact) == f"https://e.org/a#:~:text={fragment}"
    assert text_fragment(None, exact) is None


def test_a_link_marks_a_row_by_its_cells_and_its_header_as_well() -> None:
    """No text of a page runs from one cell into the next."""
    link = text_fragment("https://e.org/a", "El Paso | 47 | 9-A", "Port | 2022", "Seized:")
    directives = ("text=El%20Paso,9%2DA", "text=Port,2022", "text=Seized%3A")
    assert link == f"https://e.org/a#:~:{'&'.join(directives)}"
    link = text_fragment("https://e.org/a", "Turbo | | 9", "| 2022 | 2023", "| 2024")
    assert link == "https://e.org/a#:~:text=Turbo,9&text=2022,2023&text=2024"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "(n.d.). “a”."),
        ({"authors": ("Ana Gil",), "published": "2024"}, "Ana Gil. (2024). “a”."),
        (
            {"authors": ("A", "B"), "publisher": "Herald", "title": "On coca"},
            "A and B. (n.d.). “On coca”. Herald.",
        ),
        (
            {"authors": ("A", "B", "C"), "published": "2024-05-01", "url": "https://e.org"},
            "A, B and C. (2024-05-01). “a”. https://e.org.",
        ),
    ],
)
def test_references(facts: dict[str, Any], expected: str) -> None:
    assert reference(record(article_from("Coca grows.", "a"), **facts)) == expected


def test_the_dates_that_a_quote_mentions_are_its_own() -> None:
    made = citation(text="On May 5, 1999, as in 1986 and on May 5, 1999, it rained.")
    assert made.mentioned == ("1999-05-05", "1986")
    assert made.article.metadata.published is None


def test_a_title_is_shown_even_where_there_is_none() -> None:
    article = replace(article_from("Coca.", "x"), source="file:///folder/brief.md")
    assert display_title(record(article, title="")) == "brief.md"
    assert display_title(record(article, title="On coca")) == "On coca"


def test_the_link_and_the_reference_are_the_articles() -> None:
    article = article_from("Coca grows.", "a")
    cited = quote(article, 0, 4, record=record(article, url="https://e.org", publisher="Herald"))
    assert cited.link == "https://e.org#:~:text=Coca"
    assert cited.reference == "(n.d.). “a”. Herald. https://e.org."
    assert (cited.passage_id, cited.kind) == (passage(article).id, "paragraph")
