"""Reports: built from rows, saved, refused when damaged, and compared."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sourcebook.eval.data.judged import MissingGold, Quote
from sourcebook.eval.measures.statistics import paired_test
from sourcebook.eval.report.comparison import compare
from sourcebook.eval.report.document import (
    Found,
    Report,
    Row,
    build_report,
    load_report,
    save_report,
)
from sourcebook.eval.report.headlines import headlines
from sourcebook.index.errors import InputError, NotFoundError


def row(name: str, value: float | None = None, **more: Any) -> Row:
    measures = {} if value is None else {"Hit@1": value}
    return Row(**({"id": name, "question": f"{name}?", "measures": measures} | more))


def report(*rows: Row, name: str = "ours", **more: Any) -> Report:
    return build_report(name=name, data="notes", method="full", questions=rows, **more)


def full_report() -> Report:
    """One of everything, with the characters that JSON and HTML find hard."""
    return report(
        row(
            "q1",
            1.0,
            type="why",
            seconds={"search": 0.25, "total": 1},
            confidence=0.9,
            status="answered",
            found=(Found("a", "Title </script>", 3, 8, "é\u2028“x”", 0.5), Found("b")),
            wanted=(Quote("a", "é"),),
        ),
        row("q2", 0.0, type="who", seconds={"search": 0.75}, confidence=0.2, status="answered"),
        row("q3", answerable=False, confidence=0.1, status="not_in_library"),
        missing_gold=[MissingGold("q2", "c", "gone", "no such article")],
        fingerprint={"settings": {"k": 10, "rerank": True, "note": None}},
        machine={"cores": 2},
        right_when="Hit@1",
        threshold=0.15,
        created="2025-11-22T10:00:00+00:00",
    )


def test_the_headlines_by_hand() -> None:
    short = {"ShortGiven": 1.0, "ShortRight": 1.0}
    wrong = {"ShortGiven": 1.0, "ShortRight": 0.0}
    none = {"ShortGiven": 0.0, "ShortRight": 0.0}
    right = {"Right": 1.0, "EvidenceFirst": 1.0, "Success@1": 1.0}
    missed = {"Right": 0.0, "EvidenceFirst": 0.0, "Success@1": 1.0}
    said: dict[str, Any] = {"confidence": 0.9, "status": "answered"}
    silent: dict[str, Any] = {"confidence": 0.1, "status": "related"}
    found = headlines(
        report(
            row("right", measures=right | short, **said),
            row("late", measures=right | {"EvidenceFirst": 0.0} | none, **said),
            row("wrong", measures=missed | wrong, **said),
            row("silent", measures=missed | none, **silent),
            row("near", measures=wrong, answerable=False, **said),
            row("off", measures=none, answerable=False, **silent),
            right_when="Right",
        )
    )
    assert [(each.title, each.count, each.total) for each in found] == [
        ("Answered rightly", 2, 4),
        ("Wrongly answered near misses", 1, 2),
        ("Gold quote in the first evidence shown", 1, 4),
        ("Short answers right, of those given", 1, 3),
        ("Right article first", 4, 4),
        ("Silent where an answer exists", 1, 4),
    ]
    assert found[0].share == 0.5


def test_disagreements_have_two_headlines() -> None:
    def judged(shown: float, wanted: float, right: float) -> dict[str, Any]:
        facts = {"Shown": shown, "Wanted": wanted, "Right": right}
        return {f"Disagreement{name}": value for name, value in facts.items()}

    said: dict[str, Any] = {"confidence": 0.9, "status": "answered"}
    found = headlines(
        report(
            row("right", measures=judged(1, 1, 1), **said),
            row("other", measures=judged(1, 1, 0), **said),
            row("missed", measures=judged(0, 1, 0), **said),
            row("false", measures=judged(1, 0, 0), **said),
            row("none", measures=judged(0, 0, 0), **said),
        )
    )
    assert [(each.count, each.total) for each in found if "Disagree" in each.title] == [
        (1, 3),
        (1, 3),
    ]


def test_a_ranking_without_answers_has_only_the_headline_of_articles() -> None:
    found = headlines(report(row("a", measures={"Success@1": 1.0})))
    assert [each.title for each in found] == ["Right article first"]


def test_means_intervals_types_and_latency_come_from_the_rows() -> None:
    made = full_report()
    assert (made.measures["Hit@1"].mean, made.measures["Hit@1"].n) == (0.5, 2)
    assert {kind: each["Hit@1"].mean for kind, each in made.by_type.items()} == {
        "who": 0.0,
        "why": 1.0,
    }
    search = made.latency["search"]
    assert (search.mean, search.median, search.max, search.n) == (0.5, 0.5, 0.75, 2)
    assert search.p95 == pytest.approx(0.725)
    assert made.latency["total"].n == 1


def test_abstention_follows_status_and_the_measure_that_says_right() -> None:
    measured = full_report().abstention
    assert measured is not None
    assert (measured.answerable, measured.unanswerable, measured.auroc) == (2, 1, 1.0)
    assert (measured.accuracy, measured.false_answers, measured.false_refusals) == (1.0, 0.0, 0.0)
    risks = [risk for _, risk in measured.curve]
    assert risks == pytest.approx([0, 1 / 2, 2 / 3])


@pytest.mark.parametrize(
    "changes",
    [{"right_when": ""}, {"right_when": "Hit@1", "questions": [row("q1", 1.0)]}],
)
def test_abstention_is_left_out_where_it_cannot_be_measured(changes: dict[str, Any]) -> None:
    rows = [row("q1", 1.0, confidence=0.5, status="answered")]
    arguments: dict[str, Any] = {"name": "n", "data": "d", "method": "m", "questions": rows}
    assert build_report(**(arguments | changes)).abstention is None


def test_an_answerable_question_without_a_value_counts_as_zero() -> None:
    made = report(row("q1", 1.0), row("q2"), row("q3", answerable=False))
    assert made.values("Hit@1") == {"q1": 1.0, "q2": 0.0}
    assert made.measures["Hit@1"].mean == 0.5


def test_a_measure_of_unanswerable_questions_only_leaves_the_others_out() -> None:
    made = report(row("q1", 1.0), row("q2", answerable=False, measures={"Silent": 1.0}))
    assert made.values("Silent") == {"q2": 1.0}


def test_a_report_without_types_or_times_has_none() -> None:
    made = report(row("q1", 1.0))
    assert (made.by_type, made.latency) == ({}, {})
    assert made.created.endswith("+00:00")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (report, "No questions"),
        (lambda: report(row("q1"), row("q1")), "'q1' is used twice"),
        (lambda: row("q1", float("nan")), "NaN or infinite"),
        (lambda: row("q1", seconds={"search": float("inf")}), "NaN or infinite"),
        (lambda: row("q1", confidence=float("nan")), "NaN or infinite"),
        (lambda: row("q1", status="refused"), "expected one of answered, related"),
        (lambda: report(row("q1"), machine={"x": object()}).to_json(), "cannot be JSON"),
        (lambda: report(row("q1"), machine={"x": float("nan")}).to_json(), "cannot be JSON"),
    ],
)
def test_rows_that_cannot_be_are_refused(make: Callable[[], object], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        make()


def test_a_report_survives_a_round_trip(tmp_path: Path) -> None:
    made = full_report()
    save_report(made, tmp_path / "report.json")
    assert load_report(tmp_path / "report.json") == made
    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert document["schema"] == 1
    assert document["measures"]["Hit@1"] == {"mean": 0.5, "low": 0.0, "high": 1.0, "n": 2}
    assert document["questions"][0]["found"][0]["text"] == "é\u2028“x”"


def changed(*path: str | int, value: object = None, remove: bool = False) -> str:
    """The full report's JSON with one place changed."""
    document = json.loads(full_report().to_json())
    place = document
    for step in path[:-1]:
        place = place[step]
    if remove:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("", "not JSON", id="empty file"),
        pytest.param(full_report().to_json()[:-40], "not JSON", id="cut short"),
        pytest.param("[]", "not a JSON object", id="a list"),
        pytest.param('{"measures": {}}', "schema is None", id="something else"),
        pytest.param(changed("schema", value=2), "schema is 2", id="another schema"),
        pytest.param(changed("name", remove=True), "missing or unknown name", id="no name"),
        pytest.param(changed("colour", value=1), "unknown colour", id="unknown key"),
        pytest.param(changed("name", value=3), "report.name is 3; expected str", id="number"),
        pytest.param(changed("measures", value=[]), "expected an object", id="list of measures"),
        pytest.param(
            changed("measures", "Hit@1", value=0.5),
            "report.measures.Hit@1 is 0.5; expected an object",
            id="bare mean",
        ),
        pytest.param(changed("measures", "Hit@1", "n", value=True), "n is True", id="bool"),
        pytest.param(changed("measures", "Hit@1", "mean", value=0.6), "mean of 'Hit@1'", id="mean"),
        pytest.param(changed("questions", 1, "measures", value={"Hit@1": 1}), "mean of", id="row"),
        pytest.param(changed("questions", 1, "id", value="q1"), "used twice", id="id twice"),
        pytest.param(changed("questions", 0, value="q1"), r"questions\[0\] is 'q1'", id="text row"),
        pytest.param(changed("questions", value={}), "expected a list", id="rows by name"),
        pytest.param(
            changed("questions", 0, "confidence", value="high"), "expected float", id="confidence"
        ),
        pytest.param(changed("questions", 0, "status", value="maybe"), "'maybe'", id="status"),
        pytest.param(
            changed("abstention", "curve", 0, value=[0.1]), "expected 2 values", id="curve"
        ),
    ],
)
def test_a_damaged_or_foreign_file_is_refused_by_name(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint) as error:
        load_report(path)
    assert str(path) in error.value.message


