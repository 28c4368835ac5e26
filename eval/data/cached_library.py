"""Temporary libraries of a corpus, kept in a cache so that a second run is quick."""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sourcebook.eval.data.code_hash import code_sha256
from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import cache_folder
from sourcebook.index.ingest import content_sha256
from sourcebook.index.library import Library

# The code that decides what a library of given articles contains.
STORING = tuple(
    f"sourcebook.index.{name}"
    for name in (
        "differences",
        "duplicates",
        "encoding",
        "ingest",
        "originals",
        "passages",
        "search",
        "segmenting",
        "storage",
    )
)
BUILT = "built.json"


def default_cache() -> Path:
    """`sourcebook/libraries` in XDG_CACHE_HOME, or in `~/.cache` if that is not set."""
    return cache_folder() / "libraries"


def cached_library(
    articles: Sequence[Article], encoder: Encoder, cache: Path
) -> tuple[Library, Iterator[int]]:
    """The cached library of these articles, and an iterator that builds it.

    The iterator yields the number of articles added so far; the library is complete when it ends.
    The folder is named after a hash of the articles, the encoder and the code that builds, so
    another corpus or chunker never uses it. An interrupted build continues where it stopped,
    because additions are incremental.
    """
    folder = cache / _key(articles, encoder)
    library = Library(folder, encoder, create=True)
    return library, _build(library, articles)


def _build(library: Library, articles: Sequence[Article]) -> Iterator[int]:
    mark = library.folder / BUILT
    if is_built(library):
        return
    begun = time.perf_counter()
    for done, _ in enumerate(library.adding(articles), 1):
        yield done
    facts = {"articles": len(articles), "passages": library.info()["passages"]}
    spent = time.perf_counter() - begun
    mark.write_text(json.dumps({**facts, "build_seconds": spent}), encoding="utf-8")


def is_built(library: Library) -> bool:
    """Whether a cached library is complete."""
    return (library.folder / BUILT).exists()


def build_cost(library: Library) -> dict[str, float]:
    """Seconds and passages per second of the build; empty if the library is not complete."""
    if not is_built(library):
        return {}
    facts = json.loads((library.folder / BUILT).read_text(encoding="utf-8"))
    seconds = facts["build_seconds"]
    return {"build_seconds": seconds, "passages_per_second": facts["passages"] / seconds}


def _key(articles: Sequence[Article], encoder: Encoder) -> str:
    digest = hashlib.sha256(f"{encoder.fingerprint} {code_sha256(STORING)}".encode())
    for article in articles:
        digest.update(content_sha256(article).encode())
    return digest.hexdigest()[:16]
