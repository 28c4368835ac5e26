"""Measures against values worked out by hand, and against a second implementation."""

import math
from itertools import pairwise, permutations

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcebook.eval.data.gold import Span, Wanted
from sourcebook.eval.measures.abstention import (
    Decision,
    accuracy_at,
    aurc,
    auroc,
    measure_abstention,
    risk_coverage,
)
from sourcebook.eval.measures.evidence import (
    in_words,
    inexact_quotes,
    measure_citations,
    measure_evidence,
    measure_overlap,
    measure_passages,
    measure_shown,
)
from sourcebook.eval.measures.ranking import measure_ranking
from sourcebook.eval.measures.short_answers import (
    measure_short,
    overlap,
    same_answer,
    short_words,
)
from sourcebook.index.errors import InputError

NAMES = ("nDCG@3", "RR", "RR@2", "AP", "R@2", "P@2", "Success@1", "Judged@2")
# Three documents matter: `a` twice as much as `b` and `c`; `n` was judged and does not.
GRADES = {"a": 2, "b": 1, "c": 1, "n": 0}
IDEAL = 2 + 1 / math.log2(3) + 1 / 2


def values(ranking: list[str], grades: dict[str, int] | None = None) -> dict[str, float]:
    measured = measure_ranking({"q": ranking}, {"q": grades or GRADES}, NAMES)
    return {name: by_query["q"] for name, by_query in measured.items()}


