"""The HTTP interface: each address with real articles, as callers use it."""

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import MakeLibrary
from fastapi import APIRouter
from fastapi.testclient import TestClient

from sourcebook.index.article import Article
from sourcebook.index.library import Library
from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app
from sourcebook.service.http.rules import reads
from sourcebook.service.notation.requests import QUESTION

FINES = (
    "The council voted on Tuesday to double the fines for dumping waste in the river, after two "
    "years of complaints from the villages downstream."
)
TRAINS = (
    "The ministry of transport will reopen the night train to the coast in spring, with sleeping "
    "cars that a cooperative of railway workers has restored."
)
SPANISH = (
    "El gobierno anunció el martes que la erradicación aérea no volverá este año, después de que "
    "las comunidades campesinas pidieran más inversión en caminos, escuelas y mercados."
)


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    return make_library(fines=FINES)


@pytest.fixture
def fresh(library: Library) -> TestClient:
    """A client of a library that the test may change."""
    return TestClient(create_app(Answering(Engine.of(library))), raise_server_exceptions=False)


def text_of(client: TestClient, article_id: str) -> str:
    return str(client.get(f"/v1/articles/{article_id}").json()["text"])


def ids(client: TestClient) -> list[str]:
    return [article["id"] for article in client.get("/v1/articles").json()["articles"]]


# --- questions -----------------------------------------------------------------------------------


def test_an_answer_can_be_checked(client: TestClient) -> None:
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    assert answer["status"] == "answered"
    assert answer["nearest"] == []
    assert answer["reason"] is None
    for citation in answer["citations"]:
        text = text_of(client, citation["article"]["id"])
        start, end = citation["start"], citation["end"]
        assert text[start:end] == citation["exact"]
        assert text[:start].endswith(citation["prefix"])
        assert text[end:].startswith(citation["suffix"])
        assert hashlib.sha256(text.encode()).hexdigest() == citation["text_sha256"]
    by_number = {citation["number"]: citation["exact"] for citation in answer["citations"]}
    for sentence in answer["sentences"]:
        assert sentence["text"] == by_number[sentence["citations"][0]]


def test_short_answers_disagreements_and_publishers(reading_client: TestClient) -> None:
    client = reading_client
    answer = client.post("/v1/ask", json={"question": "What year did Plan Colombia begin?"}).json()
    short = answer["short"]
    article = answer["citations"][short["citation"] - 1]["article"]
    assert (short["text"], answer["publishers"]) == ("2000", 1)
    assert text_of(client, article["id"])[short["start"] : short["end"]] == "2000"
    assert "2000" in answer["citations"][0]["mentioned"]
    assert {"published", "modified", "retrieved"} <= article.keys()
    question = "Was it 1996 or 1997 when Washington decertified Samper's Colombia?"
    answer = client.post("/v1/ask", json={"question": question}).json()
    (matter,) = answer["disagreements"]
    assert matter["kind"] == "date"
    assert [side["value"] for side in matter["sides"]] == ["1996", "1997"]
    for side in matter["sides"]:
        assert side["text"] in answer["citations"][side["citation"] - 1]["exact"]
    assert answer["outdated"] == []  # both were published on one day


def test_the_example_question_finds_its_sentence(client: TestClient) -> None:
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    assert "Plan Colombia started in 2000" in answer["sentences"][0]["text"]


def test_an_answer_says_what_it_was_made_from(client: TestClient, engine: Engine) -> None:
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    assert answer["generation"] == client.get("/v1/library").json()["generation"]
    assert answer["fingerprint"] == engine.library.fingerprint
    assert {"plan", "encode", "dense", "lexical", "read", "rank", "compose"} <= set(
        answer["seconds"]
    )
    assert all(seconds >= 0 for seconds in answer["seconds"].values())


def test_both_ways_to_ask_agree(client: TestClient) -> None:
    wanted = {"publishers": ["sourcebook"], "published_from": "2026"}
    posted = client.post("/v1/ask", json={"question": QUESTION, **wanted}).json()
    gotten = client.get("/v1/ask", params={"q": QUESTION, **wanted}).json()
    assert posted.pop("seconds").keys() == gotten.pop("seconds").keys()
    assert posted == gotten
    assert posted["citations"]


