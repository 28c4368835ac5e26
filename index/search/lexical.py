"""The lexical index: BM25 in tantivy, derived from the database."""

import itertools
import logging
import math
import shutil
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tantivy
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from sourcebook.index.checksums import CHECKSUMS, check_files, write_checksums
from sourcebook.index.errors import StorageError
from sourcebook.index.search.stemming import (
    FOLDING,
    SPACED,
    STEMMERS,
    STEMMING,
    folded_words,
    own_stems,
    stem,
    words,
)
from sourcebook.index.storage.access_mode import share
from sourcebook.index.storage.records import Moment

log = logging.getLogger(__name__)

# tantivy fixes k1 = 1.2 and b = 0.75 (Robertson & Zaragoza, "The Probabilistic Relevance
# Framework", 2009); a term's score is at most (k1 + 1) times its idf.
K1 = 1.2

STEMMED = "stemmed"
OWN = "own"
PAIRS = "pairs"
PLAIN = "plain"
# A misspelt word differs by a letter, a long one by two at most.
MOST_LETTERS, LONG_WORD = 2, 6
MOST_COMPARED = 100_000  # words with one first letter: 30 ms where 800,000 words are indexed
WRITER_HEAP_BYTES = 32_000_000  # tantivy requires at least 15 MB for each thread
# tantivy replaces meta.json at each commit, and writes all other files once, under unique names.
# The list .managed.json changes before a commit; it only serves to delete files.
MUTABLE_FILES = ("meta.json",)
IGNORED_FILES = (".managed.json",)
Term = tuple[str, str]  # a field and a word in it

# Raised by an index that is missing, damaged or of another version.
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalEntry:
    """A passage to be indexed; `context` is its title and headings, `language` two letters."""

    row: int
    article: int
    context: str
    text: str
    language: str = "en"


