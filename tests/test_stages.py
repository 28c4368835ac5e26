"""Where misses happen: the stage that lost a gold quote, by hand and in a run of the engine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sourcebook.eval.data.gold import Span, Wanted
from sourcebook.eval.data.question_set import Question, QuestionSet
from sourcebook.eval.measures.stages import ORDER, Trace, answered_at, missed_at
from sourcebook.eval.report import printing
from sourcebook.eval.report.document import Row, build_report, load_report, save_report
from sourcebook.eval.report.misses import STAGES, misses, misses_table
from sourcebook.eval.report.page import render_page
from sourcebook.eval.runs.scoring import measured_rows
from sourcebook.eval.runs.subject import EngineSubject
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.library import Library
from sourcebook.service.asking.engine import Engine
from sourcebook.service.asking.follow import Stage

MakeLibrary = Callable[..., Library]
GOLD = Span("a", 10, 20)
CITED = Span("a", 15, 30)
ELSEWHERE = Span("a", 30, 40)


def trace(dropped: str = "", start: int = 0, logit: float | None = None) -> Trace:
    return Trace("a", start, start + 25, dropped, logit)


@pytest.mark.parametrize(
    ("places", "traces", "cited", "stage"),
    [
        ((GOLD,), [trace()], [CITED], None),
        ((), [trace()], [CITED], "library"),
        ((GOLD,), [trace(start=20)], [], "search"),
        ((GOLD,), [Trace("b", 0, 25)], [], "search"),
        ((GOLD,), [], [], "search"),
        ((GOLD,), [trace("ranking")], [], "ranking"),
        ((GOLD,), [trace("reading")], [ELSEWHERE], "reading"),
        ((GOLD,), [trace("decision")], [], "decision"),
        ((GOLD,), [trace()], [ELSEWHERE], "evidence"),
        # The passage that came furthest counts, and so does the place that did.
        ((GOLD,), [trace("ranking"), trace("decision", start=15)], [], "decision"),
        ((GOLD, Span("b", 0, 5)), [trace("ranking"), Trace("b", 0, 9)], [], "evidence"),
    ],
)
def test_one_quote_is_lost_at_one_stage(
    places: tuple[Span, ...], traces: list[Trace], cited: list[Span], stage: str | None
) -> None:
    assert missed_at(traces, cited, Wanted((places,))) == stage


def test_of_several_quotes_the_first_loss_counts_or_the_last() -> None:
    far = Span("b", 0, 5)
    traces = [trace("decision"), Trace("b", 0, 9, "ranking")]
    assert missed_at(traces, [], Wanted(((GOLD,), (far,)))) is Stage.RANKING
    assert missed_at(traces, [], Wanted(((GOLD,), (far,)), any=True)) is Stage.DECISION
    half = [CITED]
    assert missed_at(traces, half, Wanted(((GOLD,), (far,)))) is Stage.RANKING
    assert missed_at(traces, half, Wanted(((GOLD,), (far,)), any=True)) is None


def test_a_false_answer_comes_from_the_reader_or_the_decision() -> None:
    assert answered_at([trace(logit=2.0), trace("reading", logit=-1.0)]) is Stage.READING
    assert answered_at([trace(logit=-2.0), trace("decision", logit=1.0)]) is Stage.DECISION
    assert answered_at([trace()]) is Stage.DECISION


def test_every_stage_has_words() -> None:
    assert list(STAGES) == [stage.value for stage in ORDER]


@pytest.mark.parametrize("read", [False, True])
def test_a_run_tells_where_each_question_was_missed(make_library: MakeLibrary, read: bool) -> None:
    texts = {
        "trains": "The night train to the coast runs again in spring, the ministry said.",
        "dam": "The Alma dam was finished in 1986 after nine years of work.",
        **{f"wheat{n}": f"District {n} held {n * 7} tonnes of wheat last year." for n in range(30)},
    }
    library = make_library(**texts)
    subject = EngineSubject(Engine.of(library, reader=shipped_reader() if read else None))
    by_name = {each.metadata.title: each for each in subject.articles().values()}

    asked = "When does the night train to the coast run?"
    traces = subject.ask(asked).traces
    assert traces

    questions = (
        Question(
            id="right",
            text=asked,
            wanted=Wanted(((Span(by_name["trains"].id, 0, len(texts["trains"])),),)),
        ),
        Question(id="elsewhere", text=asked, wanted=Wanted(((traces[-1].span,),))),
        Question(id="gone", text="When was the Alma dam finished?", wanted=Wanted(((),))),
        Question(
            id="article",
            text="When was the Alma dam finished?",
            relevant={by_name["dam"].id: 1, by_name["trains"].id: 0},
        ),
        Question(id="ungraded", text="When was the Alma dam finished?"),
        Question(id="none", text="When was the Alma dam finished?", answerable=False),
    )
    task = QuestionSet(name="made", questions=questions)
    observed = {one.id: subject.ask(one.text) for one in questions}
    rows = {row.id: row for row in measured_rows(task, observed, subject.articles())}
    assert all(one.status == "answered" for one in observed.values())
    assert {name: row.missed_at for name, row in rows.items()} == {
        "right": "",
        "elsewhere": "ranking",
        "gone": "library",
        "article": "",
        "ungraded": "",
        "none": "reading" if read else "decision",
    }


def rows() -> list[Row]:
    lost = ["search", "ranking", "ranking", ""]
    return [
        Row(id=str(n), question=f"q{n}", measures={"Hit@1": 0.0}, missed_at=stage)
        for n, stage in enumerate(lost)
    ]


def test_reports_count_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = build_report(name="r", data="d", method="full", questions=rows())
    counted = dict.fromkeys(STAGES, 0) | {"search": 1, "ranking": 2}
    assert misses(report) == counted
    save_report(report, tmp_path / "r.json")
    assert misses(load_report(tmp_path / "r.json")) == counted
    page = render_page([report])
    assert "Where misses happen" in page
    printing.reports([report], everything=True)
    printed = capsys.readouterr().out
    assert [line.split() for line in printed.splitlines() if "ranking" in line] == [
        ["missed:", "ranking", "2"]
    ]


def test_where_nothing_is_missed_nothing_is_shown() -> None:
    whole = [Row(id="a", question="a", measures={"Hit@1": 1.0})]
    report = build_report(name="r", data="d", method="full", questions=whole)
    assert (misses(report), misses_table({"r": report})) == ({}, None)
    assert "Where misses happen" not in render_page([report])
