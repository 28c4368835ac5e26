"""The addresses under `/v1`: questions, articles, passages, quotes and the library itself."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from sourcebook.index.errors import InputError
from sourcebook.service.adding.folders import unknown_failure
from sourcebook.service.answering import Answering
from sourcebook.service.documents import catalogue
from sourcebook.service.documents.suggestions import Examples
from sourcebook.service.http import problems
from sourcebook.service.http.uploads import Uploads
from sourcebook.service.notation.answers import AnswerOut, SearchOut, VerifyOut
from sourcebook.service.notation.requests import (
    ArticlesQuery,
    ArticleText,
    AskQuery,
    AskRequest,
    FailureQuery,
    NewArticle,
    SearchRequest,
    UploadFields,
    VerifyRequest,
)
from sourcebook.service.notation.responses import (
    AddedOut,
    ArticleFull,
    ArticlesPage,
    CoverageOut,
    ExamplesOut,
    LibraryOut,
    PassageFull,
    PassagesOut,
    RemovedOut,
    Returned,
)

ID = "An id, as lists and citations name it."
Id = Annotated[str, Path(description=ID, examples=["ba0913253f6cc065"])]
PassageId = Annotated[str, Path(description=ID, examples=["c4a0f1f5e1a4b7d2"])]


async def no_parameters(request: Request) -> None:
    """Refuse query parameters where none are read: one that is ignored misleads its sender."""
    if request.query_params:
        name = next(iter(request.query_params))
        raise InputError(
            f"The query parameter {name!r} is not known at {request.url.path}; expected none.",
            cure="Leave it out; /docs lists what each address takes.",
        )


PLAIN = [Depends(no_parameters)]


def router(engine: Answering, uploads: Uploads) -> APIRouter:
    """All addresses under `/v1`, answered by `engine`."""
    routes = APIRouter(prefix="/v1", responses=problems.responses(422, 503))
    _questions(routes, engine)
    _reading(routes, engine)
    _writing(routes, engine, uploads)
    _library(routes, engine)
    return routes


def _questions(routes: APIRouter, engine: Answering) -> None:
    @routes.post(
        "/ask",
        tags=["questions"],
        dependencies=PLAIN,
        response_model=AnswerOut,
        summary="Ask a question",
    )
    def ask(wanted: AskRequest) -> Response:
        """Answer with verbatim, cited sentences, or say honestly that the library does not hold it.

        `status` is `answered`, `partial` or `not_in_library`; the latter comes with the nearest
        misses, and is no error. Every citation satisfies `article.text[start:end] == exact`.
        """
        answer = engine.ask(wanted.question, wanted.filter(), write=wanted.write)
        return _json(AnswerOut.model_validate(answer))

    @routes.get(
        "/ask",
        tags=["questions"],
        response_model=AnswerOut,
        summary="Ask a question by its address",
    )
    def ask_by_address(wanted: Annotated[AskQuery, Query()]) -> Response:
        """As `POST /v1/ask`; lists are repeated parameters: `?q=...&publishers=A&publishers=B`."""
        answer = engine.ask(wanted.q, wanted.filter(), write=wanted.write)
        return _json(AnswerOut.model_validate(answer))

    @routes.post(
        "/search",
        tags=["questions"],
        dependencies=PLAIN,
        response_model=SearchOut,
        summary="Search for passages",
    )
    def search(wanted: SearchRequest) -> Response:
        """The best passages, each with a citation of its best sentences; no judgement on them."""
        found = engine.find(wanted.question, wanted.filter(), wanted.limit)
        return _json(SearchOut.model_validate(found))

    @routes.post("/verify", tags=["questions"], dependencies=PLAIN, summary="Check quotations")
    def check(wanted: VerifyRequest) -> VerifyOut:
        """Look quotes up word for word: a quote, several, or every quotation of a draft."""
        return catalogue.verified(engine.library, wanted)


def _json(found: Returned) -> Response:
    """What was found, as it is: FastAPI would validate it once more, in yet another thread."""
    return Response(found.model_dump_json(), media_type="application/json")


def _reading(routes: APIRouter, engine: Answering) -> None:
    library = engine.library

    @routes.get("/articles", tags=["articles"], summary="List articles")
    def list_articles(wanted: Annotated[ArticlesQuery, Query()]) -> ArticlesPage:
        """One page of the articles that the filter lets through, without their texts."""
        return catalogue.page(library, wanted)

    @routes.get(
        "/articles/{article_id}",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="Read an article",
    )
    def read_article(article_id: Id) -> ArticleFull:
        """The canonical text that offsets refer to, its blocks, and what cleaning took out."""
        return catalogue.article(library, article_id)

    @routes.get(
        "/articles/{article_id}/passages",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="List an article's passages",
    )
    def list_passages(article_id: Id) -> PassagesOut:
        """The passages of an article, in reading order."""
        return catalogue.passages(library, article_id)

    @routes.get(
        "/passages/{passage_id}",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(404),
        summary="Read a passage",
    )
    def read_passage(passage_id: PassageId) -> PassageFull:
        """A passage with its article; the id of a passage never names other words."""
        return catalogue.passage(library, passage_id)


def _writing(routes: APIRouter, engine: Answering, uploads: Uploads) -> None:
    @routes.post(
        "/articles",
        tags=["articles"],
        dependencies=PLAIN,
        status_code=201,
        responses={
            200: {"model": AddedOut, "description": "Nothing was added: replaced or unchanged."},
            **problems.responses(400, 413, 415, 507),
        },
        openapi_extra=_new_articles(),
        summary="Add an article or upload files",
    )
    async def add_articles(request: Request, response: Response) -> AddedOut:
        """Add a text as JSON, or files (.txt, .md, .html, .jsonl) as multipart form data.

        The same source again replaces its article, or is left alone when nothing has changed.
        When this returns, the articles can be found. A file that cannot be read stops no other:
        it is named under `failures`; when none can be read, the answer is a problem.
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
    async def replace_article(article_id: Id, request: Request) -> AddedOut:
        """Replace text and metadata of an article as a whole; its source and id stay."""
        return await uploads.replace(article_id, request)

    @routes.delete(
        "/articles/{article_id}",
        tags=["articles"],
        dependencies=PLAIN,
        responses=problems.responses(404, 507),
        summary="Remove an article",
    )
    async def remove_article(article_id: Id) -> RemovedOut:
        """When this returns, nothing finds or cites the article any more."""
        return await uploads.writing(lambda: catalogue.remove(engine.library, [article_id]))


