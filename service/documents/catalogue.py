"""Returns a library's contents as JSON responses: lists, articles, passages and verdicts."""

from collections.abc import Sequence

from sourcebook.index.library import Library
from sourcebook.index.storage import trash
from sourcebook.service.documents.verify import verify
from sourcebook.service.notation.answers import VerdictOut, VerifyOut
from sourcebook.service.notation.article_requests import ArticlesQuery, MetadataPatch
from sourcebook.service.notation.articles import (
    ArticleFull,
    ArticleOut,
    ArticlesPage,
    CorrectedOut,
    PassageFull,
    PassageOut,
    PassagesOut,
)
from sourcebook.service.notation.asking_requests import VerifyRequest
from sourcebook.service.notation.library import (
    CoverageOut,
    CoveredOut,
    FailureOut,
    LibraryOut,
    PurgedOut,
    RemovedOut,
    RestoredOut,
    TrashedOut,
    TrashOut,
)

SHOWN_FAILURES = 100


def generation(library: Library) -> int:
    """The library's generation now."""
    with library.view() as view:
        return view.generation


def page(library: Library, wanted: ArticlesQuery) -> ArticlesPage:
    """One page of the articles that match the filter."""
    chosen = wanted.filter()
    with library.view() as view:
        records = view.records(
            chosen,
            order=wanted.sort,
            descending=wanted.descending,
            limit=wanted.limit,
            offset=wanted.offset,
        )
        return ArticlesPage(
            total=view.count(chosen),
            limit=wanted.limit,
            offset=wanted.offset,
            generation=view.generation,
            articles=[ArticleOut.model_validate(record) for record in records],
        )


def article(library: Library, wanted: str) -> ArticleFull:
    """An article with its text. Raises `NotFoundError` and `DamagedError`."""
    with library.view() as view:
        record = view.record(wanted)
        copies = view.copies([record.rowid]).get(record.rowid, [])
        return ArticleFull.of(record, view.article(wanted), copies, view.versions(record))


def correct(library: Library, wanted: str, patch: MetadataPatch) -> CorrectedOut:
    """Correct an article's metadata. Raises what `Library.correct` raises."""
    done = library.correct(wanted, patch.changes())
    return CorrectedOut.of(done.before, done.record, generation(library))


def passages(library: Library, wanted: str) -> PassagesOut:
    """The passages of an article. Raises `NotFoundError` and `DamagedError`."""
    with library.view() as view:
        found = view.passages_of(wanted)
        return PassagesOut(
            generation=view.generation,
            passages=[PassageOut.model_validate(passage) for passage in found],
        )


def passage(library: Library, wanted: str) -> PassageFull:
    """A passage with its article. Raises `NotFoundError` and `DamagedError`."""
    with library.view() as view:
        found = view.passage(wanted)
        return PassageFull.of(found, view.record(found.article_id))


def remove(library: Library, wanted: Sequence[str], *, purge: bool = False) -> RemovedOut:
    """Remove articles one by one, or purge them. Raises `NotFoundError` at the first unknown id."""
    removed = [ArticleOut.model_validate(library.remove(one, purge=purge)) for one in wanted]
    if purge:
        library.scrub()
    return RemovedOut(removed=removed, generation=generation(library))


def trashed(library: Library) -> TrashOut:
    """What is in the trash."""
    return TrashOut(trash=[TrashedOut.model_validate(one) for one in library.trashed()])


def restore(library: Library, wanted: Sequence[str]) -> RestoredOut:
    """Bring articles back from the trash, one by one."""
    restored = [ArticleOut.model_validate(library.restore(one)) for one in wanted]
    return RestoredOut(restored=restored, generation=generation(library))


def purge(library: Library, wanted: Sequence[str]) -> PurgedOut:
    """Delete articles from the trash for good."""
    for one in wanted:
        library.purge(one)
    if wanted:
        library.scrub()
    return PurgedOut(purged=list(wanted))


def empty_trash(library: Library) -> PurgedOut:
    """Delete everything in the trash for good, also what is damaged."""
    with library.view() as view:
        wanted = trash.ids(view)
    return purge(library, wanted)


def verified(library: Library, wanted: VerifyRequest) -> VerifyOut:
    """Check quotes, or the quotations in a draft."""
    verdicts = verify(library, wanted.wanted_quotes(), wanted.article)
    return VerifyOut(
        verdicts=[VerdictOut.model_validate(verdict) for verdict in verdicts],
        generation=generation(library),
        fingerprint=library.fingerprint,
    )


def coverage(library: Library) -> CoverageOut:
    """Count articles by month and publisher."""
    with library.view() as view:
        covered = [CoveredOut.model_validate(row) for row in view.coverage()]
        return CoverageOut(generation=view.generation, coverage=covered)


def describe(library: Library) -> LibraryOut:
    """Describe the library, with its most recent failures."""
    with library.view() as view:
        failures = view.failures()[:SHOWN_FAILURES]
    failed = [FailureOut.model_validate(failure) for failure in failures]
    return LibraryOut(**library.info(), failed=failed)
