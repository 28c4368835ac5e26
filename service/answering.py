"""What every door asks: the engine, in this process or in a worker, and a writer if one is set."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import BoundedSemaphore
from typing import Any, Protocol, TypeVar

from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.index.storage.records import Filter
from sourcebook.service.asking.answer import Answer
from sourcebook.service.asking.engine import Engine, Found
from sourcebook.service.asking.explanation import Explained
from sourcebook.service.seen import note
from sourcebook.service.workers import Load, Workers
from sourcebook.service.writing.checks import Answers, Written
from sourcebook.service.writing.phrased import phrased
from sourcebook.service.writing.writer import Writer

# How many drafts are waited for at once: each holds a thread of the server, perhaps for a minute.
WRITING_AT_ONCE = 8

Result = TypeVar("Result")


class FromLibrary(Protocol):
    """What an engine returns; `fingerprint` is that of the library it was found in."""

    @property
    def fingerprint(self) -> str:
        """The library and the encoder of its vectors."""


Returned = TypeVar("Returned", bound=FromLibrary)


class CurrentEngine:
    """An engine that keeps to its library when that is upgraded to another encoder."""

    def __init__(self, engine: Engine) -> None:
        """Begin with `engine`."""
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """The engine for the library as it was last looked at."""
        self._engine = self._engine.fitting()
        return self._engine

    def ask(self, question: str, chosen: Filter | None = None) -> Answer:
        """As `Engine.ask`."""
        return self._called(lambda engine: engine.ask(question, chosen))

    def explain(self, question: str, chosen: Filter | None = None) -> Explained:
        """As `Engine.explain`."""
        return self._called(lambda engine: engine.explain(question, chosen))

    def find(self, question: str, chosen: Filter | None = None, limit: int = 10) -> Found:
        """As `Engine.find`."""
        return self._called(lambda engine: engine.find(question, chosen, limit))

    def _called(self, call: Callable[[Engine], Returned]) -> Returned:
        """What the engine returns; asked once more where the library was upgraded right before."""
        while True:
            engine = self.engine
            found = call(engine)
            if found.fingerprint == engine.fingerprint:
                return found


class Answering:
    """Answers questions for the server, the command line and the doors for other tools."""

    def __init__(
        self, engine: Engine, *, workers: Workers | None = None, writer: Writer | None = None
    ) -> None:
        """Answer with `engine`; with `workers` also in their processes, which have the same one.

        `writer` phrases answers where that is asked for.
        """
        self._current = CurrentEngine(engine)
        self.writer = writer
        self._workers = workers
        self._drafts = BoundedSemaphore(WRITING_AT_ONCE)

    @property
    def engine(self) -> Engine:
        """The engine for the library as it was last looked at."""
        return self._current.engine

    @property
    def library(self) -> Library:
        """The library that the answers come from."""
        return self.engine.library

    @property
    def load(self) -> Load:
        """How busy the processes are that answer."""
        return self._workers.load() if self._workers else Load()

    def ask(self, question: str, chosen: Filter | None = None, *, write: bool = False) -> Answer:
        """Answer a question, from the articles that the filter lets through.

        With `write` the writer phrases the answer as well; `InputError` where there is none.
        """
        begun = time.perf_counter()
        answer = self._called(self._current.ask, question, chosen, write=write)
        answer = self._phrased(answer) if write else answer
        note(question, answer.status, begun, answer.seconds)
        return answer

    def explain(
        self, question: str, chosen: Filter | None = None, *, write: bool = False
    ) -> Explained:
        """The same answer as `ask` gives, and how it came about."""
        begun = time.perf_counter()
        found = self._called(self._current.explain, question, chosen, write=write)
        if write:
            answer = self._phrased(found.answer)
            found = Explained(answer, self.engine.still_held(found.explanation))
        note(question, found.answer.status, begun, found.answer.seconds)
        return found

    def find(self, question: str, chosen: Filter | None = None, limit: int = 10) -> Found:
        """The best `limit` passages, each with its best sentences as the quote."""
        begun = time.perf_counter()
        found = self._called(self._current.find, question, chosen, limit)
        note(question, "found", begun, found.seconds)
        return found

    def _called(self, call: Callable[..., Result], *arguments: Any, write: bool = False) -> Result:
        """What the engine's method returns, here or in a worker; `InputError` without a writer."""
        if write and self.writer is None:
            raise InputError(
                "No writer is set, so nothing can phrase the answer (write).",
                cure="Ask without it, or serve with SOURCEBOOK_WRITER_URL and "
                "SOURCEBOOK_WRITER_MODEL set.",
            )
        return self._workers.call(call, *arguments) if self._workers else call(*arguments)

    def _phrased(self, answer: Answer) -> Answer:
        """The answer with what the writer makes of it, if there is one and something to phrase."""
        writer = self.writer
        if writer is None or not answer.citations:
            return answer
        if not self._drafts.acquire(blocking=False):
            failure = f"it is writing {WRITING_AT_ONCE} other answers"
            return phrased(answer, Written(model=writer.model, failure=failure))
        begun = time.perf_counter()
        try:
            written = writer.write(answer.query.text, answer.current, self.answers())
        finally:
            self._drafts.release()
        seconds = {**answer.seconds, "write": time.perf_counter() - begun}
        # A writer takes seconds, in which an article may have been removed or replaced.
        now = self.engine.still_there(answer)
        if now is not answer:
            written = Written(model=writer.model, failure="an article changed while it wrote")
        return phrased(replace(now, seconds=seconds), written)

    def answers(self) -> Answers | None:
        """Tells whether a sentence answers a question; None without a reader."""
        reader = self.engine.reader
        if reader is None:
            return None

        def answers(question: str, sentences: Sequence[str]) -> list[bool]:
            found = reader.read(question, [("", sentence) for sentence in sentences])
            return [reading.logit > 0 for reading in found]

        return answers
