"""The doors for other tools, opened by the official clients against a real server process."""

import json
from collections.abc import Iterator
from typing import Any

import cohere
import openai
import pytest
from cohere.core.api_error import ApiError
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from made import JSON_VALUES
from misbehaving import running
from openai.types.chat import ChatCompletionMessageParam

from sourcebook.eval.bench.place import Place
from sourcebook.eval.bench.server import serving
from sourcebook.index.encoding.model_files import DEFAULT_MODEL
from sourcebook.index.library import Library
from sourcebook.service.notation.requests import QUESTION

SEIZED = "How much cocaine did Colombia seize in 2024?"
PIZZA = "What is the best pizza in Naples?"


@pytest.fixture(scope="module")
def address(seed_library: Library) -> Iterator[str]:
    """`sourcebook serve` on the seed library, with a writer that gets numbers wrong."""
    with running() as model, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SOURCEBOOK_WRITER_URL", model)
        environment.setenv("SOURCEBOOK_WRITER_MODEL", "numbers")
        with serving(Place(folder=seed_library.folder, model=DEFAULT_MODEL)) as served:
            yield served.url


@pytest.fixture(scope="module")
def openai_client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def cohere_client(address: str) -> Iterator[cohere.ClientV2]:
    with cohere.ClientV2(api_key="any", base_url=address) as client:
        yield client


def user(text: str) -> ChatCompletionMessageParam:
    return {"role": "user", "content": text}


def extra(found: Any) -> dict[str, Any]:
    """The object `sourcebook` of an answer."""
    members: dict[str, Any] = found.model_extra
    return dict(members["sourcebook"])


# --- chat completions ----------------------------------------------------------------------------


def test_a_chat_is_answered_with_verbatim_sentences(
    openai_client: openai.OpenAI, seed_library: Library, address: str
) -> None:
    found = openai_client.chat.completions.create(model="sourcebook", messages=[user(SEIZED)])
    message = found.choices[0].message
    content = message.content or ""
    answer = extra(found)["answer"]
    assert found.choices[0].finish_reason == "stop"
    assert "850 tonnes" in content
    assert "\nSources:\n[1] " in content
    numbers = [number for sentence in answer["sentences"] for number in sentence["citations"]]
    cited = {citation["number"]: citation for citation in answer["citations"]}
    for annotation, number in zip(message.annotations or [], numbers, strict=True):
        citation = cited[number]
        at = annotation.url_citation
        assert content[at.start_index : at.end_index] == citation["exact"]
        assert content[at.end_index :].startswith(f" [{citation['number']}]")
        article = seed_library.article(citation["article"]["id"])
        assert article.text[citation["start"] : citation["end"]] == citation["exact"]
        place = f"articles/{article.id}#{citation['start']}-{citation['end']}"
        assert at.url == f"{address}/{place}"
        assert at.url in content
        assert at.title == citation["article"]["title"]
    pieces = seed_library.encoder.piece_offsets
    assert found.usage is not None
    assert found.usage.prompt_tokens == len(pieces(SEIZED))
    assert found.usage.completion_tokens == len(pieces(content))
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens


