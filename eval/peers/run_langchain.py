"""Measures LangChain: its recursive splitter and a FAISS store, as in its tutorial on search."""
# ruff: noqa: PLC0415 (importing is a part of what is timed)

from sourcebook.eval.peers.measuring import TOP, Ask, Loaded, System, Workload, main

# The tutorial's sizes, in characters.
CHUNK, OVERLAP = 1_000, 200


def build(job: Workload, loaded: Loaded) -> Ask:
    """A store of the documents' chunks."""
    import faiss  # noqa: F401 (the store imports it only when it is made)
    from langchain_community.vectorstores import FAISS
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    embeddings = HuggingFaceEmbeddings(model_name=job.model)
    loaded()

    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK, chunk_overlap=OVERLAP)
    documents = [
        Document(page_content=document.whole, metadata={"id": document.id})
        for document in job.documents
    ]
    store = FAISS.from_documents(splitter.split_documents(documents), embeddings)
    return lambda question: store.similarity_search(question, k=TOP)


if __name__ == "__main__":
    main(
        System(
            name="LangChain + FAISS",
            package="langchain-community",
            kind="dense",
            note=f"RecursiveCharacterTextSplitter, {CHUNK:,} characters, overlap {OVERLAP}.",
            build=build,
        )
    )
