"""Corpora for benchmarks: articles to build a library from, and questions to ask it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from sourcebook.eval.data.question_set import load_with_corpus
from sourcebook.index.article import Article
from sourcebook.index.ingest import content_sha256


class Corpus(Protocol):
    """Articles and questions, from a BEIR folder or synthetic."""

    @property
    def name(self) -> str:
        """The name in tables."""

    @property
    def identity(self) -> str:
        """What decides the articles."""

    def __len__(self) -> int:
        """How many articles there are."""

    def articles(self) -> Iterator[Article]:
        """All articles, in order."""

    def questions(self, count: int) -> list[str]:
        """The first `count` questions, or all if there are fewer."""


@dataclass(frozen=True)
class FolderCorpus:
    """The corpus and the questions of a BEIR folder."""

    path: Path
    split: str = ""

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.resolve().name

    @cached_property
    def identity(self) -> str:
        """A hash of all articles."""
        digest = hashlib.sha256()
        for article in self.articles():
            digest.update(content_sha256(article).encode())
        return digest.hexdigest()

    def __len__(self) -> int:
        """How many articles there are."""
        return len(self._read[1])

    def articles(self) -> Iterator[Article]:
        """All articles, in the order of the file."""
        return iter(self._read[1])

    def questions(self, count: int) -> list[str]:
        """The first questions of the split."""
        return self._read[0][:count]

    @cached_property
    def _read(self) -> tuple[list[str], list[Article]]:
        question_set, articles = load_with_corpus(self.path, self.split)
        return [question.text for question in question_set.questions], articles
