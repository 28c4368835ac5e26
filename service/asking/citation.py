"""Citations: an exact quote, where it stands, and how a reader gets there."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote as percent_encode

from sourcebook.index.article import Article, CanonicalText, Lead, LeadKind, cells_of
from sourcebook.index.dates import mentions
from sourcebook.index.passages import Passage
from sourcebook.index.storage.records import ArticleRecord

# Enough words around a quote to find it again in a changed text, as the W3C's Web Annotation
# model recommends for a TextQuoteSelector.
CONTEXT_CHARACTERS = 48
# A longer quote is named by its first and last words in a link.
LINK_WORDS = 16
LINK_EDGE_WORDS = 6
# As people say it.
LEADS = {
    LeadKind.HEADER: "header",
    LeadKind.LEAD_IN: "introduction",
    LeadKind.HEADING: "heading",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What each stage gave the passage: the fused score, and its parts before they are weighed."""

    fused: float
    late: float
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Words that a quote is not understood without: `article.text[start:end] == exact`.

    They stand before the quote in the same article, in a block of their own: the header of a row,
    the lead-in of an item, or a heading.
    """

    kind: LeadKind
    exact: str
    prefix: str
    suffix: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not self.exact or len(self.exact) != self.end - self.start:
            raise ValueError(f"{self.exact!r} cannot be the text of [{self.start}, {self.end})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A quote that can be checked: `article.text[start:end] == exact`.

    `context` is what the quote is not understood without, in reading order, and most often empty.
    Only `cite` should make one: it reads all of it from the article itself. `also` are articles
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
    context: tuple[Context, ...] = ()

    def __post_init__(self) -> None:
        if not self.exact or len(self.exact) != self.end - self.start:
            raise ValueError(f"{self.exact!r} cannot be the text of [{self.start}, {self.end})")
        ends = [*(each.start for each in self.context), self.start]
        if any(each.end > after for each, after in zip(self.context, ends[1:], strict=True)):
            raise ValueError("context stands before the quote, and in its order")

    @property
    def shown(self) -> str:
        """Context and quote, with a mark where other text may stand between them."""
        return " […] ".join((*(each.exact for each in self.context), self.exact))

    @property
    def anchor(self) -> str:
        """Where quote and context stand, as in `#80-99,30-60` at the end of an article's link."""
        spans = [(self.start, self.end), *((each.start, each.end) for each in self.context)]
        return "#" + ",".join(f"{start}-{end}" for start, end in spans)

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
    leads: Sequence[Lead] = (),
) -> Citation:
    """Quote `[start, end)` of the article, with the `leads` as its context.

    Raises `ValueError` when the passage is not of this version of the article or the span leaves
    the passage or a lead: what is quoted is taken from the text that it names, or not at all.
    """
    if passage.article_sha256 != article.sha256 or passage.article_id != article.id:
        raise ValueError(f"passage {passage.id} is not of article {article.id} as it is now")
    if not passage.start <= start < end <= passage.end:
        raise ValueError(f"[{start}, {end}) leaves the passage {passage.id}")
    exact = article.text[start:end]
    prefix, suffix = around(article.text, start, end)
    context = contexts(article, leads)
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
        link=text_fragment(record.metadata.url, exact, *(each.exact for each in context)),
        reference=reference(record),
        also=also,
        context=context,
    )


def contexts(article: Article | CanonicalText, leads: Sequence[Lead]) -> tuple[Context, ...]:
    """Quote these leads. Raises `ValueError` for one that the article does not hold."""
    found = []
    for lead in leads:
        exact = article.text[lead.start : lead.end]
        if exact != lead.text:
            raise ValueError(f"{lead} is not of article {article.id} as it is now")
        prefix, suffix = around(article.text, lead.start, lead.end)
        place = {"start": lead.start, "end": lead.end}
        found.append(Context(kind=lead.kind, exact=exact, prefix=prefix, suffix=suffix, **place))
    return tuple(found)


def around(text: str, start: int, end: int) -> tuple[str, str]:
    """What stands right before and right after `[start, end)`."""
    return text[max(0, start - CONTEXT_CHARACTERS) : start], text[end : end + CONTEXT_CHARACTERS]


def text_fragment(url: str | None, exact: str, *context: str) -> str | None:
    """A link that scrolls to the quote (WICG, "Text fragments"); none for an article without URL.

    A browser marks the context as well. Quotation marks, dashes and commas are percent-encoded,
    for they mean something in a fragment.
    """
    if not url:
        return None
    return f"{url.split('#')[0]}#:~:{'&'.join(map(_directive, (exact, *context)))}"


def _directive(text: str) -> str:
    """What a browser looks for: the text, or for a long one or a row its first and last words."""
    cells = [" ".join(cell.split()) for cell in cells_of(text)]
    full = [cell for cell in cells if cell]
    words = text.split()
    if len(cells) > 1 and full:  # a page has no text that runs from one cell into the next
        parts = [full[0], full[-1]][: len(full)]
    elif len(words) <= LINK_WORDS:
        parts = [" ".join(words)]
    else:
        parts = [" ".join(words[:LINK_EDGE_WORDS]), " ".join(words[-LINK_EDGE_WORDS:])]
    return "text=" + ",".join(percent_encode(part, safe="").replace("-", "%2D") for part in parts)


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
