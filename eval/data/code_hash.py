"""A hash of the project's source, so that a report shows which code it measured."""

import hashlib
from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable

# Files that can change an answer or a library; models and styles have their own checksums.
KINDS = (".py", ".sql", ".txt")


def code_sha256(packages: Iterable[str]) -> str:
    """The sha256 of all source files in these packages and modules, including sub-packages."""
    digest = hashlib.sha256()
    for name in packages:
        package, _, leaf = name.rpartition(".")
        module = files(package) / f"{leaf}.py"
        _add(module if module.is_file() else files(name), name, digest)
    return digest.hexdigest()


def _add(place: Traversable, name: str, digest: "hashlib._Hash") -> None:
    if place.is_file():
        digest.update(f"{name}\0".encode() + place.read_bytes())
        return
    for entry in sorted(place.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(KINDS) or (entry.is_dir() and entry.name != "__pycache__"):
            _add(entry, f"{name}/{entry.name}", digest)
