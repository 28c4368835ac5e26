"""Endpoints under `/v1`: questions, articles, passages, quotes and the library itself."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from sourcebook.index.errors import InputError
from sourcebook.service.access.roles import Role
from sourcebook.service.adding.folders import unknown_failure
from sourcebook.service.answering import Answering
from sourcebook.service.documents import catalogue
from sourcebook.service.documents.suggestions import Examples
from sourcebook.service.http import problems
from sourcebook.service.http.rules import Lane, reads, writes
from sourcebook.service.http.uploads import Uploads
from sourcebook.service.notation.answers import AnswerOut, SearchOut, VerifyOut, answer_out
from sourcebook.service.notation.article_requests import (
    ArticlesQuery,
    ArticleText,
    FailureQuery,
    NewArticle,
    RemovalQuery,
    UploadFields,
)
from sourcebook.service.notation.articles import ArticleFull, ArticlesPage, PassageFull, PassagesOut
from sourcebook.service.notation.asking_requests import (
    AskQuery,
    AskRequest,
    SearchRequest,
    VerifyRequest,
)
from sourcebook.service.notation.library import (
    AddedOut,
    CoverageOut,
    ExamplesOut,
    LibraryOut,
    RemovedOut,
)
from sourcebook.service.notation.responses import Returned

ID = "An id from a list or a citation."
Id = Annotated[str, Path(description=ID, examples=["ba0913253f6cc065"])]
PassageId = Annotated[str, Path(description=ID, examples=["c4a0f1f5e1a4b7d2"])]


async def no_parameters(request: Request) -> None:
    """Reject query parameters on endpoints that take none, because ignoring them misleads users."""
    if request.query_params:
        name = next(iter(request.query_params))
        raise InputError(
            f"The query parameter {name!r} is unknown at {request.url.path}; expected none.",
            cure="Leave it out; /docs lists the parameters of each address.",
        )


PLAIN = [Depends(no_parameters)]


def router(answering: Answering, uploads: Uploads) -> APIRouter:
    """All endpoints under `/v1`, answered by `answering`."""
    routes = APIRouter(prefix="/v1", responses=problems.responses(422, 503))
    _questions(routes, answering)
    _reading(routes, answering)
    _writing(routes, answering, uploads)
    _library(routes, answering)
    return routes


def _questions(routes: APIRouter, answering: Answering) -> None:
    @routes.post(
        "/ask",
        tags=["questions"],
        dependencies=PLAIN,
        response_model=AnswerOut,
        summary="Ask a question",
    )
    @reads(Role.ASKER)
    def ask(wanted: AskRequest) -> Response:
        """Answer with verbatim, cited sentences, or say that the answer is not in the library.

        `status` is `answered`, `related` or `not_in_library`. The last two are no errors, and come
        with the closest passages. Every citation satisfies `article.text[start:end] == exact`.
        With `explain`, `explanation` says how the answer came about.
        """
        ask = answering.explain if wanted.explain else answering.ask
        return _json(answer_out(ask(wanted.question, wanted.filter(), write=wanted.write)))

    @routes.get(
        "/ask",
        tags=["questions"],
        response_model=AnswerOut,
        summary="Ask a question with GET",
    )
    @reads(Role.ASKER)
    def ask_by_address(wanted: Annotated[AskQuery, Query()]) -> Response:
        """As `POST /v1/ask`, with lists as repeated parameters: `publishers=A&publishers=B`."""
        ask = answering.explain if wanted.explain else answering.ask
        return _json(answer_out(ask(wanted.q, wanted.filter(), write=wanted.write)))

    @routes.post(
        "/search",
        tags=["questions"],
        dependencies=PLAIN,
        response_model=SearchOut,
        summary="Search for passages",
    )
    @reads(Role.ASKER)
    def search(wanted: SearchRequest) -> Response:
        """Return the best passages, each with a citation of its best sentences."""
        found = answering.find(wanted.question, wanted.filter(), wanted.limit)
        return _json(SearchOut.model_validate(found))

    @routes.post("/verify", tags=["questions"], dependencies=PLAIN, summary="Check quotations")
    @reads(Role.ASKER, Lane.LONG)
    def check(wanted: VerifyRequest) -> VerifyOut:
        """Check whether quotes are exact: one quote, several, or every quotation in a draft."""
        return catalogue.verified(answering.library, wanted)


def _json(found: Returned) -> Response:
    """Return it unchanged; FastAPI would validate it again, in another thread."""
    return Response(found.model_dump_json(), media_type="application/json")


def _reading(routes: APIRouter, answering: Answering) -> None:
    library = answering.library

    @routes.get("/articles", tags=["articles"], summary="List articles")
    @reads(Role.ASKER)
    def list_articles(wanted: Annotated[ArticlesQuery, Query()]) -> ArticlesPage:
        """Return one page of the articles that match the filter, without their texts."""
        return catalogue.page(library, wanted)

    @routes.get(
        "/articles/{article_id}",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="Read an article",
    )
    @reads(Role.ASKER)
    def read_article(article_id: Id) -> ArticleFull:
        """Return the canonical text that offsets refer to, its blocks, and what was removed."""
        return catalogue.article(library, article_id)

    @routes.get(
        "/articles/{article_id}/passages",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="List an article's passages",
    )
    @reads(Role.ASKER)
    def list_passages(article_id: Id) -> PassagesOut:
        """Return the passages of an article, in reading order."""
        return catalogue.passages(library, article_id)

    @routes.get(
        "/passages/{passage_id}",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="Read a passage",
    )
    @reads(Role.ASKER)
    def read_passage(passage_id: PassageId) -> PassageFull:
        """Return a passage with its article; a passage id always names the same words."""
        return catalogue.passage(library, passage_id)


def _writing(routes: APIRouter, answering: Answering, uploads: Uploads) -> None:
    @routes.post(
        "/articles",
        tags=["articles"],
        dependencies=PLAIN,
        status_code=201,
        responses={
            200: {"model": AddedOut, "description": "Nothing new: replaced or unchanged."},
            **problems.responses(400, 413, 415, 507),
        },
        openapi_extra=_new_articles(),
        summary="Add an article or upload files",
    )
    @writes(Role.EDITOR, Lane.UPLOAD)
    async def add_articles(request: Request, response: Response) -> AddedOut:
        """Add a text as JSON, or files (.txt, .md, .html, .jsonl) as multipart form data.

        Adding a source again replaces its article, or changes nothing if the article is the same.
        When this returns, the articles can be found. Files that cannot be read are listed under
        `failures`; the others are added. If none can be read, the response is a problem.
        """
        added = await uploads.add(request)
        actions = {outcome.action for outcome in added.outcomes}
        response.status_code = 201 if "added" in actions else 200
        if len(added.outcomes) == 1:
            response.headers["Location"] = f"/v1/articles/{added.outcomes[0].article.id}"
        return added

    @routes.put(
        "/articles/{article_id}",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(400, 404, 413, 415, 507),
        openapi_extra=_body({"application/json": ArticleText.model_json_schema()}),
        summary="Replace an article",
    )
    @writes(Role.EDITOR, Lane.UPLOAD)
    async def replace_article(article_id: Id, request: Request) -> AddedOut:
        """Replace the text and all metadata of an article; its source and id stay the same.

        Fields that were corrected with PATCH stay corrected.
        """
        return await uploads.replace(article_id, request)

    @routes.delete(
        "/articles/{article_id}",
        tags=["articles"],
        responses=problems.responses(404, 507),
        summary="Remove an article",
    )
    @writes(Role.EDITOR)
    async def remove_article(
        article_id: Id, wanted: Annotated[RemovalQuery, Query()]
    ) -> RemovedOut:
        """Move an article to the trash; once this returns, it is not found or cited any more.

        `POST /v1/trash/{article_id}/restore` brings it back within 30 days. With `purge` it is
        deleted for good, and its words from judgements as well.
        """
        return await uploads.writing(
            lambda: catalogue.remove(answering.library, [article_id], purge=wanted.purge)
        )


def _library(routes: APIRouter, answering: Answering) -> None:
    examples = Examples(answering)

    @routes.get("/library", tags=["library"], dependencies=PLAIN, summary="Describe the library")
    @reads(Role.ASKER)
    def describe() -> LibraryOut:
        """Return the library's contents, its size, and the sources that could not be added."""
        return catalogue.describe(answering.library)

    @routes.get(
        "/library/examples",
        tags=["library"],
        dependencies=PLAIN,
        summary="List example questions",
    )
    @reads(Role.ASKER)
    def offer_examples() -> ExamplesOut:
        """Return titles and headings of the newest articles that work as questions."""
        return ExamplesOut(examples=examples.offer())

    @routes.get(
        "/library/coverage", tags=["library"], dependencies=PLAIN, summary="Count articles by month"
    )
    @reads(Role.ASKER)
    def cover() -> CoverageOut:
        """Count articles by month and publisher; articles without a date come first."""
        return catalogue.coverage(answering.library)

    @routes.delete(
        "/library/failures",
        tags=["library"],
        status_code=204,
        responses=problems.responses(404, 507),
        summary="Dismiss a failure",
    )
    @writes(Role.EDITOR, naming="source")
    def forget(wanted: Annotated[FailureQuery, Query()]) -> None:
        """Remove a source that could not be added from the list of failures."""
        if not answering.library.forget_failures([wanted.source]):
            raise unknown_failure(wanted.source)


def _new_articles() -> dict[str, Any]:
    """The OpenAPI body for adding articles: a text as JSON, or files with form fields."""
    files = {
        "type": "array",
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
        "description": "One or more files; the suffix of the name determines the format.",
    }
    form = UploadFields.model_json_schema()
    form |= {"properties": {"file": files, **form["properties"]}, "required": ["file"]}
    return _body({"application/json": NewArticle.model_json_schema(), "multipart/form-data": form})


def _body(schemas: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The OpenAPI description of a body that the endpoint parses itself."""
    content = {name: {"schema": schema} for name, schema in schemas.items()}
    return {"requestBody": {"required": True, "content": content}}