def test_a_missing_report_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load_report(tmp_path / "none.json")


# --- comparing --------------------------------------------------------------------------------


def run(name: str, *values: float, kinds: str = "xxyy") -> Report:
    rows = (
        row(f"q{i}", value, type=kind)
        for i, (value, kind) in enumerate(zip(values, kinds, strict=True))
    )
    return report(*rows, name=name)


def test_three_runs_by_hand() -> None:
    low, same, high = run("low", 0, 0, 0, 1), run("same", 0, 0, 0, 1), run("high", 1, 1, 1, 0)
    compared = compare([low, same, high])
    assert compared.names == ("low", "same", "high")
    assert [each.mean for each in compared.measures["Hit@1"]] == [0.25, 0.25, 0.75]
    assert [each.mean for each in compared.by_type["y"]["Hit@1"]] == [0.5, 0.5, 0.5]
    first, second, third = compared.pairs
    assert (first.first, first.second, first.difference, first.p) == ("low", "same", 0.0, 1.0)
    assert (first.wins, first.losses, first.ties) == (0, 0, 4)
    # Of the 16 patterns of signs, 1 + 4 + 4 + 1 have a sum of at least 2 either way.
    assert (second.first, second.second, second.difference) == ("low", "high", 0.5)
    assert second.p == third.p == 10 / 16
    assert (second.wins, second.losses, second.ties) == (3, 1, 0)
    assert [pair.corrected for pair in compared.pairs] == [1.0, 1.0, 1.0]


