"""A retriever for Haystack: `SourcebookRetriever`."""

from typing import Any

from haystack import Document, component

from sourcebook.service.doors.client import DEFAULT_URL, Client


@component
class SourcebookRetriever:
    """Retrieves passages from a running service; a document's meta has what a citation needs.

    `filters` are fields of `POST /v1/search`, such as `{"publishers": ["Gazette"]}`.
    """

    def __init__(
        self, url: str = DEFAULT_URL, limit: int = 10, filters: dict[str, Any] | None = None
    ) -> None:
        """Retrieve at most `limit` passages from the service at `url`."""
        # Haystack saves a pipeline by the attributes named like these parameters.
        self.url = url
        self.limit = limit
        self.filters = filters

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, limit: int | None = None, filters: dict[str, Any] | None = None
    ) -> dict[str, list[Document]]:
        """Retrieve passages for `query`; `limit` and `filters` override the component's own."""
        found = Client(self.url).search(query, limit or self.limit, filters or self.filters)
        return {
            "documents": [
                Document(id=one.id, content=one.text, meta=one.metadata, score=one.score)
                for one in found
            ]
        }
