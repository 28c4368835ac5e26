"""Files that commands export answers and judgements to."""

from pathlib import Path

from sourcebook.index.errors import InputError, StorageError
from sourcebook.service.notation.requests import Format


def format_of(file: Path) -> Format:
    """The export format for a file name. Raises `InputError` for an unknown suffix."""
    formats: dict[str, Format] = {".md": "markdown", ".html": "html"}
    found = formats.get(file.suffix.lower())
    if found is None:
        raise InputError(f"{str(file)!r} ends in {file.suffix!r}; expected .md or .html.")
    return found


def write(file: Path, text: str) -> None:
    """Write `text` in UTF-8 without changing line ends. Raises `StorageError` if that fails."""
    try:
        file.write_bytes(text.encode())
    except OSError as error:
        raise StorageError(
            f"{file} cannot be written: {error.strerror}.",
            cure="Check its folder and its permissions.",
        ) from error
