"""BEIR folders: a corpus, its queries and their judgements."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sourcebook.eval.data.files import json_lines, judge, lines, string
from sourcebook.eval.data.gold import Qrels
from sourcebook.index.errors import InputError, NotFoundError


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a BEIR corpus."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """A question that the corpus does not answer; `paragraph` is the nearest miss, if known."""

    id: str
    text: str
    paragraph: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeirSet:
    """A BEIR data set in which every judgement names a known query and a known document.

    `queries` (id -> text) are the judged ones, in the order of the file; `unjudged` counts the
    others, which no measure can score. `split` is empty if the files have none.
    """

    name: str
    split: str
    documents: Mapping[str, Document]
    queries: Mapping[str, str]
    qrels: Qrels
    unjudged: int
    unanswerable: tuple[Unanswerable, ...]


def load_beir(folder: Path, split: str = "") -> BeirSet:
    """Load `corpus.jsonl`, `queries[.SPLIT].jsonl` and `qrels[.SPLIT].tsv` or `qrels/SPLIT.tsv`.

    The layout is that of BEIR (Thakur et al. 2021). `queries.jsonl` is used if the split has no
    queries file of its own; `unanswerable[.SPLIT].jsonl` is optional. Negative grades become 0.

    Raises InputError, with file and line, for malformed lines, duplicate ids, an empty file, and
    judgements of unknown queries or documents; NotFoundError for a missing file.
    """
    qrels = _choose(folder, split, ("qrels{}.tsv", f"qrels/{split or 'test'}.tsv"))
    queries = _choose(folder, split, ("queries{}.jsonl", "queries.jsonl"))
    return replace(
        load_beir_files(queries, folder / "corpus.jsonl", qrels),
        name=folder.resolve().name,
        split=split,
        unanswerable=_unanswerable(folder, split, _queries(queries)),
    )


def is_queries(path: Path) -> bool:
    """Whether a file holds queries as BEIR has them, and not judged questions."""
    return any("_id" in row for _, row in itertools.islice(json_lines(path), 1))


def qrels_beside(queries: Path) -> Path:
    """The judgements beside `queries[.SPLIT].jsonl`: `qrels[.SPLIT].tsv`.

    Raises NotFoundError if there are none.
    """
    path = queries.with_name(f"qrels{queries.stem.removeprefix('queries')}.tsv")
    if not path.is_file():
        raise NotFoundError(
            f"{queries} has no judgements beside it, in {path.name}.",
            cure="Name their file with --qrels.",
        )
    return path


def load_beir_files(queries_path: Path, corpus: Path, qrels_path: Path) -> BeirSet:
    """Load queries, corpus and judgements that lie apart. Raises as `load_beir`."""
    documents, queries = _documents(corpus), _queries(queries_path)
    qrels = _qrels(qrels_path, queries, documents)
    return BeirSet(
        name=queries_path.stem,
        split="",
        documents=documents,
        queries={query: text for query, text in queries.items() if query in qrels},
        qrels=qrels,
        unjudged=len(queries) - len(qrels),
        unanswerable=(),
    )


def _choose(folder: Path, split: str, patterns: tuple[str, ...]) -> Path:
    """The first of the patterns that is a file; `{}` becomes `.SPLIT`."""
    names = [pattern.format(f".{split}" if split else "") for pattern in patterns]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    splits = sorted({path.name.split(".")[1] for path in folder.glob("qrels.*.tsv")})
    splits += sorted(path.stem for path in folder.glob("qrels/*.tsv"))
    raise NotFoundError(
        f"{folder} has neither {' nor '.join(dict.fromkeys(names))}.",
        cure=f"Its splits are: {', '.join(splits)}." if splits else "",
    )


def _rows(path: Path) -> Iterator[tuple[str, str, dict[str, object]]]:
    """`file:line`, id and row of each JSON line. Refuses duplicate ids and an empty file."""
    seen: set[str] = set()
    for where, row in json_lines(path):
        key = string(row, "_id", where)
        if key in seen:
            raise InputError(f"{where}: the id {key!r} was used before.")
        seen.add(key)
        yield where, key, row
    if not seen:
        raise InputError(f"{path}: empty; expected at least one line.")


def _documents(path: Path) -> dict[str, Document]:
    return {
        key: Document(key, string(row, "title", where, ""), string(row, "text", where, ""))
        for where, key, row in _rows(path)
    }


def _queries(path: Path) -> dict[str, str]:
    return {key: string(row, "text", where) for where, key, row in _rows(path)}


def _qrels(path: Path, queries: Mapping[str, str], documents: Mapping[str, Document]) -> Qrels:
    qrels: dict[str, dict[str, int]] = {}
    for number, (where, line) in enumerate(lines(path)):
        fields = line.split("\t")
        if len(fields) != 3:
            raise InputError(f"{where}: {len(fields)} fields; expected query, document and grade.")
        if number == 0 and not fields[2].lstrip("+-").isdigit():
            continue  # the header, which some sets leave out
        if fields[0] not in queries:
            raise InputError(f"{where}: the query {fields[0]!r} is not among the queries.")
        if fields[1] not in documents:
            raise InputError(f"{where}: the document {fields[1]!r} is not in the corpus.")
        judge(qrels, fields, where)
    if not qrels:
        raise InputError(f"{path}: no judgement; expected at least one.")
    return qrels


def _unanswerable(folder: Path, split: str, queries: Mapping[str, str]) -> tuple[Unanswerable, ...]:
    path = folder / (f"unanswerable.{split}.jsonl" if split else "unanswerable.jsonl")
    if not path.is_file():
        return ()
    found = []
    for where, key, row in _rows(path):
        if key in queries:
            raise InputError(f"{where}: the id {key!r} is also that of an answerable query.")
        paragraph = string(row, "paragraph", where, "")
        found.append(Unanswerable(key, string(row, "text", where), paragraph))
    return tuple(found)
