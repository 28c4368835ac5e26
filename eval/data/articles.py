"""The articles of a corpus, parsed from files or made from plain text."""

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sourcebook.index.article import Article, Block, BlockKind, Metadata
from sourcebook.index.errors import InputError, UnreadableError
from sourcebook.index.parsing.headings import is_short_line
from sourcebook.index.parsing.parse import detect_language, find_files, parse

# How many short lines at the top of an untitled document become headings; docs/evaluation.md has
# the effect on FeedbackQA.
MOST_HEADINGS = 4
_PARAGRAPH = re.compile(r"\S(?:.*\S)?")


def corpus_articles(path: Path) -> list[Article]:
    """The articles of a file or of all files in a folder, parsed as `sourcebook add` does.

    Raises InputError if there are none. Raises UnreadableError for a file that cannot be read,
    because an evaluation must not silently miss a part of its corpus.
    """
    articles = [article for file in find_files([path]) for article in _parse(file)]
    if not articles:
        raise InputError(f"{str(path)!r} has no articles; expected a file or a folder of files.")
    return articles


def _parse(file: Path) -> list[Article]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{file} cannot be read: {error.strerror}.") from error
    return parse(data, name=file.name, source=str(file))


def plain_articles(documents: Iterable[tuple[str, str, str]]) -> Iterator[Article]:
    """Articles of (source, title, text); documents without text and title are left out."""
    for source, title, text in documents:
        if text.strip() or title.strip():
            yield plain_article(source, title, text if text.strip() else title)


def plain_article(source: str, title: str, text: str) -> Article:
    """An article with exactly this text, one paragraph per line.

    Without a title, the short lines at the top are headings.
    """
    spans = [match.span() for match in _PARAGRAPH.finditer(text)]
    short = itertools.takewhile(lambda span: is_short_line(text[slice(*span)]), spans[:-1])
    headings = 0 if title.strip() else len(list(itertools.islice(short, MOST_HEADINGS)))
    kinds = [BlockKind.HEADING] * headings + [BlockKind.PARAGRAPH] * (len(spans) - headings)
    blocks = [Block(kind, *span) for kind, span in zip(kinds, spans, strict=True)]
    metadata = Metadata(title=title.strip(), language=detect_language(text))
    return Article(
        source=source, text=text, blocks=tuple(blocks), metadata=metadata, raw=text.encode()
    )
