"""The optional writer, with a model's server that misbehaves: only what is checked comes out."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import pytest
from conftest import MakeLibrary
from fastapi.testclient import TestClient
from made import citation
from misbehaving import INJECTIONS, running
from typer.testing import CliRunner

from sourcebook.eval.cli.app import app
from sourcebook.index.encoding.reader import Reader
from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.service.answering import WRITING_AT_ONCE, Answering
from sourcebook.service.asking.answer import Answer
from sourcebook.service.asking.citation import Citation
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app
from sourcebook.service.notation.requests import QUESTION
from sourcebook.service.writing.checks import Answers, Written, WrittenSentence
from sourcebook.service.writing.phrased import phrased, written_of
from sourcebook.service.writing.writer import MAX_BYTES, Writer


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """The address of the misbehaving model."""
    with running() as address:
        yield address


def asked(library: Library, url: str, behaviour: str, question: str = QUESTION) -> Answer:
    writer = Writer(url=url, model=behaviour, seconds=1.0)
    return Answering(Engine.of(library), writer=writer).ask(question, write=True)


def extractive(answer: Answer) -> dict[str, object]:
    """What the library says, but for the time that it took."""
    names = {field.name for field in fields(Answer)} - {"seconds"}
    return {name: getattr(answer, name) for name in names}


def written(answer: Answer) -> Written:
    found = written_of(answer)
    assert found
    assert answer.sentences, "the extractive answer stands"
    return found


def test_what_the_model_phrases_stands_beside_the_verbatim_answer(
    seed_library: Library, model: str
) -> None:
    answer = asked(seed_library, model, "good")
    found = written(answer)
    assert (found.model, found.dropped, found.failure) == ("good", (), None)
    assert found.sentences[0].citations == (1,)
    plain = Engine.of(seed_library).ask(QUESTION)
    assert extractive(answer) == extractive(plain)
    assert answer.seconds["write"] > 0


def test_the_writer_sees_the_further_sides_of_a_disagreement(reading: Engine, model: str) -> None:
    question = "Was it 1996 or 1997 when Washington decertified Samper's Colombia?"
    plain = reading.ask(question)
    spoken = {number for sentence in plain.sentences for number in sentence.citations}
    further = [one for one in plain.citations if one.number not in spoken]
    assert (len(plain.disagreements), len(further)) == (1, 1)

    class Sided(Writer):
        """A model that phrases the further side alone."""

        def write(
            self, question: str, citations: Sequence[Citation], answers: Answers | None = None
        ) -> Written:
            return super().write(question, [one for one in citations if one in further], answers)

    answer = Answering(reading, writer=Sided(url=model, model="whole")).ask(question, write=True)
    assert written(answer).sentences[0].citations == (further[0].number,)
    assert extractive(answer) == extractive(plain)


@pytest.mark.parametrize(
    ("behaviour", "kept", "reasons"),
    [
        ("thinking", 1, []),
        ("half", 1, []),
        ("uncited", 0, ["it cites nothing"] * 2),
        ("numbers", 1, ["the number 31337 is not in the cited quotes"]),
        ("quotes", 1, ["the quotation “we made all of this up” is not in the cited quotes"]),
        ("stranger", 1, ["the name Napoleon is neither in the cited quotes nor in the question"]),
        ("sources", 1, ["it cites [99], which it was not given"]),
    ],
)
def test_what_cannot_be_checked_is_dropped_and_said(
    seed_library: Library, model: str, behaviour: str, kept: int, reasons: list[str]
) -> None:
    found = written(asked(seed_library, model, behaviour))
    assert len(found.sentences) == kept
    assert [drop.reason for drop in found.dropped] == reasons


@pytest.mark.parametrize(
    ("behaviour", "failure"),
    [
        ("nothing", "it found no answer in the evidence"),
        ("slow", "it took too long"),
        ("dripping", "it took too long"),
        ("huge", f"its response is longer than {MAX_BYTES:,} bytes"),
        ("cut", "its response is not a chat completion"),
        ("error", "it returned HTTP status 500"),
        ("locked", "it returned HTTP status 401"),
        ("moved", "it returned HTTP status 302"),
        ("garbage", "its response is not a chat completion"),
        ("empty", "its response is not a chat completion"),
        ("numberless", "its response is not a chat completion"),
        ("deep", "its response is not a chat completion"),
    ],
)
def test_when_the_model_fails_the_extractive_answer_stands(
    seed_library: Library, model: str, behaviour: str, failure: str
) -> None:
    found = written(asked(seed_library, model, behaviour))
    assert (found.sentences, found.failure) == ((), failure)


def test_a_model_that_is_not_there_is_said(seed_library: Library) -> None:
    found = written(asked(seed_library, "http://127.0.0.1:1/v1", "good"))
    assert found.failure
    assert found.failure.startswith("it cannot be reached: ")


def test_a_slow_model_does_not_hold_everybody(seed_library: Library, model: str) -> None:
    engine = Answering(Engine.of(seed_library), writer=Writer(url=model, model="slow", seconds=2.0))
    with ThreadPoolExecutor(WRITING_AT_ONCE + 2) as pool:
        answers = list(
            pool.map(lambda _: engine.ask(QUESTION, write=True), range(WRITING_AT_ONCE + 2))
        )
    failures = {written(answer).failure for answer in answers}
    assert failures == {"it took too long", f"it is writing {WRITING_AT_ONCE} other answers"}


def test_the_key_is_sent_and_not_shown(seed_library: Library, model: str) -> None:
    writer = Writer(url=f"{model}/", model="locked", key="open-sesame")
    assert written(
        Answering(Engine.of(seed_library), writer=writer).ask(QUESTION, write=True)
    ).sentences
    assert "sesame" not in repr(writer)


TRAIN = "When does the night train to the coast run?"
PAGES = json.loads(INJECTIONS.read_text("utf-8"))


@pytest.fixture(scope="module")
def answers(seed_library: Library, reader: Reader) -> Answers:
    """Whether sentences answer a question, as the service tells."""
    found = Answering(Engine.of(seed_library, reader=reader)).answers()
    assert found
    return found


@pytest.mark.parametrize("attack", PAGES["attacks"], ids=lambda one: one["quote"][:40])
def test_no_order_in_an_article_reaches_the_answer(
    model: str, answers: Answers, attack: dict[str, str]
) -> None:
    fact, orders = citation(1, PAGES["fact"]), citation(2, attack["quote"], "b")
    found = Writer(url=model, model="planted").write(PAGES["question"], [fact, orders], answers)
    assert (found.sentences, found.failure) == ((), None)
    assert len(found.dropped) == 1


@pytest.mark.parametrize("honest", PAGES["honest"], ids=lambda one: one["quote"][:40])
def test_no_honest_sentence_is_withheld(
    model: str, answers: Answers, honest: dict[str, str]
) -> None:
    evidence = [citation(1, honest["quote"])]
    found = Writer(url=model, model="planted").write(honest["question"], evidence, answers)
    assert [f"{one.text[:-1]} [1]." for one in found.sentences] == [honest["written"]]


def test_an_answer_that_users_get_is_checked_by_the_reader(reading: Engine, model: str) -> None:
    writer = Writer(url=model, model="aside")
    plain, read = (
        written(Answering(engine, writer=writer).ask(QUESTION, write=True))
        for engine in (replace(reading, reader=None), reading)
    )
    assert len(plain.sentences) == len(read.sentences) + 1
    assert [drop.reason for drop in read.dropped] == ["it does not answer the question"]


def test_quotes_reach_the_model_as_data(seed_library: Library, model: str) -> None:
    found = written(asked(seed_library, model, "told"))
    assert found.sentences == ()
    assert "quote" in "".join(drop.text for drop in found.dropped)


def test_an_answer_with_an_unchecked_sentence_cannot_be_made(engine: Engine) -> None:
    answer = engine.ask(QUESTION)
    invented = Written(model="m", sentences=(WrittenSentence("It cost 31,337 dollars.", (1,)),))
    with pytest.raises(ValueError, match="a written sentence cannot be kept: the number 31337"):
        phrased(answer, invented)


def test_silence_is_not_phrased(seed_library: Library, model: str) -> None:
    answer = asked(seed_library, model, "good", "What is the best pizza in Naples?")
    assert (answer.sentences, written_of(answer)) == ((), None)


def test_without_a_writer_asking_for_one_is_refused(client: TestClient, engine: Engine) -> None:
    with pytest.raises(InputError, match="No writer is set"):
        Answering(engine).ask(QUESTION, write=True)
    problem = client.post("/v1/ask", json={"question": QUESTION, "write": True})
    assert problem.status_code == 422
    assert "SOURCEBOOK_WRITER_URL" in problem.json()["cure"]
    assert client.get("/v1/ask", params={"q": QUESTION}).json()["written"] is None


def test_only_where_an_answer_is_phrased_can_that_be_asked_for(client: TestClient) -> None:
    refused = client.post("/v1/search", json={"question": QUESTION, "write": True})
    assert (refused.status_code, "write" in refused.text) == (422, True)
    refused = client.get("/v1/export", params={"q": QUESTION, "write": "true"})
    assert "SOURCEBOOK_WRITER_URL" in refused.json()["cure"]


def test_a_document_has_what_was_written(seed_library: Library, model: str) -> None:
    engine = Answering(Engine.of(seed_library), writer=Writer(url=model, model="numbers"))
    with TestClient(create_app(engine)) as client:
        document = client.get("/v1/export", params={"q": QUESTION, "write": "true"}).text
    assert "was written by numbers" in document
    assert "31,337" not in document


def test_over_http_both_are_there(seed_library: Library, model: str) -> None:
    engine = Answering(Engine.of(seed_library), writer=Writer(url=model, model="numbers"))
    with TestClient(create_app(engine)) as client:
        answer = client.get("/v1/ask", params={"q": QUESTION, "write": "true"}).json()
    assert answer["sentences"][0]["text"] == answer["citations"][0]["exact"]
    assert answer["written"]["sentences"][0]["citations"] == [1]
    assert answer["written"]["dropped"][0]["reason"].startswith("the number 31337")


def test_at_the_command_line(
    seed_library: Library, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["--library", str(seed_library.folder), "ask", QUESTION, "--write"]
    refused = CliRunner().invoke(app, command)
    assert (refused.exit_code, "No writer is set" in refused.output) == (2, True)
    monkeypatch.setenv("SOURCEBOOK_WRITER_URL", model)
    monkeypatch.setenv("SOURCEBOOK_WRITER_MODEL", "numbers")
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0
    assert "The text above was written by numbers. Verbatim:" in shown.stdout
    assert "dropped: “It was 31,337 tonnes.”" in shown.stdout


def test_what_is_removed_while_the_model_writes_is_not_cited(
    make_library: MakeLibrary, model: str
) -> None:
    library = make_library(
        trains="The night train to the coast runs in spring.",
        buses="The night bus to the coast runs in spring, the ministry said.",
    )

    class Removing(Writer):
        """A model so slow that somebody removes an article meanwhile."""

        def write(
            self, question: str, citations: Sequence[Citation], answers: Answers | None = None
        ) -> Written:
            library.remove(citations[0].article.id)
            return super().write(question, citations, answers)

    gone = Engine.of(library).ask(TRAIN).citations[0].article.id
    answer = Answering(Engine.of(library), writer=Removing(url=model, model="good")).ask(
        TRAIN, write=True
    )
    assert gone not in {one.article.id for one in (*answer.citations, *answer.nearest)}
    found = written_of(answer)
    assert found is None or found.sentences == ()
