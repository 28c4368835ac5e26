"""The doors for tools that speak another API: OpenAI's chat and vector stores, Cohere's rerank."""

import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import ConfigDict, Field

from sourcebook.service.answering import Answering
from sourcebook.service.doors import vector_store
from sourcebook.service.doors.chat import ChatCompletion, ChatRequest, completion, events
from sourcebook.service.doors.dialects import (
    MODEL,
    WRITER_MODEL,
    Compatible,
    check_model,
    cohere_error,
    openai_error,
)
from sourcebook.service.doors.rerank import MAX_PIECES, Reranker
from sourcebook.service.doors.vector_store import StoreList, StoreOut, StorePage, StoreQuery
from sourcebook.service.http import problems
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.notation.requests import QUESTION, QUOTE, Text
from sourcebook.service.notation.responses import Problem, Returned

MAX_DOCUMENTS = 1_000

ModelName = Annotated[
    str, Path(description=f"`{MODEL}`, or `{WRITER_MODEL}` where one is set.", examples=[MODEL])
]
StoreId = Annotated[
    str, Path(description=f"`{vector_store.STORE}`.", examples=[vector_store.STORE])
]

# What each door's clients read of a problem, by how its addresses begin.
DIALECTS: Mapping[str, Callable[[Problem], Mapping[str, Any]]] = {
    "/v1/chat/": openai_error,
    "/v1/models": openai_error,
    "/v1/vector_stores": openai_error,
    "/v2/rerank": cohere_error,
}


class Model(Returned):
    """A model by name."""

    id: str
    object: str = "model"
    created: int = Field(default=0, description="Always 0: there is nothing to date.")
    owned_by: str = MODEL


class Models(Returned):
    """The models that chat completions can be asked of."""

    object: str = "list"
    data: list[Model]


class RerankRequest(Compatible):
    """Texts to put in order of their relevance to a query."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": MODEL, "query": QUESTION, "documents": ["Coca grows.", QUOTE]}]
        }
    )

    model: Text = Field(description=f"`{MODEL}`.")
    query: Text
    documents: list[Text] = Field(min_length=1, max_length=MAX_DOCUMENTS)
    top_n: int | None = Field(None, ge=1, description="How many to return; all when not given.")
    max_tokens_per_doc: int | None = Field(
        None, ge=1, description=f"How many word pieces of each are read; {MAX_PIECES:,} at most."
    )


class RerankResult(Returned):
    """A document by its place in the request."""

    index: int
    relevance_score: float = Field(
        description="In [0, 1]; it orders the documents, and is no probability."
    )


class ApiVersion(Returned):
    """Which version of the API this is."""

    version: str = "2"


class RerankMeta(Returned):
    """About the answer."""

    api_version: ApiVersion = ApiVersion()
    warnings: list[str] | None = None


class RerankOut(Returned):
    """Documents, the most relevant first."""

    id: str
    results: list[RerankResult]
    meta: RerankMeta


def router(engine: Answering) -> APIRouter:
    """The addresses that clients of other APIs know, answered by `engine`."""
    routes = APIRouter(
        tags=["compatible"], dependencies=PLAIN, responses=problems.responses(404, 422, 503)
    )
    _chat(routes, engine)
    _vector_stores(routes, engine)
    _rerank(routes, engine)
    return routes


def _chat(routes: APIRouter, engine: Answering) -> None:
    def models() -> list[str]:
        return [MODEL, WRITER_MODEL] if engine.writer else [MODEL]

    @routes.get("/v1/models", summary="List models (OpenAI)")
    def list_models() -> Models:
        """What chat completions can be asked of."""
        return Models(data=[Model(id=name) for name in models()])

    @routes.get("/v1/models/{model}", summary="Name a model (OpenAI)")
    def read_model(model: ModelName) -> Model:
        """One of the models."""
        check_model(model, *models())
        return Model(id=model)

    @routes.post(
        "/v1/chat/completions",
        response_model=ChatCompletion,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
        summary="Ask as a chat (OpenAI)",
    )
    def complete(wanted: ChatRequest, request: Request) -> Any:
        """Answer the user's last message with verbatim sentences, their notes and their sources.

        `annotations` say which sentence stands where; `sourcebook` holds the whole answer.
        """
        # Whoever asks for the writer is told that none is set, rather than that there is no such
        # model.
        check_model(wanted.model, *dict.fromkeys([*models(), WRITER_MODEL]))
        asked = wanted.question()
        writes = wanted.model == WRITER_MODEL
        answer = engine.ask(asked.question, wanted.sourcebook.filter(), write=writes)
        found, parts = completion(wanted, asked, answer, str(request.base_url), count)
        if not wanted.stream:
            return found
        usage = bool(wanted.stream_options and wanted.stream_options.include_usage)
        # The answer is there as a whole, so nothing is gained by sending it piece by piece.
        body = "".join(events(found, parts, usage=usage))
        return Response(body, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    def count(text: str) -> int:
        return len(engine.library.encoder.piece_offsets(text))


def _vector_stores(routes: APIRouter, engine: Answering) -> None:
    @routes.get("/v1/vector_stores", summary="List vector stores (OpenAI)")
    def list_stores() -> StoreList:
        """The library is the one vector store."""
        return StoreList(data=[vector_store.describe(engine)])

    @routes.get("/v1/vector_stores/{store_id}", summary="Describe a vector store (OpenAI)")
    def read_store(store_id: StoreId) -> StoreOut:
        """How many articles it holds, and how large it is."""
        vector_store.check_store(store_id)
        return vector_store.describe(engine)

    @routes.post("/v1/vector_stores/{store_id}/search", summary="Search a vector store (OpenAI)")
    def search_store(store_id: StoreId, wanted: StoreQuery) -> StorePage:
        """The best passages, each with a citation of its best sentences."""
        vector_store.check_store(store_id)
        return vector_store.search(engine, wanted)


def _rerank(routes: APIRouter, engine: Answering) -> None:
    library = engine.library
    reranker = Reranker(library.encoder, library.codec, engine.engine.profile.weights)

    @routes.post(
        "/v2/rerank", responses=problems.responses(413), summary="Put texts in order (Cohere)"
    )
    def rerank(wanted: RerankRequest) -> RerankOut:
        """Rank the caller's texts as passages of the library are ranked; nothing is kept of them.

        How rare a word is, is counted in these texts, so the result depends on nothing else.
        """
        check_model(wanted.model, MODEL)
        pieces = min(MAX_PIECES, wanted.max_tokens_per_doc or MAX_PIECES)
        found = reranker.rerank(wanted.query, wanted.documents, pieces)[: wanted.top_n]
        ignored = [f"{name} is ignored." for name in wanted.ignored()]
        return RerankOut(
            id=str(uuid.uuid4()),
            results=[RerankResult(index=one.index, relevance_score=one.score) for one in found],
            meta=RerankMeta(warnings=ignored or None),
        )
