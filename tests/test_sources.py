"""Whose word an answer is: publishers counted once, and evidence that newer articles contradict."""

from dataclasses import replace

import pytest
from made import citation

from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.disagreement import Disagreement, Side
from sourcebook.service.asking.sources import independent_publishers, outdated
from sourcebook.service.asking.statements import DifferenceKind


def cited(name: str, publisher: str = "", url: str | None = None, copy_of: str = "") -> Citation:
    made = citation(name=name)
    metadata = replace(made.article.metadata, publisher=publisher, url=url)
    article = replace(made.article, metadata=metadata, copy_of=copy_of or None)
    return replace(made, article=article)


ORIGINAL = cited("a", "Herald")


@pytest.mark.parametrize(
    ("citations", "count"),
    [
        ([], 0),
        ([ORIGINAL], 1),
        ([ORIGINAL, cited("b", "Gazette")], 2),
        ([ORIGINAL, cited("b", "HERALD ")], 1),
        ([ORIGINAL, cited("b", "Gazette", copy_of=ORIGINAL.article.id)], 1),
        ([cited("b", "Gazette", copy_of="x"), cited("c", "Post", copy_of="x")], 1),
        ([ORIGINAL, cited("b")], 1),
        ([cited("b"), cited("c")], 1),
        ([ORIGINAL, cited("b", url="https://www.post.example/1")], 2),
        ([cited("b", url="https://post.example/1"), cited("c", url="https://post.example/2")], 1),
    ],
)
def test_publishers_count_once(citations: list[Citation], count: int) -> None:
    assert independent_publishers(citations) == count


def differing(*sides: tuple[str, str | None]) -> Disagreement:
    return Disagreement(
        matter="the dam",
        kind=DifferenceKind.DATE,
        sides=tuple(Side(value, value, n, day) for n, (value, day) in enumerate(sides, 1)),
    )


@pytest.mark.parametrize(
    ("sides", "numbers"),
    [
        ([("1986", "2001"), ("1989", "2010-05-01")], (1,)),
        ([("1986", "2001"), ("1989", "2001-05")], ()),  # 2001 may be later in that year
        ([("1986", "2001"), ("1989", None)], ()),
        ([("1986", "2001"), ("1986", "2002"), ("1989", "2003")], (1, 2)),
        ([("1986", "2001"), ("1989", "2002"), ("1986", "2003")], (1, 2)),
    ],
)
def test_what_newer_articles_contradict(
    sides: list[tuple[str, str | None]], numbers: tuple[int, ...]
) -> None:
    assert outdated([differing(*sides)]) == numbers


def test_a_disagreement_needs_different_values() -> None:
    with pytest.raises(ValueError, match="say different things"):
        differing(("1986", None), ("1986", "2001"))
