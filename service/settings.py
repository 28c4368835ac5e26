"""Settings: a frozen table of names, defaults, environment variables and help texts."""

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sourcebook.index.errors import InputError
from sourcebook.service.logs import LOG_FORMATS, TEXT

_ADDRESS = re.compile(r"(?:https?://[\w.:\[\]-]+(?:/[!-~]*)?)?", re.ASCII)
_UNSENDABLE = re.compile(r"[^!-~]")  # characters that an HTTP header cannot contain
READERS = ("multilingual-e5-small-reader", "none")
MIN_AUDIT_DAYS = 30
LOG_LEVELS = ("debug", "info", "warning", "error")


def _about(variable: str, text: str) -> dict[str, str]:
    return {"variable": variable, "help": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, read once at the start; deeper layers get plain values.

    Raises `InputError` for an invalid value.
    """

    # Defaults of `index` are repeated here, because importing the encoder takes seconds, too
    # long for `sourcebook --help`; a test compares them.
    library: Path = field(
        default=Path("library"),
        metadata=_about("SOURCEBOOK_LIBRARY", "Folder of the library."),
    )
    model: str = field(
        default="",
        metadata=_about(
            "SOURCEBOOK_MODEL",
            "Encoder: the name or folder of a sentence-transformers model. Empty means the "
            "encoder that made the library; `serve` upgrades a library that the default encoder "
            "of an earlier release made. `sourcebook upgrade` brings a library to another one.",
        ),
    )
    reader: str = field(
        default="multilingual-e5-small-reader",
        metadata=_about(
            "SOURCEBOOK_READER",
            "Model that reads the best passages together with the question, and decides whether "
            "they answer it: the one that comes with the package, or `none`.",
        ),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_about("SOURCEBOOK_HOST", "Address that `serve` listens on."),
    )
    port: int = field(
        default=8000,
        metadata=_about("SOURCEBOOK_PORT", "Port that `serve` listens on; 0 for any free one."),
    )
    public_url: str = field(
        default="",
        metadata=_about(
            "SOURCEBOOK_PUBLIC_URL",
            "Public address of the server, such as `https://sourcebook.example.org`, if it differs "
            "from the one it listens on. Links to articles start with it. The server accepts "
            "requests to this name, to IP addresses and to names without a dot, and refuses all "
            "others.",
        ),
    )
    open: bool = field(
        default=False,
        metadata=_about(
            "SOURCEBOOK_OPEN",
            "1 lets in everyone who can reach `serve`. Otherwise a key is needed as soon as the "
            "library has one, or others can reach the server: it listens elsewhere than on this "
            "machine, has a public address, or trusts a proxy.",
        ),
    )
    trusted_proxies: str = field(
        default="",
        metadata=_about(
            "SOURCEBOOK_TRUSTED_PROXIES",
            "Addresses or networks of the proxies in front of `serve`, separated by commas, such "
            "as `127.0.0.1,10.0.0.0/8`. Only their headers `X-Forwarded-For` and "
            "`X-Forwarded-Proto` count.",
        ),
    )
    audit_days: int = field(
        default=400,
        metadata=_about(
            "SOURCEBOOK_AUDIT_DAYS",
            f"For how many days the audit log keeps an entry, at least {MIN_AUDIT_DAYS}.",
        ),
    )
    processes: int = field(
        default=0,
        metadata=_about(
            "SOURCEBOOK_PROCESSES",
            "Number of processes that answer questions in `serve`. All but the first start only "
            "when questions have to wait. Each takes as much memory as the first: 350 MB for "
            "5,000 passages. 0 means one per processor, at most 4.",
        ),
    )
    max_upload_bytes: int = field(
        default=50 * 2**20,
        metadata=_about(
            "SOURCEBOOK_MAX_UPLOAD_BYTES",
            "Maximum size in bytes of all articles in one HTTP request.",
        ),
    )
    max_connections: int = field(
        default=1_000,
        metadata=_about(
            "SOURCEBOOK_MAX_CONNECTIONS",
            "Maximum number of open connections; fewer where the system allows fewer open files.",
        ),
    )
    max_connections_per_address: int = field(
        default=128,
        metadata=_about(
            "SOURCEBOOK_MAX_CONNECTIONS_PER_ADDRESS",
            "Maximum number of open connections from one address. Behind a proxy, all come from "
            "its address: let the proxy limit its clients, and raise this.",
        ),
    )
    # With 700, the slowest of a hundred answers to 64 askers took 1.5 to 2.9 s on two busy
    # processors, and 15 s without (docs/decisions/0025-limits.md).
    max_wait_ms: int = field(
        default=700,
        metadata=_about(
            "SOURCEBOOK_MAX_WAIT_MS",
            "How many milliseconds a question may wait for its turn before it is refused with "
            "status 503.",
        ),
    )
    import_folders: tuple[Path, ...] = field(
        default=(),
        metadata=_about(
            "SOURCEBOOK_IMPORT_FOLDERS",
            "Folders that users of `serve` may add articles from, separated by "
            f"{os.pathsep!r}; none by default.",
        ),
    )
    writer_url: str = field(
        default="",
        metadata=_about(
            "SOURCEBOOK_WRITER_URL",
            "Base URL of an OpenAI-compatible language model that may phrase answers from the "
            "evidence, such as `http://127.0.0.1:11434/v1`; none if empty.",
        ),
    )
    writer_model: str = field(
        default="",
        metadata=_about("SOURCEBOOK_WRITER_MODEL", "Name of that model on its server."),
    )
    writer_key: str = field(
        default="",
        repr=False,
        metadata=_about("SOURCEBOOK_WRITER_KEY", "API key for its server, if needed."),
    )
    writer_seconds: int = field(
        default=60,
        metadata=_about("SOURCEBOOK_WRITER_SECONDS", "Timeout for a draft, in seconds."),
    )
    log_level: str = field(
        default="info",
        metadata=_about("SOURCEBOOK_LOG_LEVEL", f"Log level of `serve`: {', '.join(LOG_LEVELS)}."),
    )
    log_format: str = field(
        default=TEXT,
        metadata=_about(
            "SOURCEBOOK_LOG_FORMAT",
            f"How `serve` logs, on standard error: {', '.join(LOG_FORMATS)}.",
        ),
    )
    log_questions: bool = field(
        default=False,
        metadata=_about(
            "SOURCEBOOK_LOG_QUESTIONS",
            "With 1, the log contains the questions that are asked, and the messages of "
            "exceptions, which may quote them; with 0, neither.",
        ),
    )
    slow_question_ms: int = field(
        default=5_000,
        metadata=_about(
            "SOURCEBOOK_SLOW_QUESTION_MS",
            "A question that takes as many milliseconds is logged as a warning, with the time of "
            "each stage; 0 for never.",
        ),
    )
    drain_seconds: int = field(
        default=0,
        metadata=_about(
            "SOURCEBOOK_DRAIN_SECONDS",
            "How long `serve` still takes requests when it is told to stop, while `/readyz` "
            "already says 503. A load balancer needs that time to notice.",
        ),
    )
    traces_url: str = field(
        default="",
        metadata=_about(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "Address of an OpenTelemetry collector that `serve` sends traces to, such as "
            "`http://127.0.0.1:4318`; none if empty. Needs `pip install 'sourcebook[traces]'`.",
        ),
    )

    def __post_init__(self) -> None:
        checks: dict[str, tuple[bool, str]] = {
            "library": ("\0" not in str(self.library), "the path of a folder"),
            "reader": (self.reader in READERS, f"one of {', '.join(READERS)}"),
            "model": (
                not self.model or bool(self.model.strip()),
                "the name or folder of a model, or nothing",
            ),
            "host": (bool(self.host.strip()), "an address or host name such as 127.0.0.1"),
            "port": (0 <= self.port <= 65_535, "a whole number from 0 to 65535"),
            "public_url": (
                not self.public_url or _is_address(self.public_url),
                "an address such as https://sourcebook.example.org, or nothing",
            ),
            "trusted_proxies": (
                _are_networks(self.trusted_proxies),
                "addresses or networks such as 127.0.0.1 or 10.0.0.0/8, separated by commas",
            ),
            "audit_days": (
                self.audit_days >= MIN_AUDIT_DAYS,
                f"a whole number, {MIN_AUDIT_DAYS} or more",
            ),
            "processes": (self.processes >= 0, "a whole number, 0 or more"),
            "max_upload_bytes": (self.max_upload_bytes > 0, "a whole number above 0"),
            "max_connections": (self.max_connections > 0, "a whole number above 0"),
            "max_connections_per_address": (
                self.max_connections_per_address > 0,
                "a whole number above 0",
            ),
            "max_wait_ms": (self.max_wait_ms > 0, "a whole number above 0"),
            "import_folders": (
                all(folder.is_absolute() for folder in self.import_folders),
                "absolute paths of folders",
            ),
            "writer_url": (bool(_ADDRESS.fullmatch(self.writer_url)), "an http or https address"),
            "writer_model": (
                bool(self.writer_model.strip()) == bool(self.writer_url),
                "both a model name and the writer's address, or neither",
            ),
            "writer_key": (not _UNSENDABLE.search(self.writer_key), "visible ASCII characters"),
            "writer_seconds": (self.writer_seconds > 0, "a whole number above 0"),
            "log_level": (self.log_level in LOG_LEVELS, f"one of {', '.join(LOG_LEVELS)}"),
            "log_format": (self.log_format in LOG_FORMATS, f"one of {', '.join(LOG_FORMATS)}"),
            "slow_question_ms": (self.slow_question_ms >= 0, "a whole number, 0 or more"),
            "drain_seconds": (0 <= self.drain_seconds <= 600, "a whole number from 0 to 600"),
            "traces_url": (bool(_ADDRESS.fullmatch(self.traces_url)), "an http or https address"),
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
    """Settings from environment variables; an empty variable counts as unset.

    Raises `InputError` that names the variable, its value and what was expected.
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
    if isinstance(one.default, bool):
        if text not in ("0", "1"):
            raise _refused(one.name, text, "0 or 1")
        return text == "1"
    if isinstance(one.default, int):
        try:
            return int(text)
        except ValueError as error:
            raise _refused(one.name, text, "a whole number") from error
    return text.lower() if one.name in ("log_level", "log_format") else text


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not url.endswith("/")


def _are_networks(text: str) -> bool:
    try:
        return all(ip_network(part.strip(), strict=False) for part in text.split(",") if text)
    except ValueError:
        return False


def _text(value: object) -> str:
    return os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)


def _refused(name: str, value: str, expected: str) -> InputError:
    variable = variable_of(name)
    return InputError(
        f"The setting {name} ({variable}) is {value!r}; expected {expected}.",
        cure=f"Change the option or the environment variable {variable}.",
    )
