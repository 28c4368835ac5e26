"""Citations: an exact quote, where it stands, and how a reader gets there."""

from dataclasses import dataclass
from urllib.parse import quote as percent_encode

from sourcebook.index.article import Article, CanonicalText
from sourcebook.index.dates import mentions
from sourcebook.index.passages import Passage
from sourcebook.index.storage.records import ArticleRecord

# Enough words around a quote to find it again in a changed text, as the W3C's Web Annotation
# model recommends for a TextQuoteSelector.
CONTEXT_CHARACTERS = 48
# A longer quote is named by its first and last words in a link.
LINK_WORDS = 16
LINK_EDGE_WORDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What each stage gave the passage: the fused score, and its parts before they are weighed."""

    fused: float
    late: float
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A quote that can be checked: `article.text[start:end] == exact`.

    Only `cite` should make one: it reads the quote from the article itself. `also` are articles
    that print the same passage (syndication); they are no further sources.
    """

    number: int
    article: ArticleRecord
    passage_id: str
    kind: str
    headings: tuple[str, ...]
    exact: str
    prefix: str
    suffix: str
    start: int
    end: int
    text_sha256: str
    scores: Scores
    link: str | None
    reference: str
    also: tuple[ArticleRecord, ...] = ()

    def __post_init__(self) -> None:
        if not self.exact or len(self.exact) != self.end - self.start:
            raise ValueError(f"{self.exact!r} cannot be the text of [{self.start}, {self.end})")

    @property
    def mentioned(self) -> tuple[str, ...]:
        """The dates that the quote mentions, in ISO 8601 and in its order, each once."""
        return tuple(dict.fromkeys(mention.iso for mention in mentions(self.exact)))


def cite(
    *,
    number: int,
    article: Article | CanonicalText,
    record: ArticleRecord,
    passage: Passage,
    start: int,
    end: int,
    scores: Scores,
    also: tuple[ArticleRecord, ...] = (),
) -> Citation:
    """Quote `[start, end)` of the article.

    Raises `ValueError` when the passage is not of this version of the article or the span leaves
    the passage: a quote is taken from the text that it names, or not at all.
    """
    if passage.article_sha256 != article.sha256 or passage.article_id != article.id:
        raise ValueError(f"passage {passage.id} is not of article {article.id} as it is now")
    if not passage.start <= start < end <= passage.end:
        raise ValueError(f"[{start}, {end}) leaves the passage {passage.id}")
    exact = article.text[start:end]
    prefix, suffix = context(article.text, start, end)
    return Citation(
        number=number,
        article=record,
        passage_id=passage.id,
        kind=passage.kind.value,
        headings=passage.headings,
        exact=exact,
        prefix=prefix,
        suffix=suffix,
        start=start,
        end=end,
        text_sha256=article.sha256,
        scores=scores,
        link=text_fragment(record.metadata.url, exact),
        reference=reference(record),
        also=also,
    )


def context(text: str, start: int, end: int) -> tuple[str, str]:
    """What stands right before and right after `[start, end)`."""
    return text[max(0, start - CONTEXT_CHARACTERS) : start], text[end : end + CONTEXT_CHARACTERS]


def text_fragment(url: str | None, exact: str) -> str | None:
    """A link that scrolls to the quote (WICG, "Text fragments"); none for an article without URL.

    Quotation marks, dashes and commas in the quote are percent-encoded, for they mean something
    in a fragment.
    """
    if not url:
        return None
    words = exact.split()
    if len(words) <= LINK_WORDS:
        parts = [" ".join(words)]
    else:
        parts = [" ".join(words[:LINK_EDGE_WORDS]), " ".join(words[-LINK_EDGE_WORDS:])]
    encoded = ",".join(percent_encode(part, safe="").replace("-", "%2D") for part in parts)
    return f"{url.split('#')[0]}#:~:text={encoded}"


def reference(record: ArticleRecord) -> str:
    """The article in one line: authors, date, title, publisher, address."""
    metadata = record.metadata
    parts = [
        " and ".join(filter(None, [", ".join(metadata.authors[:-1]), *metadata.authors[-1:]])),
        f"({metadata.published or 'n.d.'})",
        f"“{display_title(record)}”",
        metadata.publisher,
        metadata.url or "",
    ]
    return ". ".join(part.strip() for part in parts if part.strip()) + "."


def display_title(record: ArticleRecord) -> str:
    """The title, or for an article without one the name of its source."""
    return record.metadata.title or record.source.rsplit("/", 1)[-1]
