"""More questions at once than can be answered: some are refused at once, the others answered."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from attacks.outcome import Outcome
from attacks.serving import Target, seeds, serving
from sourcebook.service.notation.requests import QUESTION

ASKERS = 64
GROWTH_BYTES = 600 * 2**20  # how much memory the server's own process may take more
# The slowest of a hundred answers takes at most so long, or so many times as long as one alone:
# askers and server share the processors of this machine.
ACCEPTED_S, ACCEPTED_TIMES = 1.0, 20


@dataclass(frozen=True, slots=True)
class Told:
    """What an asker got: the status, the header Retry-After, and the seconds until then."""

    status: int
    retry_after: str
    seconds: float


def attack(rounds: int, folder: Path) -> Outcome:
    """Ask at once for `rounds` seconds."""
    with serving(seeds(folder)) as target:
        return flooded(target, rounds, ASKERS)


def flooded(target: Target, seconds: int, askers: int) -> Outcome:
    """Flood a running server with questions, and look at what each asker is told."""
    alone = target.warm_up()
    before = target.forget_memory()
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(askers) as pool:
        asked = [pool.submit(_ask, target.address, until) for _ in range(askers)]
        told = [one for each in asked for one in each.result()]
    faults = [*_faults(told, max(ACCEPTED_S, ACCEPTED_TIMES * alone)), target.answers()]
    grown = target.memory() - before
    if grown > GROWTH_BYTES:
        faults.append(f"the server's memory grew by {grown / 2**20:,.0f} MB")
    return Outcome(
        attack=f"questions from {askers} askers at once",
        promise="answers in time or 503 with Retry-After, in bounded memory",
        tried=len(told),
        faults=tuple(filter(None, faults)),
    )


def _ask(address: str, until: float) -> list[Told]:
    """Ask again and again over one connection, as somebody who waits after a refusal."""
    body = json.dumps({"question": QUESTION})
    told: list[Told] = []
    connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
    while time.monotonic() < until:
        began = time.perf_counter()
        try:
            connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
        except (OSError, HTTPException):
            connection.close()
            told.append(Told(0, "", time.perf_counter() - began))
            continue
        again = response.headers.get("Retry-After", "")
        told.append(Told(response.status, again, time.perf_counter() - began))
        if response.status != 200:
            threading.Event().wait(0.1)
    connection.close()
    return told


def _faults(told: list[Told], longest: float) -> list[str]:
    faults = [
        f"status {one.status} with Retry-After {one.retry_after!r} after {one.seconds:.1f} s"
        for one in told
        if one.status != 200 and not (one.status == 503 and one.retry_after.isdigit())
    ]
    taken = sorted(one.seconds for one in told if one.status == 200)
    if not taken:
        return [*faults, "nobody was answered"]
    slow = taken[int(0.99 * len(taken))]
    return [*faults, f"p99 of answers is {slow:.1f} s"] if slow > longest else faults
