"""The retrievers of three frameworks, each in the real library of its name, on a real server."""

import asyncio
import json
import os
from typing import Any

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"  # before it is imported: tests call nobody

import pytest
from conftest import FINES, TRAINS, TRAINS_KNOWN

from sourcebook.index.errors import InputError, LibraryError
from sourcebook.service.doors.client import Client, Retrieved

# Each framework is imported where it is used: together they take ten seconds, which each worker of
# the tests would spend on collecting.
QUESTION = "When does the night train to the coast return?"
WASTE = "fines for dumping waste in the river"
OTHERS = {"publishers": ["Nobody"]}


@pytest.fixture(scope="module")
def best(served: str) -> Retrieved:
    """The best passage for the question, as the service itself gives it."""
    return Client(served).search(QUESTION, 1)[0]


def test_metadata_is_what_a_citation_needs(best: Retrieved) -> None:
    known = best.metadata
    assert best.text == TRAINS[known["start"] : known["end"]]
    assert known["quote"] == TRAINS[known["quote_start"] : known["quote_end"]]
    for name in ("title", "publisher", "published", "url", "language"):
        assert known[name] == getattr(TRAINS_KNOWN, name)
    assert known["authors"] == list(TRAINS_KNOWN.authors)
    assert known["link"].startswith(f"{TRAINS_KNOWN.url}#:~:text=")
    assert known["reference"].startswith("Ada Berg and Bo Dahl. (2025-09-19).")
    assert known["score"] == best.score
    assert json.loads(json.dumps(known)) == known


def test_langchain(served: str, best: Retrieved) -> None:
    from langchain_core.runnables import RunnableLambda

    from sourcebook.service.doors import langchain

    retriever = langchain.SourcebookRetriever(url=served, limit=2)
    found = retriever.invoke(QUESTION)
    assert len(found) == 2
    assert (found[0].id, found[0].page_content) == (best.id, best.text)
    assert found[0].metadata == best.metadata
    assert asyncio.run(retriever.ainvoke(QUESTION)) == found
    assert [each[0].page_content for each in retriever.batch([WASTE, QUESTION])] == [
        FINES,
        best.text,
    ]
    chain = retriever | RunnableLambda(lambda found: found[0].metadata["quote"])
    assert chain.invoke(WASTE) == FINES
    assert langchain.SourcebookRetriever(url=served, filters=OTHERS).invoke(QUESTION) == []


def test_llamaindex(served: str, best: Retrieved) -> None:
    from llama_index.core.schema import MetadataMode

    from sourcebook.service.doors import llamaindex

    retriever = llamaindex.SourcebookRetriever(served, limit=2)
    found = retriever.retrieve(QUESTION)
    assert len(found) == 2
    assert (found[0].node.node_id, found[0].node.get_content()) == (best.id, best.text)
    assert (found[0].node.metadata, found[0].score) == (best.metadata, best.score)
    shown = found[0].node.get_content(MetadataMode.LLM)
    assert "Gazette" in shown
    assert best.metadata["text_sha256"] not in shown
    again = asyncio.run(retriever.aretrieve(QUESTION))
    assert [one.node.node_id for one in again] == [one.node.node_id for one in found]
    assert llamaindex.SourcebookRetriever(served, filters=OTHERS).retrieve(QUESTION) == []


def test_haystack(served: str, best: Retrieved) -> None:
    from haystack import Pipeline

    from sourcebook.service.doors import haystack

    pipeline = Pipeline()
    pipeline.add_component("retriever", haystack.SourcebookRetriever(served, limit=2))
    saved = Pipeline.loads(pipeline.dumps(), allowed_modules=["sourcebook.service.doors.haystack"])

    def run(**given: Any) -> Any:
        return saved.run({"retriever": {"query": QUESTION, **given}})["retriever"]["documents"]

    found = run()
    assert len(found) == 2
    assert (found[0].id, found[0].content) == (best.id, best.text)
    assert (found[0].meta, found[0].score) == (best.metadata, best.score)
    assert len(run(limit=1)) == 1
    assert run(filters=OTHERS) == []


def test_what_the_service_refuses_is_an_error(served: str) -> None:
    from sourcebook.service.doors import langchain, llamaindex

    with pytest.raises(InputError, match=r"returned 422: body\.colour: is not a known field"):
        Client(served).search(QUESTION, 5, {"colour": "blue"})
    with pytest.raises(InputError, match="expected one like http"):
        llamaindex.SourcebookRetriever("127.0.0.1:8000")
    with pytest.raises(LibraryError, match="No Sourcebook service responds"):
        langchain.SourcebookRetriever(url="http://127.0.0.1:9").invoke(QUESTION)
