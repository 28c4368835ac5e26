"""Temporary libraries of a corpus, kept in a cache so that a second run is quick."""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sourcebook.eval.data.code import code_sha256
from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import cache_folder
from sourcebook.index.errors import InputError, UnreadableError
from sourcebook.index.ingest import content_sha256
from sourcebook.index.library import Library
from sourcebook.index.parsing.parse import find_files, parse

# What decides what a library of given articles holds; the articles are hashed themselves.
STORING = tuple(
    f"sourcebook.index.{name}"
    for name in ("duplicates", "encoding", "ingest", "passages", "search", "storage")
)
BUILT = "built.json"


def default_cache() -> Path:
    """`sourcebook/libraries` in XDG_CACHE_HOME, or in `~/.cache` where that is not set."""
    return cache_folder() / "libraries"


def corpus_articles(path: Path) -> list[Article]:
    """The articles of a file or of all files in a folder, read as additions are.

    Raises InputError where there is none, UnreadableError for a file that cannot be read: an
    evaluation must not silently miss a part of its corpus.
    """
    articles = [article for file in find_files([path]) for article in _read(file)]
    if not articles:
        raise InputError(f"{str(path)!r} holds no article; expected a file or a folder of files.")
    return articles


def _read(file: Path) -> list[Article]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{file} cannot be read: {error.strerror}.") from error
    return parse(data, name=file.name, source=str(file))


def cached_library(
    articles: Sequence[Article], encoder: Encoder, cache: Path
) -> tuple[Library, Iterator[int]]:
    """The library of these articles in the cache, and its building: the articles done so far.

    The library is whole once the iterator is exhausted. It is named by the articles, the encoder
    and the code that builds, so another corpus or chunker never meets it; an interrupted build
    goes on where it stopped, because additions are incremental.
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
    """Whether a cached library is whole."""
    return (library.folder / BUILT).exists()


def build_cost(library: Library) -> dict[str, float]:
    """How long the library took to build, if it was built here and in one go."""
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