def test_a_stream_says_the_same(openai_client: openai.OpenAI) -> None:
    messages = [user(QUESTION)]
    whole = openai_client.chat.completions.create(model="sourcebook", messages=messages)
    stream = openai_client.chat.completions.create(
        model="sourcebook",
        messages=messages,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == whole.choices[0].message.content
    last = chunks[-2]
    assert last.choices[0].finish_reason == "stop"
    annotations = whole.choices[0].message.annotations or []
    assert last.choices[0].delta.model_extra == {
        "annotations": [one.model_dump() for one in annotations]
    }
    assert extra(last)["answer"]["citations"] == extra(whole)["answer"]["citations"]
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_follow_up_question_is_made_whole_and_shown(openai_client: openai.OpenAI) -> None:
    found = openai_client.chat.completions.create(
        model="sourcebook",
        messages=[
            {"role": "system", "content": "Answer in rhymes."},
            user("When did Plan Colombia start?"),
            {"role": "assistant", "content": "In 2000."},
            {"role": "user", "content": [{"type": "text", "text": "What did it cost?"}]},
        ],
    )
    content = found.choices[0].message.content or ""
    assert content.startswith("Understood as: What did Plan Colombia cost?\n\n")
    assert extra(found)["follow_up"]["asked"] == "What did it cost?"
    assert extra(found)["answer"]["query"]["text"] == "What did Plan Colombia cost?"
    for annotation in found.choices[0].message.annotations or []:
        at = annotation.url_citation
        exact = content[at.start_index : at.end_index]
        assert exact in {one["exact"] for one in extra(found)["answer"]["citations"]}


@pytest.mark.parametrize(("as_of", "status"), [("2020", "not_in_library"), ("2099", "answered")])
def test_a_follow_up_is_asked_as_of_the_same_day(
    openai_client: openai.OpenAI, as_of: str, status: str
) -> None:
    found = openai_client.chat.completions.create(
        model="sourcebook",
        messages=[user(SEIZED.replace("2024", "2020")), user("And in 2024?")],
        extra_body={"sourcebook": {"as_of": as_of}},
    )
    assert extra(found)["question"] == SEIZED
    assert extra(found)["answer"]["status"] == status


def test_what_is_not_in_the_library_is_said(openai_client: openai.OpenAI) -> None:
    found = openai_client.chat.completions.create(model="sourcebook", messages=[user(PIZZA)])
    message = found.choices[0].message
    assert (message.content or "").startswith("The answer is probably not in the library.")
    assert message.annotations == []
    nearest = extra(found)["answer"]["nearest"]
    assert all(f"“{one['exact']}” [{one['number']}]" in str(message.content) for one in nearest)


def test_filters_go_beside_the_messages(openai_client: openai.OpenAI) -> None:
    found = openai_client.chat.completions.create(
        model="sourcebook",
        messages=[user(SEIZED)],
        extra_body={"sourcebook": {"published_to": "1999"}},
    )
    assert extra(found)["answer"]["status"] == "not_in_library"
    with pytest.raises(openai.UnprocessableEntityError, match="published_too"):
        openai_client.chat.completions.create(
            model="sourcebook",
            messages=[user(SEIZED)],
            extra_body={"sourcebook": {"published_too": "1999"}},
        )


def test_what_cannot_be_honoured_is_ignored_and_named(openai_client: openai.OpenAI) -> None:
    found = openai_client.chat.completions.create(
        model="sourcebook",
        messages=[user(QUESTION)],
        temperature=2,
        max_completion_tokens=1,
        stop=["."],
        n=1,
        response_format={"type": "text"},
        tools=[],
    )
    assert extra(found)["ignored"] == ["max_completion_tokens", "stop", "temperature"]
    plain = openai_client.chat.completions.create(model="sourcebook", messages=[user(QUESTION)])
    assert found.choices[0].message.content == plain.choices[0].message.content


def test_the_writer_is_a_model_of_its_own(openai_client: openai.OpenAI) -> None:
    names = {model.id for model in openai_client.models.list()}
    assert names == {"sourcebook", "sourcebook-writer"}
    found = openai_client.chat.completions.create(
        model="sourcebook-writer", messages=[user(QUESTION)]
    )
    message = found.choices[0].message
    content = message.content or ""
    answer = extra(found)["answer"]
    assert answer["written"]["dropped"][0]["text"] == "It was 31,337 tonnes."
    [annotation] = message.annotations or []
    at = annotation.url_citation
    assert content[at.start_index : at.end_index] == answer["written"]["sentences"][0]["text"]
    assert "31,337" not in content
    assert f"[1] “{answer['citations'][0]['exact']}” " in content


# --- models and errors ---------------------------------------------------------------------------


def test_models_can_be_named(openai_client: openai.OpenAI) -> None:
    assert openai_client.models.retrieve("sourcebook").owned_by == "sourcebook"
    with pytest.raises(openai.NotFoundError, match="expected 'sourcebook'"):
        openai_client.models.retrieve("gpt-4o")


@pytest.mark.parametrize(
    ("wanted", "param", "said"),
    [
        ({"n": 2}, "n", "a question has one answer"),
        (
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            "tools",
            "tools are never called",
        ),
        ({"response_format": {"type": "json_object"}}, "response_format", "answers are text"),
        ({"logprobs": True}, "logprobs", "no probabilities"),
        ({"messages": []}, "messages", "a message with the role user"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "messages", "with the role user"),
        ({"messages": [user("  ")]}, None, "expected at least one word"),
        ({"messages": [user("ab " * 1_000)]}, None, "at most 2,000 are read"),
        ({"messages": [{"role": "clown", "content": "Hi"}]}, "messages.0.role", "'assistant'"),
    ],
)
def test_what_would_change_the_answer_is_refused(
    openai_client: openai.OpenAI, wanted: dict[str, Any], param: str | None, said: str
) -> None:
    body = {"model": "sourcebook", "messages": [user(QUESTION)], **wanted}
    with pytest.raises(openai.UnprocessableEntityError, match=said) as caught:
        openai_client.chat.completions.create(**body)
    error = caught.value
    assert (error.param, error.type, error.code) == (param, "invalid_request_error", "bad-input")
    problem = error.response.json()
    assert error.response.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["type"]) == (422, "/problems/bad-input")


