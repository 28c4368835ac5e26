"""Exports a quote as a W3C Web Annotation, which other programs can anchor in the article."""

from typing import Literal

from pydantic import Field

from sourcebook.index.library import Library
from sourcebook.service.asking.citation import context, reference
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

    Only the first has positions, because they refer to this server's text.
    """

    type: Literal["SpecificResource"] = "SpecificResource"
    source: str
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


def annotation(library: Library, article_id: str, start: int, end: int, base: str) -> AnnotationOut:
    """Make an annotation of the characters `[start, end)` of an article.

    `base` is the address of the service. Raises `NotFoundError` for an unknown article and
    `InputError` for a span outside its text.
    """
    with library.view() as view:
        record, article = view.record(article_id), view.article(article_id)
    exact = quoted(article, start, end) or ""
    prefix, suffix = context(article.text, start, end)
    quote = TextQuoteSelector(exact=exact, prefix=prefix, suffix=suffix)
    position = TextPositionSelector(start=start, end=end)
    base = base.rstrip("/")
    target = [TargetOut(source=f"{base}/articles/{article_id}", selector=[quote, position])]
    if record.metadata.url:
        target.append(TargetOut(source=record.metadata.url, selector=[quote]))
    return AnnotationOut(
        id=f"{base}/v1/articles/{article_id}/annotation?start={start}&end={end}",
        body=BodyOut(value=reference(record)),
        target=target,
    )
