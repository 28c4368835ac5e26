"""Serves the library as the only vector store of OpenAI's API: search, filters and description."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from sourcebook.index.errors import InputError, NotFoundError
from sourcebook.index.storage.records import Filter
from sourcebook.service.answering import Answering
from sourcebook.service.asking.compose import FoundPassage
from sourcebook.service.doors.dialects import LenientRequest
from sourcebook.service.notation.answers import CitationOut
from sourcebook.service.notation.requests import (
    MAX_VALUES,
    QUESTION,
    FilterFields,
    StrictRequest,
    Text,
    checked,
)
from sourcebook.service.notation.responses import Returned

STORE = "library"
MAX_QUERIES = 10
MAX_RESULTS = 50
MAX_DEPTH = 8  # of nested filters

# The attributes that can be compared, and the fields of our filter for them.
NAMES = {
    "article": "articles",
    "file_id": "articles",
    "publisher": "publishers",
    "author": "authors",
    "language": "languages",
    "tag": "tags",
}
DATES = {
    ("published", "eq"): ("published_from", "published_to"),
    ("published", "gte"): ("published_from",),
    ("published", "lte"): ("published_to",),
    ("as_of", "eq"): ("as_of",),
}


class Comparison(StrictRequest):
    """Compares an attribute with a value."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: Text
    value: Text | float | bool | Annotated[list[Text | float], Field(max_length=MAX_VALUES)]


class Compound(StrictRequest):
    """Combines several filters."""

    type: Literal["and", "or"]
    filters: Annotated[list["Comparison | Compound"], Field(min_length=1, max_length=100)]


class RankingOptions(LenientRequest):
    """Options for the results."""

    score_threshold: float | None = Field(default=None, ge=0, le=1, description="Minimum score.")


class StoreQuery(LenientRequest):
    """A search of the library; `rewrite_query` and the name of a ranker are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"query": QUESTION, "max_num_results": 2},
                {
                    "query": [QUESTION, "coca production hectares"],
                    "filters": {"type": "gte", "key": "published", "value": "2025"},
                },
            ]
        }
    )

    query: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_QUERIES)]
    max_num_results: int = Field(10, ge=1, le=MAX_RESULTS)
    filters: Comparison | Compound | None = Field(
        None,
        description="`eq` and `in` compare article, publisher, author, language and tag; `eq`, "
        "`gte` and `lte` compare published; `eq` on as_of hides what was published later; `and` "
        "combines different attributes, `or` values of one attribute.",
    )
    ranking_options: RankingOptions | None = None


class Content(Returned):
    """The text of a result, or before it a header or introduction that it begins after."""

    type: Literal["text"] = "text"
    text: str


class StoreHit(Returned):
    """A passage; `citation` quotes its best sentences."""

    file_id: str = Field(description="The id of its article.")
    filename: str = Field(description="The source of its article.")
    score: float = Field(
        description="Between 0 and 1. It sorts the passages; it is not a probability."
    )
    attributes: dict[str, str | float]
    content: list[Content]
    citation: CitationOut


class StorePage(Returned):
    """Passages, best first."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[StoreHit]
    has_more: bool = False
    next_page: None = None
    ignored: list[str] = Field(description="Fields of the request that had no effect.")


class FileCounts(Returned):
    """The number of articles; sources that could not be added count as failed."""

    in_progress: int = 0
    completed: int
    failed: int
    cancelled: int = 0
    total: int


class StoreOut(Returned):
    """The library as a vector store."""

    id: str = STORE
    object: Literal["vector_store"] = "vector_store"
    created_at: int = Field(description="When the first article was added; 0 if there is none.")
    name: str = STORE
    usage_bytes: int
    file_counts: FileCounts
    status: Literal["completed"] = "completed"
    metadata: dict[str, str] = Field(default={})


class StoreList(Returned):
    """The only vector store."""

    object: Literal["list"] = "list"
    data: list[StoreOut]
    first_id: str = STORE
    last_id: str = STORE
    has_more: bool = False


def check_store(name: str) -> None:
    """Raise `NotFoundError` for any vector store but the library."""
    if name != STORE:
        raise NotFoundError(
            f"There is no vector store {name!r:.80}; expected {STORE!r}.",
            cure="GET /v1/vector_stores describes it.",
        )


