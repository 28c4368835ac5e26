"""Measures where sentences end, and how numbers are read, on hard cases of our own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sourcebook.eval.parsing.table import Table
from sourcebook.index.dates import mentions
from sourcebook.index.passages import sentence_spans
from sourcebook.service.language.quantities import quantities

# Of a checkout: the package does not hold the cases.
DATA = Path("tests/data")

Case = dict[str, Any]

# What the former code had right, which is gone: sentencex 1.0.32 by itself, and rules of our own
# for numbers. By subject, language and half.
BEFORE = {
    ("sentences", "en", "dev"): 24,
    ("sentences", "en", "test"): 23,
    ("sentences", "es", "dev"): 12,
    ("sentences", "es", "test"): 11,
    ("numbers", "en", "dev"): 26,
    ("numbers", "en", "test"): 30,
    ("numbers", "es", "dev"): 14,
    ("numbers", "es", "test"): 13,
}


def measure(shared: Path | None) -> Table | None:
    """How many cases come out whole, by language and half; None outside a checkout."""
    if not DATA.is_dir():
        return None
    right: dict[str, Callable[[Case, str], bool]] = {"sentences": _cut, "numbers": _read}
    rows = []
    for (subject, language, split), before in BEFORE.items():
        lines = (DATA / f"{subject}.{language}.jsonl").read_text("utf-8").splitlines()
        cases = [case for case in map(json.loads, lines) if case["split"] == split]
        now = sum(right[subject](case, language) for case in cases)
        rows.append((subject, language, split, str(len(cases)), str(before), str(now)))
    return Table(
        title="Sentences and numbers",
        note="Hard cases, written before the code: `sentences.*.jsonl` and `numbers.*.jsonl` in "
        "`tests/data`. A case is right if every boundary is, or every value. Rules were chosen on "
        "the dev half; before are sentencex, and the rules for numbers that it was used with.",
        head=("Subject", "Language", "Half", "Cases", "Right before", "Right"),
        rows=tuple(rows),
    )


def _cut(case: Case, language: str) -> bool:
    text = " ".join(case["sentences"])
    found = [text[each.start : each.end] for each in sentence_spans(text, language)]
    return bool(found == case["sentences"])


def _read(case: Case, language: str) -> bool:
    text = case["text"]
    found = [each.value for each in quantities(text, mentions(text), language)]
    wanted: list[float] = case["values"]
    return len(found) == len(wanted) and all(
        abs(one - other) <= 1e-6 * abs(other) for one, other in zip(found, wanted, strict=True)
    )
