"""A retriever for LlamaIndex: `SourcebookRetriever`."""

import asyncio
from typing import Any

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from sourcebook.service.doors.client import DEFAULT_URL, Client

# Metadata that a model sees before the text of a node; the rest is for programs.
SHOWN = {"title", "publisher", "published"}


class SourcebookRetriever(BaseRetriever):
    """Retrieves passages from a running service; a node's metadata has what a citation needs.

    `filters` are fields of `POST /v1/search`, such as `{"publishers": ["Gazette"]}`.
    """

    def __init__(
        self, url: str = DEFAULT_URL, limit: int = 10, filters: dict[str, Any] | None = None
    ) -> None:
        """Retrieve at most `limit` passages from the service at `url`."""
        super().__init__()
        self._client = Client(url)
        self._limit = limit
        self._filters = filters

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [
            NodeWithScore(
                node=TextNode(
                    id_=found.id,
                    text=found.text,
                    metadata=found.metadata,
                    excluded_llm_metadata_keys=sorted(set(found.metadata) - SHOWN),
                ),
                score=found.score,
            )
            for found in self._client.search(query_bundle.query_str, self._limit, self._filters)
        ]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)
