"""Attacks a Sourcebook as an enemy or bad luck would: `make attacks` runs all of it.

A module beside this one has a function `attack(rounds, folder) -> Outcome`; `ATTACKS` lists it with
the rounds of a full run and of one with `--quick`. The tests run a few rounds of each. A run of all
of them writes the table in docs/reliability.md.
"""

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from attacks import (
    bit_flips,
    disk_full,
    endings,
    every_address_every_role,
    floods,
    kills,
    largest_requests,
    parser_fuzz,
    restore_drills,
    schemathesis,
    slow_clients,
    soak,
)
from attacks.outcome import Outcome

REPOSITORY = Path(__file__).parents[2]
MARK = "<!-- generated: attacks -->"
END = "<!-- end -->"
QUICK = "--quick"

Attack = Callable[[int, Path], Outcome]

ATTACKS: dict[str, tuple[int, int, Attack]] = {
    "kills": (200, 60, kills.attack),
    "disk_full": (60, 20, disk_full.attack),
    "bit_flips": (250, 250, bit_flips.attack),
    "restore_drills": (50, 20, restore_drills.attack),
    "parser_fuzz": (1_000, 300, parser_fuzz.attack),
    "every_address_every_role": (20, 3, every_address_every_role.attack),
    "schemathesis": (300, 90, schemathesis.attack),  # seconds
    "slow_clients": (100, 30, slow_clients.attack),
    "floods": (30, 20, floods.attack),  # seconds
    "largest_requests": (2_000, 150, largest_requests.attack),
    "endings": (8, 8, endings.attack),
    "soak": (30, 5, soak.attack),  # minutes
}


def table(rows: list[tuple[Outcome, float]]) -> str:
    """The outcomes as a Markdown table, with the seconds that each took."""
    head = "| attack | tries | promise | broken | seconds |\n|---|---:|---|---:|---:|\n"
    return head + "".join(
        f"| {one.attack} | {one.tried:,} | {one.promise} | {one.not_run or len(one.faults)} "
        f"| {seconds:.0f} |\n"
        for one, seconds in rows
    )


def run(name: str, rounds: int, attack: Attack) -> tuple[Outcome, float]:
    """The outcome of an attack, and the seconds that it took; one that raises has a fault."""
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            outcome = attack(rounds, Path(folder))
    except Exception as error:
        traceback.print_exc()
        outcome = Outcome(
            attack=name,
            promise="the attack itself ends",
            tried=rounds,
            faults=(f"it raised {error!r}",),
        )
    return outcome, time.monotonic() - began


def main(arguments: list[str]) -> int:
    """Run the attacks named, or all of them; 1 if a promise was broken."""
    names = [one for one in arguments if one != QUICK]
    rows = []
    for name in names or ATTACKS:
        full, few, attack = ATTACKS[name]
        rounds = few if QUICK in arguments else full
        print(f"{name}: {rounds} rounds", flush=True)
        rows.append(run(name, rounds, attack))
        print(table(rows[-1:]).splitlines()[-1], flush=True)
        for fault in rows[-1][0].faults:
            print(f"  {fault}", flush=True)
    if not names:
        page = REPOSITORY / "docs" / "reliability.md"
        text = page.read_text("utf-8")
        before, rest = text.split(MARK, 1)
        kind = "with `--quick`" if QUICK in arguments else "in full"
        when = f"Run {kind} on {datetime.now(UTC):%Y-%m-%d}, with {os.cpu_count()} processors.\n\n"
        page.write_text(
            before + MARK + "\n" + when + table(rows) + END + rest.split(END, 1)[1], "utf-8"
        )
    print(table(rows))
    return int(any(outcome.faults for outcome, _ in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
