"""Questions that were written for the reader: answered by a passage, and near misses beside them.

`written.jsonl.gz` has a line for each passage: its text `p` and title `t`, or, where it is one of
the training data, the `sha256` of its text; `answered`, lists of a question and `[start, end)` of
its answer; and `near`, the questions that the passage does not answer.
"""

import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files

from sourcebook.eval.training.rows import Row
from sourcebook.index.article import sha256

FILE = "written.jsonl.gz"
WRITTEN = "written"  # the name of their set


def written_rows(passages: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Pairs, and unanswerable questions; what is asked of a passage that is not given is left out.

    Each passage is a document of its own.
    """
    known = {sha256(row.passage): row for row in passages}
    pairs: list[Row] = []
    unanswerable: list[Row] = []
    lines = gzip.decompress(files(__package__).joinpath(FILE).read_bytes()).decode("utf-8")
    for number, line in enumerate(lines.splitlines()):
        given = json.loads(line)
        row = known.get(given.get("sha256", ""))
        if row is None and "p" not in given:
            continue
        title, text = (row.title, row.passage) if row else (given["t"], given["p"])
        whole = Row(WRITTEN, str(number), title, text)
        pairs += [
            replace(whole, question=question, span=(start, end))
            for question, start, end in given["answered"]
        ]
        unanswerable += [replace(whole, question=question) for question in given["near"]]
    return pairs, unanswerable
