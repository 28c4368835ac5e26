"""A running service as the subject, asked over HTTP as any client would."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from sourcebook.eval.data.judged import SourceArticle
from sourcebook.eval.report.document import Found
from sourcebook.eval.runs.subject import PASSAGES, ListedArticle, Observation, refused
from sourcebook.index.article import Metadata
from sourcebook.index.errors import InputError
from sourcebook.service.doors.client import Client

PAGE = 1_000  # articles per request
HITS = 100  # the maximum of /v1/search


class ServiceSubject:
    """A Sourcebook service at an address, measured as it is served, with its own method."""

    method = "served"
    threshold = None

    def __init__(self, url: str) -> None:
        """Measure the service at `url`, such as http://127.0.0.1:8000.

        Raises InputError if that is not an address, LibraryError if no service answers there.
        """
        self._client = Client(url)
        self._library = self._client.get("/v1/library")

    def ask(self, question: str) -> Observation:
        """Search and ask; `total` is the seconds of `/v1/ask`, including the network."""
        try:
            found = self._client.post("/v1/search", {"question": question, "limit": HITS})
            begun = time.perf_counter()
            answer = self._client.post("/v1/ask", {"question": question})
        except InputError as error:
            return refused(error)
        spent = time.perf_counter() - begun
        hits = found["hits"]
        return Observation(
            articles=_articles(hits),
            passages=tuple(_passage(hit) for hit in hits[:PASSAGES]),
            quotes=tuple(_quote(hit["citation"]) for hit in hits[:PASSAGES]),
            cited=tuple(map(_quote, answer["citations"])),
            short=answer["short"]["text"] if answer["short"] else "",
            disagreements=tuple(
                tuple(side["value"] for side in each["sides"]) for each in answer["disagreements"]
            ),
            nearest=tuple(map(_quote, answer["nearest"])),
            context=tuple(
                need
                for cited in answer["citations"] or answer["nearest"]
                for need in _context(cited)
            ),
            status=answer["status"],
            confidence=answer["confidence"],
            seconds={**answer["seconds"], "total": spent},
        )

    def articles(self) -> Mapping[str, SourceArticle]:
        """Every article of the service's library by id; texts are fetched when they are used."""
        return self._articles

    @cached_property
    def _articles(self) -> dict[str, SourceArticle]:
        listed: dict[str, SourceArticle] = {}
        offset, total = 0, 1
        while offset < total:
            page = self._client.get(f"/v1/articles?limit={PAGE}&offset={offset}")
            listed |= {row["id"]: self._listed(row) for row in page["articles"]}
            offset, total = offset + PAGE, page["total"]
        return listed

    def _listed(self, row: Mapping[str, Any]) -> ListedArticle:
        metadata = Metadata(title=row["title"], url=row["url"])
        path = f"/v1/articles/{row['id']}"
        return ListedArticle(
            row["id"], row["source"], metadata, lambda: str(self._client.get(path)["text"])
        )

    def identity(self) -> dict[str, Any]:
        """The library that is served, and the version of the service."""
        facts = {key: self._library[key] for key in ("fingerprint", "generation", "encoder")}
        version = self._client.get("/openapi.json")["info"]["version"]
        return {"library": facts.pop("fingerprint"), **facts, "service": version}

    def cost(self) -> dict[str, Any]:
        """The size of the library in articles, passages and bytes."""
        return {key: self._library[key] for key in ("articles", "passages", "bytes")}


def _articles(hits: list[dict[str, Any]]) -> dict[str, float]:
    ranked: dict[str, float] = {}
    for hit in hits:
        cited = hit["citation"]
        for article in (cited["article"], *cited["also"]):
            ranked.setdefault(article["id"], cited["scores"]["fused"])
    return ranked


def _passage(hit: dict[str, Any]) -> Found:
    passage, cited = hit["passage"], hit["citation"]
    title = cited["article"]["title"]
    score = cited["scores"]["fused"]
    return Found(
        passage["article_id"], title, passage["start"], passage["end"], passage["text"], score
    )


def _quote(cited: dict[str, Any]) -> Found:
    article = cited["article"]
    return Found(
        article["id"],
        article["title"],
        cited["start"],
        cited["end"],
        cited["exact"],
        cited["scores"]["fused"],
    )


def _context(cited: dict[str, Any]) -> Iterator[Found]:
    for need in cited.get("context", ()):  # an earlier release has none
        yield replace(_quote(cited), start=need["start"], end=need["end"], text=need["exact"])
