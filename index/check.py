"""Checks a library for damage, and repairs what its articles are enough for."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from sourcebook.index.encoding.model_files import shipped_models
from sourcebook.index.encoding.reader import check_reader
from sourcebook.index.errors import DamagedError, LibraryError, NotFoundError
from sourcebook.index.folder import DATABASE
from sourcebook.index.ingest import content_sha256
from sourcebook.index.library import Library
from sourcebook.index.storage import damage, trash
from sourcebook.index.storage.records import REPAIR, damaged
from sourcebook.index.storage.view import View


class State(Enum):
    """What of an article is damaged: nothing, only its passages, or itself."""

    WHOLE = "whole"
    PASSAGES = "passages"
    ARTICLE = "article"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something that is not as it was written, and what to do about it."""

    what: str
    cure: str


def check(library: Library, *, repair: bool = False) -> list[Damage]:
    """All damage in the database, its articles, passages and indexes, and the shipped models.

    With `repair` damaged passages are cut and encoded again, and the indexes are built anew, before
    the rest is listed. Everything is read. Raises `LibraryError` where the database cannot be read
    on.
    """
    if repair:
        _repair(library)
    with library.view() as view:
        found = [*_in_database(library, view), *in_articles(view), *_in_the_rest(view)]
    found += _in_models(library)
    return found + [
        Damage(what=f"In {library.folder}, {one}.", cure=REPAIR) for one in library.drift()
    ]


def _repair(library: Library) -> None:
    with library.view() as view:
        wanted = [
            one for one, source in view.sources() if _state(view, one, source) is State.PASSAGES
        ]
    library.encode_again(wanted)
    with library.view() as view:
        miscounted = damage.miscounted(view)
    if miscounted:
        library.count_anew()
    library.rebuild_indexes()


def _in_database(library: Library, view: View) -> Iterator[Damage]:
    for problem in damage.integrity(view):
        yield Damage(
            what=f"{library.folder / DATABASE} is damaged: {problem}.",
            cure="Restore it from a backup, or add the articles to a new library.",
        )
    for error in damage.damaged_records(view):
        yield Damage(what=error.message, cure=error.cure)


def in_articles(view: View) -> Iterator[Damage]:
    """The damage in articles and passages; each is read."""
    for article_id, source in view.sources():
        match _state(view, article_id, source):
            case State.PASSAGES:
                what = f"Passages of the article {article_id!r} from {source!r} are damaged."
                yield Damage(what=what, cure=REPAIR)
            case State.ARTICLE:
                error = damaged({"id": article_id, "source": source})
                yield Damage(what=error.message, cure=error.cure)


def _state(view: View, article_id: str, source: str) -> State:
    """What of an article is damaged, if anything."""
    try:
        record = view.record(article_id)
        if content_sha256(view.article(article_id)) != view.content_sha256(source):
            return State.ARTICLE
    except (DamagedError, NotFoundError):
        return State.ARTICLE
    rows = view.passage_rowids(record.rowid)
    try:
        view.passages_of(article_id)
    except DamagedError:
        return State.PASSAGES
    whole = rows and len(view.encodings(rows)) == len(rows)
    return State.WHOLE if whole else State.PASSAGES


def _in_the_rest(view: View) -> Iterator[Damage]:
    if damage.miscounted(view):
        yield Damage(what="The counts of word pieces are damaged.", cure=REPAIR)
    for one in damage.damaged_judgements(view):
        cure = f"Delete it: DELETE /v1/judgements/{one}"
        yield Damage(what=f"The judgement {one!r} is damaged.", cure=cure)
    for one in trash.ids(view):
        try:
            trash.article(view, one)
        except DamagedError as error:
            cure = f"Delete it: sourcebook trash purge {one}"
            yield Damage(what=f"In the trash: {error.message}", cure=cure)


def _in_models(library: Library) -> Iterator[Damage]:
    encoders = [one for one in shipped_models() if one.fingerprint == library.encoder.fingerprint]
    for look in (*(one.check for one in encoders), check_reader):
        try:
            look()
        except LibraryError as error:
            yield Damage(what=error.message, cure=error.cure)
