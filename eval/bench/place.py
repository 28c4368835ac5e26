"""A library on disk, and the command that opens it in a process of its own."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sourcebook.eval.bench.lookup_encoder import LookupEncoder
from sourcebook.index.encoding.encoder import Encoder

COMMAND = "from sourcebook.eval.cli.app import main; main()"  # `sourcebook`, whatever the PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A library on disk and its encoder: a model, or the stand-in with its table in `lookup`."""

    folder: Path
    model: str
    lookup: Path | None = None

    def encoder(self) -> Encoder:
        """The encoder that the library was built with."""
        return LookupEncoder(self.lookup, self.model) if self.lookup else Encoder(self.model)

    def command(self, name: str, *arguments: str) -> list[str]:
        """The command line of `sourcebook NAME`, or of a module that does it with the stand-in.

        `serve` is in a module of its own, so that `ask` does not import the server.
        """
        if not self.lookup:
            options = ["--library", str(self.folder), "--model", self.model]
            return [sys.executable, "-c", COMMAND, *options, name, *arguments]
        module = "server" if name == "serve" else "answer_cost"
        command = [sys.executable, "-m", f"sourcebook.eval.bench.{module}", name]
        return [*command, *self.words(), *arguments]

    def words(self) -> list[str]:
        """The place as words of a command line; `place_of` turns them back."""
        return [str(self.folder), self.model, str(self.lookup or "")]


def place_of(words: Sequence[str]) -> Place:
    """The place that `Place.words` wrote."""
    folder, model, lookup = words
    return Place(folder=Path(folder), model=model, lookup=Path(lookup) if lookup else None)
