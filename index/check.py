"""Checks a library for damage, and rebuilds what is derived from its database."""

from collections.abc import Iterator
from dataclasses import dataclass

from sourcebook.index.encoding.model_files import shipped_models
from sourcebook.index.errors import LibraryError
from sourcebook.index.ingest import unchanged
from sourcebook.index.library import DATABASE, Library
from sourcebook.index.storage.records import damaged
from sourcebook.index.storage.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something that is not as it was written, and what to do about it."""

    what: str
    cure: str


def check(library: Library, *, repair: bool = False) -> list[Damage]:
    """All damage in the database, its articles, both indexes and the shipped model.

    With `repair` the indexes are built anew first. Every article is read. Raises `LibraryError`
    where the database cannot be read on.
    """
    if repair:
        library.rebuild_indexes()
    with library.view() as view:
        found = [*_in_database(library, view), *in_articles(view)]
    found += _in_model(library)
    cure = "Build the indexes anew: sourcebook check --repair"
    return found + [
        Damage(what=f"In {library.folder}, {one}.", cure=cure) for one in library.drift()
    ]


def _in_database(library: Library, view: View) -> Iterator[Damage]:
    for problem in view.integrity():
        yield Damage(
            what=f"{library.folder / DATABASE} is damaged: {problem}.",
            cure="Restore it from a backup, or add the articles to a new library.",
        )


def in_articles(view: View) -> Iterator[Damage]:
    """The damage in articles and passages; each is read."""
    for article_id, source in view.sources():
        if unchanged(view, source, view.content_sha256(source) or "") is None:
            error = damaged({"id": article_id, "source": source})
            yield Damage(what=error.message, cure=error.cure)


def _in_model(library: Library) -> Iterator[Damage]:
    for model in shipped_models():
        if model.fingerprint == library.encoder.fingerprint:
            try:
                model.check()
            except LibraryError as error:
                yield Damage(what=error.message, cure=error.cure)
