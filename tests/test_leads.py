"""Rows, items and paragraphs with the header, lead-in or heading that they need, all exact."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import SCORES, record
from test_plan import Held

from sourcebook.index.article import Article, BlockKind, Lead, LeadKind
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.index.parsing.exported import as_line
from sourcebook.index.parsing.parse import parse
from sourcebook.index.parsing.structure import Part, led
from sourcebook.index.passages import Passage, cut, leads, leads_of
from sourcebook.service.asking.answer import Answer
from sourcebook.service.asking.citation import Citation, Context, cite
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.needed import needed, needed_in
from sourcebook.service.asking.query import plan
from sourcebook.service.cli import printing
from sourcebook.service.documents.annotation import annotation
from sourcebook.service.documents.export import export
from sourcebook.service.documents.references import STYLES, cited
from sourcebook.service.documents.verify import Match, verify
from sourcebook.service.doors.chat import ChatRequest, completion
from sourcebook.service.doors.follow_up import FollowUp
from sourcebook.service.notation.answers import AnswerOut
from sourcebook.service.notation.requests import Style, checked

PROSE = (
    "The monitoring office published its yearly survey of the coastal districts on Monday, and "
    "officials said that the figures would guide the next programme for farmers in the region."
)
TABLE = "| Port | 2022 (tonnes) | 2023 (tonnes) |\n|---|---:|---:|\n| Turbo | 22 | 35 |\n"
HEAD, ROW = "Port | 2022 (tonnes) | 2023 (tonnes)", "Turbo | 22 | 35"


def html(body: str) -> str:
    return f"<html><body><article><h1>Survey</h1><p>{PROSE}</p>{body}<p>{PROSE}</p></article>"


def read(text: str, name: str) -> Article:
    [article] = parse(text.encode(), name=name, source=name)
    return article


# --- which block leads into which ---------------------------------------------------------------

# The file, the words of a block, and the words that it needs, outermost first.
STRUCTURES: dict[str, tuple[str, str, dict[str, list[str]]]] = {
    "a table in Markdown": ("a.md", f"{PROSE}\n\n{TABLE}", {ROW: [HEAD], HEAD: []}),
    "a table in HTML": (
        "a.html",
        html(
            "<table><tr><th>Port</th><th>Tonnes</th></tr><tr><th>Turbo</th><td>22</td></tr></table>"
        ),
        {"Turbo | 22": ["Port | Tonnes"]},
    ),
    "a header that markup does not call one": (
        "a.html",
        html("<table><tr><td>Pos.</td><td>Top 5</td></tr><tr><td>2.</td><td>7</td></tr></table>"),
        {"2. | 7": ["Pos. | Top 5"]},
    ),
    "a table of words, whose first row may be a row": (
        "a.html",
        html("<table><tr><td>Ann</td><td>Lee</td></tr><tr><td>Bo</td><td>Diaz</td></tr></table>"),
        {"Bo | Diaz": []},
    ),
    "a table without names of columns": (
        "a.txt",
        f"{PROSE}\n\nTurbo\t22\nTumaco\t31\n\n{PROSE}",
        {"Tumaco | 31": []},
    ),
    "two tables after each other": (
        "a.html",
        html(
            "<table><tr><th>Port</th><th>Tonnes</th></tr><tr><td>Turbo</td><td>22</td></tr></table>"
            "<table><tr><td>Ann</td><td>Lee</td></tr><tr><td>Bo</td><td>Diaz</td></tr></table>"
            "<table><tr><th>City</th><th>Wells</th></tr><tr><td>Cali</td><td>5</td></tr></table>"
        ),
        {"Turbo | 22": ["Port | Tonnes"], "Bo | Diaz": [], "Cali | 5": ["City | Wells"]},
    ),
    "a table and the words before it": (
        "a.html",
        html(
            "<p>In euros:</p><table><tr><th>Age</th><th>Fee</th></tr>"
            "<tr><td>Child</td><td>3</td></tr></table>"
        ),
        {"Child | 3": ["In euros:", "Age | Fee"]},
    ),
    "a table between tabs": (
        "a.txt",
        f"{PROSE}\n\nPort\t2022\t2023\nTurbo\t22\t35\nTumaco\t31\t36\n\n{PROSE}",
        {"Turbo | 22 | 35": ["Port | 2022 | 2023"], "Tumaco | 31 | 36": ["Port | 2022 | 2023"]},
    ),
    "a table between bars": ("a.txt", f"{PROSE}\n\n{TABLE}\n{PROSE}", {ROW: [HEAD]}),
    "a list": (
        "a.md",
        f"{PROSE}\n\nThe board met. The following are exempt:\n\n- ambulances\n- tractors\n",
        {
            "ambulances": ["The following are exempt:"],
            "tractors": ["The following are exempt:"],
            "The board met. The following are exempt:": [],
        },
    ),
    "a list after a whole sentence": (
        "a.md",
        f"{PROSE}\n\nThe board met.\n\n- ambulances\n",
        {"ambulances": []},
    ),
    "a list within a list": (
        "a.html",
        html(
            "<p>Exempt are</p><ul><li>cars<ul><li><p>of the police</p><p>In use.</p></li></ul></li>"
            "<li>boats</li></ul>"
        ),
        {
            "cars": ["Exempt are"],
            "of the police": ["Exempt are", "cars"],
            "In use.": ["Exempt are", "cars"],
            "boats": ["Exempt are"],
        },
    ),
    "terms and what they mean": (
        "a.html",
        html("<dl><dt>Opening hours</dt><dd>9 to 5</dd><dt>Entry</dt><dd>Free</dd></dl>"),
        {"9 to 5": ["Opening hours"], "Free": ["Entry"], "Entry": []},
    ),
    "a law in plain text": (
        "a.txt",
        f"{PROSE}\n\nThese pay:\n(a) cars that are used\n(i) at night or\n(ii) by day\n"
        f"(h) lorries\n(i) tractors\n\n{PROSE}",
        {
            "(i) at night or": ["These pay:", "(a) cars that are used"],
            "(ii) by day": ["These pay:", "(a) cars that are used"],
            "(h) lorries": ["These pay:"],
            "(i) tractors": ["These pay:"],
        },
    ),
    "a dash alone is no list": (
        "a.txt",
        f"{PROSE}\n\nHe said:\n\n- Nobody pays for the water here.\n\n{PROSE}",
        {"- Nobody pays for the water here.": []},
    ),
    "a table with an empty corner and a gap": (
        "a.md",
        f"{PROSE}\n\n| | 2022 | 2023 |\n|---|---|---|\n| Turbo | | 35 |\n\n{PROSE}",
        {"Turbo | | 35": ["| 2022 | 2023"]},
    ),
    "such a table in HTML": (
        "a.html",
        html(
            "<table><tr><td></td><td>2022</td><td>2023</td></tr>"
            "<tr><td>Turbo</td><td>22</td><td>35</td></tr>"
            "<tr><td>Cali</td><td></td><td>36</td></tr></table>"
        ),
        {"Turbo | 22 | 35": ["| 2022 | 2023"], "Cali | | 36": ["| 2022 | 2023"]},
    ),
    "such a table between tabs": (
        "a.txt",
        f"{PROSE}\n\n\t2022\t2023\nTurbo\t22\t35\nTumaco\t\t36\n\n{PROSE}",
        {"Turbo | 22 | 35": ["| 2022 | 2023"], "Tumaco | | 36": ["| 2022 | 2023"]},
    ),
    "such a table between bars": (
        "a.txt",
        f"{PROSE}\n\n| | 2022 | 2023 |\n| Turbo | 22 | 35 |\n| Tumaco | | 36 |\n\n{PROSE}",
        {"Turbo | 22 | 35": ["| 2022 | 2023"], "Tumaco | | 36": ["| 2022 | 2023"]},
    ),
    "a caption before a list": (
        "a.md",
        f"{PROSE}\n\nThe minister speaks in Lima (Getty Images)\n\n- ministers (Getty Images)\n"
        f"  - of Peru\n\n{PROSE}",
        {"ministers (Getty Images)": [], "of Peru": ["ministers (Getty Images)"]},
    ),
    "a caption before a list in HTML": (
        "a.html",
        html("<p>The minister speaks in Lima (Getty Images)</p><ul><li>of Peru</li></ul>"),
        {"of Peru": []},
    ),
    "a list after a sentence in Chinese": (
        "a.md",
        f"{PROSE}\n\n会议结束。\n\n- 港口\n",
        {"港口": []},
    ),
    "a list whose lead-in cleaning took away": (
        "a.md",
        f"{PROSE}\n\nThe bill names these ministries:\n\nRead more:\n\n- Fees double\n\n{PROSE}",
        {"Fees double": []},
    ),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_what_a_block_needs(name: str) -> None:
    file, text, expected = STRUCTURES[name]
    article = read(text, file)
    found = leads(article)
    for words, needs in expected.items():
        [block] = [b for b in article.blocks if article.text[b.start : b.end] == words]
        own = [one for one in found if one.leads(block.start, block.end)]
        assert [one.text for one in own if one.kind is not LeadKind.HEADING] == needs, words
        same = [replace(one, first=block.start, last=block.end) for one in own]
        assert leads_of(article, block.start, block.end) == same
    assert read(as_line(article, raw=False).decode(), "a.jsonl").blocks == article.blocks


def test_headers_above_and_within_a_table() -> None:
    row, header = BlockKind.ROW, BlockKind.HEADER
    kinds = [BlockKind.PARAGRAPH, header, header, row, header, row, header, row]
    parts = [Part(kind, "x:", begins=number == 1) for number, kind in enumerate(kinds)]
    assert led(parts) == [None, 0, 1, 2, 2, 4, 2, 6]


WORDS = st.lists(st.sampled_from(["Turbo", "Ann", "ñandú", "😀", "x"]), min_size=1, max_size=3)
CELLS = st.lists(WORDS.map(" ".join) | st.integers(0, 9_999).map(str), min_size=2, max_size=3)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(CELLS, st.lists(CELLS, min_size=1, max_size=40)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), WORDS.map(" ".join)), min_size=1, max_size=12),
    st.booleans(),
)
def test_both_spans_are_exact_in_any_table_and_list(
    encoder: Encoder,
    tables: list[tuple[list[str], list[list[str]]]],
    items: list[tuple[int, str]],
    glued: bool,
) -> None:
    """Also where a table is longer than a passage, and the next one follows at once."""
    rows = [
        "".join(f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in row)}</tr>" for row in some)
        for head, body in tables
        for tag, some in (("th", [head]), ("td", body))
    ]
    between = "" if glued else f"<p>{PROSE}</p>"
    made = between.join(
        f"<table>{a}{b}</table>" for a, b in zip(rows[::2], rows[1::2], strict=True)
    )
    listed, depth = "", 0
    for wanted, words in items:
        level = min(wanted + 1, depth + 1)
        listed += "<ul>" * (level - depth) + "</ul>" * (depth - level) + f"<li>{words}</li>"
        depth = level
    article = read(html(f"{made}<p>Exempt are:</p>{listed}{'</ul>' * depth}"), "a.html")
    headers = [b for b in article.blocks if b.kind is BlockKind.HEADER]
    for passage in cut(article, encoder.piece_offsets, 40):
        for block in article.blocks:
            if passage.start <= block.start and block.end <= passage.end:
                quote = quoted(article, passage, block.start, block.end)
                parts: tuple[Citation | Context, ...] = (quote, *quote.context)
                for part in parts:
                    assert article.text[part.start : part.end] == part.exact
                    assert article.text[: part.start].endswith(part.prefix)
                    assert article.text[part.end :].startswith(part.suffix)
                if block.kind is BlockKind.ROW:
                    above = [b for b in headers if b.start < block.start][-1]
                    assert quote.context[-1].end == above.end
                    assert quote.context[-1].kind is LeadKind.HEADER
                    assert above.start >= passage.start or quote.context[-1].exact in passage.above


def quoted(article: Article, passage: Passage, start: int, end: int) -> Citation:
    exact = article.text[start:end]
    return cite(
        number=1, article=article, record=record(article), passage=passage,
        start=start, end=end, scores=SCORES, leads=needed(passage.leads, start, end, exact),
    )  # fmt: skip


def test_context_of_another_text_is_refused(encoder: Encoder) -> None:
    article = read(f"{PROSE}\n\n{TABLE}", "a.md")
    [passage] = cut(article, encoder.piece_offsets, 100)
    at = article.text.index(ROW)
    facts = {"first": at, "last": at + len(ROW), "kind": LeadKind.HEADER}
    wrong = Lead(text="Port", start=0, end=4, **facts)  # type: ignore[arg-type]  # of several types
    with pytest.raises(ValueError, match="is not of article"):
        cite(
            number=1, article=article, record=record(article), passage=passage,
            start=at, end=at + len(ROW), scores=SCORES, leads=[wrong],
        )  # fmt: skip
    with pytest.raises(ValueError, match="before what it leads into"):
        Lead(text="x", start=at, end=at + 1, **facts)  # type: ignore[arg-type]  # of several types
    with pytest.raises(InputError, match=r"The context is \[0, 4\); expected a header"):
        needed_in(article, at, at + len(ROW), [(0, 4)])


# --- when a heading is needed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paragraph", "title", "needed_heading"),
    [
        ("45 euros.", "Rules", True),
        ("Payable at the harbour office before noon", "Rules", True),
        ("They are waived for boats of the police.", "Rules", True),
        ("The board sets the price of a berth in March.", "Rules", False),
    ],
)
def test_a_heading_is_needed_by_what_is_no_whole_statement(
    paragraph: str, title: str, *, needed_heading: bool
) -> None:
    article = read(f"---\ntitle: {title}\n---\n{PROSE}\n\n## Mooring fees\n\n{paragraph}\n", "a.md")
    at = article.text.index(paragraph)
    found = [one.text for one in needed_in(article, at, at + len(paragraph))]
    assert found == (["Mooring fees"] if needed_heading else [])


def test_a_header_and_a_heading_below_it_are_needed_in_reading_order() -> None:
    """A table may go on after a heading."""
    facts = {"first": 60, "last": 70}
    header = Lead(kind=LeadKind.HEADER, text="Port | Fee", start=0, end=10, **facts)
    heading = Lead(kind=LeadKind.HEADING, text="In winter", start=20, end=29, **facts)
    words = plan("What is the fee in winter?", Held()).words
    assert needed([header, heading], 60, 70, "Turbo | 12", words=words) == (header, heading)


# --- shown in every form ------------------------------------------------------------------------

DEPARTMENTS = (
    "Amazonas, Antioquia, Arauca, Cauca, Chocó, Huila, Meta, Nariño, Putumayo, Tolima, Vaupés, "
    "Vichada, Boyacá, Caldas, Bolívar, Caquetá, Casanare, Cesar, Córdoba, Guainía, Guaviare, "
    "Magdalena, Quindío, Risaralda, Sucre, Atlántico, Santander, Guajira"
)
FILES = {
    "wells.html": html(
        "<table><tr><th>Department</th><th>Wells</th><th>Schools</th><th>Clinics</th></tr>"
        + "".join(
            f"<tr><td>{name}</td><td>{100 + 37 * n}</td><td>{200 + 91 * n}</td>"
            f"<td>{300 + 53 * n}</td></tr>"
            for n, name in enumerate(DEPARTMENTS.split(", "))
        )
        + "</table>"
    ),
    "harbour.md": f"# Harbour rules\n\n{PROSE}\n\n## Fees for small boats\n\n45 euros a night.\n\n"
    f"## Fees for large boats\n\n120 euros a night.\n\n## Exemptions\n\nThe board met in May. The "
    "following are exempt from the harbour fee:\n\n- lifeboats\n- boats of the state:\n"
    f"  - research vessels of the university\n\n{PROSE}\n",
}
HEADER = "Department | Wells | Schools | Clinics"
LEAD_IN = "The following are exempt from the harbour fee:"
# The question, its evidence, and what is shown with that.
ASKED = (
    ("How many schools are there in Tolima?", "Tolima | 433 | 1019 | 777", [HEADER]),
    ("How many wells are there in Sucre?", "Sucre | 988 | 2384 | 1572", [HEADER]),
    ("What do large boats pay?", "120 euros a night.", ["Fees for large boats"]),
    (
        "Are research vessels exempt from the harbour fee?",
        "research vessels of the university",
        [LEAD_IN, "boats of the state:"],
    ),
)


@dataclass(frozen=True)
class Asked:
    """An answer, and the first citation of it."""

    library: Library
    answer: Answer
    first: Citation
    context: list[str]


@pytest.fixture(scope="module")
def engine(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Library(tmp_path_factory.mktemp("leads") / "library", encoder, create=True) as library:
        library.add(read(text, name) for name, text in FILES.items())
        yield Engine.of(library, reader=shipped_reader())


@pytest.fixture(scope="module", params=ASKED, ids=[quote for _, quote, _ in ASKED])
def asked(engine: Engine, request: pytest.FixtureRequest) -> Asked:
    question, quote, context = request.param
    answer = engine.ask(question)
    first = answer.quoted[0]
    assert (first.exact, [need.exact for need in first.context]) == (quote, context)
    return Asked(engine.library, answer, first, context)


def test_the_table_is_longer_than_a_passage(engine: Engine) -> None:
    with engine.library.view() as view:
        [wells] = [one for one, source in view.sources() if source == "wells.html"]
        found = view.passages_of(wells)
    assert sum("Sucre |" in one.text for one in found) == 1
    [late] = [one for one in found if "Sucre |" in one.text]
    assert HEADER not in late.text
    assert late.above == (HEADER,)


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_an_exported_answer_shows_both(asked: Asked, format: str) -> None:
    document = export(asked.answer, format, "apa", base="http://here")  # type: ignore[arg-type]
    plain = re.sub(r"<[^>]+>|\\", "", document)
    places = [plain.index(f"{words}") for words in (*asked.context, asked.first.exact)]
    assert places == sorted(places)
    assert f"article/{asked.first.article.id}" not in plain
    for need in asked.first.context:
        assert f"at {need.start} to {need.end}" in plain
    assert f"/articles/{asked.first.article.id}{asked.first.anchor}" in document


@pytest.mark.parametrize("style", STYLES)
def test_a_reference_shows_both(asked: Asked, style: Style) -> None:
    first = asked.first
    places = [(need.start, need.end) for need in first.context]
    made = cited(
        asked.library, first.article.id, style, start=first.start, end=first.end, context=places
    )
    assert [need.exact for need in made.context] == asked.context
    marked = [f"“{words}”" for words in (*asked.context, first.exact)]
    shown = json.loads(made.text)[0]["annote"] if style == "csl-json" else made.text
    assert all(words in shown for words in marked)
    assert "".join(marked) not in shown, "never as one quote"


def test_an_annotation_has_a_target_for_each(asked: Asked) -> None:
    first = asked.first
    places = [(need.start, need.end) for need in first.context]
    made = annotation(
        asked.library, first.article.id, first.start, first.end, "http://here", context=places
    ).model_dump(by_alias=True)
    found = [
        (target.get("styleClass"), target["selector"][0]["exact"], target["selector"][1]["start"])
        for target in made["target"]
    ]
    needs = [("context", need.exact, need.start) for need in first.context]
    assert found == [(None, first.exact, first.start), *needs]


def test_a_chat_shows_both_each_with_its_source(asked: Asked) -> None:
    question = asked.answer.query.text
    wanted = checked(
        ChatRequest, {"model": "m", "messages": [{"role": "user", "content": question}]}
    )
    found, _ = completion(wanted, FollowUp(question), asked.answer, "http://here/", len)
    message = found.choices[0].message
    said = [
        message.content[one.url_citation.start_index : one.url_citation.end_index]
        for one in message.annotations
    ]
    assert said[: len(asked.context) + 1] == [*asked.context, asked.first.exact]


def test_the_command_line_and_the_api_show_both(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    out = AnswerOut.model_validate(asked.answer)
    printing.answer(out)
    printed = capsys.readouterr().out
    quotes = [(need.exact, need.start, need.end) for need in out.citations[0].context]
    article = asked.library.article(asked.first.article.id)
    assert [article.text[start:end] for _, start, end in quotes] == asked.context
    assert all(f": “{exact}”" in printed for exact, *_ in quotes)
    assert all(f"at {start} to {end}" in printed for _, start, end in quotes)


def test_a_draft_that_quotes_both_is_verified_with_both(engine: Engine) -> None:
    """The header, the heading and the row are found, the row with its header beside it."""
    quotes = [HEADER, "Fees for small boats", "Tolima | 433 | 1019 | 777", "lifeboats", "LIFEBOATS"]
    header, heading, row, item, folded = verify(engine.library, quotes)
    assert {one.match for one in (header, heading, row, item)} == {Match.EXACT}
    assert folded.match is Match.NORMALISED
    shown = [
        [need.exact for need in one.locations[-1].context]
        for one in (header, heading, row, item, folded)
    ]
    assert shown == [[], [], [HEADER], [LEAD_IN], [LEAD_IN]]
