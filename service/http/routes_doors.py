"""Endpoints compatible with other APIs: OpenAI's chat and vector stores, Cohere's rerank."""

import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import ConfigDict, Field

from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.doors import vector_store
from sourcebook.service.doors.chat import ChatCompletion, ChatRequest, completion, events
from sourcebook.service.doors.dialects import (
    MODEL,
    WRITER_MODEL,
    LenientRequest,
    check_model,
    cohere_error,
    openai_error,
)
from sourcebook.service.doors.rerank import MAX_PIECES, Reranker
from sourcebook.service.doors.vector_store import StoreList, StoreOut, StorePage, StoreQuery
from sourcebook.service.http import problems
from sourcebook.service.http.routes import PLAIN
from sourcebook.service.http.rules import Lane, reads
from sourcebook.service.notation.requests import QUESTION, QUOTE, Text
from sourcebook.service.notation.responses import Problem, Returned

MAX_DOCUMENTS = 1_000

ModelName = Annotated[
    str, Path(description=f"`{MODEL}`, or `{WRITER_MODEL}` if one is set.", examples=[MODEL])
]
StoreId = Annotated[
    str, Path(description=f"`{vector_store.STORE}`.", examples=[vector_store.STORE])
]

# The members that clients of each API expect in an error, by the prefix of the address.
DIALECTS: Mapping[str, Callable[[Problem], Mapping[str, Any]]] = {
    "/v1/chat/": openai_error,
    "/v1/models": openai_error,
    "/v1/vector_stores": openai_error,
    "/v2/rerank": cohere_error,
}


class Model(Returned):
    """A model."""

    id: str
    object: str = "model"
    created: int = Field(default=0, description="Always 0.")
    owned_by: str = MODEL


class Models(Returned):
    """The models available for chat completions."""

    object: str = "list"
    data: list[Model]


class RerankRequest(LenientRequest):
    """Texts to sort by their relevance to a query."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model": MODEL, "query": QUESTION, "documents": ["Coca grows.", QUOTE]}]
        }
    )

    model: Text = Field(description=f"`{MODEL}`.")
    query: Text
    documents: list[Text] = Field(min_length=1, max_length=MAX_DOCUMENTS)
    top_n: int | None = Field(None, ge=1, description="Number of results; by default all.")
    max_tokens_per_doc: int | None = Field(
        None, ge=1, description=f"Word pieces used of each text, at most {MAX_PIECES:,}."
    )


class RerankResult(Returned):
    """The score of a document, which is identified by its position in the request."""

    index: int
    relevance_score: float = Field(
        description="Between 0 and 1. It sorts the documents; it is not a probability."
    )


class ApiVersion(Returned):
    """The version of Cohere's API."""

    version: str = "2"


class RerankMeta(Returned):
    """Metadata of the response."""

    api_version: ApiVersion = ApiVersion()
    warnings: list[str] | None = None


class RerankOut(Returned):
    """Documents, most relevant first."""

    id: str
    results: list[RerankResult]
    meta: RerankMeta


def router(answering: Answering) -> APIRouter:
    """The compatible endpoints, answered by `answering`."""
    routes = APIRouter(
        tags=["compatible"], dependencies=PLAIN, responses=problems.responses(404, 422, 503)
    )
    _chat(routes, answering)
    _vector_stores(routes, answering)
    _rerank(routes, answering)
    return routes


def _chat(routes: APIRouter, answering: Answering) -> None:
    def models() -> list[str]:
        return [MODEL, WRITER_MODEL] if answering.writer else [MODEL]

    @routes.get("/v1/models", summary="List models (OpenAI)")
    @reads(Role.ASKER)
    def list_models() -> Models:
        """Return the models available for chat completions."""
        return Models(data=[Model(id=name) for name in models()])

    @routes.get("/v1/models/{model}", summary="Describe a model (OpenAI)")
    @reads(Role.ASKER)
    def read_model(model: ModelName) -> Model:
        """Return a model."""
        check_model(model, *models())
        return Model(id=model)

    @routes.post(
        "/v1/chat/completions",
        response_model=ChatCompletion,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
        summary="Ask in a chat (OpenAI)",
    )
    @reads(Role.ASKER)
    def complete(wanted: ChatRequest, request: Request) -> Any:
        """Answer the last user message with verbatim sentences, note numbers and sources.

        `annotations` link each sentence to its source; `sourcebook` contains the whole answer.
        """
        # A request for the writer gets "no writer is set", which helps more than "no such model".
        check_model(wanted.model, *dict.fromkeys([*models(), WRITER_MODEL]))
        asked = wanted.question()
        writes = wanted.model == WRITER_MODEL
        answer = answering.ask(asked.question, wanted.sourcebook.filter(), write=writes)
        found, parts = completion(wanted, asked, answer, str(request.base_url), count)
        if not wanted.stream:
            return found
        usage = bool(wanted.stream_options and wanted.stream_options.include_usage)
        # The answer is already complete, so sending it in pieces gains nothing.
        body = "".join(events(found, parts, usage=usage))
        return Response(body, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    def count(text: str) -> int:
        return len(answering.library.encoder.piece_offsets(text))


def _vector_stores(routes: APIRouter, answering: Answering) -> None:
    @routes.get("/v1/vector_stores", summary="List vector stores (OpenAI)")
    @reads(Role.ASKER)
    def list_stores() -> StoreList:
        """Return the library, which is the only vector store."""
        return StoreList(data=[vector_store.describe(answering)])

    @routes.get("/v1/vector_stores/{store_id}", summary="Describe a vector store (OpenAI)")
    @reads(Role.ASKER)
    def read_store(store_id: StoreId) -> StoreOut:
        """Return its number of articles and its size."""
        vector_store.check_store(store_id)
        return vector_store.describe(answering)

    @routes.post("/v1/vector_stores/{store_id}/search", summary="Search a vector store (OpenAI)")
    @reads(Role.ASKER)
    def search_store(store_id: StoreId, wanted: StoreQuery) -> StorePage:
        """Return the best passages, each with a citation of its best sentences."""
        vector_store.check_store(store_id)
        return vector_store.search(answering, wanted)


def _rerank(routes: APIRouter, answering: Answering) -> None:
    made: dict[str, Reranker] = {}

    def reranker() -> Reranker:
        """The reranker with the encoder that the library has now."""
        engine = answering.engine
        found = made.get(engine.fingerprint)
        if found is None:
            library = engine.library
            found = Reranker(library.encoder, library.codec, engine.profile)
            made.clear()
            made[engine.fingerprint] = found
        return found

    @routes.post("/v2/rerank", responses=problems.responses(413), summary="Rerank texts (Cohere)")
    @reads(Role.ASKER, Lane.LONG)
    def rerank(wanted: RerankRequest) -> RerankOut:
        """Rank the caller's texts the way passages of the library are ranked; nothing is stored.

        Word frequencies are counted in these texts, so the result depends on nothing else.
        """
        check_model(wanted.model, MODEL)
        pieces = min(MAX_PIECES, wanted.max_tokens_per_doc or MAX_PIECES)
        found = reranker().rerank(wanted.query, wanted.documents, pieces)[: wanted.top_n]
        ignored = [f"{name} was ignored." for name in wanted.ignored()]
        return RerankOut(
            id=str(uuid.uuid4()),
            results=[RerankResult(index=one.index, relevance_score=one.score) for one in found],
            meta=RerankMeta(warnings=ignored or None),
        )
