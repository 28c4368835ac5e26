"""Attacks a Sourcebook as an enemy or bad luck would: `make attacks` runs all of it.

A module beside this one has a function `attack(rounds, folder) -> Outcome`; `ATTACKS` lists it with
the rounds of a full run and of one with `--quick`; names after these run only some. The tests run a
few rounds of most. Each attack writes its row of the table in docs/reliability.md.
"""

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

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
MARK = "<!-- generated: attacks -->"
END = "<!-- end -->"
HEAD = """\
| name | attack | promise | tries | broken | seconds | run on |
|---|---|---|---:|---:|---:|---|"""
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
    "largest_requests": (935, 300, largest_requests.attack),
    "endings": (8, 8, endings.attack),
    "soak": (30, 5, soak.attack),  # minutes
}


def row(name: str, outcome: Outcome, seconds: float) -> str:
    """The outcome as a row of the table."""
    broken = outcome.not_run or len(outcome.faults)
    return (
        f"| `{name}` | {outcome.attack} | {outcome.promise} | {outcome.tried:,} | {broken} "
        f"| {seconds:.0f} | {datetime.now(UTC):%Y-%m-%d} |"
    )


def written(page: str, name: str, new: str) -> str:
    """The page with the new row of an attack; the rows of the others stay."""
    before, rest = page.split(MARK, 1)
    old, after = rest.split(END, 1)
    rows = {line.split("`")[1]: line for line in old.splitlines() if line.startswith("| `")}
    rows[name] = new
    lines = [HEAD, *(rows[one] for one in ATTACKS if one in rows)]
    return before + MARK + "\n" + "\n".join(lines) + "\n" + END + after


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
    broken = False
    for name in names or ATTACKS:
        full, few, attack = ATTACKS[name]
        rounds = few if QUICK in arguments else full
        print(f"{name}: {rounds} rounds", flush=True)
        outcome, seconds = run(name, rounds, attack)
        new = row(name, outcome, seconds)
        print("\n".join([new, *(f"  {fault}" for fault in outcome.faults)]), flush=True)
        PAGE.write_text(written(PAGE.read_text("utf-8"), name, new), "utf-8")
        broken = broken or bool(outcome.faults)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
