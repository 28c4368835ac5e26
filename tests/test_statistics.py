"""Intervals, tests and corrections against values by hand and against what they promise."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcebook.eval.measures.statistics import Interval, bootstrap, by_type, holm, paired_test
from sourcebook.index.errors import InputError


def test_equal_values_give_an_interval_without_width() -> None:
    assert bootstrap([0.5] * 9) == Interval(0.5, 0.5, 0.5, 9)
    assert bootstrap([0.25]) == Interval(0.25, 0.25, 0.25, 1)


def test_the_interval_of_two_values_is_known() -> None:
    """Both draws are 0, or both 1, with probability 1/4 each: far more than the 2.5 % tails."""
    assert bootstrap([0.0, 1.0]) == Interval(0.5, 0.0, 1.0, 2)
    narrow = bootstrap([0.0, 1.0], level=0.4)
    assert (narrow.low, narrow.high) == (0.5, 0.5)


def test_the_interval_of_many_values_is_that_of_the_normal_law() -> None:
    values = np.random.default_rng(5).normal(3, 2, 4_000)
    half = 1.96 * values.std() / math.sqrt(len(values))
    interval = bootstrap(values)
    assert interval.low == pytest.approx(values.mean() - half, abs=half / 10)
    assert interval.high == pytest.approx(values.mean() + half, abs=half / 10)


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(300):
        interval = bootstrap(rng.random(50), resamples=400)
        held += interval.low <= 0.5 <= interval.high
    assert 0.90 <= held / 300 <= 0.98


def test_a_seed_fixes_the_interval_and_another_moves_it() -> None:
    values = np.random.default_rng(1).random(60)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_blocks_do_not_change_how_many_samples_are_drawn() -> None:
    """More questions than fit twice into a block, so every block holds a few rows only."""
    values = np.arange(500_000, dtype=np.float64) % 2
    interval = bootstrap(values, resamples=9)
    assert interval.mean == 0.5
    assert interval.low < 0.5 < interval.high
    assert interval.high - interval.low < 0.01


@pytest.mark.parametrize(
    ("values", "complaint"),
    [([], "No values"), ([0.1, math.nan], "NaN or infinite"), ([math.inf], "NaN or infinite")],
)
def test_values_without_a_mean_are_refused(values: list[float], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        bootstrap(values)
    with pytest.raises(InputError, match=complaint):
        paired_test(values, values)


def test_levels_and_lengths_are_checked() -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        bootstrap([0.5], level=95)
    with pytest.raises(InputError, match="2 values against 1"):
        paired_test([0.1, 0.2], [0.1])


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1, 1, 1, 1, 1], 2 / 32),
        ([1, 1, 1, 1, -1], 12 / 32),
        ([1, -1], 1),
        ([3, 1, 1], 2 / 8),
        ([0, 0, 1], 1),
        ([0, 0], 1),
        ([0.1, 0.2, 0.3, 0, 0], 2 / 8),
        ([0.1, 0.2, -0.3], 1),
    ],
)
def test_the_exact_p_by_hand(differences: list[float], p: float) -> None:
    zeros = [0.0] * len(differences)
    test = paired_test(zeros, differences)
    assert test.p == pytest.approx(p)
    assert test.difference == pytest.approx(sum(differences) / len(differences))
    assert paired_test(differences, zeros).p == pytest.approx(p)


def test_wins_losses_and_ties_are_those_of_the_second_run() -> None:
    test = paired_test([0, 0.5, 1, 1, 0.2], [1, 1, 0, 1, 0.2])
    assert (test.wins, test.losses, test.ties) == (2, 1, 2)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.sampled_from([-1.0, -0.4, 0.0, 0.3, 0.9]), min_size=1, max_size=9))
def test_the_exact_p_counts_every_pattern_of_signs(differences: list[float]) -> None:
    observed = abs(sum(differences))
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    expected = sum(each >= observed - 1e-9 for each in sums) / len(sums)
    assert paired_test([0.0] * len(differences), differences).p == pytest.approx(expected)


def test_the_sampled_p_approaches_the_binomial_one() -> None:
    """Differences of one size make it the sign test: 20 wins of 30 have two-sided p = .0987."""
    second = [1.0] * 20 + [0.0] * 10
    first = [0.0] * 20 + [1.0] * 10
    exact = 2 * sum(math.comb(30, k) for k in range(20, 31)) / 2**30
    sampled = paired_test(first, second, permutations=40_000).p
    assert sampled == pytest.approx(exact, abs=4 * math.sqrt(exact / 40_000))
    assert paired_test(first, second).p == paired_test(first, second).p
    assert paired_test(first, second, seed=1).p != paired_test(first, second, seed=2).p


def test_a_sampled_p_is_never_zero() -> None:
    assert paired_test([0.0] * 50, [1.0] * 50, permutations=999).p == 1 / 1000


def test_runs_that_do_not_differ_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(2)
    ps = [
        paired_test(rng.random(40), rng.random(40), permutations=500, seed=i).p for i in range(300)
    ]
    assert 0.02 <= np.mean(np.array(ps) <= 0.05) <= 0.09


@pytest.mark.parametrize(
    ("ps", "corrected"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.04, 0.01, 0.01], [0.04, 0.03, 0.03]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.0, 1.0], [0.0, 1.0]),
    ],
)
def test_holm_by_hand(ps: list[float], corrected: list[float]) -> None:
    assert holm(ps) == pytest.approx(tuple(corrected))


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        holm([0.5, p])


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0, 0.99))
def test_holm_rejects_what_the_step_down_procedure_rejects(ps: list[float], level: float) -> None:
    """Holm's own formulation: reject the k-th smallest of m while (m - k + 1) p is in the level."""
    rejected = set()
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        if ps[place] * (len(ps) - rank) > level:
            break
        rejected.add(place)
    assert {i for i, p in enumerate(holm(ps)) if p <= level} == rejected


def test_types_have_their_own_means_in_alphabetical_order() -> None:
    values = {"q1": 1.0, "q2": 0.0, "q3": 0.5, "q4": 0.9}
    kinds = {"q1": "why", "q2": "why", "q3": "factoid", "q4": "", "q5": "never scored"}
    grouped = by_type(values, kinds)
    assert list(grouped) == ["factoid", "why"]
    assert (grouped["why"].mean, grouped["why"].n) == (0.5, 2)
    assert grouped["factoid"] == Interval(0.5, 0.5, 0.5, 1)