# name of the case, ranking, then nDCG@3, RR, RR@2, AP, R@2, P@2, Success@1, Judged@2 by hand
BY_HAND = [
    ("perfect", ["a", "b", "c"], (1, 1, 1, 1, 2 / 3, 1, 1, 1)),
    ("reversed", ["n", "c", "b", "a"],
     ((1 / math.log2(3) + 1 / 2) / IDEAL, 1 / 2, 1 / 2, (1 / 2 + 2 / 3 + 3 / 4) / 3,
      1 / 3, 1 / 2, 0, 1)),
    ("empty", [], (0,) * 8),
    ("nothing relevant", ["n", "x"], (0, 0, 0, 0, 0, 0, 0, 1 / 2)),
    ("partial", ["x", "y", "a"], (1 / IDEAL, 1 / 3, 0, 1 / 3 / 3, 0, 0, 0, 0)),
    ("unjudged first", ["x", "a"],
     (2 / math.log2(3) / IDEAL, 1 / 2, 1 / 2, 1 / 2 / 3, 1 / 3, 1 / 2, 0, 1 / 2)),
    ("shorter than the cutoff", ["a"], (2 / IDEAL, 1, 1, 1 / 3, 1 / 3, 1 / 2, 1, 1)),
    ("a duplicate closes up", ["a", "a", "b", "a", "c"], (1, 1, 1, 1, 2 / 3, 1, 1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ranking", "expected"), [pytest.param(*case[1:], id=case[0]) for case in BY_HAND]
)
def test_ranking_measures_equal_values_by_hand(
    ranking: list[str], expected: tuple[float, ...]
) -> None:
    assert values(ranking) == pytest.approx(dict(zip(NAMES, expected, strict=True)))


@pytest.mark.parametrize("ranking", list(permutations("abz")))
def test_no_tie_is_left_to_the_ids(ranking: tuple[str, ...]) -> None:
    """What sorts by score breaks ties by id, which would show here."""
    for document in ranking:
        measured = values(list(ranking), {document: 1})
        assert measured["RR"] == measured["AP"] == pytest.approx(1 / (ranking.index(document) + 1))
        assert measured["RR@2"] == (measured["RR"] if measured["RR"] > 0.4 else 0)


def test_queries_without_a_ranking_score_zero_and_those_without_judgements_are_left_out() -> None:
    qrels = {"q1": {"a": 1}, "q2": {"a": 1}, "q3": {}, "q4": {"a": 0}}
    measured = measure_ranking({"q1": ["a"], "q3": ["a"], "q9": ["a"]}, qrels, ["AP", "Judged@1"])
    assert measured["AP"] == {"q1": 1.0, "q2": 0.0, "q4": 0.0}
    assert measured["Judged@1"] == {"q1": 1.0, "q2": 0.0, "q4": 0.0}


@pytest.mark.parametrize("run", [{}, {"q": []}, {"other": ["a"]}])
def test_a_run_without_any_ranking_scores_zero(run: dict[str, list[str]]) -> None:
    assert measure_ranking(run, {"q": {"a": 1}}, NAMES) == {name: {"q": 0.0} for name in NAMES}


def test_a_negative_grade_is_judged_and_not_relevant() -> None:
    assert values(["s", "a"], {"s": -2, "a": 1}) == values(["s", "a"], {"s": 0, "a": 1})


@pytest.mark.parametrize("qrels", [{}, {"q": {}}])
def test_empty_judgements_are_refused(qrels: dict[str, dict[str, int]]) -> None:
    with pytest.raises(InputError, match="No judgements"):
        measure_ranking({"q": ["a"]}, qrels, ["AP"])


@pytest.mark.parametrize(
    "name", ["", "ndcg@10", "nDCG@0", "nDCG@ten", "R", "Success", " AP", "Bpref", "NumRet", "foo"]
)
def test_an_unknown_measure_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="expected one such as"):
        measure_ranking({"q": ["a"]}, {"q": {"a": 1}}, [name])


def by_ir_measures(
    run: dict[str, list[str]], qrels: dict[str, dict[str, int]]
) -> dict[str, dict[str, float]]:
    """The same measures computed by ir_measures (MacAvaney, Macdonald and Ounis 2022)."""
    # Its providers break ties in opposite ways, so they are given strictly falling scores.
    scored = {
        query: {document: float(len(ranking) - rank) for rank, document in enumerate(ranking)}
        for query, ranking in run.items()
        if ranking
    }
    found = {name: dict.fromkeys(qrels, 0.0) for name in ALL}
    parsed = [ir_measures.parse_measure(name) for name in ALL]
    for value in ir_measures.iter_calc(parsed, qrels, scored):
        if value.query_id in qrels:
            found[str(value.measure)][value.query_id] = value.value
    return found


DOCUMENTS = [f"d{i}" for i in range(12)]
ALL = ("nDCG@5", "nDCG@10", "nDCG", "RR", "RR@3", "AP", "R@5", "P@3", "P@10", "Success@3",
       "Judged@4", "Judged@10")  # fmt: skip


@settings(deadline=None)  # the machine may be busy
@given(
    run=st.dictionaries(st.sampled_from("pqr"), st.permutations(DOCUMENTS).flatmap(
        lambda order: st.integers(0, 12).map(lambda n: order[:n]))),
    qrels=st.dictionaries(st.sampled_from("pqr"), st.dictionaries(
        st.sampled_from(DOCUMENTS), st.integers(0, 3), min_size=1), min_size=1),
)  # fmt: skip
def test_random_rankings_agree_with_ir_measures(
    run: dict[str, list[str]], qrels: dict[str, dict[str, int]]
) -> None:
    measured, expected = measure_ranking(run, qrels, ALL), by_ir_measures(run, qrels)
    for name in ALL:
        assert measured[name] == pytest.approx(expected[name]), name


# --- passages ---------------------------------------------------------------------------------


def spans(article: str, *edges: tuple[int, int]) -> tuple[Span, ...]:
    return tuple(Span(article, start, end) for start, end in edges)


# Ten characters to a passage; the gold lies in the first, and in the third of `a`.
PASSAGES = spans("a", (0, 10), (10, 20), (20, 30))
FIRST, THIRD, SPLIT = Span("a", 2, 8), Span("a", 20, 30), Span("a", 8, 12)


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        pytest.param(PASSAGES, [[FIRST], [THIRD]], (1, 1, 0, 1), id="second piece at rank 3"),
        pytest.param(PASSAGES[1:], [[FIRST], [THIRD]], (0, 1, 0, 0), id="one piece only"),
        pytest.param(PASSAGES, [[SPLIT]], (0, 0, 0, 0), id="a quote cut in two is not held"),
        pytest.param(PASSAGES, [[SPLIT, FIRST]], (1, 1, 1, 1), id="another place of the quote"),
        pytest.param(PASSAGES, [[FIRST], []], (1, 1, 0, 0), id="a quote that was not located"),
        pytest.param(spans("b", (0, 99)), [[FIRST]], (0, 0, 0, 0), id="another article"),
        pytest.param((), [[FIRST]], (0, 0, 0, 0), id="nothing found"),
        pytest.param(PASSAGES[:1] * 2 + PASSAGES, [[THIRD]], (0, 0, 0, 0), id="duplicates rank"),
    ],
)
def test_hit_and_complete_by_hand(
    found: tuple[Span, ...], wanted: list[list[Span]], expected: tuple[float, ...]
) -> None:
    gold = Wanted(tuple(map(tuple, wanted)))
    names = ("Hit@1", "Hit@3", "Complete@1", "Complete@3")
    assert measure_passages(found, gold, (1, 3)) == dict(zip(names, expected, strict=True))


