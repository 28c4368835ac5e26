"""Progress bars."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """A bar on standard error, advanced by calling what this yields; a line at the end."""
    errors = Console(stderr=True)
    begun = time.perf_counter()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
    with bar:
        number = bar.add_task(title, total=total, completed=done)
        yield lambda: bar.advance(number)
    errors.print(f"{title}: {total:,} in {time.perf_counter() - begun:.1f} s", highlight=False)
