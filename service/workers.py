"""Workers: processes that answer beside the server's own, because one at a time runs Python."""

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
from typing import Any, TypeVar

from sourcebook.index.errors import SourcebookError
from sourcebook.index.processors import usable_processors
from sourcebook.service.logs import Logs, inherited
from sourcebook.service.patience import CLIENT, GoneError, go_on, overloaded

# All measured in docs/decisions/0016-several-processes.md.
# How many questions a process answers at once: while one is in the network or in an index, the
# other runs Python. More would only take turns.
SEATS = 2
# How many processes answer at most, where the settings do not say: each takes as much memory as
# the first.
MOST = 4
# How long no worker is started after one has ended or could not start.
PAUSE_S = 5
# Timeout after which a worker counts as hung: for an answer, and for opening the library.
ANSWER_TIMEOUT_S = 30
START_TIMEOUT_S = 120

Result = TypeVar("Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class _Seat:
    """A place for one question: in this process or, with a connection, in a worker.

    The least free one is taken: one asker at a time stays in this process, two are kept apart.
    """

    number: int
    process: int
    connection: "Connection[Any, Any] | None" = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How busy a server is.

    `processes` answer questions, at most `most`; `waiting` questions wait for a free seat; `lost`
    workers ended, hung or could not start.
    """

    processes: int = 1
    most: int = 1
    waiting: int = 0
    lost: int = 0


class Workers:
    """Makes calls in this process or in a worker; a worker is started when all seats are taken.

    A call that raises in a worker, or whose worker ends or hangs, is made in this process. Safe to
    share between threads.
    """

    def __init__(
        self,
        make: Callable[[], object],
        processes: int,
        *,
        answer_timeout: float = ANSWER_TIMEOUT_S,
        wait: float | None = None,
    ) -> None:
        """At most `processes`, this one included; 0 is one a processor, at most `MOST`.

        `make` makes in each worker what this process calls methods of, such as an engine on the
        same library; it must be picklable. A worker that has not answered after `answer_timeout`
        seconds is ended. A request whose turn has not come after `wait` seconds is refused.
        """
        self._make = make
        self._wait = wait
        self._answer_timeout = answer_timeout
        self._most = processes or min(MOST, usable_processors())
        self._numbers = count(1)
        self._others: dict[int, SpawnProcess] = {}
        self._starting = False
        self._not_before = 0.0
        self._lost = 0
        self._changing = threading.Lock()
        self._free = [_Seat(number, 0) for number in range(SEATS)]
        self._waiting: deque[Future[_Seat]] = deque()

    def load(self) -> Load:
        """How busy they are now."""
        with self._changing:
            return Load(
                processes=1 + len(self._others),
                most=max(1, self._most),
                waiting=len(self._waiting),
                lost=self._lost,
            )

    def close(self) -> None:
        """End the workers; calls that they had taken are made in this process."""
        with self._changing:
            self._most = 0
            others = list(self._others.values())
        for process in others:
            _end(process)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, here: Callable[..., Result], *arguments: Any) -> Result:
        """What `here` returns, or what the method of its name returns in a worker.

        Raises `OverloadedError` where the turn of a request does not come in time, and `GoneError`
        where its client has left before.
        """
        seat = self._take()
        try:
            go_on()
        except GoneError:
            self._leave(seat)
            raise
        if seat.connection is None:
            try:
                return here(*arguments)
            finally:
                self._leave(seat)
        try:
            seat.connection.send((here.__name__, arguments))
            done, result = _answer(seat.connection, self._answer_timeout)
        except Exception as error:  # after an update on disk, even what it sends may be unknown
            self._lose(seat.process, f"a worker has ended: {error!r}")
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
            starts = more and not self._starting
            self._starting = self._starting or starts
        if starts:
            try:
                threading.Thread(target=self._start, daemon=True).start()
            except RuntimeError:  # there are too many threads; a seat will be free without it
                self._starting = False
        return self._turn(waiting)

    def _turn(self, waiting: "Future[_Seat]") -> _Seat:
        """Wait for a seat; jobs do so for ever, a request only while it can be answered in time."""
        client = CLIENT.get()
        if client is None or self._wait is None:
            return waiting.result()
        try:
            seat = waiting.result(client.turn_by(self._wait) - time.monotonic())
        except TimeoutError:
            with self._changing:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)
                    raise overloaded() from None
            seat = waiting.result()  # it has come meanwhile
        client.had_a_turn = True
        return seat

    def _leave(self, seat: _Seat) -> None:
        """Hand the seat to whoever has waited longest."""
        with self._changing:
            if self._waiting:
                self._waiting.popleft().set_result(seat)
            else:
                heappush(self._free, seat)

    def _start(self) -> None:
        """Start one more worker, and let it answer as soon as it can."""
        context = get_context("spawn")  # a copy of this process would lack its threads
        number = next(self._numbers)
        try:
            mine, theirs = zip(*(context.Pipe() for _ in range(SEATS)), strict=True)
            given = theirs, inherited(), self._make
            process = context.Process(target=_work, args=given, daemon=True)
            with self._changing:
                if not self._most:
                    return
                process.start()
                self._others[number] = process
            for end in theirs:
                end.close()
            _answer(mine[0], START_TIMEOUT_S)
        except Exception as error:  # whatever it is, this process answers on
            self._lose(number, f"no further worker could start: {error!r}")
        else:
            for place, end in enumerate(mine):
                self._leave(_Seat(place, number, end))
            log.info("%d processes answer now", 1 + len(self._others))
        finally:
            self._starting = False

    def _lose(self, number: int, reason: str) -> None:
        """Do without a process from now on; what is left of its seats is found out one by one."""
        with self._changing:
            process = self._others.pop(number, None)
            self._not_before = time.monotonic() + PAUSE_S
            closed = not self._most
            self._lost += not closed
        if process:
            _end(process)
        if not closed:
            log.warning(reason)


def _end(process: SpawnProcess) -> None:
    """End a worker at once, even one that is stopped; it holds nothing that could be lost."""
    process.kill()
    process.join()


def _answer(connection: "Connection[Any, Any]", seconds: float) -> Any:
    if not connection.poll(seconds):
        raise TimeoutError(f"no answer within {seconds} s")
    return connection.recv()


def _work(
    connections: "Sequence[Connection[Any, Any]]", logs: Logs, make: Callable[[], object]
) -> None:
    """What a worker does, until the other ends of its connections are closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends its workers
    logs.begin()
    answering = make()
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
