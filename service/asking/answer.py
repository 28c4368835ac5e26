"""The answer: sentences that each cite, or an honest "not in the library"."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from enum import StrEnum

from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.disagreement import Disagreement
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.short_answer import ShortAnswer
from sourcebook.service.asking.sources import heard, independent_publishers, outdated


class Status(StrEnum):
    """Whether the library answers the question, or is at least on its subject."""

    ANSWERED = "answered"
    RELATED = "related"
    NOT_IN_LIBRARY = "not_in_library"


# As people say it.
STATUSES = {
    "answered": "Answered",
    "related": "Related, but no answer found",
    "not_in_library": "Not in the library as far as can be told",
}
# The reasons of silence: the library, or what the filter lets through of it, is empty; or it is on
# other subjects; or on this one, but it does not hold a name of the question; or not the detail.
NOTHING_TO_SEARCH = "nothing_to_search"
NOTHING_RELEVANT = "nothing_relevant"
ENTITY_MISSING = "entity_missing"
DETAIL_MISSING = "detail_missing"
REMOVED_MEANWHILE = "removed_meanwhile"
# As people say them; `ENTITY_MISSING` goes on with a colon and the name.
REASONS = {
    NOTHING_TO_SEARCH: "The library, or what the filter lets through of it, is empty.",
    NOTHING_RELEVANT: "Nothing that was found comes near this question.",
    ENTITY_MISSING: "No article that was searched mentions “{}”.",
    DETAIL_MISSING: "The subject is there, but not this detail.",
    REMOVED_MEANWHILE: "The articles that answered were removed or replaced just now.",
}
# Said of the probability that the library holds the answer.
WORDS = ((0.9, "very high"), (0.7, "high"), (0.5, "moderate"), (0.3, "low"), (0.0, "very low"))


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement of an answer, verbatim, with the numbers of the citations that carry it."""

    text: str
    citations: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.text or not self.citations:
            raise ValueError("a sentence needs a text and a citation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the library says to a question.

    It has sentences and citations if and only if its status is `answered`; otherwise `nearest`
    holds what comes nearest, and `reason` says why they are no answer: one of the
    constants of this module, `ENTITY_MISSING` followed by a colon and the name.
    `short` is the part of the evidence that answers, where the question asks for a few words.
    `disagreements` are what sources say differently; `citations` then hold their sides, too.
    `confidence` is the estimated probability that the library holds the answer; `seconds` is the
    time of each stage.
    """

    query: Query
    status: Status
    confidence: float
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    nearest: tuple[Citation, ...]
    reason: str | None
    generation: int
    fingerprint: str
    seconds: Mapping[str, float]
    short: ShortAnswer | None = None
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def confidence_in_words(self) -> str:
        """The confidence as people say it, without a precision that it does not have."""
        return next(word for least, word in WORDS if self.confidence >= least)

    @property
    def reason_in_words(self) -> str | None:
        """Why there is no answer, as people say it."""
        if self.reason is None:
            return None
        kind, _, name = self.reason.partition(":")
        return REASONS[kind].format(name)

    def __post_init__(self) -> None:
        silent = self.status is not Status.ANSWERED
        if silent == bool(self.sentences) or silent == bool(self.citations):
            raise ValueError(f"an answer that is {self.status} cannot have these sentences")
        if silent != (self.reason is not None):
            raise ValueError("a reason is given if and only if there is no answer")
        numbers = {citation.number for citation in self.citations}
        if any(not set(sentence.citations) <= numbers for sentence in self.sentences):
            raise ValueError("a sentence cites what is not among the citations")
        self._check_beside()

    def _check_beside(self) -> None:
        quoted = {citation.number: citation for citation in self.citations}
        if self.short and not self.short.stands_in(quoted.get(self.short.citation)):
            raise ValueError("a short answer stands in its citation, word for word")
        for side in (side for each in self.disagreements for side in each.sides):
            if side.citation not in quoted or side.text not in quoted[side.citation].exact:
                raise ValueError("a side of a disagreement is quoted by its citation")

    @property
    def quoted(self) -> tuple[Citation, ...]:
        """All that it quotes: its citations or, without an answer, the nearest misses."""
        return self.citations or self.nearest

    def without(self, gone: Set[int]) -> "Answer":
        """The answer without the citations of these numbers, and without what rests on them."""
        if not gone:
            return self
        sentences = tuple(each for each in self.sentences if not gone & set(each.citations))
        if not sentences:
            return replace(
                self,
                status=Status.NOT_IN_LIBRARY,
                reason=self.reason or REMOVED_MEANWHILE,
                sentences=(),
                citations=(),
                nearest=tuple(each for each in self.nearest if each.number not in gone),
                short=None,
                disagreements=(),
            )
        disagreements = tuple(
            each for each in self.disagreements if not gone & {s.citation for s in each.sides}
        )
        used = {number for each in sentences for number in each.citations}
        used |= {side.citation for each in disagreements for side in each.sides}
        return replace(
            self,
            sentences=sentences,
            citations=tuple(each for each in self.citations if each.number in used),
            short=None if self.short and self.short.citation in gone else self.short,
            disagreements=disagreements,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What users should know of how the question was read, in sentences."""
        query = self.query
        read = (f"Read “{each.written}” as “{each.read_as}”." for each in query.read_as)
        articles = [article for one in self.quoted for article in (one.article, *one.also)]
        return (*read, *filter(None, (heard(each, articles) for each in query.asked_sources)))

    @property
    def publishers(self) -> int:
        """How many independent publishers support the answer."""
        numbers = {number for sentence in self.sentences for number in sentence.citations}
        return independent_publishers(each for each in self.citations if each.number in numbers)

    @property
    def current(self) -> tuple[Citation, ...]:
        """The citations but for those that show only what older versions of an article say."""
        older = {
            side.citation
            for each in self.disagreements
            if each.versions
            for side in each.sides
            if side.citation != each.sides[0].citation
        }
        return tuple(each for each in self.citations if each.number not in older)

    @property
    def outdated(self) -> tuple[int, ...]:
        """The citations whose evidence a newer cited article contradicts."""
        return outdated(self.disagreements)
