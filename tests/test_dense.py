"""The dense index: exact search that catches up, forgets and survives its file."""

from pathlib import Path

import numpy as np
import pytest

from sourcebook.index.encoding.tokens import normalise
from sourcebook.index.search.dense import EXACT_UP_TO, DenseIndex
from sourcebook.index.storage.records import Moment

VECTORS = normalise(np.random.default_rng(6).normal(size=(60, 8)).astype(np.float32))


def rows(*numbers: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.array(numbers), VECTORS[list(numbers)])]


@pytest.fixture
def index(tmp_path: Path) -> DenseIndex:
    made = DenseIndex(tmp_path / "dense.faiss", 8)
    made.catch_up(Moment(3, 9), rows(*range(60)), [])
    return made


def test_it_finds_the_nearest(index: DenseIndex) -> None:
    cosines = VECTORS @ VECTORS[7]
    best = np.argsort(-cosines)[:5]
    assert [row for row, _ in index.search(VECTORS[7], 5)] == best.tolist()
    np.testing.assert_allclose(
        [s for _, s in index.search(VECTORS[7], 5)], cosines[best], atol=1e-6
    )
    assert len(index.search(VECTORS[7], 999)) == 60
    assert index.search(VECTORS[7], 0) == []


def test_a_restricted_search_is_of_full_length(index: DenseIndex) -> None:
    allowed = [50, 3, 41, 58]
    found = index.search(VECTORS[7], 3, np.array(allowed))
    assert [row for row, _ in found] == sorted(allowed, key=lambda r: -VECTORS[r] @ VECTORS[7])[:3]
    assert index.search(VECTORS[7], 3, np.array([], np.int64)) == []
    assert index.search(VECTORS[7], 3, np.array([999])) == []


def test_it_catches_up(index: DenseIndex) -> None:
    index.catch_up(Moment(4, 9), [], [7, 8, 999])
    assert index.generation == 4
    assert 7 not in [row for row, _ in index.search(VECTORS[7], 60)]
    index.catch_up(Moment(6, 9), rows(7, 9), [])  # 9 is there already and must not be there twice
    assert index.rows().tolist() == [number for number in range(60) if number != 8]
    index.catch_up(Moment(5, 9), [], [7])  # what is behind changes nothing
    assert (index.generation, len(index)) == (6, 59)


def test_of_two_processes_the_later_generation_stays(index: DenseIndex, tmp_path: Path) -> None:
    index.save()
    other = DenseIndex(tmp_path / "dense.faiss", 8)
    other.catch_up(Moment(5, 9), [], [7])
    other.save()
    index.catch_up(Moment(4, 9), [], [8])
    index.save()
    assert index.saved_generation() == 5
    index.reload()
    assert (index.generation, 7 in index.rows(), 8 in index.rows()) == (5, False, True)


def test_it_comes_back_from_its_file(index: DenseIndex, tmp_path: Path) -> None:
    file = tmp_path / "dense.faiss"
    index.save(only_if_stale=True)
    assert not file.exists()
    index.save()
    again = DenseIndex(file, 8)
    assert (again.moment, len(again)) == (Moment(3, 9), 60)
    assert again.search(VECTORS[7], 5) == index.search(VECTORS[7], 5)
    again.catch_up(Moment(4, 9), [], [7])
    assert len(again) == 59
    assert [path.name for path in tmp_path.iterdir()] == ["dense.faiss"]


def test_an_unchanged_index_is_not_written(index: DenseIndex, tmp_path: Path) -> None:
    index.save()
    written = (tmp_path / "dense.faiss").stat().st_mtime_ns
    DenseIndex(tmp_path / "dense.faiss", 8).save()
    index.save()
    assert (tmp_path / "dense.faiss").stat().st_mtime_ns == written


def test_it_begins_anew(index: DenseIndex, tmp_path: Path) -> None:
    index.save()
    index.clear()
    assert (index.generation, len(index), list(tmp_path.iterdir())) == (0, 0, [])
    index.catch_up(Moment(1, 9), rows(2), [])
    assert index.rows().tolist() == [2]


def test_a_file_of_other_dimensions_is_not_used(index: DenseIndex, tmp_path: Path) -> None:
    index.save()
    other = DenseIndex(tmp_path / "dense.faiss", 4)
    assert (other.generation, len(other)) == (0, 0)


def clustered(count: int, seed: int) -> np.ndarray:
    """Unit vectors (count, 64) around three hundred centres."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(300, 64))
    drawn = centres[random.integers(0, 300, count)] + 1.0 * random.normal(size=(count, 64))
    return normalise(drawn.astype(np.float32))


def recall(index: DenseIndex, vectors: np.ndarray, allowed: np.ndarray | None = None) -> float:
    """Of the 100 nearest rows, the share that is found; row numbers are those of `vectors`."""
    shares = []
    for question in clustered(40, seed=5):
        scores = vectors @ question
        if allowed is not None:
            scores[~np.isin(np.arange(len(vectors)), allowed)] = -2
        best = set(np.argsort(-scores)[:100].tolist())
        shares.append(len(best & {row for row, _ in index.search(question, 100, allowed)}) / 100)
    return float(np.mean(shares))


def test_a_large_index_finds_nearly_all_and_stays_so(tmp_path: Path) -> None:
    """Past EXACT_UP_TO it is approximate, and is filtered, changed and saved as before."""
    small, doubled = EXACT_UP_TO + 1_000, 2 * EXACT_UP_TO + 3_000
    vectors, rows = clustered(doubled, seed=1), np.arange(doubled)
    index = DenseIndex(tmp_path / "dense.faiss", 64)
    index.catch_up(Moment(1, 9), [(rows[:EXACT_UP_TO], vectors[:EXACT_UP_TO])], [])
    assert recall(index, vectors[:EXACT_UP_TO]) > 0.999
    index.catch_up(Moment(2, 9), [(rows[EXACT_UP_TO:small], vectors[EXACT_UP_TO:small])], [])
    assert 0.98 < recall(index, vectors[:small]) < 1
    assert recall(index, vectors[:small], rows[:small:500]) > 0.99
    assert len(index.search(vectors[0], 60, rows[[3, 70, 900]])) == 3

    index.catch_up(Moment(3, 9), [(rows[5:7], vectors[5:7])], [0, 1, 2])
    assert index.rows().tolist() == list(range(3, small))
    index.save()
    again = DenseIndex(tmp_path / "dense.faiss", 64)
    assert again.search(vectors[9], 60) == index.search(vectors[9], 60)
    assert again.rows().tolist() == index.rows().tolist()

    again.catch_up(Moment(4, 9), [(rows[small:], vectors[small:]), (rows[:3], vectors[:3])], [])
    assert (again.generation, len(again)) == (4, doubled)
    assert again.rows().tolist() == rows.tolist()
    assert recall(again, vectors) > 0.98
