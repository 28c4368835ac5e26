"""Quotes as W3C Web Annotations, and the brief for programs."""

import re
from dataclasses import replace

import pytest
from conftest import MakeLibrary, article_from
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcebook.index.article import Metadata
from sourcebook.index.library import Library
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.documents.annotation import annotation
from sourcebook.service.http.app import create_app

TEXT = "El señor Ruiz dijo “no” 👩🏽‍🌾 el martes.\n\nThe fines double. The fines double again."
URL = "https://example.org/a"


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    fines = article_from(TEXT, "fines")
    with_url = Metadata(title="Fines", publisher="Gazette", published="2025", url=URL)
    return make_library([replace(fines, metadata=with_url), article_from("No address.", "bare")])


def test_an_annotation(library: Library) -> None:
    client = TestClient(create_app(Answering(Engine.of(library))))
    [fines, bare] = [one["id"] for one in client.get("/v1/articles").json()["articles"]]
    where = f"/v1/articles/{fines}/annotation?start=24&end=28"
    response = client.get(where)
    assert response.headers["content-type"] == (
        'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"'
    )
    quote = {
        "type": "TextQuoteSelector",
        "exact": TEXT[24:28],
        "prefix": TEXT[:24],
        "suffix": TEXT[28:76],
    }
    assert response.json() == {
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "id": f"http://testserver{where}",
        "type": "Annotation",
        "motivation": "highlighting",
        "body": {
            "type": "TextualBody",
            "value": f"(2025). “Fines”. Gazette. {URL}.",
            "format": "text/plain",
            "purpose": "describing",
        },
        "target": [
            {
                "type": "SpecificResource",
                "source": f"http://testserver/articles/{fines}",
                "selector": [quote, {"type": "TextPositionSelector", "start": 24, "end": 28}],
            },
            {"type": "SpecificResource", "source": URL, "selector": [quote]},
        ],
    }
    without = client.get(f"/v1/articles/{bare}/annotation?start=0&end=2").json()
    assert len(without["target"]) == 1


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_selectors_find_the_quote(engine: Engine, data: st.DataObject) -> None:
    with engine.library.view() as view:
        chosen = data.draw(st.sampled_from([record.id for record in view.records()]))
        text = view.article(chosen).text
    start = data.draw(st.integers(0, len(text) - 2))
    end = data.draw(st.integers(start + 1, min(len(text), start + 200)))
    if not text[start:end].strip():
        return
    found = annotation(engine.library, chosen, start, end, "http://here/")
    quote, position = (selector.model_dump() for selector in found.target[0].selector)
    assert quote["exact"] == text[position["start"] : position["end"]]
    around = quote["prefix"] + quote["exact"] + quote["suffix"]
    assert start - len(quote["prefix"]) in [m.start() for m in re.finditer(re.escape(around), text)]


def test_the_brief_for_programs(library: Library) -> None:
    client = TestClient(create_app(Answering(Engine.of(library))))
    response = client.get("/llms.txt")
    assert response.headers["content-type"].startswith("text/plain")
    lines = response.text.split("\n")
    assert lines[0] == "# Sourcebook"
    assert lines[2].startswith("> Answers policy questions with verbatim passages")
    links = re.findall(r"^- \[(.+?)\]\(http://testserver(\S+)\): \w", response.text, re.MULTILINE)
    document = client.get("/openapi.json").json()
    operations = [
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    ]
    assert sorted(name for name, _ in links) == sorted([*operations, "OpenAPI", "HTML"])
    page = client.get("/docs").text
    for _, where in links:
        path, _, anchor = where.partition("#")
        assert client.get(path).status_code == 200
        assert not anchor or f'id="{anchor}"' in page
    assert client.get("/llms.txt?x=1").status_code == 422
