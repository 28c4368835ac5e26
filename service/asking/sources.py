"""An answer's sources: independent ones, missing ones, and those that newer ones contradict."""

from collections.abc import Iterable
from itertools import permutations

from sourcebook.index.duplicates import near
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.disagreement import Disagreement
from sourcebook.service.asking.named_sources import Source


def independent_publishers(citations: Iterable[Citation]) -> int:
    """How many independent publishers the citations come from.

    A copy and its original are one source, whoever published them, and so are versions of one
    article. An article without a publisher counts by the host of its address. Articles with neither
    may have any publisher: together they count as one, and only if there is no other.
    """
    originals: dict[str, ArticleRecord] = {}
    for citation in citations:
        article = citation.article
        originals.setdefault(article.copy_of or article.id, article)
    texts: list[ArticleRecord] = []
    for article in originals.values():
        if not any(near(article.signature, known.signature) for known in texts):
            texts.append(article)
    publishers = {_publisher(article) for article in texts}
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
    """The numbers of the citations that a side published or modified later contradicts.

    2025 may be earlier or later than 2025-09, so neither counts as later; nor does a side without a
    date. Versions of one article are in order: all but the first are outdated if dates differ.
    """
    found: set[int] = set()
    for each in disagreements:
        if each.versions:
            first, *others = each.sides
            found |= {side.citation for side in others if _apart(side.day, first.day)}
        else:
            found |= {
                older.citation
                for older, newer in permutations(each.sides, 2)
                if older.value != newer.value
                and _apart(older.day, newer.day)
                and older.day < newer.day
            }
    return tuple(sorted(found))


def _apart(one: str, other: str) -> bool:
    """Whether two dates are known to be different."""
    return bool(one and other) and not one.startswith(other) and not other.startswith(one)
