"""Our harness and ranking agree with an independent computation, on data outside the repository."""

import json
import os
from pathlib import Path

import pytest
from truth import Truth, compare

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import MINILM

FOLDERS = ("or_sharc", "feedbackqa", "scifact", "squad2", "obliqa")
# Encoding all of them takes an hour on two cores: only where somebody asks for it.
ALL = bool(os.environ.get("SOURCEBOOK_TRUTH_ALL"))
DOCUMENTS = 300  # of OR-ShARC, where nobody asks for all: encoding them takes half a minute


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def part(folder: Path, target: Path) -> Path:
    """A BEIR folder of the first documents, and of the questions that are judged on them."""
    target.mkdir()
    documents = (folder / "corpus.jsonl").read_text("utf-8").splitlines()[:DOCUMENTS]
    kept = {json.loads(line)["_id"] for line in documents}
    header, *judged = (folder / "qrels.dev.tsv").read_text("utf-8").splitlines()
    qrels = [header, *(line for line in judged if line.split("\t")[1] in kept)]
    for name, lines in {"corpus.jsonl": documents, "qrels.dev.tsv": qrels}.items():
        (target / name).write_text("\n".join(lines), "utf-8")
    (target / "queries.dev.jsonl").write_bytes((folder / "queries.dev.jsonl").read_bytes())
    return target


@pytest.mark.external
@pytest.mark.parametrize("name", FOLDERS if ALL else FOLDERS[:1])
def test_dense_and_bm25_agree_with_an_independent_computation(
    name: str, shared: Path, cache: Path
) -> None:
    folder = shared / "bench" / name
    found = list(
        compare(folder if ALL else part(folder, cache / name), Encoder(MINILM), cache=cache)
    )
    assert [one.method for one in found] == ["dense", "bm25"]
    assert [one for one in found if not one.agrees] == []
    assert min(one.questions for one in found) > 100


def test_the_tolerances_are_those_that_were_promised() -> None:
    def differing(method: str, by: float) -> bool:
        return Truth("d", "dev", method, 1, 0.5 + by, 0.5, 1.0).agrees

    assert differing("dense", 0.0049)
    assert not differing("dense", -0.0051)
    assert differing("bm25", -0.0099)
    assert not differing("bm25", 0.0101)
