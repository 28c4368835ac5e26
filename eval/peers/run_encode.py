"""Measures `SentenceTransformer.encode` alone, on the passages that Sourcebook cuts."""
# ruff: noqa: PLC0415 (importing is a part of what is timed)

from sourcebook.eval.peers.measuring import Ask, Loaded, System, Workload, main

BATCH = 32  # its default


def build(job: Workload, loaded: Loaded) -> Ask:
    """Encode the passages; a question is only encoded, nothing is searched."""
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
            note=f"Sourcebook's passages without titles, {BATCH} per batch; no search.",
            build=build,
            same_passages=True,
        )
    )
