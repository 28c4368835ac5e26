"""A run in progress on disk, so that an interrupted one can go on where it stopped."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from sourcebook.eval.data.document import decode, encode
from sourcebook.eval.data.records import json_object, read_text
from sourcebook.eval.runs.subject import Asked
from sourcebook.index.errors import InputError


def partial_path(report: Path) -> Path:
    """Where the run that will become `report` is kept: `FILE.partial`."""
    return report.with_name(report.name + ".partial")


class Partial:
    """Observations as JSON lines under a line that says what they are of.

    Only a run of the same questions, library, settings and code goes on with them; a last line
    that was not written to its end is dropped. `known` are the observations of the earlier run.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], *, resume: bool) -> None:
        """Begin anew, or go on with what an interrupted run left when `resume` is set.

        Raises InputError where what lies there is of another run, or is none.
        """
        self.path = path
        self._identity = dict(identity)
        self.known = self._load() if resume and path.exists() else {}
        self._file: TextIO | None = None

    def __enter__(self) -> "Partial":
        # What is known is written again, so that a torn last line is gone.
        self._file = self.path.open("w", encoding="utf-8")
        self._file.write(json.dumps(self._identity, ensure_ascii=False) + "\n")
        for question, asked in self.known.items():
            self.log(question, asked)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    def log(self, question: str, asked: Asked) -> None:
        """Append one observation; it survives whatever happens next to this process."""
        if self._file is None:
            raise ValueError("a partial run is written to within its `with` block")
        self._file.write(f'{{"id": {json.dumps(question)}, "asked": {encode(asked).strip()}}}\n')
        self._file.flush()

    def done(self) -> None:
        """The report is written: this is no longer needed."""
        self.path.unlink(missing_ok=True)

    def _load(self) -> dict[str, Asked]:
        text = read_text(self.path)
        lines = text.split("\n")[:-1]  # what follows the last line break was torn off
        if not lines:
            return {}
        self._check(json_object(lines[0], f"{self.path}:1"))
        known = {}
        for number, line in enumerate(lines[1:], 2):
            row = json_object(line, f"{self.path}:{number}")
            where = f"{self.path}:{number}: asked"
            known[str(row.get("id"))] = decode(Asked, row.get("asked"), where)
        return known

    def _check(self, found: Mapping[str, Any]) -> None:
        expected = json.loads(json.dumps(self._identity))
        other = sorted(
            key for key in expected.keys() | found.keys() if found.get(key) != expected.get(key)
        )
        if other:
            raise InputError(
                f"{self.path} is of another run: {', '.join(other)} differ.",
                cure="Repeat that run as it was, or run without --resume to begin anew.",
            )