def test_where_any_quote_suffices_complete_is_hit() -> None:
    gold = Wanted(((THIRD,), (FIRST,), ()), any=True)
    measured = measure_passages(PASSAGES, gold, (1,))
    assert measured == {"Hit@1": 1.0, "Complete@1": 1.0}


@pytest.mark.parametrize(
    ("quotes", "k", "value"),
    [
        ([(0, 9), (20, 30), (55, 60)], 10, 1.0),
        ([(0, 9), (20, 24), (50, 60)], 10, 0.0),  # the first passage with gold counts
        ([(0, 9), (10, 20)], 10, 0.0),
        ([(0, 9), (20, 30)], 1, 0.0),  # no passage of the first k has gold
        ([], 10, 0.0),
    ],
)
def test_evidence_is_right_if_it_holds_the_gold_of_the_first_passage_found(
    quotes: list[tuple[int, int]], k: int, value: float
) -> None:
    found = spans("a", (0, 10), (10, 40), (40, 60))
    wanted = Wanted((spans("a", (22, 28)), spans("a", (52, 58))), any=True)
    measured = measure_evidence(found, spans("a", *quotes), wanted, k)
    assert measured == {f"EvidenceRecall@{k}": value}


def test_a_cutoff_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="whole numbers above 0"):
        measure_passages(PASSAGES, Wanted(((FIRST,),)), (0,))


# --- overlap ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        pytest.param([(0, 10)], [[(0, 10)]], (1, 1, 1), id="equal"),
        pytest.param([(0, 10)], [[(5, 15)]], (1 / 2, 1 / 2, 1 / 3), id="half"),
        pytest.param([(0, 10), (5, 20)], [[(0, 5)]], (1, 5 / 20, 5 / 20), id="union of found"),
        pytest.param([(0, 10)], [[(0, 6)], [(4, 8)]], (1, 8 / 10, 8 / 10), id="union of gold"),
        pytest.param([(0, 10)], [[(0, 10)], [(20, 30)]], (1 / 2, 1, 1 / 2), id="one of two"),
        pytest.param([(0, 10)], [[(40, 50), (0, 10)]], (1, 1, 1), id="best place"),
        pytest.param([(0, 10)], [[(0, 10)], []], (1, 1, 1), id="not located adds no length"),
        pytest.param([(0, 10)], [[]], (0, 0, 0), id="none located"),
        pytest.param([], [[(0, 10)]], (0, 0, 0), id="nothing found"),
        pytest.param([(0, 10)], [[(10, 20)]], (0, 0, 0), id="adjoining"),
    ],
)
def test_overlap_by_hand(
    found: list[tuple[int, int]],
    wanted: list[list[tuple[int, int]]],
    expected: tuple[float, float, float],
) -> None:
    gold = Wanted(tuple(spans("a", *places) for places in wanted))
    names = ("SpanRecall", "SpanPrecision", "SpanIoU")
    measured = measure_overlap(spans("a", *found), gold)
    assert measured == pytest.approx(dict(zip(names, expected, strict=True)))


def test_where_any_piece_suffices_the_best_covered_counts_and_all_gold_is_precise() -> None:
    gold = Wanted((spans("a", (0, 10)), spans("a", (10, 30))), any=True)
    measured = measure_overlap(spans("a", (0, 20)), gold)
    assert measured == {"SpanRecall": 1.0, "SpanPrecision": 1.0, "SpanIoU": 0.5}


EDGES = st.tuples(st.integers(0, 30), st.integers(1, 12)).map(lambda e: (e[0], e[0] + e[1]))
SPANS = st.lists(st.tuples(st.sampled_from("ab"), EDGES), max_size=5).map(
    lambda pairs: tuple(Span(article, *edges) for article, edges in pairs)
)


@settings(deadline=None)  # the machine may be busy
@given(found=SPANS, gold=SPANS.filter(bool))
def test_random_overlaps_agree_with_sets_of_characters(
    found: tuple[Span, ...], gold: tuple[Span, ...]
) -> None:
    def characters(each: tuple[Span, ...]) -> set[tuple[str, int]]:
        return {(span.article, at) for span in each for at in range(span.start, span.end)}

    one, other = characters(found), characters(gold)
    common = len(one & other)
    expected = {
        "SpanRecall": common / len(other),
        "SpanPrecision": common / len(one) if one else 0.0,
        "SpanIoU": common / len(one | other),
    }
    measured = measure_overlap(found, Wanted(tuple((span,) for span in gold)))
    assert measured == pytest.approx(expected)


