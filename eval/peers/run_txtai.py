"""Measures txtai: BM25 beside a FAISS index, fused, as `hybrid=True` builds them."""
# ruff: noqa: PLC0415 (importing is a part of what is timed)

from sourcebook.eval.peers.measuring import TOP, Ask, Loaded, System, Workload, main


def build(job: Workload, loaded: Loaded) -> Ask:
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
            note="Whole documents; by default it returns ids and stores no text.",
            build=build,
        )
    )
