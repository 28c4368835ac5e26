"""Adds folders on the server, if the settings allow them, in the background."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sourcebook.index.errors import InputError, NotAllowedError, NotFoundError, SourcebookError
from sourcebook.index.ingest import Watch
from sourcebook.index.library import Library, Outcome
from sourcebook.index.parsing.parse import find_files
from sourcebook.service.adding.files import add_files, file_of, printable
from sourcebook.service.adding.jobs import Job
from sourcebook.service.documents.catalogue import generation
from sourcebook.service.notation.library import AddedOut, FailureOut, OutcomeOut
from sourcebook.service.settings import variable_of

# Outcomes and failures of a job that are shown; all of them are counted.
SHOWN = 50


class Folders:
    """The folders that users may import from; symbolic links are not followed."""

    def __init__(self, allowed: Iterable[Path]) -> None:
        """Allow these folders and everything in them, and nothing else."""
        self.allowed = tuple(_absolute(folder) for folder in allowed)

    def within(self, path: Path) -> Path:
        """The real path of something in an allowed folder.

        Raises `NotAllowedError` for anything else, and for a path through a symbolic link.
        """
        wanted = _absolute(path)
        for folder in self.allowed:
            if wanted.is_relative_to(folder):
                expected = Path(os.path.realpath(folder)) / wanted.relative_to(folder)
                if Path(os.path.realpath(wanted)) == expected:
                    return expected
                raise NotAllowedError(
                    f"{str(path)!r} is behind a symbolic link; links are not followed.",
                    cure="Give the folder that the link points to, if it is allowed.",
                )
        raise NotAllowedError(
            f"{str(path)!r} is not in a folder that this server may import from.",
            cure=f"An administrator can allow folders with {variable_of('import_folders')}.",
        )

    def files(self, folder: str) -> list[Path]:
        """The files to add from a folder.

        Raises `InputError` if it is not the absolute path of a folder, `NotFoundError` if it does
        not exist, and `NotAllowedError` as `within` does.
        """
        if "\0" in folder or not os.path.isabs(folder):
            raise InputError(f"The folder is {folder[:80]!r}; expected an absolute path.")
        path = self.within(Path(folder))
        if not os.path.lexists(path):
            raise NotFoundError(f"There is no folder {folder!r}.", cure="Check its spelling.")
        if not os.path.isdir(path):
            raise InputError(f"{folder!r} is a file; expected a folder.", cure="Upload it instead.")
        # What is no file of the folder is named by the import, which refuses it.
        odd: list[Path] = []
        found = list(find_files([path], lambda path, _: odd.append(path)))
        return [*found, *odd]


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


@dataclass(slots=True, kw_only=True)
class Import(Job[Counter[str]]):
    """The import of a folder into a library; `done` of `total` files were processed.

    `actions` counts articles that can be found already. Only the most recent outcomes and failures
    are kept.
    """

    library: Library
    folders: Folders
    folder: str
    files: list[Path]
    actions: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    failures: list[FailureOut] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The number of files."""
        return len(self.files)

    def work(self) -> Counter[str]:
        """Add the files; if one cannot be read, the others are still added."""
        found = add_files(
            self.library,
            self._checked(),
            failed=self._fail,
            done=self._count,
            watch=Watch(stop=lambda: self.over),
        )
        for outcome in found:
            self.actions[outcome.action] += 1
            self.outcomes = [outcome, *self.outcomes[: SHOWN - 1]]
        return self.actions

    def _checked(self) -> Iterator[Path]:
        """The files, each checked again right before it is read."""
        for file in self.files:
            try:
                yield self.folders.within(file)
            except NotAllowedError as error:
                self._fail(printable(file), error)
                self._count()

    def _count(self) -> None:
        self.done += 1

    def _fail(self, source: str, error: SourcebookError) -> None:
        self.failed += 1
        self.failures = [FailureOut.now(source, error), *self.failures[: SHOWN - 1]]


def retry(library: Library, folders: Folders, source: str) -> AddedOut:
    """Read a file again that could not be added.

    Raises `NotFoundError` where no failure of that source is remembered, `NotAllowedError` for a
    file outside of the allowed folders, and what is wrong with the file if it still is.
    """
    with library.view() as view:
        known = {failure.source for failure in view.failures()}
    if source not in known:
        raise unknown_failure(source)
    file = folders.within(file_of(source, library.folder))
    errors: list[SourcebookError] = []
    found = list(add_files(library, [file], failed=lambda _, error: errors.append(error)))
    if errors:
        raise errors[0]
    outcomes = [OutcomeOut.model_validate(outcome) for outcome in found]
    return AddedOut(outcomes=outcomes, failures=[], generation=generation(library))


def unknown_failure(source: str) -> NotFoundError:
    """The error for a source that is not in the list of failures."""
    return NotFoundError(
        f"The source {source!r} is not in the list of failures.",
        cure="GET /v1/library shows that list.",
    )