def test_p_values_are_corrected_over_the_pairs_of_a_measure() -> None:
    first = [0.0] * 6
    runs = [
        run(name, *values, kinds="xxxxxx")
        for name, values in (("a", first), ("b", [1.0] * 6), ("c", first))
    ]
    compared = compare(runs)
    assert [pair.p for pair in compared.pairs] == [2 / 64, 1.0, 2 / 64]
    assert [pair.corrected for pair in compared.pairs] == [6 / 64, 1.0, 6 / 64]


def test_questions_are_matched_by_id_and_not_by_order() -> None:
    one = report(row("a", 1.0), row("b", 0.0), row("c", 0.5), name="one")
    other = report(row("c", 0.5), row("b", 1.0), row("a", 1.0), name="other")
    (pair,) = compare([one, other]).pairs
    assert (pair.wins, pair.losses, pair.ties) == (1, 0, 2)
    assert pair.p == paired_test([1.0, 0.0, 0.5], [1.0, 1.0, 0.5]).p


def test_a_sampled_p_does_not_depend_on_the_order_of_questions() -> None:
    names = [f"q{i:02d}" for i in range(40)]
    one = {name: i % 7 / 7 for i, name in enumerate(names)}
    other = {name: i % 5 / 5 for i, name in enumerate(names)}
    reports = [
        report(*(row(name, values[name]) for name in order), name=str(i))
        for i, (values, order) in enumerate([(one, names), (other, reversed(names))])
    ]
    (pair,) = compare(reports).pairs
    assert pair.p == paired_test(list(one.values()), list(other.values())).p


def test_equal_names_are_numbered_and_a_comparison_is_json() -> None:
    compared = compare([run("full", 0, 0, 0, 1)] * 3)
    assert compared.names == ("full", "full (2)", "full (3)")
    document = json.loads(compared.to_json())
    assert document["pairs"][2]["second"] == "full (3)"
    assert document["measures"]["Hit@1"][0]["mean"] == 0.25


def test_only_shared_measures_are_compared() -> None:
    one = report(row("a", 1.0, measures={"AP": 1.0, "RR": 1.0}))
    other = report(row("a", 1.0, measures={"RR": 0.0, "P@1": 0.0}))
    assert list(compare([one, other]).measures) == ["RR"]


@pytest.mark.parametrize(
    ("reports", "complaint"),
    [
        ([], "0 report"),
        ([run("a", 0, 0, 0, 1)], "1 report"),
        (
            [report(row("a", 1.0), name="one"), report(row("b", 1.0), name="two")],
            "'one' and 'two' differ in 2 questions, 'a' among",
        ),
        ([report(row("a", 1.0)), report(row("a", measures={"AP": 1.0}))], "share no measure"),
    ],
)
def test_reports_that_cannot_be_compared_are_refused(reports: list[Report], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        compare(reports)
