"""What an attack found: how often it was tried, and every time that a promise was broken."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one attack: `tried` rounds, and a sentence for each fault, none if it held."""

    attack: str  # what was done, such as "one bit flipped, over all files of a library"
    promise: str  # what must hold, such as "no answer, score or text changes without a word"
    tried: int
    faults: tuple[str, ...] = ()
    not_run: str = ""  # why it was not, such as "schemathesis is not installed"
