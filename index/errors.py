"""The errors of Sourcebook: each has a message with value and expectation, and a cure."""

from typing import ClassVar


class SourcebookError(Exception):
    """Base class of all errors that a caller can cause or handle.

    `kind` is the stable, machine-readable name (the last part of the problem type's URI in HTTP).
    The message says what was wrong, with the value and what was expected; `cure` says what to do.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message} {self.cure}".strip()


class InputError(SourcebookError):
    """An argument from the caller is invalid."""

    kind = "bad-input"


class TooLargeError(InputError):
    """Something is larger than its limit."""

    kind = "too-large"


class UnreadableError(InputError):
    """A file or text cannot be read as an article."""

    kind = "unreadable"


class NotFoundError(SourcebookError):
    """No article, passage or library has that name."""

    kind = "not-found"


class NotAllowedError(SourcebookError):
    """The settings do not allow the operation."""

    kind = "not-allowed"


class BusyError(SourcebookError):
    """Another process is writing to the library."""

    kind = "busy"


class LibraryError(SourcebookError):
    """A library is damaged, or was made by another version or with another encoder."""

    kind = "library"


class DamagedError(LibraryError):
    """One article is not as it was written; all others can be used."""


class StorageError(SourcebookError):
    """Writing to disk failed; the library is unchanged."""

    kind = "storage"
