"""Measures Sourcebook in process: articles into a new library, then questions to its engine."""
# ruff: noqa: PLC0415 (importing is a part of what is timed)

from pathlib import Path

from sourcebook.eval.peers.measuring import TOP, Ask, Loaded, System, Workload, main


def build(job: Workload, loaded: Loaded) -> Ask:
    """A new library of the documents; a server opens it later."""
    from sourcebook.eval.data.articles import plain_articles
    from sourcebook.index.encoding.encoder import Encoder
    from sourcebook.index.encoding.reader import shipped_reader
    from sourcebook.index.library import Library
    from sourcebook.service.asking.engine import Engine

    encoder = Encoder()
    loaded()

    library = Library(Path(job.library), encoder, create=True)
    library.add(plain_articles((d.id, d.title, d.text) for d in job.documents))
    engine = Engine.of(library, reader=shipped_reader())
    return lambda question: engine.find(question, limit=TOP).hits


if __name__ == "__main__":
    main(
        System(
            name="Sourcebook",
            package="sourcebook",
            kind="hybrid",
            note="In process; every passage with a citation of its best sentences.",
            build=build,
            same_passages=True,
        )
    )