def test_phrases_and_names_are_understood(client: TestClient) -> None:
    question = 'What does Sourcebook say of "Plan Colombia" since 2025?'
    query = client.get("/v1/ask", params={"q": question}).json()["query"]
    assert query["phrases"] == ["Plan Colombia"]
    [source], [period] = query["sources"], query["periods"]
    assert (source["written"], source["publishers"], source["asked"]) == (
        "Sourcebook",
        ["Sourcebook"],
        True,
    )
    assert period == {"first": "2025-01-01", "last": None, "published": False}
    assert query["matched"] == 'What of "Plan Colombia" since 2025?'


def test_what_the_library_does_not_hold_is_no_error(client: TestClient) -> None:
    response = client.post("/v1/ask", json={"question": "How long does sourdough need to rise?"})
    answer = response.json()
    assert response.status_code == 200
    assert answer["status"] == "not_in_library"
    assert answer["sentences"] == answer["citations"] == []
    assert len(answer["nearest"]) == 3
    assert answer["reason"] == "nothing_relevant"


def test_an_empty_library_answers_nothing(make_library: MakeLibrary) -> None:
    client = TestClient(create_app(Answering(Engine.of(make_library()))))
    answer = client.post("/v1/ask", json={"question": QUESTION}).json()
    assert (answer["status"], answer["nearest"]) == ("not_in_library", [])
    assert client.post("/v1/search", json={"question": QUESTION}).json()["hits"] == []
    assert client.get("/v1/articles").json()["total"] == 0


def test_a_filter_hides_what_it_should(client: TestClient, seed_articles: list[Article]) -> None:
    only = seed_articles[1].id
    found = client.post("/v1/search", json={"question": QUESTION, "articles": [only]}).json()
    assert found["hits"]
    assert {hit["passage"]["article_id"] for hit in found["hits"]} == {only}
    for nobody in ({"publishers": ["Nobody"]}, {"as_of": "1999"}, {"tags": ["none"]}):
        assert client.post("/v1/search", json={"question": QUESTION, **nobody}).json()["hits"] == []


