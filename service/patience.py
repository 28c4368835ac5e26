"""Whether anybody still waits for what is being worked out, and for how much longer."""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from sourcebook.index.errors import SourcebookError

# Three times what the largest request takes that has the server to itself.
LONGEST_S = 60


class GoneError(SourcebookError):
    """The client has closed its connection, so nobody would read the answer."""

    kind = "gone"


class OverloadedError(SourcebookError):
    """There is more to do than can be done in time."""

    kind = "overloaded"


@dataclass(slots=True)
class Client:
    """Who asked: when, and whether they have left since."""

    arrived: float = field(default_factory=time.monotonic)
    left: bool = False
    had_a_turn: bool = False

    def turn_by(self, wait: float) -> float:
        """When its turn must have come: `wait` seconds after it arrived, or after its last turn."""
        return (time.monotonic() if self.had_a_turn else self.arrived) + wait


# Who the work of this thread or task is for; None where it is not for a request.
CLIENT: ContextVar[Client | None] = ContextVar("client", default=None)


def go_on() -> None:
    """Called between the parts of long work: raises `GoneError` if the client has left.

    Raises `OverloadedError` where the request has taken longer than any may.
    """
    client = CLIENT.get()
    if client is None:
        return
    if client.left:
        raise GoneError("The client has closed its connection before it was answered.")
    if time.monotonic() > client.arrived + LONGEST_S:
        raise OverloadedError(
            f"The request took more than {LONGEST_S} s, and was not finished.",
            cure="Ask for less at once.",
        )


def overloaded() -> OverloadedError:
    """The error for a request whose turn has not come in time."""
    return OverloadedError(
        "The server has more requests than it can answer in time.", cure="Try again soon."
    )
