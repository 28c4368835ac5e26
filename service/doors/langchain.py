"""A retriever for LangChain: `SourcebookRetriever`."""

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from sourcebook.service.doors.client import DEFAULT_URL, Client


class SourcebookRetriever(BaseRetriever):
    """Retrieves passages from a running service; a document's metadata has what a citation needs.

    `filters` are fields of `POST /v1/search`, such as `{"publishers": ["Gazette"]}`.
    """

    url: str = DEFAULT_URL
    limit: int = 10
    filters: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [
            Document(id=found.id, page_content=found.text, metadata=found.metadata)
            for found in Client(self.url).search(query, self.limit, self.filters)
        ]
