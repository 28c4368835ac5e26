"""TREC judgements and runs, to score any system's ranking and to export our own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sourcebook.eval.data.files import judge, lines, score
from sourcebook.eval.data.gold import Qrels
from sourcebook.index.errors import InputError


@dataclass(frozen=True, slots=True)
class TrecRun:
    """A run: its tag, and query id -> document id -> score, best first."""

    tag: str
    scores: Mapping[str, Mapping[str, float]]

    @property
    def rankings(self) -> dict[str, tuple[str, ...]]:
        """Query id -> document ids, best first, as `measure_ranking` takes them."""
        return {query: tuple(scored) for query, scored in self.scores.items()}


def load_trec_qrels(path: Path) -> Qrels:
    """Load judgements, lines of `query iteration document grade`; the iteration is ignored.

    Negative grades become 0. Raises InputError, with file and line, for a malformed line, a second
    judgement of the same pair, or an empty file.
    """
    qrels: dict[str, dict[str, int]] = {}
    for where, (query, _, document, grade) in _fields(path, 4, "query iteration document grade"):
        judge(qrels, (query, document, grade), where)
    if not qrels:
        raise InputError(f"{path}: no judgement; expected at least one.")
    return qrels


def load_trec_run(path: Path) -> TrecRun:
    """Load a run, lines of `query Q0 document rank score tag`.

    The rank column is ignored, as in trec_eval: documents are ordered by score, and equal scores
    by document id, both descending. Raises InputError, with file and line, for a malformed line, a
    score that is not finite, a document twice in one ranking, a second tag, or an empty file.
    """
    scores: dict[str, dict[str, float]] = {}
    tag = ""
    for where, fields in _fields(path, 6, "query Q0 document rank score tag"):
        query, _, document, _, text, name = fields
        if tag not in ("", name):
            raise InputError(f"{where}: the tag is {name!r} after {tag!r}; expected one run.")
        if document in scores.setdefault(query, {}):
            raise InputError(f"{where}: query {query!r} ranks document {document!r} twice.")
        scores[query][document] = score(text, where)
        tag = name
    if not scores:
        raise InputError(f"{path}: no ranking; expected at least one line.")
    return TrecRun(tag, {query: _ranked(scored) for query, scored in scores.items()})


def _ranked(scored: Mapping[str, float]) -> dict[str, float]:
    order = sorted(scored, key=lambda document: (scored[document], document), reverse=True)
    return {document: scored[document] for document in order}


def _fields(path: Path, count: int, expected: str) -> Iterator[tuple[str, list[str]]]:
    for where, line in lines(path):
        fields = line.split()
        if len(fields) != count:
            raise InputError(f"{where}: {len(fields)} fields; expected {expected!r}.")
        yield where, fields


def save_trec_qrels(path: Path, qrels: Qrels) -> None:
    """Write judgements. Raises InputError for an id that the format does not allow."""
    rows = [
        f"{_word(query)} 0 {_word(document)} {grade}\n"
        for query, judged in qrels.items()
        for document, grade in judged.items()
    ]
    path.write_text("".join(rows), encoding="utf-8")


def save_trec_run(path: Path, run: TrecRun) -> None:
    """Write a run so that every program that loads it ranks as we did.

    Such programs sort by score alone, in single precision, and break ties by id. A score that is
    not below the one before it is therefore written as the next smaller float32. A query without a
    ranking has no line and counts as zero. Raises InputError for an id that the format does not
    allow and for a score that is not finite.
    """
    rows = []
    for query, scored in run.scores.items():
        ceiling = np.float32(np.inf)
        for rank, (document, value) in enumerate(scored.items(), 1):
            ceiling = min(_single(value, query), np.nextafter(ceiling, np.float32(-np.inf)))
            rows.append(
                f"{_word(query)} Q0 {_word(document)} {rank} {ceiling!s} {_word(run.tag)}\n"
            )
    path.write_text("".join(rows), encoding="utf-8")


def _single(value: float, query: str) -> np.float32:
    return np.float32(score(str(value), f"run, query {query!r}"))


def _word(text: str) -> str:
    if not text or text.split() != [text]:
        raise InputError(f"{text!r} cannot be a field of a TREC file; expected no white space.")
    return text
