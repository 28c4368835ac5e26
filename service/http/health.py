"""Whether the server can answer: a list of small checks, each with a state and a reason."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Event

from fastapi import APIRouter, Request, Response

from sourcebook.index.errors import SourcebookError
from sourcebook.index.storage.room import FREE_BYTES
from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.http import problems
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.http.rules import reads
from sourcebook.service.notation.responses import CheckedOut, Health, ProblemError, UpgradeOut

# Warned of from here on; below `FREE_BYTES` nothing is added any more.
LOW_BYTES = 10 * FREE_BYTES


class State(StrEnum):
    """How a check went; with `failed` the server is not ready."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """A check with its result and, where something is to be said of it, the reason."""

    name: str
    state: State = State.OK
    reason: str = ""


def indexes(answering: Answering) -> Check:
    """Whether both indexes are as new as the database; a question waits until they are."""
    with answering.library.view() as view:
        behind = view.behind()
    return Check("indexes", State.WARNING if behind else State.OK, "; ".join(behind))


def model(answering: Answering) -> Check:
    """Whether the encoder of the library is loaded."""
    engine = answering.engine
    with engine.library.view() as view:
        needed = view.meta("encoder")
    if engine.library.encoder.fingerprint != needed:
        return Check("model", State.FAILED, "The encoder of the library is not at hand.")
    return Check("model", reason=f"{engine.library.encoder.name} is loaded.")


def disk(answering: Answering) -> Check:
    """Whether there is room to add articles; without any, questions are still answered."""
    return room(shutil.disk_usage(answering.library.folder).free)


def room(free: int) -> Check:
    """Whether a disk with `free` bytes has room to add articles."""
    if free >= LOW_BYTES:
        return Check("disk")
    return Check(
        "disk",
        State.WARNING,
        f"The disk has {free:,} bytes left; nothing is added with less than {FREE_BYTES:,}.",
    )


def upgrade(answering: Answering) -> Check:
    """How far an upgrade to another encoder is; the library can be used meanwhile."""
    with answering.library.view() as view:
        found = view.upgrade()
    if not found:
        return Check("upgrade")
    done = f"{found.done:,} of {found.total:,} passages"
    return Check("upgrade", reason=f"{done} are encoded by {found.encoder}.")


CHECKS: Sequence[Callable[[Answering], Check]] = (indexes, model, disk, upgrade)


def checked(answering: Answering, draining: Event) -> list[Check]:
    """The results of all checks; where the library cannot be read, only why."""
    stopping = Check("stopping")
    if draining.is_set():
        stopping = Check("stopping", State.FAILED, "The server is stopping.")
    try:
        with answering.library.view() as view:
            readable = Check("library", reason=f"Articles: {view.counts()['articles']:,}.")
    except (SourcebookError, OSError) as error:
        return [stopping, Check("library", State.FAILED, str(error))]
    return [stopping, readable, *(_result(check, answering) for check in CHECKS)]


def _result(check: Callable[[Answering], Check], answering: Answering) -> Check:
    try:
        return check(answering)
    except (SourcebookError, OSError) as error:
        return Check(check.__name__, State.FAILED, str(error))


def health_router(answering: Answering, draining: Event) -> APIRouter:
    """The addresses `/livez` and `/readyz`; the server is not ready once `draining` is set."""
    routes = APIRouter(tags=["health"], dependencies=PLAIN)

    @routes.get("/livez", summary="Is the server up?", response_model_exclude_none=True)
    @reads(Role.ANYONE)
    async def livez() -> Health:
        """Return `alive` if the server is up."""
        return Health(status="alive")

    @routes.get(
        "/readyz",
        response_model=Health,
        responses=problems.responses(503),
        response_model_exclude_none=True,
        summary="Can the server answer questions?",
    )
    @reads(Role.ANYONE)
    def readyz(request: Request) -> Health | Response:
        """Return `ready` with the result of every check, or a problem that names what failed.

        A `warning` does not keep the server from answering. With an upgrade of the library, it
        says how far that is.
        """
        found = checked(answering, draining)
        failed = [one for one in found if one.state is State.FAILED]
        if failed:
            errors = [ProblemError(location=one.name, message=one.reason) for one in failed]
            return problems.not_ready(request, errors)
        with answering.library.view() as view:
            going = view.upgrade()
            return Health(
                status="ready",
                generation=view.generation,
                upgrade=UpgradeOut.model_validate(going) if going else None,
                checks=[CheckedOut.model_validate(one) for one in found],
            )

    return routes