def test_spans_are_counted_in_words_that_begin_in_them() -> None:
    texts = {"a": " one two,  three\nfour"}
    cases = {(0, 21): (0, 4), (1, 4): (0, 1), (2, 6): (1, 2), (5, 11): (1, 2), (11, 21): (2, 4)}
    for (start, end), (first, last) in cases.items():
        assert in_words([Span("a", start, end)], texts) == (Span("a", first, last),)
    assert in_words([Span("a", 2, 4)], texts) == ()


# --- citations and quotes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cited", "wanted", "any_suffices", "expected"),
    [
        pytest.param([(0, 4)], [[(3, 9)]], False, (1, 1), id="one character shared"),
        pytest.param([(0, 3)], [[(3, 9)]], False, (0, 0), id="adjoining is not overlapping"),
        pytest.param([(9, 12)], [[(3, 9)]], False, (0, 0), id="nor from the other side"),
        pytest.param([(0, 9), (50, 60)], [[(3, 9)], [(20, 30)]], False, (1 / 2, 1 / 2), id="half"),
        pytest.param([(0, 9)], [[(3, 9)], [(20, 30)]], True, (1, 1), id="any suffices"),
        pytest.param([(25, 26)], [[(3, 9), (20, 30)]], False, (1, 1), id="second place"),
        pytest.param([], [[(3, 9)]], False, (0, 0), id="no citation"),
    ],
)
def test_citations_by_hand(
    cited: list[tuple[int, int]],
    wanted: list[list[tuple[int, int]]],
    any_suffices: bool,
    expected: tuple[float, float],
) -> None:
    gold = Wanted(tuple(spans("a", *places) for places in wanted), any=any_suffices)
    measured = measure_citations(spans("a", *cited), gold)
    assert measured == {"CitationPrecision": expected[0], "CitationRecall": expected[1]}


def test_a_quote_that_differs_by_one_character_is_inexact() -> None:
    texts = {"a": "naïve café"}
    right = (Span("a", 6, 10), "café")
    wrong = [(Span("a", 6, 10), "cafe"), (Span("a", 5, 10), "café"), (Span("b", 6, 10), "café")]
    assert inexact_quotes([right, *wrong], texts) == tuple(wrong)


# --- silence ----------------------------------------------------------------------------------


def decision(confidence: float, answered: bool, answerable: bool, right: bool) -> Decision:
    return Decision(confidence=confidence, answered=answered, answerable=answerable, right=right)


def test_abstention_by_hand() -> None:
    measured = measure_abstention(
        [
            decision(0.9, True, True, True),
            decision(0.8, True, True, False),
            decision(0.8, True, False, False),
            decision(0.3, False, True, False),
            decision(0.1, False, False, False),
        ]
    )
    # Pairs of an answerable and an unanswerable one: .9 beats both, .8 ties and wins, .3 wins once.
    assert measured.auroc == pytest.approx((2 + 1.5 + 1) / 6)
    curve = [(0.2, 0), (0.6, 2 / 3), (0.8, 3 / 4), (1, 4 / 5)]
    assert np.array(measured.curve) == pytest.approx(np.array(curve))
    # At two answers one of the two questions tied at .8 has entered; both are wrong.
    assert measured.aurc == pytest.approx((0 + 1 / 2 + 2 / 3 + 3 / 4 + 4 / 5) / 5)
    assert measured.accuracy == pytest.approx(3 / 5)
    assert measured.false_answers == pytest.approx(1 / 2)
    assert measured.false_refusals == pytest.approx(1 / 3)
    assert (measured.answerable, measured.unanswerable) == (3, 2)


def test_what_is_undefined_is_none_and_not_nan() -> None:
    measured = measure_abstention([decision(0.9, True, True, True)])
    assert (measured.auroc, measured.false_answers, measured.false_refusals) == (None, None, 0.0)
    silent = measure_abstention([decision(0.9, True, False, False)])
    assert (silent.auroc, silent.false_answers, silent.false_refusals) == (None, 1.0, None)


def test_decisions_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="finite"):
        decision(math.nan, True, True, True)
    with pytest.raises(InputError, match="no right answer"):
        decision(0.5, True, False, True)
    with pytest.raises(InputError, match="No decisions"):
        measure_abstention([])


PAIRS = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans()), min_size=1)


@settings(deadline=None)  # the machine may be busy
@given(PAIRS)
def test_auroc_is_the_share_of_pairs_in_order_with_ties_half(
    pairs: list[tuple[float, bool]],
) -> None:
    above = [score for score, positive in pairs if positive]
    below = [score for score, positive in pairs if not positive]
    wins = [(a > b) + (a == b) / 2 for a in above for b in below]
    measured = auroc([score for score, _ in pairs], [positive for _, positive in pairs])
    assert measured == (pytest.approx(sum(wins) / len(wins)) if wins else None)


