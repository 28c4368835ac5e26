"""Whole answers as documents: every word as it stands, every note with its way back."""

import re
from dataclasses import replace
from pathlib import Path

import made
import pytest
from conftest import MakeLibrary, article_from
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.article import Metadata
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.library import Library
from sourcebook.service.answering import Answering
from sourcebook.service.asking.answer import Answer, Sentence, Status
from sourcebook.service.asking.disagreement import Disagreement, Side
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.short_answer import ShortAnswer
from sourcebook.service.asking.statements import DifferenceKind
from sourcebook.service.documents.export import export, markdown
from sourcebook.service.http.app import create_app
from sourcebook.service.notation.requests import Format, PrintedStyle
from sourcebook.service.writing.checks import Written, WrittenSentence
from sourcebook.service.writing.phrased import phrased

NASTY = (
    "The minister said <script>alert('coca')</script> & *nothing* [more] on [^1] the fines of 50%."
)
URL = 'https://example.org/a_b?x="1"&y=<2>)'
QUESTION = "What did the minister say of the fines?"
RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    metadata = Metadata(
        title="Fines <b>double</b>",
        authors=("Ann Lee",),
        publisher="Gazette & Sons",
        published="2025-09",
        url=URL,
        language="en",
    )
    article = replace(article_from(NASTY, "fines"), metadata=metadata)
    return make_library([article, replace(article, source="copy.txt")])


def answered(*texts: str) -> Answer:
    """An answer of these sentences, each from an article of its own."""
    citations = tuple(made.citation(i, text, f"a{i}") for i, text in enumerate(texts, 1))
    return Answer(
        query=Query(text="What?"),
        status=Status.ANSWERED,
        confidence=0.8,
        sentences=tuple(Sentence(one.exact, (one.number,)) for one in citations),
        citations=citations,
        nearest=(),
        reason=None,
        generation=7,
        fingerprint="f",
        seconds={},
    )


def quotes_in(document: str, format: Format) -> list[str]:
    """The texts of the quotes, as a reader sees them, without the marks of their notes."""
    body = RENDERER.render(document) if format == "markdown" else document
    quotes = lxml_html.document_fromstring(body).iter("blockquote")
    return [re.sub(r"\s*\[\^?\d+\]\s*$", "", str(quote.text_content())).strip() for quote in quotes]


def words(text: str) -> list[str]:
    return text.split()


FORMATS: tuple[Format, ...] = ("markdown", "html")


@pytest.mark.parametrize("format", FORMATS)
def test_a_document_has_every_sentence_and_its_note(library: Library, format: Format) -> None:
    answer = Engine.of(library).ask(QUESTION)
    [citation] = answer.citations
    document = export(answer, format, "mla", accessed="2026-11-22", base="https://sources.org/")
    assert quotes_in(document, format) == [NASTY]
    shown = lxml_html.document_fromstring(
        RENDERER.render(document) if format == "markdown" else document
    )
    assert not shown.xpath("//script | //b | //em")
    text = " ".join(words(str(shown.text_content())))
    assert QUESTION in text
    assert "Answered (confidence: " in text
    assert "Lee, Ann. “Fines <b>double</b>.” Gazette & Sons, Sept. 2025, " in text
    assert "Accessed 22 Nov. 2026." in text
    assert f"Characters 0 to {len(NASTY)} of article {citation.article.id}" in text
    assert f"SHA-256 {citation.text_sha256}" in text
    assert "Also published in: Fines <b>double</b> (Gazette & Sons)." in text
    assert f"Library {answer.fingerprint}, generation {answer.generation}." in text
    links = [str(link) for link in shown.xpath("//a/@href") if not link.startswith("#")]
    assert links == [
        f"https://sources.org/articles/{citation.article.id}#0-{len(NASTY)}",
        "https://example.org/a_b?x=%221%22&y=%3C2%3E%29#:~:text="
        "The%20minister%20said%20%3Cscript%3Ealert%28%27coca%27%29%3C%2Fscript%3E%20%26%20"
        "%2Anothing%2A%20%5Bmore%5D%20on%20%5B%5E1%5D%20the%20fines%20of%2050%25.",
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_silence_says_why_and_shows_the_nearest(library: Library, format: Format) -> None:
    answer = Engine.of(library).ask("How long does sourdough need to rise?")
    document = export(answer, format, "apa")
    assert "Not in the library as far as can be told" in document
    assert "Nothing that was found comes near this question." in document
    assert "which do not answer the question" in document
    assert quotes_in(document, format) == [NASTY]
    assert "/articles/" not in document


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("nothing_to_search", "is empty."),
        ("entity_missing:Atlantis", "No article that was searched mentions “Atlantis”."),
        ("detail_missing", "The subject is there, but not this detail."),
    ],
)
def test_every_reason_is_said_in_words(reason: str, said: str) -> None:
    answer = replace(
        answered("x"), status=Status.NOT_IN_LIBRARY, sentences=(), citations=(), reason=reason
    )
    assert said in export(answer, "markdown", "apa")
    assert said in export(answer, "html", "apa")


