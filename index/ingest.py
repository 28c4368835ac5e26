"""Additions: articles cut, encoded and put into the database, in groups."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum

from sourcebook.index import duplicates
from sourcebook.index.article import Article, sha256
from sourcebook.index.encoding.encoder import Encoder, Encoding
from sourcebook.index.encoding.tokens import TokenCodec
from sourcebook.index.passages import Passage, cut
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.index.storage.store import Writer

# So many passages are encoded and committed together: a commit costs an fsync of three indexes,
# and what is encoded but not committed is lost in a crash.
COMMIT_PASSAGES = 1_024


class Action(StrEnum):
    """What an addition did."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article that is cut, encoded and ready to be committed."""

    article: Article
    content: str
    passages: list[tuple[Passage, Encoding]]
    signature: bytes

    @property
    def nbytes(self) -> int:
        """About how many bytes it takes in the database."""
        return 2 * len(self.article.raw) + sum(2 * e.tokens.nbytes for _, e in self.passages)


# Articles to commit together; of one that has not changed, its record.
Group = list[Prepared | ArticleRecord]


def prepare(
    articles: Iterable[Article],
    encoder: Encoder,
    codec: TokenCodec,
    unchanged: Callable[[str, str], ArticleRecord | None],
) -> Iterator[Group]:
    """Articles in groups to commit together.

    `unchanged` gives the record of a source if the library holds it with that content hash.
    """
    known: Group = []
    pending: list[tuple[Article, str, list[Passage]]] = []
    for article in articles:
        content = content_sha256(article)
        if record := unchanged(article.source, content):
            known.append(record)
        else:
            passages = cut(article, encoder.piece_offsets, encoder.passage_pieces)
            pending.append((article, content, passages))
        waiting = len(known) + sum(len(passages) for _, _, passages in pending)
        if waiting >= COMMIT_PASSAGES:
            yield [*known, *_encode(pending, encoder, codec)]
            known, pending = [], []
    if known or pending:
        yield [*known, *_encode(pending, encoder, codec)]


def ahead(groups: Iterable[Group]) -> Iterator[Group]:
    """The groups in their order, each made ready in a thread while the one before is used."""
    iterator = iter(groups)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, iterator, None)
        while (group := following.result()) is not None:
            following = pool.submit(next, iterator, None)
            yield group


def put(writer: Writer, prepared: Prepared) -> Action:
    """Insert or replace an article in the running generation."""
    article = prepared.article
    known = writer.content_sha256(article.source)
    if known == prepared.content:
        return Action.UNCHANGED
    if known:
        remove(writer, writer.record(article.id))
    keys = duplicates.bands(prepared.signature)
    row = writer.add(article, prepared.content, prepared.passages, prepared.signature, keys)
    _link(writer, row)
    return Action.REPLACED if known else Action.ADDED


def remove(writer: Writer, record: ArticleRecord) -> None:
    """Delete an article in the running generation; its copies stand on their own from now on."""
    for copy in writer.remove(record):
        _link(writer, copy)


def reembed(writer: Writer, encoder: Encoder) -> int:
    """Cut and encode every article anew in a new generation; how many there are."""
    writer.next_generation()
    set_encoder(writer, encoder)
    records = writer.records()
    for record in records:
        article = writer.article(record.id)
        original = writer.copy_of(record.rowid)
        passages = cut(article, encoder.piece_offsets, encoder.passage_pieces)
        [prepared] = _encode([(article, "", passages)], encoder, encoder.codec)
        writer.drop_passages(record.rowid)
        writer.add_passages(record.rowid, prepared.passages)
        writer.link(record.rowid, original)
    return len(records)


def set_encoder(writer: Writer, encoder: Encoder) -> None:
    """Write down which encoder and which codec made the library's vectors."""
    writer.set_meta("encoder", encoder.fingerprint)
    writer.set_meta("encoder_name", encoder.name)
    writer.set_meta("codec", encoder.codec.to_bytes())


def content_sha256(article: Article) -> str:
    """A hash of all that an addition brings."""
    facts = asdict(article.metadata) | {"source": article.source, "raw": sha256(article.raw)}
    blocks = [[block.kind, block.start, block.end] for block in article.blocks]
    return sha256(json.dumps([facts, article.text, blocks], sort_keys=True, default=str))


def _encode(
    pending: Sequence[tuple[Article, str, list[Passage]]], encoder: Encoder, codec: TokenCodec
) -> list[Prepared]:
    texts = [
        (_context(article, passage), passage.text)
        for article, _, passages in pending
        for passage in passages
    ]
    encodings = iter(encoder.encode_passages(texts, codec))
    return [
        Prepared(
            article,
            content,
            [(passage, next(encodings)) for passage in passages],
            duplicates.signature(article.text),
        )
        for article, content, passages in pending
    ]


def _link(writer: Writer, row: int) -> None:
    """Say whose copy the article is, if it is one, and make searchable what is its own."""
    mine = writer.signature(row)
    others = writer.candidates_for_copy(duplicates.bands(mine), row)
    scored = [(duplicates.similarity(mine, theirs), -other) for other, theirs in others.items()]
    similarity, other = max(scored, default=(0.0, 0))
    writer.link(row, -other if similarity >= duplicates.SAME else None)


def _context(article: Article, passage: Passage) -> str:
    """What the encoder reads before a passage: where it stands."""
    return ". ".join(part for part in (article.metadata.title, *passage.headings) if part)
