"""Measures `SentenceTransformer.encode` alone, on the very passages that Sourcebook cuts."""
# ruff: noqa: PLC0415 (importing is a part of what is timed)

from sourcebook.eval.peers.measuring import Ask, Job, Loaded, System, main

BATCH = 32  # its default


def build(job: Job, loaded: Loaded) -> Ask:
    """The passages' vectors; a question is encoded, and nothing is searched."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(job.model)
    loaded()

    model.encode(list(job.passages), batch_size=BATCH)
    return model.encode


if __name__ == "__main__":
    main(
        System(
            name="SentenceTransformer.encode",
            package="sentence-transformers",
            kind="encode only",
            note=f"Sourcebook's passages without their titles, {BATCH} at once; no search.",
            build=build,
            same_passages=True,
        )
    )
