"""Adds articles: cuts them into passages, encodes these, and writes them to the database."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from sourcebook.index import duplicates
from sourcebook.index.article import Article, article_id, sha256
from sourcebook.index.encoding.encoder import Encoder, Encoding
from sourcebook.index.encoding.tokens import TokenCodec
from sourcebook.index.errors import DamagedError
from sourcebook.index.passages import Passage, cut
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.index.storage.store import Writer
from sourcebook.index.storage.view import View

# Passages that are encoded and committed together. A commit costs an fsync of the database and of
# the lexical index; a crash loses what is encoded and not committed.
COMMIT_PASSAGES = 1_024


class Action(StrEnum):
    """The effect of an addition."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article with its encoded passages, ready to be committed."""

    article: Article
    content: str
    passages: list[tuple[Passage, Encoding]]
    signature: bytes

    @property
    def nbytes(self) -> int:
        """Its approximate size in the database, in bytes."""
        return 2 * len(self.article.raw) + sum(2 * e.tokens.nbytes for _, e in self.passages)


# Articles to commit together; an unchanged one is represented by its record.
Group = list[Prepared | ArticleRecord]


def prepare(
    articles: Iterable[Article],
    encoder: Encoder,
    codec: TokenCodec,
    unchanged: Callable[[str, str], ArticleRecord | None],
) -> Iterator[Group]:
    """Cut and encode articles, in groups to commit together.

    `unchanged` returns the record of a source if the library has it with this content hash.
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


def prefetch(groups: Iterable[Group]) -> Iterator[Group]:
    """The same groups; each is prepared in a thread while the caller uses the one before."""
    iterator = iter(groups)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, iterator, None)
        while (group := following.result()) is not None:
            following = pool.submit(next, iterator, None)
            yield group


def upsert(writer: Writer, prepared: Prepared) -> Action:
    """Insert or replace an article in the current generation."""
    article = prepared.article
    known = writer.article_rowid(article.source)
    if known and unchanged(writer, article.source, prepared.content):
        return Action.UNCHANGED
    if known:
        remove(writer, known)
    keys = duplicates.bands(prepared.signature)
    row = writer.add(article, prepared.content, prepared.passages, prepared.signature, keys)
    _link(writer, row)
    return Action.REPLACED if known else Action.ADDED


def unchanged(view: View, source: str, content: str) -> ArticleRecord | None:
    """The article from this source if it has this content hash; None where it is damaged."""
    if view.content_sha256(source) != content:
        return None
    wanted = article_id(source)
    try:
        view.passages_of(wanted)
        whole = content_sha256(view.article(wanted)) == content
    except DamagedError:
        return None
    return view.record(wanted) if whole else None


def remove(writer: Writer, row: int) -> None:
    """Delete the article of that row in the current generation; its copies become independent."""
    for copy in writer.remove(row):
        _link(writer, copy)


def encoded_anew(group: Group, encoder: Encoder, codec: TokenCodec) -> Group:
    """The same group, with its passages cut and encoded by another encoder."""
    stale = [item for item in group if isinstance(item, Prepared)]
    fresh = iter(encode_articles([item.article for item in stale], encoder, codec))
    return [
        replace(item, passages=next(fresh)) if isinstance(item, Prepared) else item
        for item in group
    ]


def encode_articles(
    articles: Sequence[Article], encoder: Encoder, codec: TokenCodec
) -> list[list[tuple[Passage, Encoding]]]:
    """The passages of each article, cut and encoded."""
    cuts = [cut(article, encoder.piece_offsets, encoder.passage_pieces) for article in articles]
    return _encoded(articles, cuts, encoder, codec)


def set_encoder(writer: Writer, encoder: Encoder) -> None:
    """Record the encoder and the codec of the library's vectors."""
    writer.set_meta("encoder", encoder.fingerprint)
    writer.set_meta("encoder_name", encoder.name)
    writer.set_meta("codec", encoder.codec.to_bytes())


def content_sha256(article: Article) -> str:
    """A hash of everything that an addition stores of an article."""
    facts = asdict(article.metadata) | {"source": article.source, "raw": sha256(article.raw)}
    blocks = [[block.kind, block.start, block.end] for block in article.blocks]
    return sha256(json.dumps([facts, article.text, blocks], sort_keys=True, default=str))


def _encode(
    pending: Sequence[tuple[Article, str, list[Passage]]], encoder: Encoder, codec: TokenCodec
) -> list[Prepared]:
    articles = [article for article, _, _ in pending]
    found = _encoded(articles, [passages for _, _, passages in pending], encoder, codec)
    return [
        Prepared(article, content, passages, duplicates.signature(article.text))
        for (article, content, _), passages in zip(pending, found, strict=True)
    ]


def _encoded(
    articles: Sequence[Article],
    cuts: Sequence[Sequence[Passage]],
    encoder: Encoder,
    codec: TokenCodec,
) -> list[list[tuple[Passage, Encoding]]]:
    """The passages of each article, encoded together."""
    texts = [
        (_context(article, passage), passage.text)
        for article, passages in zip(articles, cuts, strict=True)
        for passage in passages
    ]
    encodings = iter(encoder.encode_passages(texts, codec))
    return [[(passage, next(encodings)) for passage in passages] for passages in cuts]


def _link(writer: Writer, row: int) -> None:
    """Mark whose copy the article is, if any, and make its own passages searchable."""
    mine = writer.signature(row)
    others = writer.candidates_for_copy(duplicates.bands(mine), row)
    scored = [(duplicates.similarity(mine, theirs), -other) for other, theirs in others.items()]
    similarity, other = max(scored, default=(0.0, 0))
    writer.link(row, -other if similarity >= duplicates.SAME else None)


def _context(article: Article, passage: Passage) -> str:
    """The title and headings of a passage, which are encoded before it."""
    return ". ".join(part for part in (article.metadata.title, *passage.headings) if part)
