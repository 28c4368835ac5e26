"""Settings: one frozen table with names, defaults, environment variables and help."""

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from index.errors import InputError

LOG_LEVELS = ("debug", "info", "warning", "error")


def _about(variable: str, text: str) -> dict[str, str]:
    return {"variable": variable, "help": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that can be set from outside, read once at the edge; deeper layers get plain values.

    Raises `InputError` for a value that cannot be used.
    """

    # The names and numbers of `index` are repeated here, because importing the encoder takes
    # seconds that `sourcebook --help` should not cost; a test compares them.
    library: Path = field(
        default=Path("library"),
        metadata=_about("SOURCEBOOK_LIBRARY", "The folder of the library."),
    )
    model: str = field(
        default="all-MiniLM-L6-v2",
        metadata=_about(
            "SOURCEBOOK_MODEL",
            "The encoder: the name or folder of a sentence-transformers model. A library opens "
            "only with the encoder that made it; `sourcebook reembed` changes it.",
        ),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_about("SOURCEBOOK_HOST", "The address that `serve` listens on."),
    )
    port: int = field(
        default=8000,
        metadata=_about(
            "SOURCEBOOK_PORT", "The port that `serve` listens on; 0 takes any that is free."
        ),
    )
    max_upload_bytes: int = field(
        default=50 * 2**20,
        metadata=_about(
            "SOURCEBOOK_MAX_UPLOAD_BYTES",
            "The most bytes that the articles of one HTTP request may have together.",
        ),
    )
    import_folders: tuple[Path, ...] = field(
        default=(),
        metadata=_about(
            "SOURCEBOOK_IMPORT_FOLDERS",
            f"Folders that callers of `serve` may add articles from, with {os.pathsep!r} between "
            "them; none by default.",
        ),
    )
    log_level: str = field(
        default="info",
        metadata=_about("SOURCEBOOK_LOG_LEVEL", f"How much `serve` logs: {', '.join(LOG_LEVELS)}."),
    )

    def __post_init__(self) -> None:
        checks: dict[str, tuple[bool, str]] = {
            "library": ("\0" not in str(self.library), "the path of a folder"),
            "model": (bool(self.model.strip()), "the name or folder of a model"),
            "host": (bool(self.host.strip()), "an address or host name such as 127.0.0.1"),
            "port": (0 <= self.port <= 65_535, "a whole number from 0 to 65535"),
            "max_upload_bytes": (self.max_upload_bytes > 0, "a whole number above 0"),
            "import_folders": (
                all(folder.is_absolute() for folder in self.import_folders),
                "absolute paths of folders",
            ),
            "log_level": (self.log_level in LOG_LEVELS, f"one of {', '.join(LOG_LEVELS)}"),
        }
        for name, (good, expected) in checks.items():
            if not good:
                raise _refused(name, _text(getattr(self, name)), expected)


def variable_of(name: str) -> str:
    """The environment variable that sets the setting `name`."""
    return str(_by_name()[name].metadata["variable"])


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings that environment variables ask for; an empty variable counts as not set.

    Raises `InputError` naming the variable, its value and what was expected.
    """
    values: dict[str, Any] = {
        name: _parsed(one, text)
        for name, one in _by_name().items()
        if (text := environment.get(one.metadata["variable"], ""))
    }
    return Settings(**values)


def _by_name() -> dict[str, Field[Any]]:
    return {one.name: one for one in fields(Settings)}


def _parsed(one: Field[Any], text: str) -> object:
    if isinstance(one.default, tuple):
        return tuple(Path(part) for part in text.split(os.pathsep) if part)
    if isinstance(one.default, Path):
        return Path(text)
    if isinstance(one.default, int):
        try:
            return int(text)
        except ValueError as error:
            raise _refused(one.name, text, "a whole number") from error
    return text.lower() if one.name == "log_level" else text


def _text(value: object) -> str:
    return os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)


def _refused(name: str, value: str, expected: str) -> InputError:
    variable = variable_of(name)
    return InputError(
        f"The setting {name} ({variable}) is {value!r}; expected {expected}.",
        cure=f"Correct the option or the environment variable {variable}.",
    )
