"""Adds articles: cuts them into passages, encodes these, and writes them to the database."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate

from sourcebook.index import duplicates
from sourcebook.index.article import Article, sha256
from sourcebook.index.corrections import corrected, corrections_of, encoded_alike
from sourcebook.index.encoding.encoder import Encoder, Encoding
from sourcebook.index.encoding.tokens import TokenCodec
from sourcebook.index.errors import DamagedError
from sourcebook.index.originals import settle
from sourcebook.index.passages import CUTTING, Offsets, Passage, cut
from sourcebook.index.processors import usable_processors
from sourcebook.index.storage import staged
from sourcebook.index.storage.records import ArticleRecord
from sourcebook.index.storage.view import View
from sourcebook.index.storage.writer import Writer

# What is committed together: so many passages, or those of so many seconds where encoding is slow.
# A commit costs an fsync of the database and of the lexical index, while the next passages are
# encoded; a crash loses what is encoded and not committed.
COMMIT_PASSAGES = 1_024
COMMIT_SECONDS = 5.0
# Passages that are encoded together: a second of work, after which it can be stopped. Batches of
# eight keep every processor busy, and more in one call were not quicker.
SLICE = 8 * max(2, usable_processors())


class Action(StrEnum):
    """The effect of an addition."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


EncodedPassages = list[tuple[Passage, Encoding]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article with its encoded passages, ready to be committed.

    `brought` is the article without its users' corrections, which they may take back meanwhile.
    """

    article: Article
    brought: Article
    content: str
    passages: EncodedPassages
    signature: bytes

    @property
    def nbytes(self) -> int:
        """Its approximate size in the database, in bytes."""
        return 2 * len(self.article.raw) + sum(2 * e.tokens.nbytes for _, e in self.passages)


# Articles to commit together; an unchanged one is represented by its record.
Group = list[Prepared | ArticleRecord]

# An article as the library's users corrected it, as it was brought, the hash of its content, and
# its passages, ready to be encoded.
Cut = tuple[Article, Article, str, list[Passage]]


@dataclass(frozen=True, slots=True)
class Watch:
    """Who adds articles looks on: `stop` tells whether to end, `encoded` is told of passages.

    `stop` is asked about once a second, from another thread; what is encoded until then is still
    committed.
    """

    stop: Callable[[], bool] = lambda: False
    encoded: Callable[[int], object] = lambda passages: None


class _StoppedError(Exception):
    """An article is not cut to its end."""


def prepare(
    articles: Iterable[Article],
    encoder: Encoder,
    codec: TokenCodec,
    known: Callable[[Article, str], ArticleRecord | Article],
    watch: Watch,
) -> Iterator[Group]:
    """Cut and encode articles, in groups to commit together.

    `known` returns the record of an article if the library has it with this content hash, and else
    the article as the library's users corrected it.
    """

    def offsets(text: str) -> Offsets:
        if watch.stop():  # cutting a book takes minutes
            raise _StoppedError
        return encoder.piece_offsets(text)

    group: Group = []
    pending: list[Cut] = []
    begun = time.monotonic()
    for article in articles:
        if watch.stop():
            break
        content = content_sha256(article)
        found = known(article, content)
        if isinstance(found, ArticleRecord):
            group.append(found)
        else:
            try:
                passages = cut(found, offsets, encoder.passage_pieces)
            except _StoppedError:
                break
            pending.append((found, article, content, passages))
        if sum(len(passages) for *_, passages in pending) >= SLICE:
            group += _encode(pending, encoder, codec, watch)
            pending = []
        if group and (_size(group) >= COMMIT_PASSAGES or time.monotonic() - begun > COMMIT_SECONDS):
            yield group
            group, begun = [], time.monotonic()
    group += _encode(pending, encoder, codec, watch)
    if group:
        yield group


def _size(group: Group) -> int:
    """The passages of a group; an article that is not changed counts as one."""
    return sum(len(item.passages) if isinstance(item, Prepared) else 1 for item in group)


def prefetch(groups: Iterable[Group]) -> Iterator[Group]:
    """The same groups; each is prepared in a thread while the caller uses the one before."""
    iterator = iter(groups)
    wait, pool = True, ThreadPoolExecutor(1)
    try:
        following = pool.submit(next, iterator, None)
        while (group := following.result()) is not None:
            following = pool.submit(next, iterator, None)
            yield group
    except KeyboardInterrupt:  # whoever leaves like this, leaves now
        wait = False
        raise
    finally:
        pool.shutdown(wait=wait, cancel_futures=True)


def upsert(writer: Writer, prepared: Prepared) -> Action:
    """Insert or replace an article in the current generation."""
    article = prepared.article
    known = writer.article_rowid(article.source)
    if known and unchanged(writer, article, prepared.content):
        return Action.UNCHANGED
    copies = writer.remove(known) if known else []
    keys = duplicates.bands(prepared.signature)
    passages, signature = prepared.passages, prepared.signature
    row = writer.add(article, prepared.content, passages, signature, keys, rowid=known)
    settle(writer, [row, *copies])
    return Action.REPLACED if known else Action.ADDED


def correct(writer: Writer, article: Article, encoded: EncodedPassages | None) -> None:
    """Write the metadata of an article as they were corrected, in the current generation.

    `encoded` are its passages where they are made of what was corrected, which replace the others.
    """
    row = writer.record(article.id).rowid
    writer.correct(row, article)
    if encoded is not None:
        staged.forget(writer, row)
        writer.drop_passages(row)
        writer.add_passages(row, encoded)
    settle(writer, [row])


def with_corrections(view: View, article: Article) -> Article:
    """The article as the users of a library corrected it, and then those of the one it is from."""
    return corrected(article, corrections_of(article) | view.corrections(article.id))


def unchanged(view: View, article: Article, content: str) -> ArticleRecord | None:
    """The article in the library if it has this content hash; None where it is damaged.

    An article that brings corrections of fields that the library has none of is not the same.
    """
    if view.content_sha256(article.source) != content:
        return None
    wanted = article.id
    if corrections_of(article).keys() - view.corrections(wanted).keys():
        return None
    try:
        view.passages_of(wanted)
        whole = content_sha256(view.article(wanted)) == content
    except DamagedError:
        return None
    return view.record(wanted) if whole else None


def remove(writer: Writer, row: int) -> None:
    """Delete the article of that row in the current generation; the next copy is the original."""
    settle(writer, writer.remove(row))


def encoded_anew(group: Group, encoder: Encoder, codec: TokenCodec) -> Group:
    """The same group, with its passages cut and encoded by another encoder."""
    stale = [item for item in group if isinstance(item, Prepared)]
    fresh = iter(encode_articles([item.article for item in stale], encoder, codec))
    return [
        replace(item, passages=next(fresh)) if isinstance(item, Prepared) else item
        for item in group
    ]


def corrected_anew(view: View, group: Group, encoder: Encoder, codec: TokenCodec) -> Group:
    """The same group, with the corrections that the library has now."""
    return [
        _corrected_anew(item, with_corrections(view, item.brought), encoder, codec)
        if isinstance(item, Prepared)
        else item
        for item in group
    ]


def _corrected_anew(
    item: Prepared, article: Article, encoder: Encoder, codec: TokenCodec
) -> Prepared:
    if article == item.article:
        return item
    if encoded_alike(article, item.article):
        return replace(item, article=article)
    [passages] = encode_articles([article], encoder, codec)
    return replace(item, article=article, passages=passages)


def encode_articles(
    articles: Sequence[Article], encoder: Encoder, codec: TokenCodec
) -> list[EncodedPassages]:
    """The passages of each article, cut and encoded."""
    cuts = [cut(article, encoder.piece_offsets, encoder.passage_pieces) for article in articles]
    return _encoded(articles, cuts, encoder, codec, Watch())


def set_encoder(writer: Writer, encoder: Encoder) -> None:
    """Record what made the library's passages and vectors: encoder, codec and cutting rules."""
    writer.set_meta("encoder", encoder.fingerprint)
    writer.set_meta("encoder_name", encoder.name)
    writer.set_meta("codec", encoder.codec.to_bytes())
    writer.set_meta("cutting", CUTTING)


def content_sha256(article: Article) -> str:
    """A hash of everything that an addition stores of an article, without corrections."""
    facts = article.as_parsed.facts() | {"source": article.source, "raw": sha256(article.raw)}
    blocks = [block.values for block in article.blocks]
    return sha256(json.dumps([facts, article.text, blocks], sort_keys=True, default=str))


def _encode(
    pending: Sequence[Cut], encoder: Encoder, codec: TokenCodec, watch: Watch
) -> list[Prepared]:
    """The articles with their passages encoded; where it is stopped, those that are whole."""
    articles = [article for article, *_ in pending]
    found = _encoded(articles, [passages for *_, passages in pending], encoder, codec, watch)
    return [
        Prepared(article, brought, content, passages, duplicates.signature(article.text))
        for (article, brought, content, _), passages in zip(pending, found, strict=False)
    ]


def _encoded(
    articles: Sequence[Article],
    cuts: Sequence[Sequence[Passage]],
    encoder: Encoder,
    codec: TokenCodec,
    watch: Watch,
) -> list[EncodedPassages]:
    """The passages of each article, encoded together; fewer articles where it is stopped."""
    texts = [
        (_context(article, passage), passage.text)
        for article, passages in zip(articles, cuts, strict=True)
        for passage in passages
    ]
    encodings: list[Encoding] = []
    for first in range(0, len(texts), SLICE):
        if watch.stop():
            break
        part = encoder.encode_passages(texts[first : first + SLICE], codec)
        encodings += part
        watch.encoded(len(part))
    ends = accumulate(len(passages) for passages in cuts)
    whole = [passages for passages, end in zip(cuts, ends, strict=True) if end <= len(encodings)]
    following = iter(encodings)
    return [[(passage, next(following)) for passage in passages] for passages in whole]


def _context(article: Article, passage: Passage) -> str:
    """The title of its article and what stands above a passage, which are encoded before it."""
    return ". ".join(part for part in (article.metadata.title, *passage.above) if part)
