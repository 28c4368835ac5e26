"""A view of a whole library: its database and both indexes, as they were at one moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.article import CanonicalText
from sourcebook.index.encoding.encoder import Encoder, QuestionEncoding
from sourcebook.index.encoding.tokens import TokenCodec, Vectors, rarity
from sourcebook.index.errors import LibraryError
from sourcebook.index.originals import near_copies
from sourcebook.index.passages import Offsets, Passage
from sourcebook.index.search.candidates import Candidate, Candidates, Sourced
from sourcebook.index.search.derived import DerivedIndexes
from sourcebook.index.search.stemming import folded_words
from sourcebook.index.stopwatch import Stopwatch
from sourcebook.index.storage.records import ArticleRecord, Filter
from sourcebook.index.storage.view import View
from sourcebook.index.words import WORD

# So many passages are looked at to see how a name is written.
READ_FOR_A_NAME = 5
# So many candidates each index finds of a source that is asked, beside all others.
OWN_CANDIDATES = 8
# The rows that a filter lets through are kept for so many filters: people page through answers.
KEPT_FILTERS = 16
# So many passages are known to print what their article says: 10 MB.
KEPT_COMPARED = 100_000

Rows = NDArray[np.int64]


class Names(NamedTuple):
    """The names by which a library knows who speaks for its articles, each sorted."""

    publishers: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(slots=True)
class Known:
    """What many questions to one generation ask of the database."""

    generation: int
    names: Names | None = None
    records: dict[int, ArticleRecord] = field(default_factory=dict)
    allowed: dict[Filter, tuple[list[int], Rows]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, weakref_slot=True)
class Searchable:
    """What an open library gives to each of its views; `known` is replaced when it changes.

    An upgrade changes the `key`: the views after it get another one.
    """

    key: tuple[str, str]
    encoder: Encoder
    codec: TokenCodec
    indexes: DerivedIndexes
    fingerprint: str
    # A hash of each passage's text that was compared with its article, by a row never used twice.
    compared: dict[int, int] = field(default_factory=dict)
    known: Known = field(default_factory=lambda: Known(0))


class LibraryView(View):
    """One consistent view of a library, which can be searched.

    `watch` times what is asked of it, stage by stage. The indexes may be of a later generation
    than the view: what only they know is left out.
    """

    def __init__(self, view: View, library: Searchable) -> None:
        """Use `Library.view`."""
        super().__init__(view)
        self._library = library
        self._lexical = library.indexes.lexical
        self._caught_up = False
        self.watch = Stopwatch()
        self.fingerprint = library.fingerprint

    def names(self) -> Names:
        """The publishers and authors that the library holds, and the hosts of its addresses."""
        known = self._known()
        if known.names is None:
            columns = self.distinct("publisher"), self.distinct("authors"), self.hosts()
            known.names = Names(*map(tuple, columns))
        return known.names

    def words_like(self, word: str) -> list[str]:
        """Words of passages, case and accents aside, that differ from `word` by a letter or two."""
        self.catch_up()
        return self._lexical.words_like(word)

    def written_as_name(self, words: str) -> str | None:
        """How a passage writes these words where each has a capital; None where none does.

        Only the passages that match best are looked at.
        """
        self.catch_up()
        wanted = folded_words(words)
        rows = [row for row, _ in self._lexical.search("", READ_FOR_A_NAME, phrases=[words])]
        for _, passage in self.passages(rows).values():
            found = list(WORD.finditer(passage.text))
            own = [folded_words(word[0]) for word in found]
            for start in range(len(found) - len(wanted) + 1):
                span = found[start : start + len(wanted)]
                if own[start : start + len(wanted)] == [[word] for word in wanted] and all(
                    word[0][0].isupper() for word in span
                ):
                    return passage.text[span[0].start() : span[-1].end()]
        return None

    def pieces(self, text: str) -> Offsets:
        """The span of each word piece that the encoder cuts `text` into."""
        return self._library.encoder.piece_offsets(text)

    def word_rarity(self, text: str) -> dict[str, float]:
        """The inverse document frequency of each stemmed word of `text`.

        It is divided by that of a word that no passage holds, and so lies in [0, 1].
        """
        self.catch_up()
        highest = self._lexical.highest_idf()
        return {term: value / highest for term, value in self._lexical.idf(text).items()}

    def search(
        self,
        question: str,
        *,
        phrases: Sequence[str] = (),
        chosen: Filter | None = None,
        dense_count: int,
        lexical_count: int,
        own: Sequence[Filter] = (),
    ) -> Candidates:
        """The union of what the dense and the lexical index find, each with both scores.

        For each of the filters `own`, both look once more among what `chosen` and it let through,
        so that a source that is asked is not crowded out. The texts of what is found are not
        loaded: `sourced` does it for those that are shown.
        """
        with self.watch.stage("encode"):
            encoded = self._library.encoder.encode_question(question, self._library.codec)
        self.catch_up()
        articles, rows = self._allowed(chosen)
        among = [(articles, rows, dense_count, lexical_count)]
        for each in own:
            few = min(OWN_CANDIDATES, dense_count), min(OWN_CANDIDATES, lexical_count)
            among.append((*self._narrowed(each, articles, rows), *few))
        with self.watch.stage("dense"):
            index = self._library.indexes.dense
            dense = {
                row: score
                for _, allowed, count, _ in among
                for row, score in index.search(encoded.pooled, count, allowed)
            }
        with self.watch.stage("lexical"):
            lexical = {
                row: score
                for allowed, _, _, count in among
                for row, score in self._lexical.search(
                    question, count, phrases=phrases, allowed_articles=allowed
                )
            }
            unscored = [row for row in dense if row not in lexical]
            lexical |= self._lexical.scores(question, unscored, phrases=phrases)
        with self.watch.stage("load"):
            return self._candidates(question, encoded, {*dense, *lexical}, lexical)

    def sourced(self, rows: Iterable[int]) -> dict[int, Sourced]:
        """The passages of those row numbers; rows that the view lacks are left out."""
        wanted = set(rows)
        loaded = self.passages(wanted)
        self._report_missing("passages", wanted - loaded.keys())
        passages = self._checked(loaded)
        articles = {article for article, _ in passages.values()}
        records, copies = self._records(articles), self.copies(articles)
        return {
            row: Sourced(
                article=records[article], passage=passage, copies=tuple(copies.get(article, ()))
            )
            for row, (article, passage) in passages.items()
            if article in records
        }

    def versions(self, article: ArticleRecord, chosen: Filter | None = None) -> list[ArticleRecord]:
        """Near copies of an article that differ from it in a fact, the most similar first.

        Of those that the filter lets by. A version's copies are left out; where it is not let by
        itself, the most similar of them stands for it.
        """
        allowed, _ = self._allowed(chosen)
        near = sorted(near_copies(self, article.rowid), key=lambda one: (-one.similarity, one.rank))
        rows = [one.row for one in near]
        if allowed is not None:
            let_by = {*allowed}
            rows = [row for row in rows if row in let_by]
        known = self.records_by_rowid(rows)
        rows = [row for row in rows if row in known]
        speaking = {article.copy_of or article.id: article.rowid}
        # A copy speaks only where its original is not there.
        for row in sorted(rows, key=lambda row: known[row].copy_of is not None):
            speaking.setdefault(known[row].copy_of or known[row].id, row)
        return [known[row] for row in rows if row in speaking.values()]

    def texts(self, article_ids: Iterable[str]) -> dict[str, CanonicalText]:
        """The texts of articles by id; missing and damaged ones are left out."""
        wanted = set(article_ids)
        found = super().texts(wanted)
        if len(found) < len(wanted):  # perhaps damaged since their passages were compared
            self._library.compared.clear()
        return found

    def held(self, words: Iterable[str], chosen: Filter | None = None) -> set[str]:
        """Those of the words that some passage holds, of those that the filter lets by."""
        self.catch_up()
        articles, _ = self._allowed(chosen)
        return {one for one in words if self._lexical.holds(one, allowed_articles=articles)}

    def nearest_articles(self, text: str, count: int) -> list[str]:
        """Ids of the articles that share most words with `text`, the best first."""
        self.catch_up()
        rows = [row for row, _ in self._lexical.search(text, 5 * count)]
        passages = self.passages(rows)
        ids = [passages[row][1].article_id for row in rows if row in passages]
        return list(dict.fromkeys(ids))[:count]

    def catch_up(self) -> None:
        """Bring both indexes up to this view.

        Raises `LibraryError` where another process has upgraded the library to an encoder that is
        not at hand.
        """
        if self._caught_up:
            return
        with self.watch.stage("catch_up"):
            check_encoder(self, self._library.encoder)
            self._library.indexes.catch_up(self)
        self._caught_up = True

    def behind(self) -> list[str]:
        """How the indexes differ from this view, before anything is searched; empty if they fit."""
        return self._library.indexes.behind(self)

    def _checked(self, found: dict[int, tuple[int, Passage]]) -> dict[int, tuple[int, Passage]]:
        """Those passages that print what their article says, which is compared only once."""
        compared = self._library.compared
        new = {
            row: (article, passage)
            for row, (article, passage) in found.items()
            if compared.get(row) != hash(passage.text)
        }
        good = self.undamaged(new)
        if len(compared) + len(good) > KEPT_COMPARED:
            compared.clear()
        compared.update({row: hash(passage.text) for row, (_, passage) in good.items()})
        return {row: each for row, each in found.items() if row not in new or row in good}

    def _report_missing(self, table: str, rows: set[int]) -> None:
        """Tell the log of passages that the indexes hold, but not the database they are of."""
        if rows and self._library.indexes.dense.moment == self.moment:
            self.report_missing(table, rows)

    def _known(self) -> Known:
        """What is kept in memory until the library changes."""
        known = self._library.known
        if known.generation != self.generation:
            known = self._library.known = Known(self.generation)
        return known

    def _records(self, rows: set[int]) -> dict[int, ArticleRecord]:
        known = self._known().records
        known |= self.records_by_rowid([row for row in rows if row not in known])
        return known

    def _allowed(self, chosen: Filter | None) -> tuple[list[int] | None, Rows | None]:
        """Row numbers of the articles and of the passages that a filter lets through."""
        if chosen is None or chosen == Filter():
            return None, None
        known = self._known().allowed
        found = known.get(chosen)
        if found is None:
            articles, passages = self.allowed(chosen)
            found = known[chosen] = articles, np.array(passages, np.int64)
            for oldest in list(known)[:-KEPT_FILTERS]:
                known.pop(oldest, None)  # another thread may have been first
        return found

    def _narrowed(
        self, chosen: Filter, articles: list[int] | None, rows: Rows | None
    ) -> tuple[list[int] | None, Rows | None]:
        """What a filter lets through of these row numbers of articles and of passages."""
        own_articles, own_rows = self._allowed(chosen)
        if articles is None or rows is None or own_articles is None or own_rows is None:
            return own_articles, own_rows
        return sorted({*articles} & {*own_articles}), np.intersect1d(rows, own_rows)

    def _piece_weights(self, question: QuestionEncoding) -> Vectors:
        """How rare each of the question's word pieces is among the passages."""
        pieces = question.pieces.tolist()
        total, counts = len(self._library.indexes.dense), self.piece_counts(set(pieces))
        return rarity([min(total, counts.get(piece, 0)) for piece in pieces], total)

    def _candidates(
        self,
        question: str,
        encoded: QuestionEncoding,
        rows: set[int],
        lexical: dict[int, float],
    ) -> Candidates:
        stored, codec = self.encodings(rows), self._library.codec
        self._report_missing("vectors", rows - stored.keys())
        bound = self._lexical.bound(question) or 1.0
        return Candidates(
            weights=self._piece_weights(encoded),
            similarity=codec.similarity(
                encoded.tokens, b"".join(found.tokens for found in stored.values())
            ),
            items=tuple(
                Candidate(
                    row=row,
                    dense=float(np.frombuffer(found.pooled, dtype="<f4") @ encoded.pooled),
                    lexical=lexical.get(row, 0.0) / bound,
                    token_starts=np.frombuffer(found.starts, dtype="<u4"),
                    tokens=codec.count(found.tokens),
                )
                for row, found in stored.items()
            ),
        )


def check_encoder(view: View, encoder: Encoder) -> None:
    """Raise `LibraryError` where the library was made with another encoder."""
    if view.meta("encoder") != encoder.fingerprint:
        raise LibraryError(
            f"The library was made with the encoder {view.meta('encoder_name')!r}; "
            f"this is {encoder.name!r}.",
            cure="Leave out --model and SOURCEBOOK_MODEL to open it with its own encoder, or bring "
            f"it to this one: sourcebook --model {encoder.name} upgrade",
        )
