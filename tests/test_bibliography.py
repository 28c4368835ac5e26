"""References: each style with what is known and what is not, and nothing that breaks a format."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import jsonschema
import made
import pytest
from conftest import MakeLibrary, article_from
from fastapi.testclient import TestClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.article import Metadata
from sourcebook.index.errors import InputError, NotFoundError
from sourcebook.index.library import Library
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents.references import STYLES, cited, csl_item
from sourcebook.service.http.app import create_app

TEXT = (
    "Señor Ruiz said “no” on Tuesday 👩🏽‍🌾.\n\nThe fines {double} at 50% & more: #1, $2 \\ x_y~z^."
)

# The parts that we use of the schema of CSL-JSON, csl-data.json of
# https://github.com/citation-style-language/schema at version 1.0.2 (MIT licence).
NAME = {
    "type": "object",
    "properties": {
        name: {"type": "string"}
        for name in (
            "family", "given", "dropping-particle", "non-dropping-particle", "suffix", "literal"
        )
    },
    "additionalProperties": False,
}  # fmt: skip
PART = {"type": ["string", "number"]}
DATE = {
    "type": "object",
    "properties": {
        "date-parts": {
            "type": "array",
            "items": {"type": "array", "items": PART, "minItems": 1, "maxItems": 3},
            "minItems": 1,
            "maxItems": 2,
        },
    },
    "additionalProperties": False,
}
TEXTS = ("title", "container-title", "publisher", "URL", "language", "annote")
SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "number"]},
            "type": {"enum": ["article", "article-newspaper", "document", "report", "webpage"]},
            "author": {"type": "array", "items": NAME},
            "issued": DATE,
            "accessed": DATE,
            **{name: {"type": "string"} for name in TEXTS},
        },
        "required": ["type", "id"],
        "additionalProperties": False,
    },
}


def record(**facts: Any) -> ArticleRecord:
    facts = {"title": "Night train", "publisher": "Gazette", "language": "en"} | facts
    return made.record(article_from("x", "notes"), **facts)


def printed(style: str, quote: str | None = None, **facts: Any) -> str:
    return STYLES[style][1](csl_item(record(**facts), quote=quote))


URL = "https://e.org/a"
FULL: dict[str, Any] = {
    "authors": ("Ann Lee", "Bo van der Berg Jr."),
    "published": "2025-09-19",
    "retrieved": "2026-11-22",
    "url": URL,
}
# name: (what is known, APA, Chicago (notes), MLA)
KNOWN: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "all": (
        FULL,
        "Lee, A., & van der Berg, B., Jr. (2025, September 19). Night train. Gazette. "
        f"Retrieved November 22, 2026, from {URL}",
        "Ann Lee and Bo van der Berg Jr., “Night Train,” Gazette, September 19, 2025, accessed "
        f"November 22, 2026, {URL}.",
        f"Lee, Ann, and Bo van der Berg Jr. “Night Train.” Gazette, 19 Sept. 2025, {URL}. "
        "Accessed 22 Nov. 2026.",
    ),
    "a month, and an organisation": (
        {"authors": ("Ministry of Transport",), "published": "2025-09", "url": URL},
        f"Ministry of Transport. (2025, September). Night train. Gazette. {URL}",
        f"Ministry of Transport, “Night Train,” Gazette, September 2025, {URL}.",
        f"Ministry of Transport. “Night Train.” Gazette, Sept. 2025, {URL}.",
    ),
    "a year, and no author": (
        {"title": "What “peace” means", "published": "2025", "url": URL},
        f"What “peace” means. (2025). Gazette. {URL}",
        f"“What ‘Peace’ Means,” Gazette, 2025, {URL}.",
        f"“What ‘Peace’ Means.” Gazette, 2025, {URL}.",
    ),
    "no date, but when it was read": (
        {"url": URL, "retrieved": "2026-11"},
        f"Night train. (n.d.). Gazette. Retrieved November 2026, from {URL}",
        f"“Night Train,” Gazette, accessed November 2026, {URL}.",
        f"“Night Train.” Gazette, {URL}. Accessed Nov. 2026.",
    ),
    "small words at the end and after a question": (
        {"title": "Why peace? a plan that broke down", "published": "2025"},
        "Why peace? a plan that broke down. (2025). Gazette.",
        "“Why Peace? A Plan That Broke Down,” Gazette, 2025.",
        "“Why Peace? A Plan That Broke Down.” Gazette, 2025.",
    ),
    "no address": (
        {"authors": ("Lee, Ann",), "published": "2025-09-19"},
        "Lee, A. (2025, September 19). Night train. Gazette.",
        "Ann Lee, “Night Train,” Gazette, September 19, 2025.",
        "Lee, Ann. “Night Train.” Gazette, 19 Sept. 2025.",
    ),
    "another language": (
        {"title": "El tren nocturno", "language": "es", "published": "2025"},
        "El tren nocturno. (2025). Gazette.",
        "“El tren nocturno,” Gazette, 2025.",
        "“El tren nocturno.” Gazette, 2025.",
    ),
    "nothing but a file": (
        {"title": "", "publisher": ""},
        "notes.txt. (n.d.).",
        "“Notes.txt,” n.d.",
        "“Notes.txt.”",
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_styles_for_people(name: str) -> None:
    facts, *expected = KNOWN[name]
    assert [printed(style, **facts) for style in ("apa", "chicago", "mla")] == expected


def test_a_reference_does_not_depend_on_those_before() -> None:
    """A note about the same article again is short in Chicago style; ours is always the first."""
    assert printed("chicago", **FULL) == printed("chicago", **FULL)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann Lee", {"family": "Lee", "given": "Ann"}),
        ("Lee, Ann M.", {"family": "Lee", "given": "Ann M."}),
        ("Ana de la Cruz", {"family": "de la Cruz", "given": "Ana"}),
        ("Martin Luther King Jr.", {"family": "King", "given": "Martin Luther", "suffix": "Jr."}),
        ("José Ñáñez  Ríos", {"family": "Ríos", "given": "José Ñáñez"}),
        ("UNODC", {"literal": "UNODC"}),
        ("Bureau of Labor, Energy and Trade", {"literal": "Bureau of Labor, Energy and Trade"}),
        ("Doctors without Borders", {"literal": "Doctors without Borders"}),
        ("Ernst & Young", {"literal": "Ernst & Young"}),
        ("The Gazette", {"literal": "The Gazette"}),  # it is the publisher
        ("Ann Lee,", {"family": "Lee", "given": "Ann"}),
    ],
)
def test_names_of_persons_and_organisations(text: str, expected: dict[str, str]) -> None:
    item = csl_item(record(authors=(text,), publisher="The Gazette"))
    assert item["author"] == [expected]


def test_bibtex() -> None:
    entry = printed("bibtex", quote=TEXT, **FULL | {"title": "Fines {double}", "url": URL + "{1}"})
    assert entry == (
        "@online{lee-2025-e39538e7f27a7bf5,\n"
        "  author = {Lee, Ann and van der Berg, Jr., Bo},\n"
        r"  title = {{Fines \textbraceleft{}double\textbraceright{}}}," + "\n"
        "  organization = {Gazette},\n"
        "  date = {2025-09-19},\n"
        "  year = {2025},\n"
        "  month = {09},\n"
        "  url = {https://e.org/a%7B1%7D},\n"
        "  urldate = {2026-11-22},\n"
        "  annote = {Señor Ruiz said “no” on Tuesday 👩🏽‍🌾. The fines "
        r"\textbraceleft{}double\textbraceright{} at 50\% \& more: \#1, \$2 \textbackslash{} "
        r"x\_y\textasciitilde{}z\textasciicircum{}.}," + "\n}"
    )
    bare = printed("bibtex", title="", publisher="", authors=("Research and Trade Office",))
    assert bare.splitlines()[0] == "@misc{researchandtradeoffi-e39538e7f27a7bf5,"
    assert "  author = {{Research and Trade Office}}," in bare
    assert printed("bibtex", published="2025").startswith("@misc{article-2025-")


def test_ris() -> None:
    lines = printed("ris", quote=TEXT, **FULL).split("\r\n")
    assert lines == [
        "TY  - ELEC",
        "ID  - e39538e7f27a7bf5",
        "AU  - Lee, Ann",
        "AU  - van der Berg, Bo, Jr.",
        "TI  - Night train",
        "T2  - Gazette",
        "PY  - 2025",
        "DA  - 2025/09/19/",
        f"UR  - {URL}",
        "Y2  - 2026/11/22/",
        "LA  - en",
        "N1  - " + " ".join(TEXT.split()),
        "ER  - ",
        "",
    ]
    assert "DA  - 2025/09//" in printed("ris", published="2025-09")
    assert "DA  - 2025///" in printed("ris", published="2025")


anything = st.text(max_size=40)
known = st.fixed_dictionaries(
    {},
    optional={
        "title": anything,
        "publisher": anything,
        "authors": st.lists(anything, max_size=4).map(tuple),
        "language": st.sampled_from(["", "en", "es", "ar"]),
        "published": st.sampled_from(["2025", "2025-09", "2025-09-19"]),
        "retrieved": st.sampled_from(["2026", "2026-11"]),
        "url": st.sampled_from([URL, "https://e.org/%7E{}\\#x?y=1&z=_"]),
    },
)


@settings(max_examples=40, deadline=None)
@given(facts=known, quote=st.none() | st.text(min_size=1, max_size=40))
@example(facts={"title": " "}, quote=None)
def test_whatever_is_known_each_format_holds(facts: dict[str, Any], quote: str | None) -> None:
    assert Metadata(**facts)
    item = csl_item(record(**facts), quote=quote)
    jsonschema.validate(json.loads(STYLES["csl-json"][1](item)), SCHEMA)
    for style in ("apa", "chicago", "mla"):
        reference = STYLES[style][1](item)
        assert reference
        assert reference == reference.strip()
    entry = STYLES["bibtex"][1](item)
    depth = [0]
    for mark in re.findall(r"[{}]", entry):
        depth.append(depth[-1] + (1 if mark == "{" else -1))
    assert (min(depth), depth[-1]) == (0, 0)
    assert all(re.match(r"@\w+\{|  \w+ = |\}$", line) for line in entry.split("\n"))
    ris = STYLES["ris"][1](item)
    assert ris.endswith("ER  - \r\n")
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in ris[:-2].split("\r\n"))
    assert "\n" not in ris.replace("\r\n", "")


def test_the_schema_can_refuse() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([dict(csl_item(record())) | {"authors": []}], SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([dict(csl_item(record())) | {"issued": "2025"}], SCHEMA)


# --- quotes --------------------------------------------------------------------------------------


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    article = article_from(TEXT, "fines")
    return make_library([replace(article, metadata=Metadata(title="Fines", **FULL))])


@pytest.fixture
def article_id(library: Library) -> str:
    with library.view() as view:
        return view.records()[0].id


def test_every_span_is_quoted_exactly(library: Library, article_id: str) -> None:
    for start, end in ((0, 1), (0, len(TEXT)), (17, 41), (len(TEXT) - 1, len(TEXT))):
        found = cited(library, article_id, "mla", start=start, end=end)
        assert found.quote == TEXT[start:end]
        assert found.text == f"“{TEXT[start:end]}”\n{found.reference}"
    assert cited(library, article_id, "mla").text == found.reference


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 0), (5, 4), (-1, 3), (0, len(TEXT) + 1), (len(TEXT), len(TEXT) + 1)],
)
def test_a_span_outside_of_the_text_is_refused(
    library: Library, article_id: str, start: int, end: int
) -> None:
    with pytest.raises(InputError, match=rf"\[{start}, {end}\).*{len(TEXT)} characters") as caught:
        cited(library, article_id, "apa", start=start, end=end)
    assert caught.value.cure


def test_a_quote_without_a_bound_is_refused(library: Library, article_id: str) -> None:
    for start, end, missing in ((3, None, "end"), (None, 3, "start")):
        with pytest.raises(InputError, match=f"has no {missing}") as caught:
            cited(library, article_id, "apa", start=start, end=end)
        assert caught.value.cure
    with pytest.raises(InputError, match="The context has no quote"):
        cited(library, article_id, "apa", context=[(0, 3)])


def test_an_unknown_article_is_not_cited(library: Library) -> None:
    with pytest.raises(NotFoundError, match="'nope'"):
        cited(library, "nope", "apa")


def test_over_http(library: Library, article_id: str) -> None:
    client = TestClient(create_app(Answering(Engine.of(library))), raise_server_exceptions=False)
    where = f"/v1/articles/{article_id}/cite"
    for style, (media_type, _) in STYLES.items():
        body = client.get(where, params={"style": style, "start": 0, "end": 5}).json()
        assert (body["style"], body["quote"], body["media_type"]) == (style, "Señor", media_type)
        assert "Señor" in body["text"]
        assert body["reference"] in body["text"]
    default = client.get(where, params={"accessed": "2026-12-01"}).json()
    assert (default["style"], default["quote"]) == ("apa", None)
    assert "Retrieved December 1, 2026" in default["text"]
    [item] = json.loads(client.get(where, params={"style": "csl-json"}).json()["text"])
    assert item["accessed"] == {"date-parts": [[2026, 11, 22]]}


def test_on_the_command_line(
    library: Library, article_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCEBOOK_LIBRARY", str(library.folder))

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["cite", article_id, *words])

    shown = run("--style", "chicago", "--start", "0", "--end", "10")
    assert shown.stdout.splitlines()[0] == f"“{TEXT[:10]}”"
    assert "Ann Lee and Bo van der Berg Jr., “Fines,” " in shown.stdout
    assert run("--style", "ris").stdout.splitlines()[-1] == "ER  -"
    assert json.loads(run("--json").stdout)["style"] == "apa"
    refused = run("--start", "0", "--end", "9999")
    assert (refused.exit_code, "9999" in refused.output) == (2, True)
    assert run("--accessed", "yesterday").exit_code == 2
    for context, said in (("30-40", "expected a header"), ("x", "context")):
        refused = run("--start", "0", "--end", "10", "--context", context)
        assert (refused.exit_code, said in refused.output) == (2, True)


def test_help_does_not_load_the_styles() -> None:
    code = (
        "import sys, sourcebook.service.cli.commands, sourcebook.service.cli.printing;"
        "sys.exit('citeproc' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