def test_a_picture_cannot_be_asked(openai_client: openai.OpenAI) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    message: Any = {"role": "user", "content": [{"type": "text", "text": QUESTION}, picture]}
    with pytest.raises(openai.UnprocessableEntityError, match="should be 'text'"):
        openai_client.chat.completions.create(model="sourcebook", messages=[message])


def test_another_model_is_not_played(openai_client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        openai_client.chat.completions.create(model="gpt-4o", messages=[user(QUESTION)])
    assert "There is no model 'gpt-4o'" in caught.value.message
    assert caught.value.code == "not-found"


# --- the vector store ----------------------------------------------------------------------------


def test_the_library_is_a_vector_store(openai_client: openai.OpenAI, seed_library: Library) -> None:
    [store] = openai_client.vector_stores.list()
    assert store == openai_client.vector_stores.retrieve("library")
    assert store.file_counts.completed == seed_library.info()["articles"]
    assert store.created_at > 1_700_000_000
    with pytest.raises(openai.NotFoundError, match="expected 'library'"):
        openai_client.vector_stores.search("vs_123", query=QUESTION)


def test_a_search_finds_what_the_engine_finds(
    openai_client: openai.OpenAI, seed_library: Library
) -> None:
    found = openai_client.vector_stores.search("library", query=SEIZED, max_num_results=3)
    hits = list(found)
    assert len(hits) == 3
    assert "850 tonnes" in hits[0].content[0].text
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    for hit in hits:
        known = hit.attributes or {}
        article = seed_library.article(hit.file_id)
        start, end = int(known["start"]), int(known["end"])
        assert article.text[start:end] == hit.content[0].text
        assert (hit.filename, known["title"]) == (article.source, article.metadata.title)
        assert hit.model_extra
        assert hit.model_extra["citation"]["exact"] in hit.content[0].text
    least = scores[1]
    above = openai_client.vector_stores.search(
        "library", query=SEIZED, ranking_options={"score_threshold": least, "ranker": "auto"}
    )
    assert [hit.score for hit in above] == scores[:2]


def test_several_queries_share_one_list(openai_client: openai.OpenAI) -> None:
    def passages(query: str | list[str]) -> list[tuple[Any, float]]:
        found = openai_client.vector_stores.search("library", query=query, max_num_results=5)
        return [((hit.attributes or {})["passage_id"], hit.score) for hit in found]

    one, two = passages(SEIZED), passages(QUESTION)
    best: dict[Any, float] = {}
    for passage, score in (*one, *two):
        best[passage] = max(score, best.get(passage, 0))
    both = passages([SEIZED, QUESTION])
    assert len(both) == 5
    assert dict(both).items() <= best.items()
    assert [score for _, score in both] == sorted(best.values(), reverse=True)[:5]


def published(kind: str, value: str | float) -> dict[str, Any]:
    return {"type": kind, "key": "published", "value": value}


PUBLISHER = {"type": "eq", "key": "publisher", "value": "Sourcebook"}
AS_OF = {"type": "eq", "key": "as_of", "value": "2020-06"}
NOBODY = {"type": "in", "key": "author", "value": ["Nobody", "No one"]}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (PUBLISHER, True),
        (NOBODY, False),
        (published("gte", 2000), True),
        (published("lte", "1999-12"), False),
        (published("eq", 1999), False),
        ({"type": "and", "filters": [PUBLISHER, published("gte", "2000")]}, True),
        ({"type": "and", "filters": [published("gte", "2000"), published("lte", "2099")]}, True),
        ({"type": "and", "filters": [PUBLISHER, NOBODY]}, False),
        ({"type": "or", "filters": [PUBLISHER, {**PUBLISHER, "value": "Nobody"}]}, True),
        ({"type": "or", "filters": [published("lte", "1999")]}, False),
        (AS_OF, False),
        ({**AS_OF, "value": 2099}, True),
        ({"type": "and", "filters": [PUBLISHER, AS_OF]}, False),
    ],
)
def test_filters_are_ours(openai_client: openai.OpenAI, filters: Any, found: bool) -> None:
    hits = openai_client.vector_stores.search("library", query=SEIZED, filters=filters)
    assert bool(hits.data) == found


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({**PUBLISHER, "type": "ne"}, "filter ne on 'publisher'"),
        (published("gt", "2020"), "filter gt on 'published'"),
        ({**PUBLISHER, "key": "colour"}, "filter eq on 'colour'"),
        ({**AS_OF, "type": "lte"}, "filter lte on 'as_of'"),
        ({**AS_OF, "value": "May 2020"}, "expected a date"),
        (published("gte", "May 2025"), "expected a date"),
        ({**PUBLISHER, "value": True}, "valid string"),
        ({"type": "and", "filters": [PUBLISHER, PUBLISHER]}, "sets publishers twice"),
        ({"type": "or", "filters": [PUBLISHER, NOBODY]}, "combines authors, publishers"),
        ({"type": "or", "filters": [published("gte", "1"), published("lte", "2")]}, "combines"),
        ({"type": "nor", "filters": []}, "filters"),
    ],
)
def test_filters_that_are_not_ours_are_refused(
    openai_client: openai.OpenAI, filters: Any, said: str
) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match=said):
        openai_client.vector_stores.search("library", query=SEIZED, filters=filters)