def describe(answering: Answering) -> StoreOut:
    """The library as a vector store."""
    info = answering.library.info()
    with answering.library.view() as view:
        first = view.records(Filter(), order="added", limit=1)
    added = datetime.fromisoformat(first[0].added).replace(tzinfo=UTC) if first else None
    return StoreOut(
        created_at=int(added.timestamp()) if added else 0,
        usage_bytes=sum(info["bytes"].values()),
        file_counts=FileCounts(
            completed=info["articles"],
            failed=info["failures"],
            total=info["articles"] + info["failures"],
        ),
    )


def search(answering: Answering, wanted: StoreQuery) -> StorePage:
    """The best passages for any of the queries."""
    queries = [wanted.query] if isinstance(wanted.query, str) else wanted.query
    chosen = checked(FilterFields, _fields(wanted.filters) if wanted.filters else {})
    options = wanted.ranking_options or RankingOptions()
    best: dict[str, StoreHit] = {}
    for query in queries:
        for found in answering.find(query, chosen.filter(), wanted.max_num_results).hits:
            hit = _hit(found, answering.engine.profile.share(found.citation.scores.fused))
            if found.passage.id not in best or best[found.passage.id].score < hit.score:
                best[found.passage.id] = hit
    least = options.score_threshold or 0.0
    ranked = sorted(best.values(), key=lambda hit: -hit.score)[: wanted.max_num_results]
    return StorePage(
        search_query=queries,
        data=[hit for hit in ranked if hit.score >= least],
        ignored=sorted([*wanted.ignored(), *options.ignored()]),
    )


def _hit(found: FoundPassage, score: float) -> StoreHit:
    citation = found.citation
    known = citation.article.metadata
    attributes: dict[str, str | float | None] = {
        "title": known.title,
        "author": "; ".join(known.authors),
        "publisher": known.publisher,
        "published": known.published,
        "url": known.url,
        "language": known.language,
        "passage_id": found.passage.id,
        "start": found.passage.start,
        "end": found.passage.end,
    }
    return StoreHit(
        file_id=citation.article.id,
        filename=citation.article.source,
        score=score,
        attributes={name: value for name, value in attributes.items() if value not in (None, "")},
        content=[Content(text=text) for text in (*found.passage.before, found.passage.text)],
        citation=CitationOut.model_validate(citation),
    )


def _fields(wanted: Comparison | Compound, depth: int = 0) -> dict[str, Any]:
    """A filter of OpenAI's API as the fields of ours; `InputError` where ours cannot say it."""
    if depth > MAX_DEPTH:
        raise InputError(f"The filters are nested more than {MAX_DEPTH} deep.")
    if isinstance(wanted, Comparison):
        return _compared(wanted)
    parts = [_fields(part, depth + 1) for part in wanted.filters]
    return _all_of(parts) if wanted.type == "and" else _any_of(parts)


def _compared(wanted: Comparison) -> dict[str, Any]:
    values = wanted.value if isinstance(wanted.value, list) else [wanted.value]
    # JSON's 2025 may be meant as a date.
    words = [str(int(v)) if isinstance(v, float) and v.is_integer() else v for v in values]
    if wanted.key in NAMES and wanted.type in ("eq", "in"):
        return {NAMES[wanted.key]: words}
    fields = DATES.get((wanted.key, wanted.type))
    if fields and len(words) == 1:
        return dict.fromkeys(fields, words[0])
    raise InputError(
        f"The filter {wanted.type} on {wanted.key!r:.80} is not supported; expected eq or in on "
        f"{', '.join(NAMES)}, eq, gte or lte on published, or eq on as_of.",
    )


def _all_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for part in parts:
        for name in part:
            if name in fields:
                raise InputError(
                    f"The filter 'and' sets {name} twice; expected each attribute once.",
                    cure="For alternative values of one attribute, use 'in' or 'or'.",
                )
        fields |= part
    return fields


def _any_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    if len(parts) == 1:
        return parts[0]
    names = {name for part in parts for name in part}
    if len(names) != 1 or not names <= set(NAMES.values()):
        raise InputError(
            f"The filter 'or' combines {', '.join(sorted(names))}; expected values of one of "
            f"{', '.join(NAMES)}.",
            cure="Search once for each alternative.",
        )
    return {name: [value for part in parts for value in part[name]] for name in names}
