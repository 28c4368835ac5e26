"""A run in progress on disk, so that an interrupted one can continue."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from sourcebook.eval.data.dataclass_json import from_json, to_json
from sourcebook.eval.data.files import json_object, load_text
from sourcebook.eval.runs.subject import Observation
from sourcebook.index.errors import InputError


def partial_path(report: Path) -> Path:
    """The file that holds an unfinished run until `report` is written: `FILE.partial`."""
    return report.with_name(report.name + ".partial")


class Partial:
    """Observations as JSON lines, after a first line with the identity of the run.

    Only a run of the same questions, library, settings and code can continue. A last line that is
    incomplete is dropped. `known` are the observations of the interrupted run.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], *, resume: bool) -> None:
        """Start a new file, or with `resume` continue the one of an interrupted run.

        Raises InputError if the file is of another run, or is damaged.
        """
        self.path = path
        self._identity = dict(identity)
        self.known = self._load() if resume and path.exists() else {}
        self._file: TextIO | None = None

    def __enter__(self) -> "Partial":
        # The known observations are written again, without the incomplete last line.
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

    def log(self, question: str, asked: Observation) -> None:
        """Append one observation; it survives the end of this process."""
        if self._file is None:
            raise ValueError("a partial run can be written only inside its `with` block")
        self._file.write(f'{{"id": {json.dumps(question)}, "asked": {to_json(asked).strip()}}}\n')
        self._file.flush()

    def done(self) -> None:
        """Delete the file, because the report is written."""
        self.path.unlink(missing_ok=True)

    def _load(self) -> dict[str, Observation]:
        text = load_text(self.path)
        lines = text.split("\n")[:-1]  # what follows the last line break is incomplete
        if not lines:
            return {}
        self._check(json_object(lines[0], f"{self.path}:1"))
        known = {}
        for number, line in enumerate(lines[1:], 2):
            row = json_object(line, f"{self.path}:{number}")
            where = f"{self.path}:{number}: asked"
            known[str(row.get("id"))] = from_json(Observation, row.get("asked"), where)
        return known

    def _check(self, found: Mapping[str, Any]) -> None:
        expected = json.loads(json.dumps(self._identity))
        other = sorted(
            key for key in expected.keys() | found.keys() if found.get(key) != expected.get(key)
        )
        if other:
            raise InputError(
                f"{self.path} is of another run: {', '.join(other)} differ.",
                cure="Repeat that run unchanged, or start again without --resume.",
            )