def test_filters_do_not_nest_without_end(openai_client: openai.OpenAI) -> None:
    filters: Any = PUBLISHER
    for _ in range(20):
        filters = {"type": "and", "filters": [filters]}
    with pytest.raises(openai.UnprocessableEntityError, match="deep"):
        openai_client.vector_stores.search("library", query=SEIZED, filters=filters)


# --- rerank --------------------------------------------------------------------------------------

TEXTS = [
    "The night train to the coast runs in spring.",
    "Colombian police seized hundreds of tonnes of cocaine in 2024.",
    "",
    "Cocaine is made of coca leaves.",
    "The night train to the coast runs in spring.",
]


def test_texts_are_put_in_order(cohere_client: cohere.ClientV2) -> None:
    found = cohere_client.rerank(model="sourcebook", query=SEIZED, documents=TEXTS)
    assert [one.index for one in found.results] == [1, 3, 0, 4, 2]
    scores = [one.relevance_score for one in found.results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert (scores[2] == scores[3], scores[4]) == (True, 0)
    assert found.meta
    assert found.meta.warnings is None


def test_only_the_best_are_returned_when_that_is_asked(cohere_client: cohere.ClientV2) -> None:
    found = cohere_client.rerank(
        model="sourcebook", query=SEIZED, documents=TEXTS, top_n=1, priority=5
    )
    assert [one.index for one in found.results] == [1]
    assert found.meta
    assert found.meta.warnings == ["priority was ignored."]


@pytest.mark.parametrize(
    ("wanted", "status", "said"),
    [
        ({"model": "rerank-v3.5"}, 404, "There is no model 'rerank-v3.5'"),
        ({"query": " "}, 422, "expected at least one word"),
        ({"documents": []}, 422, "documents"),
        ({"documents": ["a"] * 1_001}, 422, "1000 items"),
        ({"documents": ["Coca grows. " * 100_000]}, 413, "1,048,576 bytes"),
        ({"top_n": 0}, 422, "top_n"),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    cohere_client: cohere.ClientV2, wanted: dict[str, Any], status: int, said: str
) -> None:
    with pytest.raises(ApiError) as caught:
        cohere_client.rerank(**{"model": "sourcebook", "query": "a", "documents": ["b"], **wanted})
    assert caught.value.status_code == status
    assert said in caught.value.body["message"]
    assert caught.value.body["status"] == status


# --- what is sent --------------------------------------------------------------------------------

FIELDS = ("messages", "stream", "n", "sourcebook", "query", "filters", "documents", "top_n")
bodies = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), JSON_VALUES, max_size=4)
GOOD: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "sourcebook", "messages": [user("coca")]},
    "/v1/vector_stores/library/search": {"query": "coca"},
    "/v2/rerank": {"model": "sourcebook", "query": "coca", "documents": ["coca"]},
}


@pytest.mark.parametrize("path", GOOD)
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=bodies)
def test_no_body_is_a_defect(client: TestClient, path: str, body: dict[str, Any]) -> None:
    response = client.post(
        path, content=json.dumps(GOOD[path] | body), headers={"content-type": "application/json"}
    )
    assert response.status_code in {200, 422}
    if response.status_code == 422:
        found = response.json()
        said = found["message"] if path == "/v2/rerank" else found["error"]["message"]
        assert said.startswith(found["detail"])


@pytest.mark.parametrize("path", GOOD)
def test_what_is_no_json_is_refused_in_their_words(client: TestClient, path: str) -> None:
    response = client.post(path, content="{", headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert "The body is not JSON" in response.text
    assert {"error", "message"} & set(response.json())
    assert not {"error", "message"} & set(client.post("/v1/ask", json={}).json())
