"""Our harness and ranking agree with an independent computation, on data outside the repository."""

import os
from pathlib import Path

import pytest
from truth import Truth, compare

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import MINILM

FOLDERS = ("or_sharc", "feedbackqa", "scifact", "squad2", "obliqa")
# Encoding all of them takes an hour on two cores: only where somebody asks for it.
ALL = bool(os.environ.get("SOURCEBOOK_TRUTH_ALL"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.external
@pytest.mark.parametrize("name", FOLDERS if ALL else FOLDERS[:1])
def test_dense_and_bm25_agree_with_an_independent_computation(
    name: str, shared: Path, cache: Path
) -> None:
    found = list(compare(shared / "bench" / name, Encoder(MINILM), cache=cache))
    assert [one.method for one in found] == ["dense", "bm25"]
    assert [one for one in found if not one.agrees] == []


def test_the_tolerances_are_those_that_were_promised() -> None:
    def differing(method: str, by: float) -> bool:
        return Truth("d", "dev", method, 1, 0.5 + by, 0.5, 1.0).agrees

    assert differing("dense", 0.0049)
    assert not differing("dense", -0.0051)
    assert differing("bm25", -0.0099)
    assert not differing("bm25", 0.0101)