def test_search_returns_as_many_as_asked(client: TestClient) -> None:
    found = client.post("/v1/search", json={"question": QUESTION, "limit": 3}).json()
    assert [hit["citation"]["number"] for hit in found["hits"]] == [1, 2, 3]
    scores = [hit["citation"]["scores"]["fused"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    for hit in found["hits"]:
        passage, citation = hit["passage"], hit["citation"]
        assert citation["exact"] in passage["text"]
        assert passage["start"] <= citation["start"] < citation["end"] <= passage["end"]


def test_concurrent_questions_get_the_answers_of_single_ones(client: TestClient) -> None:
    questions = [QUESTION, "Who ended aerial spraying?", "What is Total Peace?"] * 4

    def ask(question: str) -> list[str]:
        answer = client.get("/v1/ask", params={"q": question}).json()
        return [citation["exact"] for citation in answer["citations"]]

    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(ask, questions))
    assert together == [ask(question) for question in questions[:3]] * 4


# --- quotes --------------------------------------------------------------------------------------


def test_quotes_are_verified(fresh: TestClient, library: Library) -> None:
    quotes = ["double the fines", "DOUBLE  the\nfines", "halve the fines"]
    body = fresh.post("/v1/verify", json={"quotes": quotes}).json()
    assert [v["match"] for v in body["verdicts"]] == ["exact", "normalised", "not_found"]
    exact, normalised, missing = (verdict["locations"] for verdict in body["verdicts"])
    start = FINES.index("double")
    assert exact == normalised
    assert exact[0] | {"title": ""} == {
        "article_id": ids(fresh)[0],
        "title": "",
        "start": start,
        "end": start + len("double the fines"),
        "text": "double the fines",
        "text_sha256": hashlib.sha256(FINES.encode()).hexdigest(),
        "context": [],
    }
    assert missing == []
    assert (body["generation"], body["fingerprint"]) == (1, library.fingerprint)


def test_a_single_quote_and_a_draft(fresh: TestClient) -> None:
    one = fresh.post("/v1/verify", json={"quote": "the villages downstream"}).json()["verdicts"]
    draft = 'They would “double the fines” and "plant a million trees", said the "mayor".'
    many = fresh.post("/v1/verify", json={"draft": draft}).json()["verdicts"]
    assert [(v["quote"], v["match"]) for v in one] == [("the villages downstream", "exact")]
    assert [(v["quote"], v["match"]) for v in many] == [
        ("double the fines", "exact"),
        ("plant a million trees", "not_found"),
    ]
    assert fresh.post("/v1/verify", json={"draft": "no quotes"}).json()["verdicts"] == []


def test_a_quote_can_be_looked_for_in_one_article(fresh: TestClient) -> None:
    fines = ids(fresh)[0]
    trains = fresh.post("/v1/articles", json={"text": TRAINS}).json()["outcomes"][0]["article"]
    quote = {"quote": "double the fines"}
    here = fresh.post("/v1/verify", json=quote | {"article": fines}).json()["verdicts"]
    there = fresh.post("/v1/verify", json=quote | {"article": trains["id"]}).json()["verdicts"]
    assert (here[0]["match"], there[0]["match"]) == ("exact", "not_found")


def test_a_word_that_stands_everywhere_has_not_endless_locations(fresh: TestClient) -> None:
    fresh.post("/v1/articles", json={"text": "We met again and again. " * 100})
    [verdict] = fresh.post("/v1/verify", json={"quote": "again"}).json()["verdicts"]
    assert (verdict["match"], len(verdict["locations"])) == ("exact", 50)


# --- articles ------------------------------------------------------------------------------------


def test_an_article_is_added_found_replaced_and_removed(fresh: TestClient) -> None:
    body = {"text": TRAINS, "title": "Night train", "url": "https://example.org/train"}
    response = fresh.post("/v1/articles", json=body)
    [outcome] = response.json()["outcomes"]
    where = f"/v1/articles/{outcome['article']['id']}"
    assert (response.status_code, outcome["action"]) == (201, "added")
    assert response.headers["location"] == where
    assert outcome["article"]["source"] == "https://example.org/train"
    assert response.json()["generation"] == 2

    again = fresh.post("/v1/articles", json=body)
    assert (again.status_code, again.json()["outcomes"][0]["action"]) == (200, "unchanged")
    assert again.json()["generation"] == 2

    answer = fresh.get("/v1/ask", params={"q": "When will the night train to the coast reopen?"})
    [citation] = answer.json()["citations"][:1]
    assert citation["exact"] == TRAINS
    assert citation["link"].startswith("https://example.org/train#:~:text=The%20ministry")

    replaced = fresh.put(where, json={"text": TRAINS.replace("spring", "autumn")})
    assert replaced.status_code == 200
    assert replaced.json()["outcomes"][0]["action"] == "replaced"
    assert replaced.json()["outcomes"][0]["article"]["source"] == "https://example.org/train"
    assert "autumn" in fresh.get(where).json()["text"]
    assert fresh.get(f"/v1/passages/{citation['passage_id']}").status_code == 404

    gone = fresh.delete(where)
    assert gone.status_code == 200
    assert gone.json()["removed"][0]["id"] == outcome["article"]["id"]
    assert fresh.get(where).status_code == fresh.delete(where).status_code == 404
    hits = fresh.post("/v1/search", json={"question": "night train to the coast"}).json()["hits"]
    assert outcome["article"]["id"] not in {hit["passage"]["article_id"] for hit in hits}


def test_all_metadata_comes_back(fresh: TestClient) -> None:
    stated = {
        "title": "Night train",
        "authors": ["Ann Lee", "Bo Ek"],
        "publisher": "Gazette",
        "published": "2025-09",
        "modified": "2025-09-20",
        "retrieved": "2026",
        "url": "https://example.org/t",
        "language": "en",
        "tags": ["rail"],
        "extra": {"desk": {"name": "transport", "n": 3}},
    }
    body = {"text": TRAINS, "source": "wire:77", **stated}
    article = fresh.post("/v1/articles", json=body).json()["outcomes"][0]["article"]
    assert {name: article[name] for name in stated} == stated
    assert article["source"] == "wire:77"
    assert article["date_sources"] == dict.fromkeys(
        ("published", "modified", "retrieved"), "caller"
    )


def test_formats_of_texts(fresh: TestClient) -> None:
    marked = f"---\ntitle: From the front\n---\n\n## A heading\n\n{TRAINS}\n"
    posted = fresh.post("/v1/articles", json={"text": marked, "format": "markdown"}).json()
    article = fresh.get(f"/v1/articles/{posted['outcomes'][0]['article']['id']}").json()
    assert article["title"] == "From the front"
    assert [block["kind"] for block in article["blocks"]] == ["heading", "paragraph"]
    start, end = article["blocks"][1]["start"], article["blocks"][1]["end"]
    assert article["text"][start:end] == TRAINS


def test_the_cleaning_report_is_shown(fresh: TestClient) -> None:
    text = f"{TRAINS}\n\nRead more: Ten other trains\n\n{FINES} Nobody objected.\n"
    posted = fresh.post("/v1/articles", json={"text": text}).json()
    article = fresh.get(f"/v1/articles/{posted['outcomes'][0]['article']['id']}").json()
    [removal] = article["removals"]
    assert "Ten other trains" in removal["text"]
    assert text[removal["start"] : removal["end"]].strip() == removal["text"].strip()
    assert "Ten other trains" not in article["text"]


def test_files_are_uploaded(fresh: TestClient) -> None:
    lines = "\n".join(json.dumps({"id": n, "text": f"{TRAINS} Part {n}."}) for n in (1, 2))
    files = [
        ("file", ("latin.txt", SPANISH.encode("latin-1"))),
        ("file", ("wide.txt", FINES.replace("Tuesday", "Friday").encode("utf-16"))),
        ("file", ("many.jsonl", lines.encode())),
        ("file", ("../../etc/page.md", f"# Title\n\n{TRAINS} As one page.".encode())),
        ("file", ("empty.txt", b"")),
    ]
    response = fresh.post("/v1/articles", files=files, data={"publisher": "Gazette"})
    body = response.json()
    assert response.status_code == 201
    assert [outcome["article"]["source"] for outcome in body["outcomes"]] == [
        "upload:latin.txt",
        "upload:wide.txt",
        "upload:many.jsonl#1",
        "upload:many.jsonl#2",
        "upload:page.md",
    ]
    assert {outcome["article"]["publisher"] for outcome in body["outcomes"]} == {"Gazette"}
    latin, wide = (text_of(fresh, one["article"]["id"]) for one in body["outcomes"][:2])
    assert latin == SPANISH
    assert wide == FINES.replace("Tuesday", "Friday")
    [failure] = body["failures"]
    assert failure["source"] == "upload:empty.txt"
    assert "empty" in failure["message"]


def test_one_file_with_what_is_known_about_it(fresh: TestClient) -> None:
    known = {"title": "Rails", "source": "s:1", "tags": ["a", "b"], "authors": "Ann Lee"}
    response = fresh.post("/v1/articles", files={"file": ("a.txt", TRAINS.encode())}, data=known)
    [outcome] = response.json()["outcomes"]
    article = outcome["article"]
    assert (article["title"], article["source"]) == ("Rails", "s:1")
    assert (article["tags"], article["authors"]) == (["a", "b"], ["Ann Lee"])


def test_a_copy_is_named(fresh: TestClient) -> None:
    original = ids(fresh)[0]
    posted = fresh.post("/v1/articles", json={"text": FINES, "source": "elsewhere"}).json()
    assert posted["outcomes"][0]["article"]["copy_of"] == original
    assert fresh.get("/v1/library").json()["copies"] == 1
    copy = posted["outcomes"][0]["article"]["id"]
    assert [one["id"] for one in fresh.get(f"/v1/articles/{original}").json()["copies"]] == [copy]
    assert fresh.get(f"/v1/articles/{copy}").json()["copies"] == []


def test_lists_are_paged_sorted_and_filtered(fresh: TestClient) -> None:
    for name, date in (("beta", "2021"), ("Alpha", "2023-05"), ("gamma", "2022-01-01")):
        body = {"text": f"{TRAINS} So says {name}.", "title": name, "published": date}
        fresh.post("/v1/articles", json=body | {"source": name, "tags": [name]})

    def titles(**parameters: Any) -> list[str]:
        page = fresh.get("/v1/articles", params=parameters).json()
        return [article["title"] for article in page["articles"]]

    assert titles() == ["fines", "beta", "Alpha", "gamma"]
    assert titles(sort="title") == ["Alpha", "beta", "fines", "gamma"]
    assert titles(sort="published", descending=True) == ["Alpha", "gamma", "beta", "fines"]
    assert titles(limit=2, offset=1) == ["beta", "Alpha"]
    assert titles(offset=9) == []
    assert titles(published_from="2022", published_to="2023-04") == ["gamma"]
    assert titles(tags=["BETA", "gamma"]) == ["beta", "gamma"]
    assert titles(words="ALPH") == ["Alpha"]
    assert titles(words="S fines.txt") == ["fines"]
    assert titles(words="alpha gamma") == []
    assert titles(sort="passages", limit=1) == ["fines"]
    assert len(titles(sort="language", words="t")) == 2  # in beta and fines.txt
    page = fresh.get("/v1/articles", params={"limit": 1, "tags": ["beta", "gamma"]}).json()
    assert (page["total"], page["limit"], page["offset"]) == (2, 1, 0)


def test_passages_are_spans_of_their_article(client: TestClient) -> None:
    article = client.get("/v1/articles", params={"limit": 1}).json()["articles"][0]
    text = text_of(client, article["id"])
    passages = client.get(f"/v1/articles/{article['id']}/passages").json()["passages"]
    assert len(passages) == article["passages"] > 1
    for passage in passages:
        assert text[passage["start"] : passage["end"]] == passage["text"]
        assert passage["sentences"][0]["start"] == passage["start"]
    one = client.get(f"/v1/passages/{passages[0]['id']}").json()
    assert one.pop("article")["title"] == article["title"]
    assert one == passages[0]


# --- the library, health and reference -----------------------------------------------------------


def test_the_library_is_described(fresh: TestClient, library: Library) -> None:
    found = fresh.get("/v1/library").json()
    assert (found["articles"], found["passages"], found["generation"]) == (1, 1, 1)
    assert found["fingerprint"] == library.fingerprint
    assert found["bytes"]["database"] > 0
    assert (found["failures"], found["failed"]) == (0, [])


def test_failures_are_shown_and_forgotten(fresh: TestClient, library: Library) -> None:
    from sourcebook.index.errors import UnreadableError  # noqa: PLC0415 (a value of this test alone)

    library.record_failure("a b/ü.txt", UnreadableError("It is empty.", cure="Fill it."))
    [failure] = fresh.get("/v1/library").json()["failed"]
    assert failure.pop("failed")
    assert failure == {
        "source": "a b/ü.txt",
        "kind": "unreadable",
        "message": "It is empty.",
        "cure": "Fill it.",
        "attempts": 1,
    }
    forget = {"source": "a b/ü.txt"}
    assert fresh.delete("/v1/library/failures", params=forget).status_code == 204
    assert fresh.get("/v1/library").json()["failures"] == 0
    assert fresh.delete("/v1/library/failures", params=forget).status_code == 404


def test_health(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    ready = client.get("/readyz").json()
    now = client.get("/v1/library").json()["generation"]
    assert (ready["status"], ready["generation"]) == ("ready", now)


def test_the_reference_page_needs_no_other_server(client: TestClient) -> None:
    response = client.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = response.text
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    assert "<script" not in page
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in page
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))


