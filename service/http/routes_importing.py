"""Endpoints that add folders on the server, and retry failed sources."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from sourcebook.service.access.roles import Role
from sourcebook.service.adding.folders import Folders, Import, retry
from sourcebook.service.adding.jobs import Jobs
from sourcebook.service.answering import Answering
from sourcebook.service.http import problems
from sourcebook.service.http.metrics import JobsRouter
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.http.rules import reads, writes
from sourcebook.service.notation.article_requests import FailureQuery, ImportRequest
from sourcebook.service.notation.library import AddedOut, ImportOut, ImportsOut

Id = Annotated[str, Path(description="An import's id.", examples=["7d1f0c2b9e34"])]


def importing_router(answering: Answering, folders: Folders) -> JobsRouter:
    """The endpoints; imports read from `folders` and add to the library of `answering`."""
    jobs: Jobs[Import] = Jobs("import", "/v1/imports")
    routes = JobsRouter(
        jobs, prefix="/v1", tags=["library"], responses=problems.responses(422, 503)
    )
    _imports(routes, answering, folders, jobs)

    @routes.post(
        "/library/failures/retry",
        responses=problems.responses(403, 404, 507),
        summary="Retry a failure",
    )
    @writes(Role.EDITOR, naming="source")
    def try_again(wanted: Annotated[FailureQuery, Query()]) -> AddedOut:
        """Try again to add a file that could not be added, if its folder is allowed.

        To retry an upload, send it again.
        """
        return retry(answering.library, folders, wanted.source)

    return routes


def _imports(routes: APIRouter, answering: Answering, folders: Folders, jobs: Jobs[Import]) -> None:
    @routes.post(
        "/imports",
        status_code=202,
        dependencies=PLAIN,
        responses=problems.responses(403, 404),
        summary="Add a folder on the server",
    )
    @writes(Role.EDITOR)
    def begin(wanted: ImportRequest, response: Response) -> ImportOut:
        """Queue the files of a folder to be added; the header `Location` points to the import.

        The server's settings say which folders are allowed (by default none). Links are not
        followed.
        """
        files = folders.files(wanted.folder)
        job = jobs.add(
            lambda: Import(
                library=answering.library, folders=folders, folder=wanted.folder, files=files
            )
        )
        response.headers["Location"] = f"/v1/imports/{job.id}"
        return ImportOut.model_validate(job)

    @routes.get("/imports", dependencies=PLAIN, summary="List imports")
    @reads(Role.EDITOR)
    def list_imports() -> ImportsOut:
        """Return the imports since the server started, newest first, and the allowed folders."""
        return ImportsOut(
            folders=[str(folder) for folder in folders.allowed],
            imports=[ImportOut.model_validate(job) for job in jobs.all()],
        )

    @routes.get(
        "/imports/{import_id}",
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="Get the progress of an import",
    )
    @reads(Role.EDITOR)
    def follow(import_id: Id) -> ImportOut:
        """Return the progress of an import, what it added, and what it could not read."""
        return ImportOut.model_validate(jobs.get(import_id))

    @routes.delete(
        "/imports/{import_id}",
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="Cancel an import",
    )
    @writes(Role.EDITOR)
    def cancel(import_id: Id) -> ImportOut:
        """Stop a queued or running import, keeping what it added; delete a finished one."""
        return ImportOut.model_validate(jobs.cancel(import_id))
