"""Settings: one frozen table with names, defaults, environment variables and help."""

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sourcebook.index.errors import InputError

_ADDRESS = re.compile(r"(?:https?://[\w.:\[\]-]+(?:/[!-~]*)?)?", re.ASCII)
_UNSENDABLE = re.compile(r"[^!-~]")  # what no HTTP header can carry
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


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
    public_url: str = field(
        default="",
        metadata=_about(
            "SOURCEBOOK_PUBLIC_URL",
            "The address that readers and models reach the server at, such as "
            "`https://sourcebook.example.org`, where that is not the one that it listens on: links "
            "to articles begin with it. The server answers under its name, numeric addresses and "
            "names without a dot, and refuses all others.",
        ),
    )
    processes: int = field(
        default=0,
        metadata=_about(
            "SOURCEBOOK_PROCESSES",
            "How many processes of `serve` answer questions; all but the first begin when so many "
            "ask at once that they wait, and take as much memory each: 350 MB for 5,000 "
            "passages. 0 is one for each processor, at most 4.",
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
    writer_url: str = field(
        default="",
        metadata=_about(
            "SOURCEBOOK_WRITER_URL",
            "The base address of an OpenAI-compatible language model, such as "
            "`http://127.0.0.1:11434/v1`, which may phrase answers from the evidence; none when "
            "empty.",
        ),
    )
    writer_model: str = field(
        default="",
        metadata=_about("SOURCEBOOK_WRITER_MODEL", "The name of that model, as its server has it."),
    )
    writer_key: str = field(
        default="",
        repr=False,
        metadata=_about("SOURCEBOOK_WRITER_KEY", "The key that its server wants, if any."),
    )
    writer_seconds: int = field(
        default=60,
        metadata=_about("SOURCEBOOK_WRITER_SECONDS", "How long to wait for what it writes."),
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
            "public_url": (
                not self.public_url or _is_address(self.public_url),
                "nothing, or an address such as https://sourcebook.example.org",
            ),
            "processes": (self.processes >= 0, "a whole number, 0 or more"),
            "max_upload_bytes": (self.max_upload_bytes > 0, "a whole number above 0"),
            "import_folders": (
                all(folder.is_absolute() for folder in self.import_folders),
                "absolute paths of folders",
            ),
            "writer_url": (bool(_ADDRESS.fullmatch(self.writer_url)), "an http or https address"),
            "writer_model": (
                bool(self.writer_model.strip()) == bool(self.writer_url),
                "the name of a model together with an address of the writer, or neither",
            ),
            "writer_key": (not _UNSENDABLE.search(self.writer_key), "visible ASCII characters"),
            "writer_seconds": (self.writer_seconds > 0, "a whole number above 0"),
            "log_level": (self.log_level in LOG_LEVELS, f"one of {', '.join(LOG_LEVELS)}"),
        }
        for name, (good, expected) in checks.items():
            if not good:
                secret = not _by_name()[name].repr
                shown = "***" if secret else _text(getattr(self, name))
                raise _refused(name, shown, expected)


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


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not url.endswith("/")


def _text(value: object) -> str:
    return os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)


def _refused(name: str, value: str, expected: str) -> InputError:
    variable = variable_of(name)
    return InputError(
        f"The setting {name} ({variable}) is {value!r}; expected {expected}.",
        cure=f"Correct the option or the environment variable {variable}.",
    )
