"""The addresses that add folders of the server's machine and try failures again."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from sourcebook.service.adding.folders import Folders, Import, retry
from sourcebook.service.adding.jobs import Jobs
from sourcebook.service.answering import Answering
from sourcebook.service.http import problems
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.notation.requests import FailureQuery, ImportRequest
from sourcebook.service.notation.responses import AddedOut, ImportOut, ImportsOut

Id = Annotated[str, Path(description="An import's id.", examples=["7d1f0c2b9e34"])]


def importing_router(engine: Answering, folders: Folders) -> APIRouter:
    """Imports from `folders` into the library of `engine`."""
    jobs: Jobs[Import] = Jobs("import", "/v1/imports")
    routes = APIRouter(prefix="/v1", tags=["library"], responses=problems.responses(422, 503))
    _imports(routes, engine, folders, jobs)

    @routes.post(
        "/library/failures/retry",
        responses=problems.responses(403, 404, 507),
        summary="Try a failure again",
    )
    def try_again(wanted: Annotated[FailureQuery, Query()]) -> AddedOut:
        """Read a file again that could not be added, if it lies in a folder that is allowed.

        Uploads are tried again by sending them again.
        """
        return retry(engine.library, folders, wanted.source)

    return routes


def _imports(routes: APIRouter, engine: Answering, folders: Folders, jobs: Jobs[Import]) -> None:
    @routes.post(
        "/imports",
        status_code=202,
        dependencies=PLAIN,
        responses=problems.responses(403, 404),
        summary="Add a folder of the server",
    )
    def begin(wanted: ImportRequest, response: Response) -> ImportOut:
        """Queue the files of a folder for addition; `Location` names the import.

        Only folders that the server's settings allow, and none by default; links are not followed.
        """
        files = folders.files(wanted.folder)
        job = jobs.add(
            lambda: Import(
                library=engine.library, folders=folders, folder=wanted.folder, files=files
            )
        )
        response.headers["Location"] = f"/v1/imports/{job.id}"
        return ImportOut.model_validate(job)

    @routes.get("/imports", dependencies=PLAIN, summary="List imports")
    def list_imports() -> ImportsOut:
        """The imports since the server began, the newest first, and the folders it may read."""
        return ImportsOut(
            folders=[str(folder) for folder in folders.allowed],
            imports=[ImportOut.model_validate(job) for job in jobs.all()],
        )

    @routes.get(
        "/imports/{import_id}",
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="Follow an import",
    )
    def follow(import_id: Id) -> ImportOut:
        """How far it is, what was added, and what could not be read."""
        return ImportOut.model_validate(jobs.get(import_id))

    @routes.delete(
        "/imports/{import_id}",
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="Cancel an import",
    )
    def cancel(import_id: Id) -> ImportOut:
        """Stop one that is queued or running, keeping what it added; forget one that is over."""
        return ImportOut.model_validate(jobs.cancel(import_id))
