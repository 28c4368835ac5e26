"""Batching: everybody gets the result of their own item, and who waits together goes together."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from index.batching import Batching


def test_who_is_alone_goes_alone() -> None:
    seen: list[list[int]] = []

    def work(items: Sequence[int]) -> list[int]:
        seen.append(list(items))
        return [10 * item for item in items]

    batching = Batching(work, workers=1, most=4)
    assert [batching(1), batching(2)] == [10, 20]
    assert seen == [[1], [2]]


def test_what_gathers_goes_together_and_in_turn() -> None:
    begun, go_on = threading.Event(), threading.Event()
    seen: list[list[int]] = []

    def work(items: Sequence[int]) -> list[int]:
        seen.append(list(items))
        begun.set()
        go_on.wait(10)
        return [10 * item for item in items]

    batching = Batching(work, workers=1, most=4)
    with ThreadPoolExecutor(10) as pool:
        first = pool.submit(batching, 0)
        assert begun.wait(10)
        others = [pool.submit(batching, number) for number in range(1, 10)]
        while batching.waiting < 9:
            time.sleep(0.001)
        go_on.set()
        assert [future.result(10) for future in (first, *others)] == list(range(0, 100, 10))
    assert [len(batch) for batch in seen] == [1, 4, 4, 1]
    assert sorted(item for batch in seen for item in batch) == list(range(10))


def test_hammered_by_many_threads_all_get_their_own() -> None:
    batching = Batching(lambda items: [item * item for item in items], workers=2, most=3)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(batching, range(2_000)))
    assert found == [number * number for number in range(2_000)]


def test_a_failure_reaches_who_asked_and_nobody_else() -> None:
    def work(items: Sequence[int]) -> list[float]:
        return [1 / item for item in items]

    batching = Batching(work, workers=1, most=4)
    with pytest.raises(ZeroDivisionError):
        batching(0)
    assert batching(4) == 0.25
