"""The files that a command writes."""

from dataclasses import dataclass
from pathlib import Path

from sourcebook.index.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The files to write; with `many` methods, each writes `FILE.METHOD.suffix`.

    The page `html` is one file, with all methods side by side.
    """

    json: Path | None = None
    html: Path | None = None
    trec: Path | None = None
    many: bool = False

    def __post_init__(self) -> None:
        """Refuse a file in a folder that does not exist, before hours are spent."""
        for path in filter(None, (self.json, self.html, self.trec)):
            if not path.parent.is_dir():
                raise InputError(f"{str(path)!r} cannot be written: there is no {path.parent}.")

    def of(self, path: Path | None, method: str) -> Path | None:
        """The file of one method."""
        return path.with_suffix(f".{method}{path.suffix}") if path and self.many else path
