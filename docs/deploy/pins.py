"""Writes docs/deploy/requirements.txt: what serving needs, with the hashes of its files.

Run `make pins` after a change of constraints.txt. pip chooses the files for the image's Python on
each machine and reports their hashes, which the registry states; it downloads none of them.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PINS = ROOT / "docs/deploy/requirements.txt"
# The machines that the image is built for, and the versions 2.x of glibc that its files may be
# built for: python:3.13-slim has 2.41.
MACHINES = ("x86_64", "aarch64")
GLIBC = range(17, 42)
HEAD = """\
# What serving needs, each file with its SHA-256. Written by `make pins` from constraints.txt.
#   pip install --require-hashes --requirement docs/deploy/requirements.txt
"""

Report = Mapping[str, Any]


def python_version() -> str:
    """The version of Python in the image, from the Dockerfile."""
    found = re.search(r"^FROM python:(\d+\.\d+)", (ROOT / "Dockerfile").read_text("utf-8"), re.M)
    if not found:
        sys.exit("Dockerfile names no version of Python; expected a line FROM python:3.13-slim.")
    return found[1]


def report(machine: str, version: str) -> Report:
    """What pip would install on a machine. Raises `CalledProcessError` where it finds nothing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    platforms = [f"manylinux2014_{machine}", *(f"manylinux_2_{one}_{machine}" for one in GLIBC)]
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "report.json"
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"),
                *("--ignore-installed", "--only-binary", ":all:", "--target", folder),
                *("--python-version", version, "--implementation", "cp"),
                *(word for one in platforms for word in ("--platform", one)),
                *("--constraint", str(ROOT / "constraints.txt"), "--report", str(written)),
                *needed,
            ],
            check=True,
        )
        return dict(json.loads(written.read_text("utf-8")))


def pins(reports: Iterable[Report]) -> str:
    """The requirements that pip reported, with the hashes of all reports, sorted by name."""
    hashes: dict[str, set[str]] = {}
    for found in reports:
        for one in found["install"]:
            about, file = one["metadata"], one["download_info"]["archive_info"]
            hashes.setdefault(f"{about['name']}=={about['version']}", set()).add(
                file["hashes"]["sha256"]
            )
    lines = [
        " \\\n    ".join([pinned, *(f"--hash=sha256:{one}" for one in sorted(hashes[pinned]))])
        for pinned in sorted(hashes, key=str.lower)
    ]
    return HEAD + "\n".join([*lines, ""])


def main() -> None:
    """Write the file."""
    version = python_version()
    PINS.write_text(pins(report(machine, version) for machine in MACHINES), "utf-8")
    print("wrote", PINS.relative_to(ROOT))


if __name__ == "__main__":
    main()
