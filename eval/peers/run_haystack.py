"""Measures Haystack: the pipeline of its tutorial on hybrid search, with a store in memory."""
# ruff: noqa: PLC0415 (importing is a part of what is timed)

from collections.abc import Sized

from sourcebook.eval.peers.measuring import TOP, Ask, Loaded, System, Workload, main

# The tutorial's sizes, in words.
CHUNK, OVERLAP = 512, 32


def build(job: Workload, loaded: Loaded) -> Ask:
    """A store of the documents' chunks, and a pipeline with both searches."""
    from haystack import Document, Pipeline
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.preprocessors import DocumentSplitter
    from haystack.components.retrievers import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
        SentenceTransformersTextEmbedder,
    )

    # No progress bars: they would print a line for every question.
    of_documents = SentenceTransformersDocumentEmbedder(model=job.model, progress_bar=False)
    of_questions = SentenceTransformersTextEmbedder(model=job.model, progress_bar=False)
    of_documents.warm_up()
    of_questions.warm_up()
    loaded()

    store = InMemoryDocumentStore()
    indexing = Pipeline()
    splitter = DocumentSplitter(split_by="word", split_length=CHUNK, split_overlap=OVERLAP)
    indexing.add_component("splitter", splitter)
    indexing.add_component("embedder", of_documents)
    indexing.add_component("writer", DocumentWriter(store))
    indexing.connect("splitter", "embedder")
    indexing.connect("embedder", "writer")
    documents = [Document(id=document.id, content=document.whole) for document in job.documents]
    indexing.run({"splitter": {"documents": documents}})

    search = Pipeline()
    search.add_component("embedder", of_questions)
    search.add_component("dense", InMemoryEmbeddingRetriever(store, top_k=TOP))
    search.add_component("bm25", InMemoryBM25Retriever(store, top_k=TOP))
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=TOP)
    search.add_component("joiner", joiner)
    search.connect("embedder.embedding", "dense.query_embedding")
    search.connect("dense", "joiner")
    search.connect("bm25", "joiner")

    def ask(question: str) -> Sized:
        found = search.run({"embedder": {"text": question}, "bm25": {"query": question}})
        best: Sized = found["joiner"]["documents"]
        return best

    return ask


if __name__ == "__main__":
    main(
        System(
            name="Haystack",
            package="haystack-ai",
            kind="hybrid",
            note=f"In memory; DocumentSplitter, {CHUNK} words, overlap {OVERLAP}; "
            "reciprocal rank fusion.",
            build=build,
        )
    )
