"""Chunking references: questions whose gold is character offsets into long documents."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sourcebook.eval.data.files import load_text
from sourcebook.eval.data.gold import Span, Wanted
from sourcebook.index.errors import InputError

COLUMNS = ("question", "references", "corpus_id")


@dataclass(frozen=True, slots=True)
class ReferencedQuestion:
    """A question about one document; all its `references` are needed to answer it."""

    id: str
    question: str
    document: str
    references: tuple[Span, ...]

    @property
    def wanted(self) -> Wanted:
        """The references as gold: each is needed and has one place."""
        return Wanted(tuple((span,) for span in self.references))


@dataclass(frozen=True, slots=True)
class ChunkingSet:
    """Documents (name -> text), and questions with offsets into them."""

    documents: Mapping[str, str]
    questions: tuple[ReferencedQuestion, ...]


def load_chunking(folder: Path) -> ChunkingSet:
    """Load `questions.csv` (question, references, corpus_id) and `corpora/*.md`.

    The layout is that of Chroma's chunking evaluation (Smith and Troynikov 2024). The questions
    have no ids; each gets its document's name and its row number. Raises InputError, with file and
    row, for malformed rows, unknown documents, and references whose text is not at their offsets.
    """
    path = folder / "questions.csv"
    documents = {each.stem: load_text(each) for each in sorted(folder.glob("corpora/*.md"))}
    reader = csv.DictReader(io.StringIO(load_text(path), newline=""))
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise InputError(f"{path}: columns {reader.fieldnames}; expected {', '.join(COLUMNS)}.")
    try:
        questions = tuple(
            _question(row, number, f"{path}, row {number}", documents)
            for number, row in enumerate(reader, 1)
        )
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not CSV ({error}).") from error
    if not questions:
        raise InputError(f"{path}: no question; expected at least one.")
    return ChunkingSet(documents, questions)


def _question(
    row: Mapping[str, str | None], number: int, where: str, documents: Mapping[str, str]
) -> ReferencedQuestion:
    question, references, name = (row[column] or "" for column in COLUMNS)
    if name not in documents:
        raise InputError(f"{where}: no document {name!r}; expected one of {sorted(documents)}.")
    try:
        entries = json.loads(references)
    except ValueError as error:
        raise InputError(f"{where}: the references are not JSON ({error}).") from error
    if not question.strip() or not isinstance(entries, list) or not entries:
        raise InputError(f"{where}: expected a question and a list of references.")
    spans = tuple(_reference(entry, name, documents[name], where) for entry in entries)
    return ReferencedQuestion(f"{name}-{number:03d}", question, name, spans)


def _reference(entry: Mapping[str, Any], name: str, text: str, where: str) -> Span:
    try:
        span = Span(name, entry["start_index"], entry["end_index"])
        matches = text[span.start : span.end] == entry["content"]
    except (InputError, KeyError, TypeError) as error:
        raise InputError(
            f"{where}: {str(entry)[:80]!r} is not a reference; expected content, and start_index "
            "before end_index."
        ) from error
    if not matches:
        raise InputError(
            f"{where}: {name} does not contain {str(entry['content'])[:80]!r} at "
            f"[{span.start}, {span.end})."
        )
    return span
