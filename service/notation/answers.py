"""Responses as JSON, over HTTP and with `--json`: answers, quotes and judgements.

Each class is built from the engine's value of the same name: `AnswerOut.model_validate(answer)`.
"""

from pydantic import Field

from sourcebook.service.asking.answer import Answer
from sourcebook.service.asking.explanation import Explained
from sourcebook.service.notation.articles import ArticleBrief, PassageOut, Span
from sourcebook.service.notation.explanations import ExplanationOut
from sourcebook.service.notation.responses import Returned


class ScoresOut(Returned):
    """The scores of a passage; `fused` determines the order."""

    fused: float
    late: float
    dense: float
    lexical: float


class ContextOut(Returned):
    """Words that a quote is not understood without: `exact` equals `article.text[start:end]`."""

    kind: str = Field(
        description="`header` (of the quoted row), `lead_in` (the introduction of the "
        "quoted list item) or `heading` (above the quote)."
    )
    exact: str = Field(description="The words, verbatim.")
    prefix: str = Field(description="The text right before them.")
    suffix: str = Field(description="The text right after them.")
    start: int
    end: int


class CitationOut(Returned):
    """A quote that can be checked: `exact` equals `article.text[start:end]`."""

    number: int = Field(description="The number that sentences cite it by.")
    exact: str = Field(description="The quote, verbatim.")
    prefix: str = Field(description="The text right before it.")
    suffix: str = Field(description="The text right after it.")
    context: list[ContextOut] = Field(
        description="What the quote is not understood without, from the same article and before "
        "the quote, in reading order; most often empty. Show it with the quote, but as a quote of "
        "its own: other text may stand between them."
    )
    mentioned: list[str] = Field(
        description="The dates in the quote, as precise as it gives them: `2025-09-19`, `2025-09`, "
        "`2025`, or `--10-19` for a day without a year. These are not the article's own dates.",
    )
    start: int
    end: int
    text_sha256: str = Field(description="SHA-256 of the article text that the offsets refer to.")
    article: ArticleBrief
    passage_id: str
    kind: str = Field(description="`paragraph` or `caption`: the kind of the passage.")
    headings: list[str]
    scores: ScoresOut
    link: str | None = Field(description="A link that scrolls to the quote.")
    reference: str = Field(description="A one-line reference to the article.")
    also: list[ArticleBrief] = Field(description="Other articles that contain the same passage.")


class SourceOut(Returned):
    """A source that the question names, and the names by which the library knows it."""

    written: str = Field(description="The name as the question gives it.")
    publishers: list[str]
    authors: list[str]
    hosts: list[str]
    asked: bool = Field(
        description="Whether the question asks what this source says. Its name is then not matched "
        "with passages, and its best passage is quoted if it answers."
    )


class PeriodOut(Returned):
    """A period that the question names; both days belong to it, and null leaves it open."""

    first: str | None
    last: str | None
    published: bool = Field(
        description="Whether articles of that time are asked for, rather than what happened then."
    )


class ReadAsOut(Returned):
    """A name that no passage holds, and the name that it was read as."""

    written: str
    read_as: str


class QueryOut(Returned):
    """How the question was understood; names and dates rank articles higher but hide none."""

    text: str
    matched: str = Field(description="The words that passages were compared with.")
    phrases: list[str] = Field(description="Phrases in quotation marks.")
    sources: list[SourceOut]
    periods: list[PeriodOut]
    read_as: list[ReadAsOut]


class SentenceOut(Returned):
    """A verbatim sentence of the answer, with the numbers of its citations."""

    text: str
    citations: list[int]


class ShortOut(Span):
    """The words of the evidence that answer: `text` equals `article.text[start:end]`."""

    text: str
    citation: int = Field(description="The number of the citation that contains them.")


class SideOut(Returned):
    """What one source says."""

    value: str = Field(description="The words that other sources contradict.")
    text: str = Field(description="The sentence that contains them.")
    citation: int
    published: str | None = Field(description="When the source was published.")
    modified: str | None = Field(description="When the source was changed last, if known.")


class DisagreementOut(Returned):
    """What sources say differently about a subject, side by side.

    None is declared right; but of versions of one article the first one is the answer.
    """

    heading: str = Field(description="What it is, as people say it.")
    matter: str = Field(description="The subject, in words of the question or the sources.")
    kind: str = Field(description="What they differ in: `number`, `date` or `name`.")
    versions: bool = Field(
        description="Whether they are versions of one article, the correction or last one first."
    )
    sides: list[SideOut] = Field(
        description="By date of publication, undated last. Versions of one article: the correction "
        "or last version first, then from newest to oldest."
    )


class WrittenSentenceOut(Returned):
    """A sentence written by a language model, with the numbers of its citations."""

    text: str
    citations: list[int]


class DroppedOut(Returned):
    """A sentence of the model that was dropped, and why."""

    text: str
    reason: str


class WrittenOut(Returned):
    """A language model's answer: the sentences that passed every check, and those that did not.

    If no sentence is left or `failure` is set, only the verbatim sentences answer.
    """

    model: str
    sentences: list[WrittenSentenceOut]
    dropped: list[DroppedOut]
    failure: str | None = Field(description="Why there is no draft.")


