"""A library: articles, their passages and both indexes, in one folder."""

import shutil
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from sourcebook.index.article import Article, CanonicalText, article_id, sha256
from sourcebook.index.encoding.encoder import Encoder, QuestionEncoding
from sourcebook.index.encoding.tokens import TokenCodec, Vectors, rarity
from sourcebook.index.errors import (
    BusyError,
    LibraryError,
    NotFoundError,
    SourcebookError,
    StorageError,
)
from sourcebook.index.ingest import (
    Action,
    Group,
    Prepared,
    ahead,
    prepare,
    put,
    reembed,
    remove,
    set_encoder,
)
from sourcebook.index.search.candidates import Candidate, Candidates, Sourced
from sourcebook.index.search.derived import DENSE, LEXICAL, DerivedIndexes
from sourcebook.index.stopwatch import Stopwatch
from sourcebook.index.storage.records import ArticleRecord, Filter, Judgement
from sourcebook.index.storage.store import Store
from sourcebook.index.storage.view import View

DATABASE = "sourcebook.db"
LOCK = "writer.lock"

LOCK_TIMEOUT_S = 120
# An addition begins only when this much room is left beside what it brings.
FREE_BYTES = 32_000_000

# The rows that a filter lets through are kept for so many filters: readers page through answers.
KEPT_FILTERS = 16

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One article's addition, committed: `copy_of` names the article that it repeats."""

    action: Action
    record: ArticleRecord


@dataclass(slots=True)
class _Known:
    """What many questions to one generation ask of the database."""

    generation: int
    names: tuple[list[str], list[str]] | None = None
    records: dict[int, ArticleRecord] = field(default_factory=dict)
    allowed: dict[Filter, tuple[list[int], Rows]] = field(default_factory=dict)


