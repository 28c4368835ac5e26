"""Files that are cut, doubled and overwritten at random, in every format: each is added or refused.

Real articles are the start; the marks that parsers know are put in between. What is refused is
refused by one of our errors, soon, and stops no other file of the same run.
"""

import json
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from attacks.outcome import Outcome
from sourcebook.index.article import Article
from sourcebook.index.errors import SourcebookError
from sourcebook.index.parsing.parse import PARSERS, find_files, parse
from sourcebook.index.parsing.tidy import UNSEEN, refuse_depth

REPOSITORY = Path(__file__).parents[2]
SECONDS = 20.0  # for a file of some kilobytes, on a machine that does other things, too
MEMORY = 200 * 2**20  # bytes of Python's own objects
MARKS = [
    *(b"---\n", b"&a [*a]", b"{<<: *a}", b"<div>", b"<!--", b"-->", b"<table><tr><td>", b"</p>"),
    *(b"<script>", b"&#xD800;", b"[", b"]", b"{", b"}", b'"', b"\\ud800", b"\0", b"\xff\xfe"),
    *(b"\xe2\x80\xae", b"\xed\xa0\x80", b"\r", b"\n\n", b"\t", b"`" * 40, b"*" * 40, b"> " * 40),
    *(
        b"9" * 400,
        b"[a](<b",
        b"<![CDATA[",
        b"<?xml",
        b'{"text": ',
        b"title: ",
        b"\x1b[2J",
        b" " * 400,
    ),
]


def attack(rounds: int, folder: Path) -> Outcome:
    """Parse so many files, each changed in some places; `folder` is not used."""
    faults = []
    for number in range(rounds):
        chance = random.Random(number)
        name, data = chance.choice(STARTS)
        spoilt = changed(data, chance)
        if fault := _fault(lambda: parse(spoilt, name=name, source=name)):  # noqa: B023 (called now)
            faults.append(f"round {number}, {name} of {len(spoilt):,} bytes: {fault}")
    return Outcome(
        attack="files of every format, cut and overwritten at random",
        promise="each is added or refused by name, soon and in little memory",
        tried=rounds,
        faults=tuple(faults),
    )


def changed(data: bytes, chance: random.Random) -> bytes:
    """The bytes, changed in one to eight places."""
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(data))
        end = min(len(data), at + chance.choice([1, 10, 100, 1_000]))
        mark = chance.choice(MARKS) * chance.choice([1, 1, 2, 300])
        kinds: list[Callable[[], bytes]] = [
            lambda: data[:at] + mark + data[at:],  # noqa: B023 (called in this turn)
            lambda: data[:at] + mark + data[end:],  # noqa: B023
            lambda: data[:at] + data[end:],  # noqa: B023
            lambda: data[:end] + data[at:],  # noqa: B023
            lambda: data[:at] + chance.randbytes(end - at) + data[end:],  # noqa: B023
        ]
        data = chance.choice(kinds)()[:100_000]
    return data


def _fault(parsed: Callable[[], list[Article]]) -> str:
    """What was wrong; empty if every article can be stored and sent."""
    tracemalloc.start()
    begun = time.process_time()
    try:
        for article in parsed():
            _check(article)
    except SourcebookError:
        pass
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if (spent := time.process_time() - begun) > SECONDS:
        return f"it took {spent:.0f} s"
    return f"it took {peak:,} bytes" if peak > MEMORY else ""


def _check(article: Article) -> None:
    """Raise where an article could not be stored, listed or sent."""
    facts = [article.source, article.metadata.title, article.metadata.publisher]
    assert not [fact for fact in facts if len(fact.splitlines()) > 1], "a line is forged"
    assert not [fact for fact in facts if UNSEEN.search(fact)], "a terminal is commanded"
    refuse_depth(article.metadata.extra, "the article")
    json.dumps([*facts, article.text, article.metadata.extra], ensure_ascii=False).encode()


def _starts() -> Iterator[tuple[str, bytes]]:
    """A real article in each format."""
    for path in find_files([REPOSITORY / "seeds"]):
        text = path.read_bytes()[:8_000]
        body = text.split(b"---\n", 2)[-1]
        known = {"id": path.stem, "title": path.stem, "text": body.decode(errors="replace")}
        page = b"".join(b"<p>" + one + b"</p>\n" for one in body.split(b"\n\n"))
        by_suffix = {
            ".md": text,
            ".txt": body,
            ".html": b"<html><head><title>A</title></head><body><article>" + page + b"</article>",
            ".jsonl": (json.dumps(known).encode() + b"\n") * 2,
        }
        for suffix in PARSERS:
            like = {".markdown": ".md", ".htm": ".html", ".ndjson": ".jsonl"}.get(suffix, suffix)
            yield path.stem + suffix, by_suffix[like]


STARTS = list(_starts())
