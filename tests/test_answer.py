"""An answer that breaks its promises cannot be made."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from made import citation

from sourcebook.index.library import Library
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Answer, Sentence, Status
from sourcebook.service.asking.disagreement import Disagreement, Side
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.short_answer import ShortAnswer
from sourcebook.service.asking.statements import DifferenceKind
from sourcebook.service.notation.answers import AnswerOut
from sourcebook.service.writing.checks import Written, WrittenSentence
from sourcebook.service.writing.phrased import phrased

CITED = citation()
ANSWER = Answer(
    query=Query(text="Where does coca grow?"),
    status=Status.ANSWERED,
    confidence=0.9,
    sentences=(Sentence(CITED.exact, (1,)),),
    citations=(CITED,),
    nearest=(),
    reason=None,
    generation=1,
    fingerprint="f",
    seconds={},
)
SILENT = replace(
    ANSWER,
    status=Status.NOT_IN_LIBRARY,
    sentences=(),
    citations=(),
    nearest=(CITED,),
    reason="nothing_relevant",
)


def short(text: str, start: int, citation: int = 1) -> ShortAnswer:
    return ShortAnswer(text, start, start + len(text), citation)


def differing(text: str, citation: int) -> Disagreement:
    sides = (Side("Cauca", CITED.exact, 1, None), Side("Meta", text, citation, None))
    return Disagreement("coca", DifferenceKind.NUMBER, sides)


@pytest.mark.parametrize(
    ("answer", "changes", "message"),
    [
        (ANSWER, {"citations": ()}, "cannot have"),
        (ANSWER, {"sentences": ()}, "cannot have"),
        (ANSWER, {"status": Status.NOT_IN_LIBRARY}, "cannot have"),
        (ANSWER, {"reason": "nothing_relevant"}, "reason"),
        (ANSWER, {"sentences": (Sentence("Coca.", (2,)),)}, "cites what is not"),
        (ANSWER, {"sentences": (Sentence("Coca.", (1, 2)),)}, "cites what is not"),
        (ANSWER, {"short": short("Cauca", 13)}, "word for word"),
        (ANSWER, {"short": short("cauca", 14)}, "word for word"),
        (ANSWER, {"short": short("Cauca", 14, citation=2)}, "word for word"),
        (ANSWER, {"short": short("Cauca.!", 14)}, "word for word"),
        (SILENT, {"short": short("Cauca", 14)}, "word for word"),
        (ANSWER, {"disagreements": (differing(CITED.exact, 2),)}, "quoted by its citation"),
        (ANSWER, {"disagreements": (differing("Coca grows in Meta.", 1),)}, "quoted by"),
        (SILENT, {"disagreements": (differing(CITED.exact, 1),)}, "quoted by"),
        (SILENT, {"status": Status.ANSWERED}, "cannot have"),
        (SILENT, {"citations": (CITED,)}, "cannot have"),
        (SILENT, {"sentences": ANSWER.sentences}, "cannot have"),
        (SILENT, {"reason": None}, "reason"),
    ],
)
def test_promises(answer: Answer, changes: dict[str, Any], message: str) -> None:
    assert replace(answer) == answer
    with pytest.raises(ValueError, match=message):
        replace(answer, **changes)


def test_what_stands_in_the_citations_may_be_said_of_them() -> None:
    answer = replace(
        ANSWER, short=short("Cauca", 14), disagreements=(differing("Coca grows in Cauca.", 1),)
    )
    assert answer.short is not None
    assert answer.citations[0].exact[answer.short.start : answer.short.end] == "Cauca"
    assert (answer.publishers, answer.outdated, SILENT.publishers) == (1, (), 0)


META = citation(2, "Coca grows in Meta.", "b")
WHOLE = replace(
    ANSWER,
    citations=(CITED, META),
    short=short("Cauca", 14),
    disagreements=(
        Disagreement(
            "coca",
            DifferenceKind.NUMBER,
            (Side("Cauca", CITED.exact, 1, "2024"), Side("Meta", META.exact, 2, "2025-09")),
        ),
    ),
)


WRITTEN = Written(model="m", sentences=(WrittenSentence("In Meta coca grows", (2,)),))


def test_an_answer_may_have_everything_at_once() -> None:
    """The sides, and what is written, may rest on citations that no sentence has."""
    shown = AnswerOut.model_validate(phrased(WHOLE, WRITTEN))
    assert shown.short
    assert shown.written
    assert (shown.short.text, shown.written.sentences[0].citations) == ("Cauca", [2])
    assert [side.citation for side in shown.disagreements[0].sides] == [1, 2]
    # Publishers are those of the sentences; the older side is outdated.
    assert (WHOLE.publishers, WHOLE.outdated) == (1, (1,))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"citations": (CITED,)}, "a side of a disagreement"),
        ({"citations": (CITED,), "disagreements": ()}, r"cites \[2\], which it was not given"),
        ({"citations": (META,)}, "cites what is not"),
        ({"citations": (CITED, replace(META, number=3))}, "a side of a disagreement"),
    ],
)
def test_whatever_an_answer_has_is_held_to_its_citations(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(phrased(WHOLE, WRITTEN), **changes)


@pytest.mark.parametrize(("text", "citations"), [("", (1,)), ("Coca grows.", ())])
def test_no_sentence_without_text_and_citation(text: str, citations: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a text and a citation"):
        Sentence(text, citations)


def test_without_what_is_gone() -> None:
    """What rests on a citation goes with it; an answer of which nothing is left is none."""
    both = replace(WHOLE, sentences=(*ANSWER.sentences, Sentence(META.exact, (2,))))
    assert both.without(set()) is both
    left = both.without({1})
    assert [each.text for each in left.sentences] == [META.exact]
    assert (left.citations, left.short, left.disagreements) == ((META,), None, ())
    silent = both.without({1, 2})
    assert (silent.status, silent.citations) == (Status.NOT_IN_LIBRARY, ())
    assert silent.reason_in_words == "The articles that answered were removed or replaced just now."
    misses = SILENT.without({1})
    assert (misses.nearest, misses.reason) == ((), SILENT.reason)


def test_an_answer_carries_where_it_is_from(engine: Engine) -> None:
    answer = engine.ask("What does the decertification of Colombia mean?")
    assert answer.fingerprint == engine.library.fingerprint
    assert answer.generation == engine.library.info()["generation"]
    assert {"plan", "encode", "dense", "lexical", "load", "rank", "decide", "compose"} <= set(
        answer.seconds
    )
    cited = answer.citations or answer.nearest
    assert [each.number for each in cited] == list(range(1, len(cited) + 1))
    assert bool(answer.sentences) == (answer.status is not Status.NOT_IN_LIBRARY)


def test_silence_names_the_nearest_misses(engine: Engine) -> None:
    answer = engine.ask("Which stadium hosted the 1987 curling final in Oslo?")
    assert answer.status is Status.NOT_IN_LIBRARY
    assert (answer.sentences, answer.citations) == ((), ())
    assert len(answer.nearest) == 3
    assert answer.reason


def test_the_reason_tells_an_empty_library_from_a_question_off_the_subject(
    engine: Engine, make_library: Callable[..., Library]
) -> None:
    assert Engine.of(make_library()).ask("Who grows coca?").reason == "nothing_to_search"
    nobody = Filter(publishers=("Nobody",))
    assert engine.ask("Who grows coca?", nobody).reason == "nothing_to_search"
    assert engine.ask("What is the best pizza in Naples?").reason == "nothing_relevant"
