"""The log: one line an event, as text or JSON, without what people asked."""

import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sourcebook.service import seen
from sourcebook.service.key_format import without_keys

TEXT, JSON = LOG_FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """How a process logs: from which level on, in which format, and whether with questions.

    Without `questions` the messages of exceptions are left out as well, because they may quote
    what was asked.
    """

    level: int = logging.INFO
    format: str = TEXT
    questions: bool = False

    def begin(self) -> None:
        """Log to standard error, unless this process logs already."""
        handler = logging.StreamHandler()
        handler.setFormatter(Formatter(self))
        logging.basicConfig(level=self.level, handlers=[handler])
        # It looks for a build for each kind of processor, and tells of all that are not there.
        logging.getLogger("faiss.loader").setLevel(max(self.level, logging.WARNING))


def inherited() -> Logs:
    """How this process logs, for the processes that it starts."""
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler.formatter, Formatter):
            return handler.formatter.logs
    return Logs(level=root.getEffectiveLevel())


def fields(**values: object) -> dict[str, dict[str, object]]:
    """Values of a log line beside its message, for `extra`; empty ones are left out."""
    return {"fields": {name: value for name, value in values.items() if value not in ("", None)}}


class Formatter(logging.Formatter):
    """Writes a record as text or JSON, without keys; nothing in it can begin or hide in a line."""

    def __init__(self, logs: Logs) -> None:
        """Write as `logs` says."""
        super().__init__()
        self.logs = logs

    def format(self, record: logging.LogRecord) -> str:
        """The record: one line, and in text one more for each place of a traceback."""
        return without_keys(self._written(record))

    def _written(self, record: logging.LogRecord) -> str:
        given: dict[str, Any] = getattr(record, "fields", {})
        request = seen.current()
        about = {"request_id": request.request_id} if request else {}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        level, message = record.levelname.lower(), record.getMessage().strip()
        failure = record.exc_info[1] if record.exc_info else None
        lines = list(self._failure(failure)) if failure else []
        if self.logs.format == JSON:
            line = {"time": at, "level": level, "logger": record.name, "message": message}
            more = {"exception": "\n".join(lines)} if lines else {}
            return json.dumps({**line, **given, **about, **more}, default=str)
        said = [f"{name}={_value(value)}" for name, value in (given | about).items()]
        return "\n".join([" ".join([at, level, escaped(message), *said]), *map(escaped, lines)])

    def _failure(self, error: BaseException) -> Iterator[str]:
        """Where an exception was raised, and in which course of others."""
        before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if before:
            yield from self._failure(before)
        for frame in traceback.extract_tb(error.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        name = f"{type(error).__module__}.{type(error).__qualname__}"
        yield f"{name}: {error}" if self.logs.questions else name


def escaped(text: str) -> str:
    """The text on one line: line breaks, control and invisible characters as escapes."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _value(value: object) -> str:
    text = str(value) if isinstance(value, str | int | float) else json.dumps(value)
    plain = text.isprintable() and not set(text) & set(' "=\\')
    return text if plain else json.dumps(text)