def test_the_notes_of_html_lead_there_and_back() -> None:
    answer = answered("One thing.", "Another thing.")
    both = replace(
        answer, sentences=(*answer.sentences, Sentence(answer.citations[0].exact, (1, 2)))
    )
    page = lxml_html.document_fromstring(export(both, "html", "chicago"))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    targets = [str(href)[1:] for href in page.xpath("//a/@href") if href.startswith("#")]
    assert set(targets) <= set(ids)
    assert targets == ["_ftn1", "_ftn2", "_ftn1", "_ftn2", "_ftnref1", "_ftnref2"]
    # Word takes such a division for the notes, and each in it for a footnote.
    [notes] = page.xpath("//div[@style='mso-element:footnote-list']")
    assert [note.get("id") for note in notes.iter("div")][1:] == ["ftn1", "ftn2"]


def test_the_notes_of_markdown_are_each_defined_once() -> None:
    document = export(answered("One thing.", "Another thing."), "markdown", "chicago")
    assert re.findall(r"^\[\^(\d)\]: ", document, re.MULTILINE) == ["1", "2"]
    assert re.findall(r"\[\^(\d)\]$", document, re.MULTILINE) == ["1", "2"]


MARKS: tuple[str, ...] = (
    "- ",
    "+ ",
    "* ",
    "1. ",
    "2) ",
    "# ",
    "> ",
    "===",
    "---",
    "***",
    "```",
    "~~~",
    "    ",
    "\t",
)
MARKS += (
    "*a*",
    "_a_",
    "**",
    "`a`",
    "~~a~~",
    "\\",
    "<b>",
    "</p>",
    "<!--",
    "&amp;",
    "&lt",
    "<e@f.g>",
)
MARKS += (
    "[x](y)",
    "![x](y)",
    "[^1]",
    "[^1]: x",
    "[x]: y",
    "| a | b |",
    "|---|---|",
    ": ",
    "é\u202e",
)
special = st.lists(st.sampled_from((*MARKS, "\n", "\n\n", " ", "a")), max_size=8).map("".join)
texts = (special | st.text(max_size=30)).filter(lambda text: text.strip() and "\0" not in text)


@settings(max_examples=200, deadline=None)
@given(text=texts)
def test_markdown_shows_the_words_as_they_are(text: str) -> None:
    shown = lxml_html.document_fromstring(RENDERER.render(markdown(text)))
    assert words(str(shown.text_content())) == words(text)


@settings(max_examples=20, deadline=None)
@given(text=texts)
def test_a_document_shows_the_words_as_they_are(text: str) -> None:
    for format in FORMATS:
        [quote] = quotes_in(export(answered(text.strip()), format, "apa"), format)
        assert words(quote) == words(text)


# --- doors ---------------------------------------------------------------------------------------