class AnswerOut(Returned):
    """The answer: verbatim sentences with citations, or "not in the library"."""

    status: str = Field(
        description="`answered`, `related` (no answer found on the subject) or `not_in_library`."
    )
    confidence: float = Field(
        description="The estimated probability that the library contains the answer."
    )
    confidence_in_words: str = Field(
        description="The confidence in words: `very high`, `high`, `moderate`, `low`, `very low`."
    )
    short: ShortOut | None = Field(
        description="For questions such as who, when or how many: the exact words that answer, "
        "or null if unsure."
    )
    notes: list[str] = Field(
        description="What to know of how the question was read: a misspelt name, a source that "
        "the library does not have or that does not answer."
    )
    sentences: list[SentenceOut]
    publishers: int = Field(
        description="Number of independent publishers behind the sentences. Copies count once. "
        "If no publisher is known, all articles together count as one."
    )
    disagreements: list[DisagreementOut]
    outdated: list[int] = Field(
        description="The numbers of citations that a newer cited article or version contradicts."
    )
    citations: list[CitationOut] = Field(
        description="Citations of the sentences, then those of other sides of disagreements."
    )
    nearest: list[CitationOut] = Field(description="The closest passages, if there is no answer.")
    reason: str | None = Field(
        description="Why there is no answer. `nothing_to_search`: the library is empty, or no "
        "article matches the filter. `nothing_relevant`: the articles are about other subjects. "
        "`entity_missing:NAME`: they are about this subject, but none contains this name, number "
        "or word of the question. `detail_missing`: they are about this subject, but the closest "
        "passages do not answer the question."
    )
    written: WrittenOut | None = Field(
        default=None, description="The answer in a language model's words, if requested."
    )
    explanation: ExplanationOut | None = Field(
        default=None, description="How the answer came about, if requested with `explain`."
    )
    reason_in_words: str | None = Field(description="The reason as a sentence.")
    query: QueryOut
    generation: int = Field(description="The generation of the library that was searched.")
    fingerprint: str = Field(description="Identifies the library and how its vectors were made.")
    seconds: dict[str, float] = Field(description="Seconds spent in each stage.")


def answer_out(found: Answer | Explained) -> AnswerOut:
    """The answer as JSON and, where it was explained, how it came about."""
    if isinstance(found, Answer):
        return AnswerOut.model_validate(found)
    explanation = ExplanationOut.model_validate(found.explanation)
    return AnswerOut.model_validate(found.answer).model_copy(update={"explanation": explanation})


class HitOut(Returned):
    """A ranked passage; the citation quotes its best sentences."""

    passage: PassageOut
    citation: CitationOut


class SearchOut(Returned):
    """Ranked passages, best first."""

    hits: list[HitOut]
    query: QueryOut
    generation: int
    fingerprint: str
    seconds: dict[str, float]


class LocationOut(Returned):
    """Where a quote was found: `text` equals `article.text[start:end]`."""

    article_id: str
    title: str
    start: int
    end: int
    text: str
    text_sha256: str
    context: list[ContextOut] = Field(
        description="What the quote is not understood without at this place: the header of a row, "
        "the introduction of an item, the heading of what is no whole statement. Most often empty."
    )


class VerdictOut(Returned):
    """A quote and whether it was found."""

    quote: str
    match: str = Field(
        description="`exact`; `normalised` if only case, white space or the style of quotation "
        "marks and dashes differ; `not_found`."
    )
    locations: list[LocationOut]


class VerifyOut(Returned):
    """A verdict for each quote, in the order given."""

    verdicts: list[VerdictOut]
    generation: int
    fingerprint: str


class CitedOut(Returned):
    """A reference to an article, with the quote if one was requested."""

    style: str
    quote: str | None = Field(description="`article.text[start:end]`, if both were given.")
    context: list[ContextOut] = Field(
        description="What the quote is not understood without; `text` has it before the quote."
    )
    reference: str = Field(description="The reference in that style.")
    text: str = Field(
        description="The text to paste: quote and reference. BibTeX, RIS and CSL-JSON entries "
        "contain the quote as a note."
    )
    media_type: str = Field(description="The media type of `text`.", examples=["text/plain"])


class JudgedQuoteOut(Span):
    """The words that a judgement refers to, as they were at that time."""

    article_id: str
    source: str
    text: str
    text_sha256: str = Field(description="SHA-256 of the article's text at that time.")


class JudgementOut(Returned):
    """A reader's judgement of an answer."""

    id: str
    question: str
    verdict: str = Field(description="`right`, `wrong`, `passage` or `unanswerable`.")
    quotes: list[JudgedQuoteOut]
    note: str
    generation: int = Field(description="The generation of the library at that time.")
    judged: str = Field(description="Time of the judgement, in UTC.")


class JudgementsOut(Returned):
    """One page of the list of judgements, newest first."""

    total: int = Field(description="Number of judgements in the library.")
    limit: int
    offset: int
    judgements: list[JudgementOut]