def _library(routes: APIRouter, engine: Answering) -> None:
    examples = Examples(engine)

    @routes.get("/library", tags=["library"], dependencies=PLAIN, summary="Describe the library")
    def describe() -> LibraryOut:
        """What the library holds, how large it is, and which sources could not be added."""
        return catalogue.describe(engine.library)

    @routes.get(
        "/library/examples",
        tags=["library"],
        dependencies=PLAIN,
        summary="Questions to begin with",
    )
    def offer_examples() -> ExamplesOut:
        """Titles and headings of the newest articles that the library answers when asked."""
        return ExamplesOut(examples=examples.offer())

    @routes.get(
        "/library/coverage", tags=["library"], dependencies=PLAIN, summary="See what is covered"
    )
    def cover() -> CoverageOut:
        """How many articles there are by month and publisher; undated ones come first."""
        return catalogue.coverage(engine.library)

    @routes.delete(
        "/library/failures",
        tags=["library"],
        status_code=204,
        responses=problems.responses(404, 507),
        summary="Forget a failure",
    )
    def forget(wanted: Annotated[FailureQuery, Query()]) -> None:
        """Give up on a source that could not be added."""
        if not engine.library.forget_failures([wanted.source]):
            raise unknown_failure(wanted.source)


def _new_articles() -> dict[str, Any]:
    """The body of an addition in OpenAPI: a text as JSON, or files with fields beside them."""
    files = {
        "type": "array",
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
        "description": "One or more files; the suffix of its name says how to read each.",
    }
    form = UploadFields.model_json_schema()
    form |= {"properties": {"file": files, **form["properties"]}, "required": ["file"]}
    return _body({"application/json": NewArticle.model_json_schema(), "multipart/form-data": form})


def _body(schemas: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A request's body in OpenAPI, for addresses that read it themselves."""
    content = {name: {"schema": schema} for name, schema in schemas.items()}
    return {"requestBody": {"required": True, "content": content}}
