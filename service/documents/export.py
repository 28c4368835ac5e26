"""Exports a complete answer with footnotes: as Markdown, or as HTML for word processors."""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote as percent_encode

from sourcebook.service.asking.answer import STATUSES, Answer
from sourcebook.service.asking.citation import LEADS, Citation, display_title
from sourcebook.service.documents.references import STYLES, csl_item
from sourcebook.service.notation.requests import Format, PrintedStyle
from sourcebook.service.writing.phrased import written_of

CLOSING = (
    "Each passage is quoted verbatim from its article, at the characters given in its note. The "
    "SHA-256 is that of the article’s text."
)

Kind = Literal["heading", "paragraph", "quote"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A heading, a paragraph of ours, or a quote from an article, with note numbers."""

    kind: Kind
    text: str
    notes: tuple[int, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A footnote: pieces of text, some of them with a link."""

    number: int
    pieces: tuple[tuple[str, str | None], ...]


def export(
    answer: Answer,
    format: Format,
    style: PrintedStyle,
    *,
    accessed: str | None = None,
    base: str | None = None,
) -> str:
    """The answer as a document with references in `style`.

    `accessed` is the date the user read the articles. `base` is the address of the service, from
    which permanent links to the quotes are made.
    """
    parts = [*_opening(answer), *_body(answer), Part(kind="paragraph", text=_closing(answer))]
    write = STYLES[style][1]

    def note(citation: Citation) -> Note:
        reference = write(csl_item(citation.article, accessed=accessed))
        pieces = [*_pieces(citation, reference, base)]
        if citation.number in answer.outdated:
            pieces.append(("A newer source says something else", None))
        return Note(number=citation.number, pieces=tuple(pieces))

    notes = [note(citation) for citation in (*answer.citations, *answer.nearest)]
    return WRITERS[format](parts, notes)


def _opening(answer: Answer) -> Iterator[Part]:
    yield Part(kind="heading", text=answer.query.text)
    confidence = f"(confidence: {answer.confidence_in_words}, {answer.confidence:.2f})"
    yield Part(kind="paragraph", text=f"{STATUSES[answer.status]} {confidence}.")


def _body(answer: Answer) -> Iterator[Part]:
    """The answer, or why there is none and the closest passages."""
    cited = {citation.number: citation for citation in answer.citations}
    if answer.short:
        text, note = f"In short: {answer.short.text}", answer.short.citation
        yield Part(kind="paragraph", text=text, notes=(note,))
    if (written := written_of(answer)) and written.sentences:
        for phrased in written.sentences:
            yield Part(kind="paragraph", text=phrased.text, notes=phrased.citations)
        text = f"The text above was written by {written.model}. Verbatim:"
        yield Part(kind="paragraph", text=text)
    for sentence in answer.sentences:
        yield from _quote(sentence.text, sentence.citations, cited[sentence.citations[0]])
    for matter in answer.disagreements:
        yield Part(kind="paragraph", text=f"{matter.heading}: {matter.matter}")
        for side in matter.sides:
            yield from _quote(side.text, (side.citation,), cited[side.citation])
    if answer.reason_in_words:
        yield Part(kind="paragraph", text=answer.reason_in_words)
    if answer.nearest:
        yield Part(kind="paragraph", text="Closest passages, which do not answer the question:")
    for citation in answer.nearest:
        yield from _quote(citation.exact, (citation.number,), citation)


def _quote(text: str, notes: tuple[int, ...], citation: Citation) -> Iterator[Part]:
    """A quote after each part of its context, of which we say what it is."""
    language = citation.article.metadata.language
    for need in citation.context:
        own = (citation.number,)
        yield Part(kind="paragraph", text=f"{LEADS[need.kind].capitalize()}:")
        yield Part(kind="quote", text=need.exact, notes=own, language=language)
    yield Part(kind="quote", text=text, notes=notes, language=language)


def _closing(answer: Answer) -> str:
    return f"{CLOSING} Library {answer.fingerprint}, generation {answer.generation}."


def _pieces(
    citation: Citation, reference: str, base: str | None
) -> Iterator[tuple[str, str | None]]:
    """The pieces of a note: the reference, the place of the quote, and links."""
    place = f"Characters {citation.start} to {citation.end} of article {citation.article.id}"
    for need in citation.context:
        place += f", with its {LEADS[need.kind]} at {need.start} to {need.end}"
    address = f"/articles/{citation.article.id}{citation.anchor}"
    yield reference, None
    yield place, f"{base.rstrip('/')}{address}" if base else None
    yield f"SHA-256 {citation.text_sha256}", None
    if citation.link:
        yield "At publisher", citation.link
    for copy in citation.also:
        publisher = f" ({copy.metadata.publisher})" if copy.metadata.publisher else ""
        yield f"Also published in: {display_title(copy)}{publisher}", None


def _joined(note: Note, text: Callable[[str], str], link: Callable[[str, str], str]) -> str:
    """The pieces of a note, each ending in a full stop."""
    shown = [link(piece, to) if to else text(piece.rstrip(".")) for piece, to in note.pieces]
    return " ".join(f"{piece}." for piece in shown)


def _address(url: str) -> str:
    """The URL with characters encoded that would end it in Markdown or HTML."""
    return re.sub(r"[\s<>\"'\\`|()\[\]]", lambda found: percent_encode(found[0], safe=""), url)


# --- Markdown ------------------------------------------------------------------------------------


def _markdown(parts: Iterable[Part], notes: Iterable[Note]) -> str:
    blocks = [_markdown_part(part) for part in parts]
    blocks += [f"[^{note.number}]: {_joined(note, markdown, _markdown_link)}" for note in notes]
    return "\n\n".join(blocks) + "\n"


def _markdown_part(part: Part) -> str:
    marks = "".join(f"[^{number}]" for number in part.notes)
    if part.kind == "heading":
        return f"# {markdown(' '.join(part.text.split()))}"
    if part.kind == "paragraph":
        return markdown(part.text) + marks
    lines = f"{markdown(part.text)} {marks}".split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _markdown_link(text: str, url: str) -> str:
    return f"[{markdown(text)}](<{_address(url)}>)"


def markdown(text: str) -> str:
    """Escape `text` for Markdown; white space at the ends of lines is dropped."""
    lines = (line.strip(" \t") for line in re.split(r"\r\n|\r|\n", text))
    return "\n".join(_markdown_line(line) for line in lines)


def _markdown_line(line: str) -> str:
    escaped = re.sub(r"[\\`*_{}\[\]<>#|~&!^$]", r"\\\g<0>", line)
    # Characters that start a list, a heading or a definition matter only at the start of a line.
    return re.sub(r"^(\d*)([-+=.):])", r"\1\\\2", escaped)


# --- HTML ----------------------------------------------------------------------------------------

PAGE = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font-family: Georgia, serif; line-height: 1.5; max-width: 42em; margin: 2em auto; }}
blockquote {{ margin: 1em 2em; white-space: pre-line; }}
div.notes {{ font-size: smaller; overflow-wrap: anywhere; }}
</style>
</head>
<body>
{body}
<div class="notes" style="mso-element:footnote-list">
<hr>
{notes}
</div>
</body>
</html>
"""


def _html(parts: Iterable[Part], notes: Iterable[Note]) -> str:
    parts = list(parts)
    marked: set[int] = set()
    return PAGE.format(
        title=html.escape(parts[0].text),
        body="\n".join(_html_part(part, marked) for part in parts),
        notes="\n".join(_html_note(note) for note in notes),
    )


def _html_part(part: Part, marked: set[int]) -> str:
    text = html.escape(part.text)
    marks = "".join(_reference(number, marked) for number in part.notes)
    if part.kind == "heading":
        return f"<h1>{text}</h1>"
    if part.kind == "paragraph":
        return f"<p>{text}{marks}</p>"
    language = f' lang="{html.escape(part.language)}"' if part.language else ""
    return f'<blockquote{language} dir="auto"><p>{text}{marks}</p></blockquote>'


def _reference(number: int, marked: set[int]) -> str:
    """A link to a note; the note links back to the first of them."""
    if number in marked:
        return f'<sup><a href="#_ftn{number}">[{number}]</a></sup>'
    marked.add(number)
    return _mark(number, f"_ftn{number}", f"_ftnref{number}")


def _html_note(note: Note) -> str:
    mark = _mark(note.number, f"_ftnref{note.number}", f"_ftn{note.number}")
    text = _joined(note, html.escape, _html_link)
    return f'<div style="mso-element:footnote" id="ftn{note.number}"><p>{mark} {text}</p></div>'


def _html_link(text: str, url: str) -> str:
    return f'<a href="{html.escape(_address(url))}">{html.escape(text)}</a>'


def _mark(number: int, to: str, here: str) -> str:
    """A number that links a text to its note or back, in the markup that Word writes.

    Word turns the pair into a footnote; other programs show the text between the conditions.
    """
    return (
        f'<a style="mso-footnote-id:ftn{number}" href="#{to}" name="{here}" id="{here}">'
        '<sup class="MsoFootnoteReference"><span style="mso-special-character:footnote">'
        f"<![if !supportFootnotes]>[{number}]<![endif]></span></sup></a>"
    )


WRITERS: Mapping[str, Callable[[Iterable[Part], Iterable[Note]], str]] = {
    "markdown": _markdown,
    "html": _html,
}
