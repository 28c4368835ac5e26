"""What callers get: the notation of answers, articles and problems, over HTTP and as `--json`.

Each class reads the engine's value of the same name: `AnswerOut.model_validate(answer)`.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

from index.article import Article
from index.errors import SourcebookError
from index.passages import Passage
from index.records import ArticleRecord


class Returned(BaseModel):
    """What callers get; values are read from attributes of the same name."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class ProblemError(Returned):
    """One refused value."""

    location: str = Field(description="Where it stood, such as `body.question` or `query.limit`.")
    message: str = Field(description="What is wrong with it.")
    given: str | None = Field(default=None, description="The value as given, shortened.")


class Problem(Returned):
    """An RFC 9457 problem: what went wrong, with the value and what was expected, and the cure."""

    type: str = Field(description="The kind of problem: an address that explains it.")
    title: str = Field(description="The kind of problem in two or three words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was wrong this time: name, value and what was expected.")
    instance: str = Field(description="The address that was asked.")
    cure: str | None = Field(default=None, description="What to do about it.")
    errors: list[ProblemError] | None = Field(
        default=None, description="Each value that was refused, where there may be several."
    )


class Span(Returned):
    """A stretch `[start, end)` of an article's text, in Unicode code points."""

    start: int
    end: int


def _known(name: str) -> AliasChoices:
    """Where a record keeps what is known of its article; JSON has it beside the rest."""
    return AliasChoices(AliasPath("metadata", name), name)


class ArticleBrief(Returned):
    """What a reader needs to know about a cited article."""

    id: str = Field(examples=["ba0913253f6cc065"])
    source: str = Field(
        description="Where it came from: adding the same source again replaces the article.",
        examples=["seeds/us-colombia-cooperation-to-confrontation.md"],
    )
    title: str = Field(validation_alias=_known("title"))
    authors: list[str] = Field(validation_alias=_known("authors"))
    publisher: str = Field(validation_alias=_known("publisher"))
    published: str | None = Field(
        validation_alias=_known("published"),
        description="A date as precise as it is known: `2025`, `2025-09` or `2025-09-19`.",
    )
    modified: str | None = Field(validation_alias=_known("modified"))
    retrieved: str | None = Field(validation_alias=_known("retrieved"))
    url: str | None = Field(validation_alias=_known("url"))
    language: str = Field(validation_alias=_known("language"), description="A two-letter code.")


class ArticleOut(ArticleBrief):
    """An article without its text."""

    tags: list[str] = Field(validation_alias=_known("tags"))
    date_sources: dict[str, str] = Field(
        validation_alias=_known("date_sources"),
        description="Where each known date came from.",
    )
    extra: dict[str, Any] = Field(
        validation_alias=_known("extra"), description="What else is known about it."
    )
    sha256: str = Field(description="The hash of the canonical text.")
    characters: int
    passages: int
    copy_of: str | None = Field(description="The id of the article that this one repeats.")
    added: str = Field(description="When this version was added, in UTC.")
    generation: int = Field(description="The library's generation that brought this version.")


class BlockOut(Span):
    """A paragraph, heading or caption of the canonical text: `text[start:end]`."""

    kind: str = Field(description="`paragraph`, `heading` or `caption`.")


class RemovalOut(Span):
    """What cleaning took out, by which rule, and where in the decoded raw text it stood."""

    rule: str
    text: str


class ArticleFull(ArticleOut):
    """An article with its canonical text."""

    text: str
    blocks: list[BlockOut]
    removals: list[RemovalOut] = Field(description="The cleaning report.")
    copies: list[ArticleBrief] = Field(description="The articles that repeat this one.")

    @classmethod
    def of(
        cls, record: ArticleRecord, article: Article, copies: Sequence[ArticleRecord]
    ) -> "ArticleFull":
        """A record together with its article and the records of its copies."""
        brief = ArticleOut.model_validate(record)
        return cls.model_construct(
            **dict(brief),
            text=article.text,
            blocks=[BlockOut.model_validate(block) for block in article.blocks],
            removals=[RemovalOut.model_validate(removal) for removal in article.removals],
            copies=[ArticleBrief.model_validate(copy) for copy in copies],
        )


class ArticlesPage(Returned):
    """One page of the list of articles."""

    total: int = Field(description="How many articles the filter lets through.")
    limit: int
    offset: int
    generation: int
    articles: list[ArticleOut]


