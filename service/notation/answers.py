"""What askers get: the notation of answers, quotes and judgements, over HTTP and as `--json`.

Each class reads the engine's value of the same name: `AnswerOut.model_validate(answer)`.
"""

from pydantic import Field

from sourcebook.service.notation.responses import ArticleBrief, PassageOut, Returned, Span


class ScoresOut(Returned):
    """What each stage gave a passage; `fused` decides the order."""

    fused: float
    late: float
    dense: float
    lexical: float


class CitationOut(Returned):
    """A quote that can be checked: `exact` is what the article says at `[start, end)`."""

    number: int = Field(description="What sentences cite it by.")
    exact: str = Field(description="The quote, code point for code point.")
    prefix: str = Field(description="What stands right before it.")
    suffix: str = Field(description="What stands right after it.")
    mentioned: list[str] = Field(
        description="The dates in the quote, as precise as it has them: `2025-09-19`, `2025-09`, "
        "`2025`, or `--10-19` for a day without a year. Its article's dates are another matter.",
    )
    start: int
    end: int
    text_sha256: str = Field(description="The hash of the article's text that the offsets are of.")
    article: ArticleBrief
    passage_id: str
    kind: str = Field(description="`paragraph` or `caption`.")
    headings: list[str]
    scores: ScoresOut
    link: str | None = Field(description="An address that scrolls to the quote.")
    reference: str = Field(description="The article in one line.")
    also: list[ArticleBrief] = Field(description="Articles that print the same passage.")


class QueryOut(Returned):
    """How the question was understood; names and dates raise articles and hide none."""

    text: str
    phrases: list[str] = Field(description="What stood in quotation marks.")
    publishers: list[str]
    authors: list[str]
    published_from: str | None
    published_to: str | None


class SentenceOut(Returned):
    """One statement of the answer, verbatim, with the numbers of its citations."""

    text: str
    citations: list[int]


class ShortOut(Span):
    """The words of the evidence that answer: `text` is what the article says at `[start, end)`."""

    text: str
    citation: int = Field(description="The number of the citation that they stand in.")


class SideOut(Returned):
    """What one source says."""

    value: str = Field(description="The words that others contradict.")
    text: str = Field(description="The sentence that they stand in.")
    citation: int
    published: str | None = Field(description="When the source was published.")


class DisagreementOut(Returned):
    """What sources say differently of one matter, side by side; nobody is declared right."""

    matter: str = Field(description="What it is about, in words of the question or the sources.")
    kind: str = Field(description="What they differ in: `number`, `date` or `claim`.")
    sides: list[SideOut] = Field(description="By date of publication; without one, last.")


class WrittenSentenceOut(Returned):
    """A sentence in the words of a language model, with the numbers of its citations."""

    text: str
    citations: list[int]


class DroppedOut(Returned):
    """A sentence of the model that was not kept, and why."""

    text: str
    reason: str


class WrittenOut(Returned):
    """What a language model made of the evidence: what passed every check, and what did not.

    No sentence is left, or `failure` is set: then the verbatim sentences are all there is.
    """

    model: str
    sentences: list[WrittenSentenceOut]
    dropped: list[DroppedOut]
    withheld: list[int] = Field(
        description="Citations that the model was not shown: they give orders to models."
    )
    failure: str | None = Field(description="Why there is no draft at all.")


class AnswerOut(Returned):
    """The answer: verbatim sentences that each cite, or an honest "not in the library"."""

    status: str = Field(description="`answered`, `partial` or `not_in_library`.")
    confidence: float = Field(
        description="The estimated probability that the library holds the answer."
    )
    confidence_in_words: str = Field(
        description="The same in words: `very high`, `high`, `moderate`, `low` or `very low`."
    )
    short: ShortOut | None = Field(
        description="For a question such as who, when or how many: the exact words that answer, "
        "or null when that is not sure."
    )
    sentences: list[SentenceOut]
    publishers: int = Field(
        description="How many independent publishers the sentences are of. Copies are one source; "
        "articles of unknown publishers count as one together, where no publisher is known."
    )
    disagreements: list[DisagreementOut]
    outdated: list[int] = Field(
        description="The numbers of the citations that a newer cited article contradicts."
    )
    citations: list[CitationOut] = Field(
        description="Those of the sentences, then those of further sides of disagreements."
    )
    nearest: list[CitationOut] = Field(description="The nearest misses, when there is no answer.")
    reason: str | None = Field(
        description="Why there is no answer. `nothing_to_search`: the library, or what the filter "
        "lets through of it, is empty. `nothing_relevant`: it is on other subjects. "
        "`entity_missing:NAME`: it is on this subject, but no article that was searched holds this "
        "name, number or word of the question. `detail_missing`: it is on this subject, but what "
        "comes nearest does not answer."
    )
    written: WrittenOut | None = Field(
        default=None, description="The same in a language model's words, where that was asked for."
    )
    reason_in_words: str | None = Field(description="The same in a sentence.")
    query: QueryOut
    generation: int = Field(description="The library's generation that was asked.")
    fingerprint: str = Field(description="Names the library and how its vectors were made.")
    seconds: dict[str, float] = Field(description="The time of each stage.")


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
    """Where a quote stands: `text` is what the article really says at `[start, end)`."""

    article_id: str
    title: str
    start: int
    end: int
    text: str
    text_sha256: str


class VerdictOut(Returned):
    """A quote and how it stands in the library."""

    quote: str
    match: str = Field(
        description="`exact`; `normalised` when only case, white space and the kind of quotation "
        "marks and dashes differ; `not_found`."
    )
    locations: list[LocationOut]


class VerifyOut(Returned):
    """A verdict for each quote, in the order given."""

    verdicts: list[VerdictOut]
    generation: int
    fingerprint: str


class CitedOut(Returned):
    """A reference to an article, and the quote that it is given for."""

    style: str
    quote: str | None = Field(description="`article.text[start:end]`, where both were given.")
    reference: str = Field(description="The reference in that style.")
    text: str = Field(
        description="What to paste: the quote and the reference; the entries of BibTeX, RIS and "
        "CSL-JSON hold the quote themselves, as a note."
    )
    media_type: str = Field(description="What `text` is.", examples=["text/plain"])


class JudgedQuoteOut(Span):
    """The words that a judgement is about, as they stood when it was given."""

    article_id: str
    source: str
    text: str
    text_sha256: str = Field(description="The hash of the article's text then.")


class JudgementOut(Returned):
    """What a reader said of an answer."""

    id: str
    question: str
    verdict: str = Field(description="`right`, `wrong`, `passage` or `unanswerable`.")
    quotes: list[JudgedQuoteOut]
    note: str
    generation: int = Field(description="The library's generation that was judged.")
    judged: str = Field(description="When, in UTC.")


class JudgementsOut(Returned):
    """All judgements, the newest first."""

    judgements: list[JudgementOut]