class Library:
    """One folder of articles that can be searched; safe between threads and processes."""

    def __init__(self, folder: Path, encoder: Encoder, *, create: bool = False) -> None:
        """Open the library in `folder`; `create` begins one where there is none.

        Raises `NotFoundError` where there is no library, `LibraryError` for one that is damaged,
        of a newer version, or made with another encoder.
        """
        self.folder = folder
        self.encoder = encoder
        database = folder / DATABASE
        self._turn = threading.Lock()
        if not database.exists():
            if not create:
                raise _missing(folder)
            self._begin(database)
        self.store = Store(database)
        self._kept = _Known(0)
        try:
            with self.view() as view:
                self._check_encoder(view)
                self.codec = TokenCodec.from_bytes(view.meta("codec"), encoder.dimensions)
                self.fingerprint = _fingerprint(view)
            self.indexes = DerivedIndexes(folder, encoder.dimensions, folder / LOCK, self._writing)
            self.indexes.discard_if_ahead(self.store)
            with self.view() as view:
                self.indexes.catch_up(view)
        except BaseException:
            self.store.close()
            raise

    def close(self) -> None:
        """Save what makes the next opening quick, and let go of the files."""
        self.indexes.save()
        self.store.close()

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, articles: Iterable[Article]) -> list[Outcome]:
        """Add all of these articles; when this returns, each is committed and can be found.

        An article whose source is known already replaces that one, or is left alone when nothing
        about it has changed. Commits go in groups, so an error leaves the groups before it added.
        """
        return list(self.adding(articles))

    def adding(self, articles: Iterable[Article]) -> Iterator[Outcome]:
        """As `add`, but lazily: an outcome is yielded once its article is committed.

        For callers that show progress: nothing is added unless the outcomes are iterated.
        """
        for group in ahead(prepare(articles, self.encoder, self.codec, self._unchanged)):
            yield from self._commit(group)

    def view(self) -> AbstractContextManager[View]:
        """A snapshot of the library, the same whatever is written meanwhile."""
        return self.store.view()

    def remove(self, wanted: str) -> ArticleRecord:
        """Remove the article of that id; when this returns, nothing finds it any more."""
        with self._writing():
            with self.store.write() as writer:
                self._check_encoder(writer)
                record = writer.record(wanted)
                writer.next_generation()
                remove(writer, record)
            self.indexes.after_write(self.store)
        return record

    def search(
        self,
        question: str,
        watch: Stopwatch | None = None,
        *,
        phrases: Sequence[str] = (),
        chosen: Filter | None = None,
        dense_count: int = 32,
        lexical_count: int = 32,
    ) -> Candidates:
        """The union of what the dense and the lexical index find, each with both scores.

        Their texts are not read: `sourced` does it for those that are shown.
        """
        watch = watch or Stopwatch()
        with watch.stage("encode"):
            encoded = self.encoder.encode_question(question, self.codec)
        with self.view() as view:
            with watch.stage("catch_up"):
                self._check_encoder(view)
                self.indexes.catch_up(view)
                articles, rows = self._allowed(view, chosen)
            with watch.stage("dense"):
                dense = dict(self.indexes.dense.search(encoded.pooled, dense_count, rows))
            with watch.stage("lexical"):
                lexical = dict(
                    self.indexes.lexical.search(
                        question, lexical_count, phrases=phrases, allowed_articles=articles
                    )
                )
                unscored = [row for row in dense if row not in lexical]
                lexical |= self.indexes.lexical.scores(question, unscored, phrases=phrases)
            with watch.stage("read"):
                return self._candidates(view, question, encoded, {*dense, *lexical}, lexical)

    def sourced(self, rows: Iterable[int]) -> dict[int, Sourced]:
        """The passages of those row numbers; what was removed meanwhile is left out."""
        with self.view() as view:
            passages = view.passages(rows)
            articles = {article for article, _ in passages.values()}
            records, copies = self._records(view, articles), view.copies(articles)
            return {
                row: Sourced(
                    article=records[article],
                    passage=passage,
                    copies=tuple(copies.get(article, ())),
                )
                for row, (article, passage) in passages.items()
            }

    def held(self, question: str, chosen: Filter | None = None) -> set[str]:
        """The question's stemmed words that some passage holds, of those that a filter lets by."""
        with self.view() as view:
            self.indexes.catch_up(view)
            articles, _ = self._allowed(view, chosen)
        lexical = self.indexes.lexical
        words = lexical.idf(question)
        return {word for word in words if lexical.holds(word, allowed_articles=articles)}

    def article(self, wanted: str) -> Article:
        """The whole article of that id; `NotFoundError` if there is none."""
        with self.view() as view:
            return view.article(wanted)

    def texts_now(self, wanted: Iterable[str]) -> tuple[dict[str, CanonicalText], int]:
        """The texts of those of the wanted articles that there are, and the generation of this."""
        with self.view() as view:
            return view.texts(wanted), view.generation

    def holding(self, quote: str) -> list[str]:
        """Ids of the articles whose text holds `quote`, code point for code point."""
        with self.view() as view:
            return view.holding(quote)

    def nearest_articles(self, text: str, count: int) -> list[str]:
        """Ids of the articles that share most words with `text`, the best first."""
        with self.view() as view:
            self.indexes.catch_up(view)
            rows = [row for row, _ in self.indexes.lexical.search(text, 5 * count)]
            passages = view.passages(rows)
        ids = [passages[row][1].article_id for row in rows if row in passages]
        return list(dict.fromkeys(ids))[:count]

    def names(self) -> tuple[list[str], list[str]]:
        """The publishers and the authors that the library holds."""
        with self.view() as view:
            known = self._known(view)
            if known.names is None:
                known.names = view.distinct("publisher"), view.distinct("authors")
            return known.names

    def info(self) -> dict[str, Any]:
        """What the library holds and how large it is, in articles, passages and bytes."""
        with self.view() as view:
            self.indexes.catch_up(view)
            return {
                "folder": str(self.folder),
                "generation": view.generation,
                "fingerprint": self.fingerprint,
                "encoder": view.meta("encoder_name"),
                **view.counts(),
                "publishers": view.distinct("publisher"),
                "languages": view.distinct("language"),
                "bytes": {
                    "database": _size(self.folder / DATABASE),
                    "dense": _size(self.folder / DENSE),
                    "lexical": _size(self.folder / LEXICAL),
                },
            }

    def drift(self) -> list[str]:
        """How the derived indexes differ from the database; nothing when all is well."""
        with self.view() as view:
            return self.indexes.drift(view)

    def record_failure(self, source: str, error: SourcebookError) -> None:
        """Remember that `source` could not be added, so that it can be tried again."""
        with self.store.write() as writer:
            writer.record_failure(source, error)

    def forget_failures(self, sources: Iterable[str]) -> set[str]:
        """Forget that these sources could not be added; those of them that were remembered."""
        wanted = set(sources)
        with self.view() as view:
            known = {failure.source for failure in view.failures()} & wanted
        if known:
            with self.store.write() as writer:
                for source in known:
                    writer.forget_failure(source)
        return known

    def add_judgement(self, judgement: Judgement) -> None:
        """Keep what a reader said of an answer."""
        with self.store.write() as writer:
            writer.add_judgement(judgement)

    def remove_judgement(self, wanted: str) -> bool:
        """Delete the judgement of that id; False if there is none."""
        with self.store.write() as writer:
            return writer.remove_judgement(wanted)

    def _begin(self, database: Path) -> None:
        """Make an empty library; a crash meanwhile leaves none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._writing():
            if database.exists():
                return
            temporary = database.with_suffix(".new")
            temporary.unlink(missing_ok=True)
            store = Store(temporary, create=True)
            with store.write() as writer:
                writer.set_meta("uuid", uuid.uuid4().hex)
                set_encoder(writer, self.encoder)
            store.close()
            temporary.rename(database)

    def _unchanged(self, source: str, content: str) -> ArticleRecord | None:
        """The article of that source, if the library holds it with just this content."""
        with self.view() as view:
            same = view.content_sha256(source) == content
            return view.record(article_id(source)) if same else None

    def _check_encoder(self, view: View) -> None:
        if view.meta("encoder") != self.encoder.fingerprint:
            raise LibraryError(
                f"The library in {self.folder} was made with the encoder "
                f"{view.meta('encoder_name')!r}; this is {self.encoder.name!r}.",
                cure="Name its own encoder, or encode all of it anew: "
                f"sourcebook --library {self.folder} --model {self.encoder.name} reembed",
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the write lock; threads of this process take turns without polling the file."""
        with self._turn, _write_lock(self.folder):
            yield

    def _commit(self, group: Group) -> list[Outcome]:
        outcomes: list[Outcome] = []
        with self._writing():
            self._check_room(group)
            with self.store.write() as writer:
                self._check_encoder(writer)
                if any(isinstance(item, Prepared) for item in group):
                    writer.next_generation()
                for item in group:
                    if isinstance(item, Prepared):
                        action = put(writer, item)
                        record = writer.record(item.article.id)
                    else:
                        action, record = Action.UNCHANGED, item
                    writer.forget_failure(record.source)
                    outcomes.append(Outcome(action=action, record=record))
            self.indexes.after_write(self.store)
        return outcomes

    def _check_room(self, group: Group) -> None:
        needed = FREE_BYTES + sum(item.nbytes for item in group if isinstance(item, Prepared))
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise StorageError(
                f"The disk of {self.folder} has {free:,} bytes left; this addition needs about "
                f"{needed:,}. Nothing was changed.",
                cure="Free some space, then add the same files again.",
            )

    def _known(self, view: View) -> "_Known":
        """What is kept in memory until the library changes."""
        known = self._kept
        if known.generation != view.generation:
            known = self._kept = _Known(view.generation)
        return known

    def _records(self, view: View, rows: set[int]) -> dict[int, ArticleRecord]:
        known = self._known(view).records
        known |= view.records_by_rowid([row for row in rows if row not in known])
        return known

    def _allowed(self, view: View, chosen: Filter | None) -> tuple[list[int] | None, Rows | None]:
        """Row numbers of the articles and of the passages that a filter lets through."""
        if chosen is None or chosen == Filter():
            return None, None
        known = self._known(view).allowed
        found = known.get(chosen)
        if found is None:
            articles, passages = view.allowed(chosen)
            found = known[chosen] = articles, np.array(passages, np.int64)
            for oldest in list(known)[:-KEPT_FILTERS]:
                known.pop(oldest, None)  # another thread may have been first
        return found

    def _weights(self, view: View, question: QuestionEncoding) -> Vectors:
        """How rare each of the question's word pieces is among the passages."""
        pieces = question.pieces.tolist()
        total, counts = len(self.indexes.dense), view.piece_counts(set(pieces))
        return rarity([min(total, counts.get(piece, 0)) for piece in pieces], total)

    def _candidates(
        self,
        view: View,
        question: str,
        encoded: QuestionEncoding,
        rows: Iterable[int],
        lexical: dict[int, float],
    ) -> Candidates:
        stored = view.encodings(rows)
        idf, highest = self.indexes.lexical.idf(question), self.indexes.lexical.highest_idf()
        bound = self.indexes.lexical.bound(question) or 1.0
        items = [
            Candidate(
                row=row,
                dense=float(np.frombuffer(found.pooled, dtype="<f4") @ encoded.pooled),
                lexical=lexical.get(row, 0.0) / bound,
                token_starts=np.frombuffer(found.starts, dtype="<u4"),
                tokens=self.codec.count(found.tokens),
            )
            for row, found in stored.items()
        ]
        return Candidates(
            generation=view.generation,
            question=encoded,
            rarity={term: value / highest for term, value in idf.items()},
            weights=self._weights(view, encoded),
            similarity=self.codec.similarity(
                encoded.tokens, b"".join(found.tokens for found in stored.values())
            ),
            items=tuple(items),
        )


