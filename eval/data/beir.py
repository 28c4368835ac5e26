"""BEIR folders: a corpus, its queries and their judgements."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sourcebook.eval.data.records import Qrels, json_lines, judge, lines, string
from sourcebook.index.errors import InputError, NotFoundError


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a BEIR corpus."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """A question that the corpus does not answer; `paragraph` is its nearest miss, if known."""

    id: str
    text: str
    paragraph: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeirSet:
    """A BEIR data set, checked: every judgement names a known query and a known document.

    `queries` (id -> text) are those that were judged, in the file's order; `unjudged` counts those
    that were left out because no measure could be computed for them. `split` is empty where the
    files carry none.
    """

    name: str
    split: str
    documents: Mapping[str, Document]
    queries: Mapping[str, str]
    qrels: Qrels
    unjudged: int
    unanswerable: tuple[Unanswerable, ...]


def read_beir(folder: Path, split: str = "") -> BeirSet:
    """Read `corpus.jsonl`, `queries[.SPLIT].jsonl` and `qrels[.SPLIT].tsv` or `qrels/SPLIT.tsv`.

    The layout is that of BEIR (Thakur et al. 2021). Queries of the split are preferred, then
    `queries.jsonl`; `unanswerable[.SPLIT].jsonl` is optional. Raises InputError, with file and
    line, for malformed lines, duplicate ids, an empty file, and judgements of unknown queries or
    documents; NotFoundError for a missing file. Negative grades are read as 0.
    """
    qrels_path = _choose(folder, split, ("qrels{}.tsv", f"qrels/{split or 'test'}.tsv"))
    queries_path = _choose(folder, split, ("queries{}.jsonl", "queries.jsonl"))
    documents = _documents(folder / "corpus.jsonl")
    queries = _queries(queries_path)
    qrels = _qrels(qrels_path, queries, documents)
    return BeirSet(
        name=folder.resolve().name,
        split=split,
        documents=documents,
        queries={query: text for query, text in queries.items() if query in qrels},
        qrels=qrels,
        unjudged=len(queries) - len(qrels),
        unanswerable=_unanswerable(folder, split, queries),
    )


def _choose(folder: Path, split: str, patterns: tuple[str, ...]) -> Path:
    """The first of the patterns that is a file; `{}` stands for `.SPLIT`."""
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
    """Place, id and row of each JSON line; a duplicate id or an empty file is refused."""
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