def test_extra_routers_are_served_and_documented(engine: Engine) -> None:
    extra = APIRouter(prefix="/v1/extra", tags=["games"])

    @extra.get("/ping")
    @reads(Role.ASKER)
    def ping() -> dict[str, str]:
        """Say pong."""
        return {"pong": engine.library.fingerprint}

    client = TestClient(create_app(Answering(engine), routers=[extra]))
    assert client.get("/v1/extra/ping").json() == {"pong": engine.library.fingerprint}
    assert "/v1/extra/ping" in client.get("/openapi.json").json()["paths"]
    page = client.get("/docs").text
    assert "<h2>Games</h2>" in page
    assert "Say pong." in page


# --- the OpenAPI document ------------------------------------------------------------------------


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_describes_everything(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    tags = {tag["name"] for tag in document["tags"]}
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names) >= 14
    for method, path, operation in operations(document):
        assert operation["description"], (method, path)
        assert operation["summary"][0].isupper()
        assert set(operation["tags"]) <= tags
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (path, parameter["name"])
        if path.startswith("/v1"):
            problem = operation["responses"]["422"]["content"]
            assert list(problem) == ["application/problem+json"]
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description"), name
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_reference_of_the_document_resolves(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    references = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= set(document["components"]["schemas"])
    assert {"Problem", "AnswerOut", "AskRequest"} <= references


def test_the_examples_of_the_document_work(fresh: TestClient) -> None:
    document = fresh.get("/openapi.json").json()
    tried = 0
    for method, path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        for example in schema.get("examples", ()):
            where = path.format(article_id=ids(fresh)[0], store_id="library")
            response = fresh.request(method, where, json=example)
            works = response.is_success or (path, response.status_code) == ("/v1/session", 401)
            assert works, (path, response.text)  # a key that works would be no example
            tried += 1
    assert tried >= 7
