"""Measures LlamaIndex: its vector index in memory with its default splitter."""
# ruff: noqa: PLC0415 (importing is a part of what is timed)

from sourcebook.eval.peers.measuring import TOP, Ask, Loaded, System, Workload, main


def build(job: Workload, loaded: Loaded) -> Ask:
    """A vector index of the documents' nodes."""
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    embedding = HuggingFaceEmbedding(model_name=job.model)
    loaded()

    documents = [Document(text=document.whole, doc_id=document.id) for document in job.documents]
    index = VectorStoreIndex.from_documents(documents, embed_model=embedding)
    ask: Ask = index.as_retriever(similarity_top_k=TOP).retrieve
    return ask


if __name__ == "__main__":
    main(
        System(
            name="LlamaIndex",
            package="llama-index-core",
            kind="dense",
            note="SentenceSplitter, 1,024 tokens, overlap 200 (the default).",
            build=build,
        )
    )
