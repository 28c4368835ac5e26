"""The children and the memory of a process; imports no package, so that peers can use it."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path


def memory_of(process: int | None = None) -> tuple[int, int]:
    """The resident and the peak memory in bytes, of this process by default.

    Without /proc the peak is 0, and `ps` tells the resident memory. Raises ProcessLookupError if
    there is no such process.
    """
    number = process or os.getpid()
    try:
        text = Path(f"/proc/{number}/status").read_text("utf-8")
    except FileNotFoundError:
        return _resident(number), 0
    found = {name: 1024 * int(size) for name, size in re.findall(r"(VmRSS|VmHWM):\s+(\d+)", text)}
    return found.get("VmRSS", 0), found.get("VmHWM", 0)


def _resident(process: int) -> int:
    command = ["ps", "-o", "rss=", "-p", str(process)]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not printed:
        raise ProcessLookupError(f"There is no process {process}.")
    return 1024 * int(printed)


def family(process: int) -> Iterator[int]:
    """A process and its descendants; without /proc only the process itself."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text("ascii").split():
            yield from family(int(child))
