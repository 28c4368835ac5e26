"""Measures how much of a web page's article is read, and how much else.

The benchmark and its measures are those of github.com/scrapinghub/article-extraction-benchmark.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from time import process_time
from typing import NamedTuple

from sourcebook.eval.parsing.table import Table
from sourcebook.index.article import Article, BlockKind
from sourcebook.index.attention import shortened
from sourcebook.index.parsing.parse import parse

FOLDER = "bench/article_extraction"
SHINGLE = 4  # words, as in the benchmark
LOW = 0.8  # a page of which less is found has lost part of its article
NOTE = (
    "News pages with their articles as people marked them. Precision and recall are means over "
    "the pages, of runs of four words; F1 is made of both. Captions are no part of the judged "
    "texts, so they are left out here. A page is *marked* if the article itself shows that much "
    "of its page's running text was left out, or breaks off. The rules were tuned on these pages."
)


class Score(NamedTuple):
    """Precision and recall of one page, from 0 to 1."""

    precision: float
    recall: float


def f1(scores: list[Score]) -> float:
    """The harmonic mean of mean precision and mean recall."""
    precision, recall = mean(s.precision for s in scores), mean(s.recall for s in scores)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def score(found: str, expected: str) -> Score:
    """How many of the runs of four words in `found` are expected, and how many of those expected
    are found. A text of less than four words is one run.
    """
    ours, theirs = _shingles(found), _shingles(expected)
    both = (ours & theirs).total()
    return Score(both / max(1, ours.total()), both / max(1, theirs.total()))


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    runs = (tuple(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1)))
    return Counter(run for run in runs if run)


def body(article: Article) -> str:
    """The text of an article without its captions."""
    blocks = (block for block in article.blocks if block.kind is not BlockKind.CAPTION)
    return "\n\n".join(article.text[block.start : block.end] for block in blocks)


def pages(folder: Path) -> Iterator[tuple[str, bytes, str]]:
    """The name, the bytes and the judged article of each page of the benchmark."""
    truth = json.loads((folder / "ground-truth.json").read_text("utf-8"))
    for name in sorted(truth):
        page = gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes())
        yield name, page, truth[name]["articleBody"]


def measure(shared: Path | None) -> Table | None:
    """The table of all pages of the benchmark; None where they are missing."""
    folder = shared / FOLDER if shared else None
    if folder is None or not folder.is_dir():
        return None
    scores, seconds, low, found_out, marked = [], 0.0, 0, 0, 0
    for _, page, expected in pages(folder):
        started = process_time()
        [article] = parse(page, name="page.html", source="page")
        seconds += process_time() - started
        scores.append(score(body(article), expected))
        marked += shortened(article)
        low += scores[-1].recall < LOW
        found_out += scores[-1].recall < LOW and shortened(article)
    rows = (
        ("pages", str(len(scores))),
        ("F1", f"{f1(scores):.3f}"),
        ("precision", f"{mean(s.precision for s in scores):.3f}"),
        ("recall", f"{mean(s.recall for s in scores):.3f}"),
        (f"pages with a recall below {LOW:.2f}", str(low)),
        ("of these, marked", str(found_out)),
        ("pages marked in all", str(marked)),
        ("processor time per page, ms", f"{1000 * seconds / len(scores):.0f}"),
    )
    return Table("Articles of web pages", NOTE, ("", "value"), rows)