class PassageOut(Returned):
    """A passage: `text` is what its article says at `[start, end)`."""

    id: str
    article_id: str
    start: int
    end: int
    text_sha256: str = Field(
        validation_alias=AliasChoices("article_sha256", "text_sha256"),
        description="The hash of the article's text that the offsets are of.",
    )
    text: str
    kind: str = Field(description="`paragraph` or `caption`.")
    headings: list[str] = Field(description="The headings right above it, outermost first.")
    sentences: list[Span]


class PassageFull(PassageOut):
    """A passage with the article that it is from."""

    article: ArticleBrief

    @classmethod
    def of(cls, passage: Passage, record: ArticleRecord) -> "PassageFull":
        """A passage together with its article."""
        brief = PassageOut.model_validate(passage)
        return cls.model_construct(**dict(brief), article=ArticleBrief.model_validate(record))


class PassagesOut(Returned):
    """The passages of an article, in reading order."""

    generation: int
    passages: list[PassageOut]


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


class OutcomeOut(Returned):
    """What adding one article did: `added`, `replaced` or `unchanged`."""

    action: str
    article: ArticleOut = Field(validation_alias=AliasChoices("record", "article"))


class FailureOut(Returned):
    """A source that could not be added, why, and what to do about it."""

    source: str
    kind: str
    message: str
    cure: str
    attempts: int = Field(description="How often it was tried.")
    failed: str | None = Field(description="When it was tried last, in UTC.")

    @classmethod
    def now(cls, source: str, error: SourcebookError) -> "FailureOut":
        """A failure of this request."""
        return cls(
            source=source,
            kind=error.kind,
            message=error.message,
            cure=error.cure,
            attempts=1,
            failed=None,
        )


class AddedOut(Returned):
    """What adding did, article by article, and which files could not be read."""

    outcomes: list[OutcomeOut]
    failures: list[FailureOut]
    generation: int


class RemovedOut(Returned):
    """Articles that are gone: nothing finds or cites them any more."""

    removed: list[ArticleOut]
    generation: int


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


class ImportOut(Returned):
    """A folder on its way into the library."""

    id: str
    folder: str
    status: str = Field(description="`queued`, `running`, `done`, `failed` or `cancelled`.")
    done: int = Field(description="How many files were read so far.")
    total: int = Field(description="How many files there are.")
    actions: dict[str, int] = Field(
        description="How many articles were `added`, `replaced` or found `unchanged`, and can be "
        "found now."
    )
    failed: int = Field(description="How many files could not be read.")
    outcomes: list[OutcomeOut] = Field(description="The newest of these articles.")
    failures: list[FailureOut] = Field(description="The newest of these failures.")
    created: str
    started: str | None
    finished: str | None
    problem: str | None = Field(description="Why it failed.")


class ImportsOut(Returned):
    """The imports since the server began, the newest first."""

    folders: list[str] = Field(description="What the server's settings allow to import from.")
    imports: list[ImportOut]


class CoveredOut(Returned):
    """How many articles a publisher has in a month."""

    month: str | None = Field(
        description="`2025-09`, or `2025` where no more is known, or null for undated articles."
    )
    publisher: str = Field(description="Empty where it is not known.")
    articles: int
    copies: int = Field(description="How many of them repeat another article.")


class CoverageOut(Returned):
    """What the library covers, by month and publisher; undated articles come first."""

    generation: int
    coverage: list[CoveredOut]


class LibraryOut(Returned):
    """What the library holds and how large it is."""

    folder: str
    generation: int = Field(description="Grows with every committed change.")
    fingerprint: str = Field(description="Names the library and how its vectors were made.")
    encoder: str
    articles: int
    copies: int = Field(description="How many of the articles repeat another one.")
    passages: int
    publishers: list[str]
    languages: list[str]
    bytes: dict[str, int] = Field(description="The size of the database and of each index.")
    failures: int = Field(description="How many sources could not be added.")
    failed: list[FailureOut] = Field(description="The newest of these, at most 100.")


class Example(Returned):
    """A question that the library answers."""

    question: str
    article_id: str = Field(description="The article whose title or heading it is.")


class ExamplesOut(Returned):
    """Questions to begin with."""

    examples: list[Example]


class Health(Returned):
    """Whether the server is up (`alive`), or can answer (`ready`)."""

    status: str
    generation: int | None = None
