"""The trash: articles that were removed, which nothing searches, and the way back for a while."""

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sourcebook.index.article import Article
from sourcebook.index.errors import DamagedError, NotFoundError
from sourcebook.index.storage.records import (
    UNREADABLE,
    Row,
    corrections_of_row,
    damaged,
    judgement_of,
    marks,
    parts_of,
    text_of,
    whole,
)
from sourcebook.index.storage.row_checksums import BODY, JUDGEMENT, TRASH, checksum_of
from sourcebook.index.storage.view import View
from sourcebook.index.storage.writer import Writer, in_utc, now

KEPT_DAYS = 30
# Under this key `meta` holds when something was first seen that is due to be deleted.
SEEN = "trash_seen"
# Of an article that was damaged before it was removed: no checksum is negative.
DAMAGED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trashed:
    """An article in the trash. `removed` is when; from `until` on, the next write deletes it."""

    id: str
    source: str
    title: str
    publisher: str
    published: str | None
    characters: int
    removed: str
    until: str


def put(writer: Writer, article_id: str) -> None:
    """Copy an article into the trash, in place of the one with the same id that may be there."""
    names = [name for name in (*TRASH, *BODY, "text") if name != "removed"]
    [found] = writer.rows(f"SELECT {', '.join(names)} FROM articles WHERE id = ?", article_id)
    row = dict(found) | {"removed": now()}
    try:
        writer.article(article_id)
        row |= {"record": checksum_of(row, TRASH), "body": checksum_of(row, BODY)}
    except DamagedError:
        row |= {"record": DAMAGED, "body": DAMAGED}
    columns = ", ".join(row)
    writer.run(f"INSERT OR REPLACE INTO trash ({columns}) VALUES ({marks(row)})", *row.values())


def listed(view: View) -> list[Trashed]:
    """What is in the trash, what was removed last first; the log names what is damaged."""
    # The long columns, which a list does not need, are not read.
    sql = f"SELECT {', '.join(TRASH)}, record FROM trash ORDER BY removed DESC, rowid DESC"
    return whole(view.rows(sql), _trashed_of)


def ids(view: View) -> list[str]:
    """The ids of all articles in the trash, also of damaged ones."""
    return [row[0] for row in view.rows("SELECT id FROM trash ORDER BY id")]


def article(view: View, wanted: str) -> Article:
    """The article in the trash with this id. Raises `NotFoundError` and `DamagedError`."""
    sql = """SELECT trash.*, corrected, parsed, checksum FROM trash
             LEFT JOIN corrections USING (id) WHERE id = ?"""
    rows = view.rows(sql, wanted)
    if not rows:
        raise _unknown(wanted)
    _compare(rows[0])
    if checksum_of(rows[0], BODY) != rows[0]["body"]:
        raise damaged(rows[0])
    text_of(rows[0])
    try:
        if rows[0]["corrected"] is not None:
            corrections_of_row(rows[0])
        return parts_of(rows[0])
    except UNREADABLE as error:
        raise damaged(rows[0]) from error


def take_out(writer: Writer, wanted: str) -> None:
    """Delete an article from the trash, if it is there, because it is not needed any more."""
    writer.run("DELETE FROM trash WHERE id = ?", wanted)


def purge(writer: Writer, wanted: str) -> None:
    """Delete an article from the trash, and its words from the judgements that quote it.

    Raises `NotFoundError` where the trash does not hold it.
    """
    if not writer.run("DELETE FROM trash WHERE id = ? RETURNING id", wanted):
        raise _unknown(wanted)
    forget_quotes(writer, wanted)
    forget_corrections(writer)


def forget_corrections(writer: Writer) -> None:
    """Delete the corrections of articles that are neither in the library nor in the trash."""
    writer.run(
        """DELETE FROM corrections WHERE id NOT IN (SELECT id FROM articles)
           AND id NOT IN (SELECT id FROM trash)"""
    )


def forget_quotes(writer: Writer, wanted: str) -> None:
    """Delete an article's words from the judgements that quote it.

    A judgement that quoted nothing else goes altogether.
    """
    for row in writer.rows("SELECT * FROM judgements WHERE instr(quotes, ?)", wanted):
        quotes = _others(row, wanted)
        if not quotes:
            writer.remove_judgement(row["id"])
            continue
        kept = dict(row) | {"quotes": json.dumps(quotes, ensure_ascii=False)}
        writer.run(
            "UPDATE judgements SET quotes = ?, checksum = ? WHERE id = ?",
            kept["quotes"],
            checksum_of(kept, JUDGEMENT),
            row["id"],
        )


def _others(judgement: Row, wanted: str) -> list[dict[str, Any]]:
    """The quotes of a judgement from other articles than that; none where it is damaged."""
    try:
        kept = judgement_of(judgement).quotes
    except UNREADABLE:
        return []
    return [asdict(quote) for quote in kept if quote.article_id != wanted]


def expired(view: View, at: datetime | None = None) -> bool:
    """Whether something has been in the trash for longer than it is kept, at a time, or now."""
    oldest = _oldest(at or datetime.now(UTC))
    return bool(view.rows("SELECT 1 FROM trash WHERE removed < ? LIMIT 1", oldest))


def expire(writer: Writer, at: datetime | None = None) -> None:
    """Delete what has been in the trash for longer than it is kept, at a time, or now.

    It must have been so for a day: a clock that leaps ahead and is set back deletes nothing.
    """
    at = at or datetime.now(UTC)
    known = writer.noted(SEEN)
    seen = datetime.fromisoformat(known) if known else at
    if seen > at or not expired(writer, at):  # the clock was set back, or nothing is due
        writer.run("DELETE FROM meta WHERE key = ?", SEEN)
    elif known is None:
        writer.set_meta(SEEN, in_utc(at))
    elif at - seen >= timedelta(days=1):
        writer.run("DELETE FROM trash WHERE removed < ?", _oldest(seen))
        forget_corrections(writer)
        writer.set_meta(SEEN, in_utc(at))


def _oldest(at: datetime) -> str:
    return in_utc(at - timedelta(days=KEPT_DAYS))


def _trashed_of(row: Row) -> Trashed:
    _compare(row)
    until = datetime.fromisoformat(row["removed"]) + timedelta(days=KEPT_DAYS)
    facts = {each.name: row[each.name] for each in fields(Trashed) if each.name != "until"}
    return Trashed(**facts, until=in_utc(until))


def _compare(row: Row) -> None:
    if checksum_of(row, TRASH) != row["record"]:
        raise damaged(row)


def _unknown(wanted: str) -> NotFoundError:
    return NotFoundError(
        f"There is no article {wanted!r} in the trash.",
        cure="`sourcebook trash list` and GET /v1/trash tell what is there.",
    )