SMALL = PAIRS.map(lambda pairs: pairs[:5])


@settings(deadline=None)  # the machine may be busy
@given(SMALL)
def test_aurc_is_the_expectation_over_the_orders_of_ties(pairs: list[tuple[float, bool]]) -> None:
    areas = []
    for order in permutations(pairs):
        if all(before >= after for (before, _), (after, _) in pairwise(order)):
            wrong = [not right for _, right in order]
            areas.append(sum(sum(wrong[:k]) / k for k in range(1, len(wrong) + 1)) / len(wrong))
    measured = aurc([confidence for confidence, _ in pairs], [right for _, right in pairs])
    assert measured == pytest.approx(sum(areas) / len(areas))


@settings(deadline=None)  # the machine may be busy
@given(PAIRS)
def test_the_curve_is_the_risk_above_each_threshold(pairs: list[tuple[float, bool]]) -> None:
    confidence, right = zip(*pairs, strict=True)
    expected = []
    for threshold in sorted(set(confidence), reverse=True):
        kept = [good for sure, good in pairs if sure >= threshold]
        expected.append((len(kept) / len(pairs), 1 - sum(kept) / len(kept)))
    curve = risk_coverage(confidence, right)
    assert np.array(curve) == pytest.approx(np.array(expected))


def test_accuracy_at_a_threshold_counts_those_at_it_as_answered() -> None:
    scores, answerable = [0.2, 0.5, 0.7, 0.9], [False, True, False, True]
    assert accuracy_at(0.5, scores, answerable) == 3 / 4
    assert accuracy_at(0.51, scores, answerable) == 2 / 4
    assert accuracy_at(0.8, scores, answerable) == 3 / 4


# --- what is shown first ----------------------------------------------------------------------


def test_evidence_is_what_the_answer_cites_and_in_its_order() -> None:
    wanted = Wanted(((Span("a", 10, 20),),))
    near, whole, half = Span("a", 0, 9), Span("a", 8, 25), Span("a", 12, 25)
    for cited, first, shown in (
        ([whole, near], 1, 1),
        ([near, whole], 0, 1),
        ([half], 0, 0),  # a reader would see only half of it
        ([], 0, 0),
    ):
        assert measure_shown(cited, wanted) == {"EvidenceFirst": first, "EvidenceShown": shown}
    # A header is shown, but it is no first evidence, and nothing is where nothing is cited.
    beside = [measure_shown(cited, wanted, [whole]) for cited in ([near], [])]
    assert [(one["EvidenceFirst"], one["EvidenceShown"]) for one in beside] == [(0, 1), (0, 0)]


@pytest.mark.parametrize(
    ("given_text", "accepted", "same", "f1"),
    [
        ("The Medellín Cartel.", ("Medellín cartel",), True, 1),
        ("67 %", ("67 percent",), True, 1),
        ("1,200 tons", ("1200 tons",), True, 1),
        ("U.S. leverage", ("US leverage",), True, 1),
        ("2.4", ("24",), False, 0),
        ("1,200", ("1,2",), False, 0),
        ("about 850 tonnes", ("850 tonnes",), False, 0.8),  # 2 shared, of 3 and 2
        ("Gil", ("Petro", "Ana Gil"), False, 2 / 3),  # the best of the accepted ones
        ("Gil", (), False, 0),
        ("the", ("the",), True, 1),
    ],
)
def test_short_answers_by_hand(
    given_text: str, accepted: tuple[str, ...], same: bool, f1: float
) -> None:
    assert same_answer(given_text, accepted) is same
    assert overlap(given_text, accepted) == pytest.approx(f1)


def test_a_short_answer_that_is_not_given_is_not_right() -> None:
    assert measure_short("", ("Gil",)) == {"ShortGiven": 0, "ShortRight": 0, "ShortF1": 0}
    assert measure_short("Gil", ("Gil",)) == {"ShortGiven": 1, "ShortRight": 1, "ShortF1": 1}
    assert measure_short("Gil", ()) == {"ShortGiven": 1, "ShortRight": 0, "ShortF1": 0}


@given(st.text(), st.lists(st.text(), max_size=3))
def test_the_overlap_is_a_share_and_whole_for_what_is_the_same(
    text: str, accepted: list[str]
) -> None:
    assert 0 <= overlap(text, accepted) <= 1
    if same_answer(text, accepted) and short_words(text):
        assert overlap(text, accepted) == 1
    assert same_answer(text, [text.upper() if text.isascii() else text])
