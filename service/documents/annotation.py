"""Exports a quote as a W3C Web Annotation, which other programs can anchor in the article."""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from sourcebook.index.article import Article
from sourcebook.index.library import Library
from sourcebook.service.asking.citation import around, reference
from sourcebook.service.asking.needed import needed_in
from sourcebook.service.documents.references import quoted
from sourcebook.service.notation.responses import Returned

MEDIA_TYPE = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"'


class TextQuoteSelector(Returned):
    """The quote with the text around it."""

    type: Literal["TextQuoteSelector"] = "TextQuoteSelector"
    exact: str
    prefix: str
    suffix: str


class TextPositionSelector(Returned):
    """The characters `[start, end)` of the article's text, in Unicode code points."""

    type: Literal["TextPositionSelector"] = "TextPositionSelector"
    start: int
    end: int


class TargetOut(Returned):
    """Where the quote is: in the article on this server, or on the publisher's page.

    Only the first has positions, because they refer to this server's text. What the quote is not
    understood without has the class `context`.
    """

    type: Literal["SpecificResource"] = "SpecificResource"
    source: str
    style_class: Literal["context"] | None = Field(
        default=None, serialization_alias="styleClass", exclude_if=lambda value: value is None
    )
    selector: list[TextQuoteSelector | TextPositionSelector]


class BodyOut(Returned):
    """The annotation's text: the reference to the article."""

    type: Literal["TextualBody"] = "TextualBody"
    value: str
    format: str = "text/plain"
    purpose: str = "describing"


class AnnotationOut(Returned):
    """A W3C Web Annotation in JSON-LD."""

    context: str = Field(default="http://www.w3.org/ns/anno.jsonld", serialization_alias="@context")
    id: str
    type: Literal["Annotation"] = "Annotation"
    motivation: str = "highlighting"
    body: BodyOut
    target: list[TargetOut]


def annotation(
    library: Library,
    article_id: str,
    start: int,
    end: int,
    base: str,
    *,
    context: Iterable[tuple[int, int]] = (),
) -> AnnotationOut:
    """Make an annotation of the characters `[start, end)` of an article, and of what they need.

    `base` is the address of the service; `context` are places of leads to show instead of what the
    quote needs by itself. Raises `NotFoundError` for an unknown article and `InputError` for a span
    outside its text.
    """
    with library.view() as view:
        record, article = view.record(article_id), view.article(article_id)
    quoted(article, start, end)
    base = base.rstrip("/")
    here, there = f"{base}/articles/{article_id}", record.metadata.url
    target = _targets(article, start, end, here, there)
    for lead in needed_in(article, start, end, context):
        own = _targets(article, lead.start, lead.end, here, there)
        target += [each.model_copy(update={"style_class": "context"}) for each in own]
    return AnnotationOut(
        id=f"{base}/v1/articles/{article_id}/annotation?start={start}&end={end}",
        body=BodyOut(value=reference(record)),
        target=target,
    )


def _targets(
    article: Article, start: int, end: int, here: str, there: str | None
) -> list[TargetOut]:
    """A span of the article on this server and, where it has an address, at its publisher."""
    prefix, suffix = around(article.text, start, end)
    quote = TextQuoteSelector(exact=article.text[start:end], prefix=prefix, suffix=suffix)
    position = TextPositionSelector(start=start, end=end)
    own = TargetOut(source=here, selector=[quote, position])
    return [own, TargetOut(source=there, selector=[quote])] if there else [own]
