"""Whose word an answer is: independent publishers, and evidence that newer articles contradict."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from sourcebook.index.storage.records import ArticleRecord
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.disagreement import Disagreement


def independent_publishers(citations: Iterable[Citation]) -> int:
    """How many publishers the citations are of.

    A copy and its original are one source, whoever printed them; the house of an article without
    a publisher is that of its address. Articles of which neither is known may be anybody's: all
    together they count as one, and only where there is no other.
    """
    originals: dict[str, ArticleRecord] = {}
    for citation in citations:
        article = citation.article
        originals.setdefault(article.copy_of or article.id, article)
    houses = {_house(article) for article in originals.values()}
    return len(houses - {""}) or len(houses)


def _house(article: ArticleRecord) -> str:
    metadata = article.metadata
    host = urlsplit(metadata.url or "").hostname or ""
    return metadata.publisher.strip().casefold() or host.removeprefix("www.")


def outdated(disagreements: Iterable[Disagreement]) -> tuple[int, ...]:
    """The numbers of the citations that a side of a later day of publication contradicts.

    2025 is not known to be before 2025-09, nor is anything before a side without a date.
    """
    found = {
        older.citation
        for each in disagreements
        for older in each.sides
        for newer in each.sides
        if older.value != newer.value and _before(older.published, newer.published)
    }
    return tuple(sorted(found))


def _before(one: str | None, other: str | None) -> bool:
    return bool(one and other and one < other and not other.startswith(one))
