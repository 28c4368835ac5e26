"""Runs schemathesis, which makes requests from the description of all addresses, if it is there.

It is not among the packages for developing: install it in an environment of its own, and name its
command in the variable SCHEMATHESIS, or have it on the PATH.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from attacks.outcome import Outcome
from attacks.serving import seeds, serving

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
OPTIONS = (
    *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--seed", "7"),
    *("--continue-on-failure", "--suppress-health-check", "all", "--generation-database", "none"),
    *("--request-timeout", "60", "--report", "json"),
)
GRACE_S = 120  # in which it ends after its time


def attack(rounds: int, folder: Path) -> Outcome:
    """Make requests for `rounds` seconds; the examples come first."""
    what = "requests that schemathesis makes from the description of all addresses"
    promise = "no error of the server; each answer is as described"
    command = os.environ.get("SCHEMATHESIS") or shutil.which("schemathesis")
    if not command:
        return Outcome(
            attack=what,
            promise=promise,
            tried=0,
            not_run="not run: schemathesis is not installed",
        )
    report, said = folder / "report.json", folder / "said.txt"
    with serving(seeds(folder), SOURCEBOOK_MAX_WAIT_MS="60000") as target, said.open("w") as out:
        document = f"{target.address}/openapi.json"
        bounds = ("--max-time", str(rounds), "--report-json-path", str(report))
        subprocess.run(
            [command, "--no-color", "run", document, *OPTIONS, *bounds],
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=rounds + GRACE_S,
            check=False,
        )
        fault = target.answers()
    found = json.loads(report.read_text("utf-8"))
    faults = [f"{one['title']}: {', '.join(one['operations'])}" for one in found["failures"]]
    faults += [str(one) for one in found["errors"]]
    if faults:
        print(said.read_text("utf-8"))  # with each request, and what it was answered with
    return Outcome(
        attack=what,
        promise=promise,
        tried=found["test_cases"]["generated"],
        faults=tuple(filter(None, [*faults, fault])),
    )
