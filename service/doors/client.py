"""An HTTP client for a running service, shared by evaluation and the frameworks' retrievers."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from sourcebook.index.errors import (
    InputError,
    LibraryError,
    NotAllowedError,
    NotFoundError,
    SourcebookError,
)

DEFAULT_URL = "http://127.0.0.1:8000"
TIMEOUT_S = 60
# Where the key comes from: pipelines that are saved then hold none.
KEY_VARIABLE = "SOURCEBOOK_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """A passage in the form of a framework's document; `metadata` has what a citation needs.

    The text equals `article.text[start:end]`; `[quote_start, quote_end)` are its best sentences.
    """

    id: str
    text: str
    score: float
    metadata: dict[str, Any]


class Client:
    """A client of the Sourcebook service at an address.

    It sends the key in the environment variable `SOURCEBOOK_KEY`, if there is one.
    """

    def __init__(self, url: str = DEFAULT_URL) -> None:
        """Use the service at `url`. Raises `InputError` if that is not an HTTP address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InputError(f"The service's address is {url!r}; expected one like {DEFAULT_URL}.")
        self._url = url.rstrip("/")

    def get(self, path: str) -> dict[str, Any]:
        """Send a GET request and return the JSON response.

        Raises the error that the service reports, or `LibraryError` if no service responds.
        """
        return self._send(Request(self._url + path))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a POST request with a JSON body; otherwise as `get`."""
        headers = {"Content-Type": "application/json"}
        return self._send(Request(self._url + path, json.dumps(body).encode(), headers))

    def search(
        self, question: str, limit: int, filters: Mapping[str, Any] | None = None
    ) -> list[Retrieved]:
        """The best passages; `filters` are fields of `POST /v1/search`, such as `publishers`."""
        body = {**(filters or {}), "question": question, "limit": limit}
        return [_retrieved(hit) for hit in self.post("/v1/search", body)["hits"]]

    def _send(self, request: Request) -> dict[str, Any]:
        if key := os.environ.get(KEY_VARIABLE, "").strip():
            # Where the service redirects to, the key must not follow.
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        try:
            with urlopen(request, timeout=TIMEOUT_S) as response:
                body: dict[str, Any] = json.load(response)
                return body
        except HTTPError as error:
            with error:
                raise _refusal(error, request.full_url) from error
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise LibraryError(
                f"No Sourcebook service responds at {request.full_url}: {error}.",
                cure="Start one with `sourcebook serve`, or check the address.",
            ) from error


def _retrieved(hit: Mapping[str, Any]) -> Retrieved:
    passage, cited = hit["passage"], hit["citation"]
    article = cited["article"]
    known = ("title", "authors", "publisher", "published", "language", "url", "source")
    return Retrieved(
        id=passage["id"],
        text=passage["text"],
        score=cited["scores"]["fused"],
        metadata={
            **{name: article[name] for name in known},
            "article": article["id"],
            "start": passage["start"],
            "end": passage["end"],
            "quote": cited["exact"],
            "quote_start": cited["start"],
            "quote_end": cited["end"],
            "context": cited["context"],
            "text_sha256": cited["text_sha256"],
            "link": cited["link"],
            "reference": cited["reference"],
            "score": cited["scores"]["fused"],
        },
    )


def _refusal(error: HTTPError, url: str) -> SourcebookError:
    """The error that the service reported; the body may be something else than a problem."""
    try:
        detail = json.load(error)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = error.reason
    kinds: dict[int, type[SourcebookError]] = {
        401: NotAllowedError,
        403: NotAllowedError,
        404: NotFoundError,
        413: InputError,
        422: InputError,
    }
    kind = kinds.get(error.code, LibraryError)
    cure = f"Set the environment variable {KEY_VARIABLE}." if error.code == 401 else ""
    return kind(f"{url} returned {error.code}: {detail}", cure=cure)
