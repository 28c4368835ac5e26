"""Processes that answer beside the server's own: in each, one thread at a time runs Python."""

import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, TypeVar

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import SourcebookError
from sourcebook.index.library import Library
from sourcebook.index.processors import usable_processors
from sourcebook.service.settings import LOG_FORMAT

# So many questions a process answers at once: while one is in the network or in an index, the
# other goes on. More of them would only take turns.
SEATS = 2
# One process for each processor, but no more than so many: each takes as much memory as the first.
USUAL = 4
# So long none begins after one that ended or could not begin.
PAUSE_S = 5
# Who has not answered for so long is stuck; what takes longest is to catch up with a large import.
PATIENCE_S = 120

Result = TypeVar("Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class _Seat:
    """A place for one question: in this process or, with a connection, in another one.

    The least of the free ones is taken: one asker at a time stays here, and two are kept apart.
    """

    number: int
    process: int
    connection: "Connection[Any, Any] | None" = field(default=None, compare=False)


class Crew:
    """Makes calls here or in another process; one more begins when all seats are taken.

    A call that raises there, or whose process ends, is made here. Safe to share between threads.
    """

    def __init__(
        self,
        folder: Path,
        encoder: Callable[[], Encoder],
        engine: Callable[[Library], object],
        processes: int,
    ) -> None:
        """At most `processes`, this one included, each with the library in `folder`.

        0 is one for each processor, at most `USUAL`. `encoder` makes the library's encoder,
        `engine` what has the methods that are called; both must be picklable.
        """
        self._begins = (folder, encoder, engine)
        self._most = processes or min(USUAL, usable_processors())
        self._numbers = count(1)
        self._others: dict[int, SpawnProcess] = {}
        self._beginning = False
        self._not_before = 0.0
        self._changing = threading.Lock()
        self._free = [_Seat(number, 0) for number in range(SEATS)]
        self._waiting: deque[Future[_Seat]] = deque()

    def close(self) -> None:
        """End the other processes; what they were at is done here."""
        with self._changing:
            self._most = 0
            others = list(self._others.values())
        for process in others:
            process.terminate()
            process.join()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, here: Callable[..., Result], *arguments: Any) -> Result:
        """What `here` returns, or what the method of its name returns in another process."""
        seat = self._take()
        if seat.connection is None:
            try:
                return here(*arguments)
            finally:
                self._leave(seat)
        try:
            seat.connection.send((here.__name__, arguments))
            done, result = _answer(seat.connection)
        except Exception as error:  # after an update on disk, even what it sends may be unknown
            self._lose(seat.process, f"an answering process has ended: {error!r}")
            return here(*arguments)
        self._leave(seat)
        return result if done else here(*arguments)

    def _take(self) -> _Seat:
        with self._changing:
            if self._free:
                return heappop(self._free)
            waiting: Future[_Seat] = Future()
            self._waiting.append(waiting)
            more = 1 + len(self._others) < self._most and time.monotonic() >= self._not_before
            begins = more and not self._beginning
            self._beginning = self._beginning or begins
        if begins:
            try:
                threading.Thread(target=self._begin, daemon=True).start()
            except RuntimeError:  # there are too many threads; a seat will be free without it
                self._beginning = False
        return waiting.result()

    def _leave(self, seat: _Seat) -> None:
        """Hand the seat to whoever has waited longest."""
        with self._changing:
            if self._waiting:
                self._waiting.popleft().set_result(seat)
            else:
                heappush(self._free, seat)

    def _begin(self) -> None:
        """Begin one more process, and let it answer as soon as it can."""
        context = get_context("spawn")  # a copy of this process would lack its threads
        number = next(self._numbers)
        try:
            mine, theirs = zip(*(context.Pipe() for _ in range(SEATS)), strict=True)
            level = logging.getLogger().getEffectiveLevel()
            process = context.Process(
                target=_work, args=(theirs, level, *self._begins), daemon=True
            )
            with self._changing:
                if not self._most:
                    return
                process.start()
                self._others[number] = process
            for end in theirs:
                end.close()
            _answer(mine[0])
        except Exception as error:  # whatever it is, this process answers on
            self._lose(number, f"no further answering process could begin: {error!r}")
        else:
            for place, end in enumerate(mine):
                self._leave(_Seat(place, number, end))
            log.info("%d processes answer now", 1 + len(self._others))
        finally:
            self._beginning = False

    def _lose(self, number: int, reason: str) -> None:
        """Do without a process from now on; what is left of its seats is found out one by one."""
        with self._changing:
            process = self._others.pop(number, None)
            self._not_before = time.monotonic() + PAUSE_S
            closed = not self._most
        if process:
            process.terminate()
        if not closed:
            log.warning(reason)


def _answer(connection: "Connection[Any, Any]") -> Any:
    if not connection.poll(PATIENCE_S):
        raise TimeoutError(f"no answer within {PATIENCE_S} s")
    return connection.recv()


def _work(
    connections: "Sequence[Connection[Any, Any]]",
    log_level: int,
    folder: Path,
    encoder: Callable[[], Encoder],
    engine: Callable[[Library], object],
) -> None:
    """What another process does, until nobody is at the other ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which ends it
    logging.basicConfig(level=log_level, format=LOG_FORMAT)
    answering = engine(Library(folder, encoder()))
    threads = [threading.Thread(target=_serve, args=(end, answering)) for end in connections]
    for thread in threads:
        thread.start()
    connections[0].send("ready")
    for thread in threads:
        thread.join()


def _serve(connection: "Connection[Any, Any]", answering: object) -> None:
    # Whatever ends this closes the connection, so that nobody waits at the other end.
    with connection, suppress(EOFError, OSError):
        while True:
            name, arguments = connection.recv()
            given: tuple[bool, Any]
            try:
                given = True, getattr(answering, name)(*arguments)
            except SourcebookError:
                given = False, None  # it is raised again where it was asked
            except Exception:
                log.exception("a question is answered again in the first process")
                given = False, None
            connection.send(given)
