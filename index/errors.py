"""The one hierarchy of errors: what was wrong, the value, what was expected; the cure apart."""

from typing import ClassVar


class SourcebookError(Exception):
    """Base of every error that a caller can cause or should understand.

    `kind` is the stable, machine-readable name (it ends the problem type's URI over HTTP); the
    message says what was wrong, with the value and what was expected; `cure` says what to do.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message} {self.cure}".strip()


class InputError(SourcebookError):
    """A value that the caller gave cannot be used."""

    kind = "bad-input"


class TooLargeError(InputError):
    """Something is larger than its limit."""

    kind = "too-large"


class UnreadableError(InputError):
    """A file or text cannot be read as an article."""

    kind = "unreadable"


class NotFoundError(SourcebookError):
    """No article, passage or library of that name."""

    kind = "not-found"


class NotAllowedError(SourcebookError):
    """The settings do not allow it."""

    kind = "not-allowed"


class BusyError(SourcebookError):
    """Another writer holds the library."""

    kind = "busy"


class LibraryError(SourcebookError):
    """A library cannot be opened or trusted: damaged, of another version or another encoder."""

    kind = "library"


class StorageError(SourcebookError):
    """The disk refused a write; the library is as it was before."""

    kind = "storage"
