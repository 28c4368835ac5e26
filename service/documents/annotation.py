"""A quote as a W3C Web Annotation, which other programs can anchor in the article."""

from typing import Literal

from pydantic import Field

from sourcebook.index.library import Library
from sourcebook.service.asking.citation import context, reference
from sourcebook.service.documents.references import quoted
from sourcebook.service.notation.responses import Returned

MEDIA_TYPE = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"'


class TextQuoteSelector(Returned):
    """The quote with what stands around it."""

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
    """Where the quote stands: the article as this service has it, or the publisher's page.

    Positions are given for the first only, for they count in this service's text.
    """

    type: Literal["SpecificResource"] = "SpecificResource"
    source: str
    selector: list[TextQuoteSelector | TextPositionSelector]


class BodyOut(Returned):
    """What is said of the quote: the reference to its article."""

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
    """The characters `[start, end)` of an article as an annotation.

    `base` is the address of the service. Raises `NotFoundError` for an unknown article,
    `InputError` for a span outside of its text.
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
