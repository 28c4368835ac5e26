"""Measures txtai: BM25 beside a FAISS index, fused, as `hybrid=True` builds them."""
# ruff: noqa: PLC0415 (importing is a part of what is timed)

from sourcebook.eval.peers.measuring import TOP, Ask, Job, Loaded, System, main


def build(job: Job, loaded: Loaded) -> Ask:
    """One index of the documents."""
    from txtai import Embeddings

    embeddings = Embeddings(path=job.model, hybrid=True)
    loaded()

    embeddings.index((document.id, document.whole) for document in job.documents)
    return lambda question: embeddings.search(question, TOP)


if __name__ == "__main__":
    main(
        System(
            name="txtai",
            package="txtai",
            kind="hybrid",
            note="Documents whole; by default it finds ids and keeps no text.",
            build=build,
        )
    )
