"""An answer's sources: independent ones, missing ones, and those that newer ones contradict."""

from collections.abc import Iterable

from sourcebook.index.storage.records import ArticleRecord
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.disagreement import Disagreement
from sourcebook.service.asking.named_sources import Source


def independent_publishers(citations: Iterable[Citation]) -> int:
    """How many independent publishers the citations come from.

    A copy and its original are one source, whoever published them. An article without a publisher
    counts by the host of its address. Articles with neither may have any publisher: together they
    count as one, and only if there is no other.
    """
    originals: dict[str, ArticleRecord] = {}
    for citation in citations:
        article = citation.article
        originals.setdefault(article.copy_of or article.id, article)
    publishers = {_publisher(article) for article in originals.values()}
    return len(publishers - {""}) or len(publishers)


def _publisher(article: ArticleRecord) -> str:
    return article.metadata.publisher.strip().casefold() or article.metadata.host


def heard(source: Source, articles: Iterable[ArticleRecord]) -> str | None:
    """What to say of a source that is asked, unless one of the quoted articles is by it."""
    if not source.held:
        return f"The library has no article by “{source.written}”."
    if any(source.speaks_in(article.metadata) for article in articles):
        return None
    return f"Nothing by “{source.written}” was found to answer this."


def outdated(disagreements: Iterable[Disagreement]) -> tuple[int, ...]:
    """The numbers of the citations that a side published later contradicts.

    2025 may be earlier or later than 2025-09, so neither counts as later; nor does a side without a
    date.
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
