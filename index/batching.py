"""Does at once what several threads want at the same time."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock, Semaphore
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batching(Generic[Item, Result]):
    """Calls `work` with batches of what threads ask for one by one.

    A thread that finds a worker free begins at once, so nobody who is alone waits; while all are
    busy, items gather, and the next worker takes them along. Safe to share between threads.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Result]], *, workers: int, most: int
    ) -> None:
        """`work` gives a result for each of at most `most` items, in `workers` threads at once."""
        self._work = work
        self._most = most
        self._workers = Semaphore(workers)
        self._taking = Lock()
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()

    @property
    def waiting(self) -> int:
        """How many items no worker has begun yet."""
        return len(self._waiting)

    def __call__(self, item: Item) -> Result:
        """The result for one item; what `work` raises reaches all of its batch."""
        mine: Future[Result] = Future()
        self._waiting.append((item, mine))
        with self._workers:
            # First come, first served: whoever is in front of this item goes first.
            while not mine.running() and not mine.done():
                self._run(self._take())
        return mine.result()

    def _take(self) -> list[tuple[Item, Future[Result]]]:
        with self._taking:
            taken = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            for _, future in taken:
                future.set_running_or_notify_cancel()
        return taken

    def _run(self, taken: list[tuple[Item, Future[Result]]]) -> None:
        try:
            results = self._work([item for item, _ in taken]) if taken else []
        except BaseException as error:
            for _, future in taken:
                future.set_exception(error)
            return
        for (_, future), result in zip(taken, results, strict=True):
            future.set_result(result)