def reembed_library(folder: Path, encoder: Encoder) -> int:
    """Encode the library in `folder` anew with another encoder, all or nothing.

    Returns the number of its articles.
    """
    if not (folder / DATABASE).exists():
        raise _missing(folder)
    store = Store(folder / DATABASE)
    try:
        with _write_lock(folder), store.write() as writer:
            count = reembed(writer, encoder)
        (folder / DENSE).unlink(missing_ok=True)
    finally:
        store.close()
    return count


def _missing(folder: Path) -> NotFoundError:
    return NotFoundError(
        f"There is no library in {folder}.",
        cure=f"Make one: sourcebook --library {folder} add PATH",
    )


@contextmanager
def _write_lock(folder: Path) -> Iterator[None]:
    """Hold the library's write lock, shared by all processes."""
    try:
        with FileLock(folder / LOCK, timeout=LOCK_TIMEOUT_S):
            yield
    except Timeout as error:
        raise BusyError(
            f"Another process has been writing to {folder} for {LOCK_TIMEOUT_S} s.",
            cure="Wait until it has finished, then try again.",
        ) from error
    except PermissionError as error:
        raise StorageError(
            f"The library in {folder} cannot be written to: {error}.",
            cure="Check the folder's permissions, then try again.",
        ) from error


def _fingerprint(view: View) -> str:
    """16 hex digits that name the library and how its vectors were made."""
    return sha256(f"{view.meta('uuid')} {view.meta('encoder')} {sha256(view.meta('codec'))}")[:16]


def _size(path: Path) -> int:
    """The bytes of a file or folder; files that vanish meanwhile count nothing."""
    files = path.rglob("*") if path.is_dir() else [path, path.with_name(path.name + "-wal")]
    total = 0
    for file in files:
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total
