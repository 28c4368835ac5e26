"""Whether the server can answer: a list of small checks, each with a state and a reason."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Event

from fastapi import APIRouter, Request, Response

from sourcebook.index.errors import SourcebookError
from sourcebook.index.library import Library
from sourcebook.index.storage.records import UpgradeProgress
from sourcebook.index.storage.room import FREE_BYTES
from sourcebook.index.storage.view import View
from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.following import Following
from sourcebook.service.http import problems
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.http.rules import Lane, reads
from sourcebook.service.notation.library import UpgradeOut
from sourcebook.service.notation.operators import CheckedOut, Health
from sourcebook.service.notation.responses import ProblemError

# Warned of from here on; below `FREE_BYTES` nothing is added any more.
LOW_BYTES = 10 * FREE_BYTES
# Right after an upgrade; questions wait for it.
OPENING = "The new encoder is being opened."


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the library holds at one moment; `sizes` are bytes on disk."""

    generation: int
    counts: Mapping[str, int]
    sizes: Mapping[str, int]
    upgrade: UpgradeProgress | None


class Checks:
    """The checks of one application; none of them waits for the next encoder to be opened."""

    def __init__(self, answering: Answering, draining: Event) -> None:
        """Check what `answering` answers from; not ready once `draining` is set."""
        self._answering = answering
        self._draining = draining
        self._following = Following(answering.library)

    def look(self) -> tuple[list[Check], Facts | None]:
        """The results of all checks, all of one moment; where the library cannot be read, why."""
        stopping = Check("stopping")
        if self._draining.is_set():
            stopping = Check("stopping", State.FAILED, "The server is stopping.")
        library = self._answering.library
        try:
            with library.store.view() as view:
                facts = Facts(
                    generation=view.generation,
                    counts=view.counts(),
                    sizes=library.sizes(view),
                    upgrade=view.upgrade(),
                )
                # The model first: looking for it opens what the indexes are part of.
                found = [
                    Check("library", reason=f"Articles: {facts.counts['articles']:,}."),
                    _result("model", lambda: model(view, library, self._following)),
                    _result("indexes", lambda: indexes(view, library)),
                    _result("disk", lambda: room(shutil.disk_usage(library.folder).free)),
                    upgrade(facts.upgrade),
                ]
        except (SourcebookError, OSError) as error:
            return [stopping, Check("library", State.FAILED, str(error))], None
        return [stopping, *found], facts


def _result(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except (SourcebookError, OSError) as error:
        return Check(name, State.FAILED, str(error))


def model(view: View, library: Library, following: Following) -> Check:
    """Whether the encoder of the library is loaded; after an upgrade it is, soon."""
    if not following.is_open_for(view):
        return Check("model", State.WARNING, OPENING)
    return Check("model", reason=f"{library.encoder.name} is loaded.")


def indexes(view: View, library: Library) -> Check:
    """Whether both indexes are as new as the database; a question waits until they are."""
    if not library.is_open_for(view):
        return Check("indexes", State.WARNING, OPENING)
    behind = library.indexes.behind(view)
    return Check("indexes", State.WARNING if behind else State.OK, "; ".join(behind))


def room(free: int) -> Check:
    """Whether a disk with `free` bytes has room to add articles; without, questions still work."""
    if free >= LOW_BYTES:
        return Check("disk")
    return Check(
        "disk",
        State.WARNING,
        f"The disk has {free:,} bytes left; nothing is added with less than {FREE_BYTES:,}.",
    )


def upgrade(found: UpgradeProgress | None) -> Check:
    """How far an upgrade to another encoder is; the library can be used meanwhile."""
    if not found:
        return Check("upgrade")
    done = f"{found.done:,} of {found.total:,} passages"
    return Check("upgrade", reason=f"{done} are encoded by {found.encoder}.")


def health_router(checks: Checks) -> APIRouter:
    """The addresses `/livez` and `/readyz`."""
    routes = APIRouter(tags=["health"], dependencies=PLAIN)

    @routes.get("/livez", summary="Is the server up?", response_model_exclude_none=True)
    @reads(Role.ANYONE, Lane.NONE)
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
    @reads(Role.ANYONE, Lane.NONE)
    def readyz(request: Request) -> Health | Response:
        """Return `ready` with the result of every check, or a problem that names what failed.

        A `warning` does not keep the server from answering. With an upgrade of the library, it
        says how far that is.
        """
        found, facts = checks.look()
        failed = [one for one in found if one.state is State.FAILED]
        if failed or facts is None:
            errors = [ProblemError(location=one.name, message=one.reason) for one in failed]
            return problems.not_ready(request, errors)
        return Health(
            status="ready",
            generation=facts.generation,
            upgrade=UpgradeOut.model_validate(facts.upgrade) if facts.upgrade else None,
            checks=[CheckedOut.model_validate(one) for one in found],
        )

    return routes
