"""What one request does, noted for those who watch the server: metrics, log and traces."""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that was answered, or searched for.

    `outcome` is the status of the answer, or `found` for a search. `seconds` is the whole time,
    `stages` the part that each stage took; what they leave was spent waiting for a free seat.
    """

    text: str
    outcome: str
    begun: float
    seconds: float
    stages: Mapping[str, float]

    @property
    def waited(self) -> float:
        """The seconds that no stage accounts for."""
        return max(0.0, self.seconds - sum(self.stages.values()))


@dataclass(slots=True, kw_only=True)
class Seen:
    """One HTTP request and what it did; `begun` is in seconds since 1970, `bytes` the body sent.

    `route` is the template of its address, such as `/v1/articles/{article_id}`. `key` names the
    API key that it was made with; it is never the key itself.
    """

    request_id: str
    method: str
    begun: float = field(default_factory=time.time)
    traceparent: str = ""
    key: str = ""
    asked: list[Asked] = field(default_factory=list)
    route: str = ""
    status: int = 0
    seconds: float = 0.0
    bytes: int = 0


_CURRENT: ContextVar[Seen | None] = ContextVar("seen", default=None)


def begin(seen: Seen) -> None:
    """Note in `seen` whatever this task does from now on, and the threads that it starts."""
    _CURRENT.set(seen)


def current() -> Seen | None:
    """The request that is being answered here; None outside of one."""
    return _CURRENT.get()


def note(question: str, outcome: str, begun: float, stages: Mapping[str, float]) -> None:
    """Note a question that was asked at `begun`, by `time.perf_counter`."""
    seen = current()
    if seen:
        seconds = time.perf_counter() - begun
        seen.asked.append(
            Asked(
                text=question,
                outcome=outcome,
                begun=time.time() - seconds,
                seconds=seconds,
                stages=stages,
            )
        )
