"""The roles of people and programs, and the errors of those who may not do something."""

from enum import IntEnum

from sourcebook.index.errors import SourcebookError


class Role(IntEnum):
    """What a key is for; each role may do all that the roles before it may do."""

    ANYONE = 0  # without a key
    ASKER = 1
    EDITOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """Its name in messages, commands and JSON."""
        return self.name.lower()


KEY_ROLES = tuple(role.word for role in Role if role is not Role.ANYONE)


# What a key may do unless said otherwise: more than a person ever needs.
PER_MINUTE = 600
PER_DAY = 100_000


class KeyNeededError(SourcebookError):
    """There is no key or session, or it is not known."""

    kind = "key-needed"


class RoleError(SourcebookError):
    """The role of the key is too low."""

    kind = "role-too-low"

    def __init__(self, message: str, *, cure: str = "", name: str) -> None:
        """`name` is that of the key."""
        super().__init__(message, cure=cure)
        self.name = name


class TooManyError(SourcebookError):
    """A key has used up what it may do, or an address has sent too many wrong keys."""

    kind = "too-many"

    def __init__(self, message: str, *, cure: str = "", retry_after: int) -> None:
        """`retry_after` is the number of seconds after which to try again."""
        super().__init__(message, cure=cure)
        self.retry_after = retry_after
