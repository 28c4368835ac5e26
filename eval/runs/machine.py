"""The computer that a figure was measured on."""

import os
import platform
import subprocess

# What prints the name of the processor: on Linux (util-linux) and on macOS.
COMMANDS = (["lscpu"], ["sysctl", "machdep.cpu.brand_string"])
NAMES = ("Model name", "machdep.cpu.brand_string")


def machine() -> dict[str, str | int | None]:
    """System, processor, cores, memory in bytes, and the version of Python."""
    return {
        "system": platform.system(),
        "processor": _processor() or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    """The name of the processor, or nothing if no command prints it."""
    for command in COMMANDS:
        try:
            printed = subprocess.run(
                command,
                env=os.environ | {"LC_ALL": "C"},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        for line in printed.splitlines():
            name, _, value = line.partition(":")
            if name.strip() in NAMES:
                return value.strip()
    return ""


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
