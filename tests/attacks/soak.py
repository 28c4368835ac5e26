"""A server in ordinary use for a while: its memory, its files and its threads stay as they are.

Some people ask, one of them signs in now and then, articles are added, replaced and removed, and
quotes are checked.
"""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.error import HTTPError

from conftest import version

from attacks.outcome import Outcome
from attacks.serving import Target, seeds, serving
from sourcebook.eval.bench.processes import family
from sourcebook.service.access.file import AccessFile
from sourcebook.service.access.roles import Role

ASKERS = 3
PAUSE_S = 1.0  # of each asker, after an answer
WORK_PAUSE_S = 5.0  # between two changes
SAMPLE_S = 15
WARM_UP = 0.2  # of the time
# How much more the last third may take than the first one after the warm-up.
GROWTH, MORE = 0.1, 5  # of memory; files and threads
ENDLESS = 10**6  # requests that the key may make
QUESTIONS = (
    "How did coca cultivation change in Cauca?",
    "What did the minister say about {} hectares?",
    "Who pays for the {} schools?",
    "How many people fled in {}?",
)


@dataclass(frozen=True, slots=True)
class Use:
    """What a server and its workers take; memory in bytes, what they share counted once."""

    memory: int
    files: int
    threads: int


def attack(rounds: int, folder: Path) -> Outcome:
    """Use a server for `rounds` minutes."""
    library = seeds(folder)
    key = AccessFile(library, audit_days=400).add_key("ana", Role.EDITOR, ENDLESS, ENDLESS)
    # Nobody is refused, so that what is measured does not depend on what else this machine does.
    settings = {"SOURCEBOOK_PROCESSES": "2", "SOURCEBOOK_MAX_WAIT_MS": "30000"}
    with serving(library, None, key, **settings) as target:
        return soaked(target, 60 * rounds, SAMPLE_S)


def soaked(target: Target, seconds: float, sample: float) -> Outcome:
    """Use a running server, and look every `sample` seconds at what it takes."""
    until = time.monotonic() + seconds
    uses: list[Use] = []
    with ThreadPoolExecutor(ASKERS + 1) as pool:
        # At first all ask at once, so that all processes have started when the measuring begins.
        busy = min(30.0, WARM_UP * seconds / 2)
        asked = [pool.submit(_ask, target, number, until, busy) for number in range(ASKERS)]
        asked.append(pool.submit(_work, target, until))
        while time.monotonic() < until:
            time.sleep(min(sample, max(0.0, until - time.monotonic())))
            uses.append(use(target.process.pid))
        told = [one for each in asked for one in each.result()]
    faults = [one for one in told if one]
    last = uses[-1]
    return Outcome(
        attack=f"a server in use for {seconds / 60:.0f} minutes, {len(told):,} requests; "
        f"{last.memory / 2**20:,.0f} MB, {last.files} files, {last.threads} threads at the end",
        promise="no error; memory grows by at most a tenth, files and threads stay",
        tried=len(told),
        faults=(*faults, *growth(uses)),
    )


def use(process: int) -> Use:
    """What a process and its descendants take now."""
    memory = files = threads = 0
    for one in family(process):
        place = Path(f"/proc/{one}")
        try:
            rollup = (place / "smaps_rollup").read_text()
            files += len(list((place / "fd").iterdir()))
            threads += len(list((place / "task").iterdir()))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        memory += 1024 * int(rollup.split("Pss:", 1)[1].split(maxsplit=1)[0])
    return Use(memory, files, threads)


def growth(uses: Sequence[Use]) -> list[str]:
    """What has grown from the first third after the warm-up to the last one."""
    warm = uses[int(WARM_UP * len(uses)) :]
    third = max(1, len(warm) // 3)
    faults = []
    kinds: dict[str, Callable[[Use], int]] = {
        "bytes of memory": lambda one: one.memory,
        "open files": lambda one: one.files,
        "threads": lambda one: one.threads,
    }
    for kind, of in kinds.items():
        first, last = (median(map(of, part)) for part in (warm[:third], warm[-third:]))
        most = first * (1 + GROWTH) if of is kinds["bytes of memory"] else first + MORE
        if last > most:
            faults.append(f"{first:,.0f} {kind} became {last:,.0f}")
    return faults


def _ask(target: Target, number: int, until: float, busy: float) -> list[str]:
    """Ask until then, without a pause in the first `busy` seconds; what was wrong, or empty."""
    chance = random.Random(number)
    told = []
    began = time.monotonic()
    while time.monotonic() < until:
        question = chance.choice(QUESTIONS).format(chance.randint(1, 10**6))
        told.append(_called(target, "POST", "/v1/ask", {"question": question})[1])
        if time.monotonic() - began > busy:
            time.sleep(PAUSE_S)
    return told


def _work(target: Target, until: float) -> list[str]:
    """Add, replace and remove articles, check quotes, and sign in, one after the other."""
    told = []
    step = 0
    while time.monotonic() < until:
        name = f"brief-{step % 7}"
        text = version(name, step).text
        body = {"text": text, "source": name, "title": name}
        added, fault = _called(target, "POST", "/v1/articles", body)
        told.append(fault)
        told.append(_called(target, "POST", "/v1/verify", {"quotes": [text[:60]]})[1])
        if step % 3 == 2 and not fault:
            [one] = added["outcomes"]
            told.append(_called(target, "DELETE", f"/v1/articles/{one['article']['id']}")[1])
        if target.key:
            told.append(_called(target, "POST", "/v1/session", {"key": target.key})[1])
        step += 1
        time.sleep(min(WORK_PAUSE_S, max(0.0, until - time.monotonic())))
    return told


def _called(target: Target, method: str, path: str, body: object = None) -> tuple[Any, str]:
    """What it answers, and what is wrong with that; empty if nothing is."""
    try:
        return target.call(method, path, body), ""
    except HTTPError as error:
        with error:
            return None, f"{method} {path} got {error.code}"
    except OSError as error:
        return None, f"{method} {path} got {error!r}"
