"""What `sourcebook eval calibrate` prints: the fit, and how it does on what it has not seen."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from sourcebook.eval.calibration.fit import (
    ANSWERABLE,
    Calibrate,
    calibration,
    importance_of,
    left_out,
    short_probability,
    short_rows,
)
from sourcebook.eval.calibration.questions import SignalRow
from sourcebook.eval.measures.abstention import auroc
from sourcebook.eval.measures.reliability import calibration_error, reliability
from sourcebook.index.errors import InputError
from sourcebook.index.profile import Calibration, Logistic, Profile, ReadingProfile
from sourcebook.service.asking.decide import confidence_of
from sourcebook.service.asking.signals import NAMES


def print_fit(rows: Sequence[SignalRow], profile: Profile, read: Sequence[SignalRow] = ()) -> None:
    """Print the fitted models, the weight of each signal and the thresholds.

    With `read`, the rows with a reader, those that belong to it, too.
    """
    sets = dict.fromkeys(row.data for row in rows)
    print(f"{profile.name}, fitted on {len(rows):,} questions: {', '.join(sets)}")
    _print_calibration(profile.calibration)
    if read:
        print("\nwith a reader:")
        _print_calibration(profile.reading.calibration)
        _print_short(read, profile.reading)


def _print_calibration(found: Calibration) -> None:
    _print_model("on the library's subjects", found.relevant)
    _print_model("answered by the best hit, if on the subjects", found.detailed)
    print(f"answered from a confidence of {found.answered:.2f}")


def _print_short(rows: Sequence[SignalRow], profile: ReadingProfile) -> None:
    given = short_rows(rows, profile.calibration)
    if not given:
        print("no short answer was judged, so what decides on them stays as it was")
        return
    _print_model("the short answer is right", profile.short)
    shown = [row.right for row in given if short_probability(profile, row) >= profile.sure]
    print(f"shown from a probability of {profile.sure:.2f}: {sum(shown)} of {len(shown)} right,")
    print(f"of all that were found {sum(row.right for row in given)} of {len(given)}")


def _print_model(title: str, model: Logistic) -> None:
    print(f"{title}: a logistic model")
    print(f"  {'intercept':<20}{model.intercept:8.2f}")
    for name, weight in model.weights.items():
        print(f"  {name:<20}{weight:8.2f}")


def print_checks(
    rows: Sequence[SignalRow], fitted: Calibration, calibrate: Calibrate = calibration
) -> None:
    """Print how well each signal and the fit tell questions apart, seen and unseen.

    Unseen means that the article of the best hit, or with several sets the whole set, was left out
    of a fit by `calibrate`.
    """
    _print_signals(rows)
    thresholds = (fitted.answered,)
    seen = [confidence_of(fitted, row.signals) for row in rows]
    _print_shares("fitted on all", rows, seen, thresholds)
    folds: dict[str, Callable[[SignalRow], Hashable]] = {
        "without the article": lambda row: (row.data, row.article),
        "without the set": lambda row: row.data,
    }
    for title, fold in folds.items():
        if len(set(map(fold, rows))) > 1:
            try:
                unseen = left_out(rows, fold, calibrate)
            except InputError:
                print(f"\n{title}: the rest lacks questions of one kind, so nothing can be fitted")
            else:
                _print_shares(title, rows, unseen, thresholds)
                _print_reliability(title, rows, unseen)


def _print_signals(rows: Sequence[SignalRow]) -> None:
    """The AUROC of each signal alone on questions on the subject; .5 means that it says nothing."""
    sets = list(dict.fromkeys(row.data for row in rows))
    own = [row for row in rows if row.relevant and not row.hidden]
    print("\neach signal alone against near misses, AUROC:", ", ".join(sets))
    for name in NAMES:
        areas = [
            auroc(
                [getattr(row.signals, name) for row in own if row.data == each],
                [row.answerable for row in own if row.data == each],
            )
            for each in sets
        ]
        print(f"  {name:<20}", *(f"{area or 0:.3f}" for area in areas))


def _print_shares(
    title: str, rows: Sequence[SignalRow], confidence: Sequence[float], thresholds: Sequence[float]
) -> None:
    """AUROC against near misses and off the subject, and the shares at or above the thresholds."""
    print(f"\n{title}:")
    sets = list(dict.fromkeys(row.data for row in rows))
    for name in [*sets, "all"] if len(sets) > 1 else sets:
        pairs = [
            (row, value)
            for row, value in zip(rows, confidence, strict=True)
            if name in (row.data, "all")
        ]
        answerable = [value for row, value in pairs if row.answerable]
        kinds = {
            "answerable": answerable,
            "answerable, evidence right": [v for row, v in pairs if row.answerable and row.right],
            "near misses": [v for row, v in pairs if _near(row) and not row.hidden],
            "their article hidden": [v for row, v in pairs if row.hidden],
            "off the subject": [v for row, v in pairs if not row.relevant],
        }
        print(f"  {name}")
        for kind, values in kinds.items():
            if values:
                print(
                    f"    {kind} ({len(values)}): {_shares(kind, answerable, values, thresholds)}"
                )


def _near(row: SignalRow) -> bool:
    """Whether the question is on the subject of the library, which lacks the answer."""
    return row.relevant and not row.answerable


def _shares(
    kind: str, answerable: Sequence[float], values: Sequence[float], thresholds: Sequence[float]
) -> str:
    told = auroc([*answerable, *values], [True] * len(answerable) + [False] * len(values))
    area = "" if kind.startswith("answerable") else f"AUROC {told or 0:.3f}, "
    shares = [f"{t:.2f}: {np.mean([v >= t for v in values]):.3f}" for t in thresholds]
    return f"{area}at or above {', '.join(shares)}"


def _print_reliability(title: str, rows: Sequence[SignalRow], confidence: Sequence[float]) -> None:
    """Confidence against the share of answerable questions, weighted as in the fit."""
    own = [(row, value) for row, value in zip(rows, confidence, strict=True) if row.relevant]
    answerable = [row.answerable for row, _ in own]
    importance = importance_of(
        [(row.data, row.hidden) for row, _ in own], np.array(answerable), ANSWERABLE
    )
    bins = reliability([value for _, value in own], answerable, importance.tolist())
    error = calibration_error(bins)
    print(f"\nreliability {title}, on the subject: calibration error {error:.3f}")
    for each in bins:
        print(f"  {each.confidence:.2f} said, {each.answerable:.2f} true ({each.questions:.0f})")
