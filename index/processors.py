"""How many processors this process may use."""

import os
import sys


def usable_processors() -> int:
    """The processors that this process may run on, or all of the machine where that is unknown."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # macOS has none
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