def test_over_http(library: Library) -> None:
    client = TestClient(create_app(Answering(Engine.of(library))), raise_server_exceptions=False)
    where = {"q": QUESTION, "publishers": "Gazette & Sons"}
    styles: tuple[PrintedStyle, ...] = ("apa", "chicago", "mla")
    for style in styles:
        got = client.get("/v1/export", params={**where, "style": style})
        assert got.headers["content-type"] == "text/markdown; charset=utf-8"
        assert got.headers["content-disposition"] == 'attachment; filename="answer.md"'
        answer = Engine.of(library).ask(QUESTION)
        assert got.text == export(answer, "markdown", style, base="http://testserver/")
    page = client.get("/v1/export", params={**where, "format": "html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert quotes_in(page.text, "html") == [NASTY]
    nothing = client.get("/v1/export", params={**where, "publishers": "Nobody"})
    assert nothing.status_code == 200
    assert "is empty." in nothing.text


@pytest.mark.parametrize(("format", "mark"), [("markdown", "[^1]"), ("html", "#_ftn1")])
def test_few_words_that_answer_stand_first(format: Format, mark: str) -> None:
    answer = replace(answered("Coca grows in Cauca."), short=ShortAnswer("Cauca", 14, 19, 1))
    document = export(answer, format, "apa")
    before, quoted = document.split("In short: Cauca")[1].split("Coca grows in", 1)
    assert mark in before
    assert mark in quoted


def test_on_the_command_line(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCEBOOK_LIBRARY", str(library.folder))
    file = tmp_path / "answer.md"
    done = CliRunner().invoke(app, ["ask", QUESTION, "--export", str(file), "--style", "apa"])
    assert done.exit_code == 0, done.output
    assert done.stderr == f"Wrote {file}\n"
    engine = Engine.of(library, reader=shipped_reader())
    assert file.read_text("utf-8") == export(engine.ask(QUESTION), "markdown", "apa")
    page = tmp_path / "answer.HTML"
    assert CliRunner().invoke(app, ["ask", "Sourdough?", "--export", str(page)]).exit_code == 3
    assert quotes_in(page.read_text("utf-8"), "html") == [NASTY]
    for name, code, said in (("a.docx", 2, ".docx"), ("none/a.md", 1, "cannot be written")):
        refused = CliRunner().invoke(app, ["ask", QUESTION, "--export", str(tmp_path / name)])
        assert (refused.exit_code, said in refused.output) == (code, True)


@pytest.mark.parametrize("format", FORMATS)
def test_a_document_has_everything_that_an_answer_has(format: Format) -> None:
    texts = ("It seized 850 tonnes.", "It seized 889 tonnes.")
    both = answered(*texts)
    dates = ("2024", "2025-09")
    sides = tuple(Side(t[10:13], t, i, dates[i - 1]) for i, t in enumerate(texts, 1))
    answer = replace(
        both,
        sentences=both.sentences[:1],
        short=ShortAnswer("850 tonnes", 10, 20, 1),
        disagreements=(Disagreement("tonnes", DifferenceKind.NUMBER, sides),),
    )
    written = Written(model="m*", sentences=(WrittenSentence("It seized tonnes", (1, 2)),))
    document = export(phrased(answer, written), format, "apa")
    assert quotes_in(document, format) == [texts[0], *texts]
    body = RENDERER.render(document) if format == "markdown" else document
    text = " ".join(words(str(lxml_html.document_fromstring(body).text_content())))
    order = (
        "Answered (",
        "In short: 850 tonnes",
        "It seized tonnes",
        "was written by m*.",
        "disagree: ",
    )
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    [first, second] = re.findall(r"Characters 0 to (?:(?!Characters).)*", text)
    assert "A newer source says something else." in first
    assert "A newer source" not in second


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_sources_that_differ_stand_side_by_side(format: Format) -> None:
    texts = ("It seized 850 tonnes.", "It seized 889 tonnes.")
    both = answered(*texts)
    sides = tuple(Side(text[10:13], text, i, None) for i, text in enumerate(texts, 1))
    matter = Disagreement("tonnes <seized>", DifferenceKind.NUMBER, sides)
    document = export(replace(both, disagreements=(matter,)), format, "apa")
    assert quotes_in(document, format) == [*texts, *texts]
    assert "tonnes <seized>" not in document
    assert "Sources disagree: tonnes" in document
