"""Explanations: what each stage made of a question, and where a fault should be looked for."""

from collections.abc import Set
from dataclasses import dataclass, replace

from sourcebook.index.search.view import LibraryView
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Answer
from sourcebook.service.asking.follow import Followed, Stage, follow
from sourcebook.service.asking.query import ContentWord
from sourcebook.service.asking.rank import Ranking
from sourcebook.service.asking.signals import lacked
from sourcebook.service.asking.suspect import Findings, suspect
from sourcebook.service.language.languages import LEXICON

SHOWN = 20  # passages of an explanation
OPENING = 160  # characters of a passage
# Where to look first, as people say it.
ADVICE = {
    Stage.LIBRARY: "the library, which may not hold the answer",
    Stage.SEARCH: "search, which may have missed the right passage",
    Stage.RANKING: "ranking, which may have put the right passage behind others",
    Stage.READING: "reading: the reader may have misjudged a passage",
    Stage.DECISION: "the decision, whose threshold may be wrong for this question",
}
CHANGED = "Articles that were found have been removed or replaced just now; ask again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A passage that search found, and what became of it.

    `opening` are its first words, `[start, end)` is where it stands in the article. `dense` and
    `lexical` are the scores of search, `late`, `window` and `score` those of ranking; `logit` is
    what the reader says, and `read_score` the score with it, None where it was not read. `rank`,
    `place` and `dropped` are as in `Followed`. `lacks` are the words of the question that it does
    not hold, `copies` the titles of articles that print it, too.
    """

    article_id: str
    article_sha256: str
    title: str
    passage_id: str
    start: int
    end: int
    opening: str
    dense: float
    lexical: float
    late: float
    window: float
    score: float
    rank: int
    logit: float | None
    read_score: float | None
    place: int
    dropped: Stage | None
    lacks: tuple[str, ...]
    copies: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """What became of it, as people say it."""
        return f"left out by {self.dropped}" if self.dropped else "cited"


@dataclass(frozen=True, slots=True)
class AskedWord:
    """A word of the question, how rare it is, and whether a passage that was searched holds it."""

    text: str
    rarity: float
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What each stage made of a question.

    Of the `found` passages that search brought, `merged` print the same text as a better one, and
    `read` were read. `passages` are the best ones, in their last order. From the confidence
    `needed` on, a question is answered. `stage` is where a wrong answer or a silence should be
    looked for first, and `because` says what speaks for it: a suggestion, not a verdict. `answered`
    says which of the two it is.
    """

    words: tuple[AskedWord, ...]
    found: int
    merged: int
    read: int
    passages: tuple[Considered, ...]
    confidence: float
    needed: float
    stage: Stage
    because: str
    answered: bool
    generation: int

    @property
    def advice(self) -> str:
        """Where to look first, in a sentence."""
        doubt = "If this answer is wrong" if self.answered else "If the library should answer this"
        return f"{doubt}, look first at {ADVICE[self.stage]}."

    def without(self, articles: Set[str]) -> "Explanation":
        """The explanation without passages of these articles, which are gone."""
        kept = tuple(each for each in self.passages if each.article_id not in articles)
        if len(kept) == len(self.passages):
            return self
        return replace(self, passages=kept, stage=Stage.LIBRARY, because=CHANGED)


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer and, beside it, how it came about."""

    answer: Answer
    explanation: Explanation

    @property
    def fingerprint(self) -> str:
        """That of the library that the answer comes from."""
        return self.answer.fingerprint


def explain(
    answer: Answer,
    ranked: Ranking,
    read: Ranking,
    *,
    found: int,
    needed: float,
    view: LibraryView,
    chosen: Filter | None,
) -> Explanation:
    """How the answer came about, from what the stages made of its question.

    `ranked` are all of the `found` passages; `read` are those that the answer was decided on.
    """
    words = [
        word
        for word in answer.query.words
        if word.named or word.text.casefold() not in LEXICON.function_words
    ]
    held = view.held({word.text for word in words}, chosen)
    followed = follow(ranked, read, answer)
    lacks = [lacked(words, each.hit) for each in followed]
    stage, because = suspect(
        Findings(
            answer=answer, words=words, followed=followed, lacks=lacks, held=held, needed=needed
        )
    )
    return Explanation(
        words=tuple(AskedWord(word.text, word.rarity, word.text in held) for word in words),
        found=found,
        merged=found - len(ranked.hits),
        read=sum(hit.reading is not None for hit in read.hits),
        passages=tuple(
            _considered(*each, view) for each in zip(followed[:SHOWN], lacks, strict=False)
        ),
        confidence=answer.confidence,
        needed=needed,
        stage=stage,
        because=because,
        answered=bool(answer.citations),
        generation=answer.generation,
    )


def _considered(followed: Followed, lacks: Set[ContentWord], view: LibraryView) -> Considered:
    hit = followed.hit
    passage = hit.passage
    texts = view.texts(copy.id for copy in hit.also)
    return Considered(
        article_id=passage.article_id,
        article_sha256=passage.article_sha256,
        title=hit.article.metadata.title or hit.article.source,
        passage_id=passage.id,
        start=passage.start,
        end=passage.end,
        opening=passage.text[:OPENING],
        dense=hit.candidate.dense,
        lexical=hit.candidate.lexical,
        late=hit.late,
        window=hit.window,
        score=followed.score,
        rank=followed.rank,
        logit=hit.reading.logit if hit.reading else None,
        read_score=hit.score if hit.reading else None,
        place=followed.place,
        dropped=followed.dropped,
        lacks=tuple(word.text for word in sorted(lacks, key=lambda word: word.start)),
        copies=tuple(
            copy.metadata.title or copy.source
            for copy in hit.also
            if copy.id in texts and passage.text in texts[copy.id].text
        ),
    )
