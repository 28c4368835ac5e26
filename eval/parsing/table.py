"""What a measure of reading shows: a titled table with a note."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the report; each row has a cell for each name in `head`."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(f"row {row!r} has {len(row)} cells; expected {len(self.head)}")
