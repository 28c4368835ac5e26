"""Attacks a Sourcebook as an enemy or bad luck would: `make attacks` runs all of it.

A module beside this one has a function `attack(rounds, folder) -> Outcome`; `ATTACKS` lists it with
the rounds of a full run. The tests run a few rounds of each. A full run writes the table in
docs/reliability.md.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from attacks import (
    bit_flips,
    endings,
    every_address_every_role,
    floods,
    largest_requests,
    parser_fuzz,
    restore_drills,
    slow_clients,
)
from attacks.outcome import Outcome

REPOSITORY = Path(__file__).parents[2]
MARK = "<!-- generated: attacks -->"
END = "<!-- end -->"

ATTACKS: dict[str, tuple[int, Callable[[int, Path], Outcome]]] = {
    "restore_drills": (50, restore_drills.attack),
    "every_address_every_role": (20, every_address_every_role.attack),
    "bit_flips": (250, bit_flips.attack),
    "slow_clients": (100, slow_clients.attack),
    "floods": (30, floods.attack),  # seconds
    "largest_requests": (2_000, largest_requests.attack),
    "endings": (8, endings.attack),
    "parser_fuzz": (1_000, parser_fuzz.attack),
}


def table(rows: list[tuple[Outcome, float]]) -> str:
    """The outcomes as a Markdown table, with the seconds that each took."""
    head = "| attack | rounds | promise | broken | seconds |\n|---|---:|---|---:|---:|\n"
    return head + "".join(
        f"| {one.attack} | {one.tried:,} | {one.promise} | {len(one.faults)} | {seconds:.0f} |\n"
        for one, seconds in rows
    )


def main(names: list[str]) -> int:
    """Run the attacks named, or all of them; 1 if a promise was broken."""
    rows = []
    for name in names or ATTACKS:
        rounds, attack = ATTACKS[name]
        print(f"{name}: {rounds} rounds", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            outcome = attack(rounds, Path(folder))
        rows.append((outcome, time.monotonic() - began))
        for fault in outcome.faults:
            print(f"  {fault}", flush=True)
    if not names:
        page = REPOSITORY / "docs" / "reliability.md"
        text = page.read_text("utf-8")
        before, rest = text.split(MARK, 1)
        page.write_text(before + MARK + "\n" + table(rows) + END + rest.split(END, 1)[1], "utf-8")
    print(table(rows))
    return int(any(outcome.faults for outcome, _ in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
