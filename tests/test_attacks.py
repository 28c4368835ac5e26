"""The attack suite itself: what it finds is told, and one attack that fails hides no other."""

import os
from pathlib import Path
from typing import NoReturn

import pytest
from attacks import schemathesis
from attacks.__main__ import ATTACKS, END, HEAD, MARK, PAGE, row, run, written
from attacks.outcome import Outcome
from attacks.soak import Use, growth, use

HELD = Outcome(attack="a flood", promise="answers", tried=1_000)


def raises(rounds: int, folder: Path) -> NoReturn:
    raise ValueError(f"{rounds} rounds in {folder.name[:3]}")


def test_an_attack_that_raises_has_a_row_that_says_so() -> None:
    outcome, seconds = run("floods", 7, raises)
    assert outcome.faults == ("it raised ValueError('7 rounds in tmp')",)
    assert "| 7 | 1 |" in row("floods", outcome, seconds)


def test_an_attack_that_is_not_run_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("SCHEMATHESIS", raising=False)
    outcome = schemathesis.attack(1, tmp_path)
    assert "| 0 | not run: schemathesis is not installed |" in row("schemathesis", outcome, 0)


def test_an_attack_writes_its_own_row_only() -> None:
    page = f"before\n{MARK}\n{END}\nafter\n"
    page = written(page, "soak", "| `soak` | old |")
    page = written(page, "kills", "| `kills` | new |")
    page = written(page, "soak", "| `soak` | new |")
    rows = "| `kills` | new |\n| `soak` | new |"
    assert page == f"before\n{MARK}\n{HEAD}\n{rows}\n{END}\nafter\n"
    assert written(page, "floods", row("floods", HELD, 1.4)).count("| 1,000 | 0 | 1 |") == 1


def test_the_page_tells_of_every_attack_and_of_no_broken_promise() -> None:
    table = PAGE.read_text("utf-8").split(MARK)[1].split(END)[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    assert {row[0].strip("| `"): row[4] for row in rows} == dict.fromkeys(ATTACKS, "0")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (Use(1_100, 52, 20), []),
        (Use(1_101, 50, 20), ["1,000 bytes of memory became 1,101"]),
        (Use(1_000, 56, 26), ["50 open files became 56", "20 threads became 26"]),
    ],
)
def test_growth_is_found_after_the_warm_up(last: Use, said: list[str]) -> None:
    warm = Use(1_000, 50, 20)
    assert growth([Use(10, 1, 1)] * 2 + [warm] * 5 + [last] * 3) == said


def test_what_a_process_takes_is_seen() -> None:
    before = use(os.getpid())
    held = b"x" * 2**26
    with Path(__file__).open("rb"):
        after = use(os.getpid())
    assert after.memory - before.memory > len(held) / 2
    assert after.files == before.files + 1
    assert after.threads >= 1