class LexicalIndex:
    """BM25 over stemmed words and pairs of neighbouring ones; exact phrases over plain words.

    All words are stemmed by the rules of English, so that names match across languages; those of a
    passage in another language also by its own, and a word counts by the better of both.

    Safe to share between threads; only the holder of the library's write lock may change it. Its
    moment is committed together with its documents, so the two always agree.
    """

    def __init__(
        self,
        folder: Path | None,
        exclusively: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Open the index in `folder`, or start empty if it is missing or damaged.

        `exclusively` acquires the library's write lock, so that only one process starts an index.
        Without a folder the index is kept in memory.
        """
        self._folder = folder
        self._schema = SCHEMA
        self._reloading = threading.Lock()
        if folder is None:
            self._index = self._begin()
        else:
            try:
                self._index = self._open(folder)
            except DAMAGE:
                # Perhaps another process has just committed and not yet written the checksums.
                with exclusively():
                    self._index = self._open_or_begin(folder)
        self._refresh()

    @property
    def generation(self) -> int:
        """The generation of the library that the index represents."""
        return self.moment.generation

    def reload(self) -> None:
        """Load what another process has committed."""
        with self._reloading:
            self._index.reload()
            self._refresh()

    def clear(self) -> None:
        """Start again empty, at generation 0; the caller holds the library's write lock."""
        with self._reloading:
            self._index = self._begin()
            self._refresh()

    def __len__(self) -> int:
        """The number of passages in the index."""
        return max(0, int(self._index.searcher().num_docs) - 1)

    def search(
        self,
        question: str,
        count: int,
        *,
        phrases: Iterable[str] = (),
        allowed_articles: Sequence[int] | None = None,
    ) -> list[tuple[int, float]]:
        """The best `count` passages as (row number, BM25 score), best first.

        A passage needs to match only one word of the question; each of `phrases` adds its own
        score where it occurs word for word. `allowed_articles` restricts the search to these row
        numbers of articles.
        """
        return self._search(question, phrases, count, "article", allowed_articles)

    def scores(
        self, question: str, rows: Sequence[int], *, phrases: Iterable[str] = ()
    ) -> dict[int, float]:
        """The BM25 scores of these passages; passages that match no word are left out."""
        return dict(self._search(question, phrases, len(rows), "row", rows))

    def _search(
        self,
        question: str,
        phrases: Iterable[str],
        count: int,
        field: str,
        allowed: Sequence[int] | None,
    ) -> list[tuple[int, float]]:
        matches = [self._any(terms) for terms in self._terms(question)]
        matches += [self._phrase(phrase) for phrase in phrases]
        if not matches or not count or (allowed is not None and not allowed):
            return []
        query = tantivy.Query.boolean_query([(tantivy.Occur.Should, match) for match in matches])
        if allowed is not None:
            query = self._among(query, field, allowed)
        searcher = self._index.searcher()
        hits = searcher.search(query, limit=count, count=False).hits
        rows = _values(searcher, "row", hits)
        return [(row, float(score)) for (score, _), row in zip(hits, rows, strict=True)]

    def _any(self, terms: Sequence[Term]) -> tantivy.Query:
        """A query for any of the terms, which scores as the best of them does."""
        queries = [tantivy.Query.term_query(self._schema, *term) for term in terms]
        return queries[0] if len(queries) == 1 else tantivy.Query.disjunction_max_query(queries)

    def _among(self, query: tantivy.Query, field: str, allowed: Sequence[int]) -> tantivy.Query:
        """A query for what matches `query` and has one of the allowed numbers in the field."""
        among = tantivy.Query.term_set_query(self._schema, field, list(allowed))
        among = tantivy.Query.const_score_query(among, 0.0)
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, query), (tantivy.Occur.Must, among)]
        )

    def idf(self, text: str) -> dict[str, float]:
        """BM25's inverse document frequency of each word of `text`, by its stem in English.

        Stop words of English are left out. A word that is inflected in several languages of the
        library has the lowest of its frequencies.
        """
        found: dict[str, float] = {}
        for word in words(text):
            if stemmed := stem(word):
                found[stemmed] = min(self._idf(self._forms(word)), found.get(stemmed, math.inf))
        return found

    def bound(self, question: str) -> float:
        """An upper bound of the BM25 score of any passage for `question`, without phrases."""
        groups = self._terms(question)
        return (K1 + 1) * sum(max(self._idf([term]) for term in terms) for terms in groups)

    def highest_idf(self) -> float:
        """The inverse document frequency of a word that no passage contains."""
        return _idf(max(1, self._index.searcher().num_docs), 0)

    def holds(self, word: str, *, allowed_articles: Sequence[int] | None = None) -> bool:
        """Whether a passage contains a word, inflected in any way.

        `allowed_articles` restricts the search.
        """
        forms = self._forms(word)
        if not forms:
            return False
        query = self._any(forms)
        if allowed_articles is not None:
            query = self._among(query, "article", allowed_articles)
        return bool(self._index.searcher().search(query, limit=1, count=False).hits)

    def words_like(self, word: str) -> list[str]:
        """The indexed words with the same first letter that differ by a letter, or two if long.

        The nearest come first, and among these the most frequent. Two letters that changed places
        are one difference. Of a large library only the most frequent words are compared.
        """
        [wanted, *more] = folded_words(word) or [""]
        if more or not wanted:
            return []
        searcher = self._index.searcher()
        counts = dict(searcher.terms_with_prefix(PLAIN, wanted[0], limit=MOST_COMPARED))
        near = extract(
            wanted,
            list(counts),
            scorer=OSA.distance,
            score_cutoff=MOST_LETTERS if len(wanted) >= LONG_WORD else 1,
            limit=None,
        )
        ranked = sorted((distance, -counts[other], other) for other, distance, _ in near)
        return [other for _, _, other in ranked]

    def catch_up(
        self, moment: Moment, added: Iterable[LexicalEntry], removed: Iterable[int]
    ) -> None:
        """Remove rows, then add entries, in one commit.

        The caller holds the library's write lock.
        """
        try:
            writer = self._index.writer(WRITER_HEAP_BYTES, 1)
            try:
                # A crash during a commit leaves files whose names the next commit needs.
                writer.garbage_collect_files()
                self._write_checksums()
                self._change(writer, added, removed)
                writer.delete_documents_by_query(self._marker())
                writer.add_document(_document({"marker": 1, **moment._asdict()}))
                writer.commit()
            finally:
                # This also releases tantivy's own lock.
                writer.wait_merging_threads()
            self._write_checksums()
        except (OSError, ValueError) as error:
            raise StorageError(
                f"The lexical index {self._folder} could not be written: {error}.",
                cure="Free some space or check the folder's permissions; the articles are safe.",
            ) from error
        self.reload()

    def _change(
        self, writer: tantivy.IndexWriter, added: Iterable[LexicalEntry], removed: Iterable[int]
    ) -> None:
        gone = tantivy.Query.term_set_query(self._schema, "row", list(removed))
        writer.delete_documents_by_query(gone)
        for entry in added:
            values = {
                "row": entry.row,
                "article": entry.article,
                STEMMED: [entry.context, entry.text],
                PAIRS: [
                    " ".join(_pairs(STEMMING.analyze(text))) for text in (entry.context, entry.text)
                ],
                PLAIN: entry.text,
            }
            if entry.language in STEMMERS:
                values[OWN] = [
                    " ".join(own_stems(text, entry.language))
                    for text in (entry.context, entry.text)
                ]
            writer.add_document(_document(values))

    def rows(self) -> list[int]:
        """The row numbers of all passages in the index, sorted."""
        searcher = self._index.searcher()
        query = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Must, tantivy.Query.all_query()),
                (tantivy.Occur.MustNot, self._marker()),
            ]
        )
        found = searcher.search(query, limit=max(1, searcher.num_docs), count=False).hits
        return sorted(_values(searcher, "row", found))

    def _open(self, folder: Path) -> tantivy.Index:
        """Open the index in the folder; raises one of `DAMAGE` if it is missing or damaged.

        tantivy does not verify its files, so they are compared with their checksums first. After a
        crash between a commit and the writing of its checksums they differ too.
        """
        check_files(folder)
        index = tantivy.Index.open(str(folder))
        if index.schema != self._schema:
            raise ValueError("it is of another version")
        return self._with_analysers(index)

    def _open_or_begin(self, folder: Path) -> tantivy.Index:
        """Open the index in the folder, or start empty; the caller holds the write lock."""
        try:
            return self._open(folder)
        except DAMAGE as error:
            if folder.is_dir():
                log.warning("%s is rebuilt from the database: %s", folder, error)
            return self._begin()

    def _begin(self) -> tantivy.Index:
        if self._folder is None:
            return self._with_analysers(tantivy.Index(self._schema))
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        index = tantivy.Index(self._schema, str(self._folder))
        self._write_checksums()
        return self._with_analysers(index)

    def _write_checksums(self) -> None:
        if self._folder is not None:
            write_checksums(self._folder, mutable=MUTABLE_FILES, ignored=IGNORED_FILES)
            self._share(self._folder)

    def _share(self, folder: Path) -> None:
        """Let all who may use the checksums use the rest: tantivy lets only their maker."""
        share(folder, folder.parent)
        share(folder / CHECKSUMS, folder)
        wanted = (folder / CHECKSUMS).stat().st_mode
        for file in folder.iterdir():
            with suppress(PermissionError, FileNotFoundError):  # of another user, or gone again
                if not file.is_symlink() and file.stat().st_mode != wanted:
                    file.chmod(stat.S_IMODE(wanted))

    def _with_analysers(self, index: tantivy.Index) -> tantivy.Index:
        index.register_tokenizer(STEMMED, STEMMING)
        index.register_tokenizer(OWN, SPACED)
        index.register_tokenizer(PAIRS, SPACED)
        index.register_tokenizer(PLAIN, FOLDING)
        # `reload` is called after each commit; tantivy's watcher would be one more thread.
        index.config_reader("manual")
        index.reload()
        return index

    def _terms(self, question: str) -> list[list[Term]]:
        """The terms of each word and pair of `question`, without repetition."""
        groups = [self._forms(word) for word in words(question)]
        groups += [[(PAIRS, pair)] for pair in _pairs(STEMMING.analyze(question))]
        return [list(terms) for terms in dict.fromkeys(map(tuple, groups)) if terms]

    def _forms(self, word: str) -> list[Term]:
        """The terms under which a word is indexed: in English and the library's other languages."""
        stemmed = stem(word)
        forms = [(STEMMED, stemmed)] if stemmed else []
        own = [own_stems(word, language) for language in self._languages]
        return forms + [(OWN, each) for stems in own for each in stems]

    def _idf(self, terms: Sequence[Term]) -> float:
        """The inverse document frequency of whichever term most passages hold."""
        searcher = self._index.searcher()
        held = max((searcher.doc_freq(*term) for term in terms), default=0)
        return _idf(max(1, searcher.num_docs), held)

    def _refresh(self) -> None:
        self.moment = self._read_moment()
        self._languages = self._read_languages()

    def _read_languages(self) -> list[str]:
        """The languages, beside English, that passages were stemmed by."""
        searcher = self._index.searcher()
        return [one for one in STEMMERS if searcher.terms_with_prefix(OWN, f"{one}:", limit=1)]

    def _read_moment(self) -> Moment:
        """The moment that was committed with the documents; zeros if there is none."""
        searcher = self._index.searcher()
        hits = searcher.search(self._marker(), limit=1, count=False).hits
        generation, state = (_values(searcher, name, hits) or [0] for name in Moment._fields)
        return Moment(generation[0], state[0])

    def _marker(self) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, "marker", 1)

    def _phrase(self, phrase: str) -> tantivy.Query:
        words = FOLDING.analyze(phrase)
        if not words:
            return tantivy.Query.empty_query()
        if len(words) == 1:
            return tantivy.Query.term_query(self._schema, PLAIN, words[0])
        return tantivy.Query.phrase_query(self._schema, PLAIN, list(words))


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("row", "article", "marker"):
        builder.add_unsigned_field(name, indexed=True, fast=True)
    for name in Moment._fields:
        builder.add_unsigned_field(name, fast=True)
    builder.add_text_field(STEMMED, tokenizer_name=STEMMED, index_option="freq")
    builder.add_text_field(OWN, tokenizer_name=OWN, index_option="freq")
    builder.add_text_field(PAIRS, tokenizer_name=PAIRS, index_option="freq")
    builder.add_text_field(PLAIN, tokenizer_name=PLAIN, index_option="position")
    return builder.build()


def _document(values: dict[str, Any]) -> tantivy.Document:
    return tantivy.Document.from_dict(values, SCHEMA)


def _pairs(words: Sequence[str]) -> list[str]:
    """Each word joined with the next; stop words are already removed.

    Features of their own in Metzler & Croft, "A Markov Random Field Model for Term Dependencies",
    SIGIR 2005; measured in docs/decisions/0009-word-pairs.md.
    """
    return [f"{one}_{other}" for one, other in itertools.pairwise(words)]


def _values(searcher: tantivy.Searcher, name: str, hits: list[Any]) -> list[int]:
    """The value of a numeric field in each hit; 0 for a document without the field."""
    found = searcher.fast_field_values(name, [address for _, address in hits])
    return [int(value or 0) for value in found]


def _idf(total: int, containing: int) -> float:
    return math.log(1 + (total - containing + 0.5) / (containing + 0.5))


SCHEMA = _schema()
