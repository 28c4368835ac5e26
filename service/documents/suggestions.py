"""Suggests example questions, made from titles and headings of the library's articles."""

import re
from collections.abc import Iterator

from sourcebook.index.article import Article, BlockKind
from sourcebook.service.answering import Answering
from sourcebook.service.asking.answer import Status
from sourcebook.service.notation.library import Example

# Ten questions take a fraction of a second (14 ms each, docs/performance.md).
NEWEST = 12
TRIED = 10
OFFERED = 4
WORDS = range(4, 13)
ASKING = re.compile(r"(what|when|where|who|whom|whose|which|why|how)\b|.*\?$", re.IGNORECASE)


class Examples:
    """Suggests questions that the library answers; recomputed when the library changes."""

    def __init__(self, answering: Answering) -> None:
        """Offer what `answering` answers."""
        self._answering = answering
        self._offered: tuple[int, list[Example]] | None = None

    def offer(self) -> list[Example]:
        """At most `OFFERED` questions, from different articles if there are enough."""
        with self._answering.library.view() as view:
            generation = view.generation
        if self._offered is None or self._offered[0] != generation:
            self._offered = (generation, self._answered())
        return self._offered[1]

    def _answered(self) -> list[Example]:
        found: list[Example] = []
        for _, example in zip(range(TRIED), self._candidates(), strict=False):
            if self._answering.ask(example.question).status is Status.ANSWERED:
                found.append(example)
            if len(found) == OFFERED:
                break
        return found

    def _candidates(self) -> Iterator[Example]:
        """The best phrase of each of the newest articles, then the second best of each, etc."""
        with self._answering.library.view() as view:
            newest = view.records(descending=True, limit=NEWEST)
            originals = [record.id for record in newest if not record.copy_of]
            articles = view.articles(originals)
        phrases = [(one, _phrases(article)) for one, article in articles.items()]
        for turn in range(max((len(said) for _, said in phrases), default=0)):
            for article_id, said in phrases:
                if turn < len(said):
                    yield Example(question=said[turn], article_id=article_id)


def _phrases(article: Article) -> list[str]:
    """Title and headings that could be questions, those phrased as questions first."""
    headings = [b for b in article.blocks if b.kind is BlockKind.HEADING]
    said = [article.metadata.title, *(article.text[b.start : b.end] for b in headings)]
    plain = [" ".join(phrase.split()) for phrase in said]
    usable = [phrase for phrase in dict.fromkeys(plain) if len(phrase.split()) in WORDS]
    return sorted(usable, key=lambda phrase: not ASKING.match(phrase))
