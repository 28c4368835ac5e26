"""The short answer: the exact words of the evidence that answer, or none when unsure."""

from collections.abc import Sequence
from dataclasses import dataclass

from sourcebook.index.passages import Span
from sourcebook.index.profile import ReadingProfile
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.mismatch import on_another, says_opposite
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Hit
from sourcebook.service.language.answer_types import AnswerType, fitting

# The share of what the reader found that a name must make up, to be what it found. Chosen on the
# dev questions (docs/decisions/0020-reading.md).
NAMED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """Words at `[start, end)` of the text of the article that citation number `citation` quotes."""

    text: str
    start: int
    end: int
    citation: int

    def stands_in(self, citation: Citation | None) -> bool:
        """Whether the citation quotes these words at these offsets."""
        if citation is None or not citation.start <= self.start < self.end <= citation.end:
            return False
        first = self.start - citation.start
        return citation.exact[first : first + self.end - self.start] == self.text


def read_answer(
    query: Query, cited: Sequence[tuple[Hit, Citation]], profile: ReadingProfile
) -> ShortAnswer | None:
    """What the reader found in the first evidence, where it is probably right.

    The reader says where; of a question for a name, a place, a date or a number, the words of that
    type say how far. None where they are not in what the reader found.
    """
    for hit, citation in cited[:1]:
        found = read_words(query, hit)
        if found is None or read_probability(hit, profile) < profile.sure:
            return None
        if not citation.start <= found.start < found.end <= citation.end:
            return None
        if says_opposite(query, hit, found) or on_another(query, hit, found):
            return None
        text = citation.exact[found.start - citation.start : found.end - citation.start]
        return ShortAnswer(text, found.start, found.end, citation.number)
    return None


def read_words(query: Query, hit: Hit) -> Span | None:
    """The words of the wanted type that the reader's span shares most characters with.

    Offsets into the article's text. None for a question that no few words answer.
    """
    span, wanted = hit.read_span, query.wanted
    if span is None or wanted is None:
        return None
    candidates = [
        Span(sentence.start + words.start, sentence.start + words.end)
        for sentence in hit.passage.sentences
        if sentence.overlaps(span)
        for words in fitting(hit.passage.text_of(sentence), wanted, hit.article.metadata.language)
    ]
    shared = [min(span.end, each.end) - max(span.start, each.start) for each in candidates]
    if sum(each > 0 for each in shared) > 1:  # "41 voted for it and 12 against": which of them?
        return None
    # Numbers and dates are what a span is about; a name may be there by the way.
    least = 0.0 if wanted.type in (AnswerType.NUMBER, AnswerType.DATE) else NAMED_SHARE
    if max(shared, default=0) <= least * (span.end - span.start):
        return None
    return candidates[shared.index(max(shared))]


def read_probability(hit: Hit, profile: ReadingProfile) -> float:
    """How probably the words that the reader found in a hit are the short answer."""
    if hit.reading is None:
        return 0.0
    return profile.short.probability({"logit": hit.reading.logit, "margin": hit.margin})
