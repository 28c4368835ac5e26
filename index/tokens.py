"""Token vectors, small enough to keep for every passage: a projection, then four bits a value."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from index.errors import LibraryError

# The products of one question are too small to share out: on busy cores its threads wait for each
# other ten times as long as one alone computes.
threadpool_limits(limits=1, user_api="blas")

# Half of the default encoder's 384 dimensions at 4 bits rank as well as all of them at 32 on every
# dev set; docs/decisions/0004-token-vectors.md has the figures.
DIMENSIONS = 192
LEVELS = 16
MIDDLE = np.float32((LEVELS - 1) / 2)

# The step of the uniform quantiser with 16 levels that loses least on normally distributed values
# of variance 1 (Max, "Quantizing for minimum distortion", 1960, table II).
STEP = 0.3352

Vectors = NDArray[np.float32]
Codes = NDArray[np.uint8]


class TokenCodec:
    """Token vectors to codes and back.

    A vector is projected on `projection` (dimensions of the encoder, dimensions kept) and scaled
    to unit length, so that its values have the variance 1 / dimensions kept; each is quantised to
    four bits, two of them to a byte.
    """

    def __init__(self, projection: Vectors) -> None:
        """Take the projection that `fit` made."""
        self.projection = projection
        self.dimensions = projection.shape[1]

    @classmethod
    def fit(cls, samples: Vectors) -> "TokenCodec":
        """The projection on the principal axes of `samples` (tokens, dimensions), uncentred."""
        unit = normalise(samples)
        _, axes = np.linalg.eigh(unit.T @ unit)
        kept = min(DIMENSIONS, samples.shape[1] // 2 * 2)
        return cls(np.ascontiguousarray(axes[:, ::-1][:, :kept], dtype=np.float32))

    @classmethod
    def from_bytes(cls, data: bytes, encoder_dimensions: int) -> "TokenCodec":
        """What `to_bytes` gave; `LibraryError` when it does not fit the encoder."""
        if not data or len(data) % (4 * encoder_dimensions):
            raise LibraryError(
                f"The library's projection has {len(data)} bytes; expected a multiple of 4 for "
                f"each of the encoder's {encoder_dimensions} dimensions.",
                cure="The database is damaged: restore it from a backup.",
            )
        values = np.frombuffer(data, dtype="<f4").reshape(encoder_dimensions, -1)
        return cls(values.astype(np.float32))

    def to_bytes(self) -> bytes:
        """The projection, as it is kept in a library."""
        return self.projection.astype("<f4").tobytes()

    def project(self, vectors: Vectors) -> Vectors:
        """(tokens, encoder dimensions) to unit vectors (tokens, dimensions kept)."""
        return normalise(normalise(vectors) @ self.projection)

    def encode(self, vectors: Vectors) -> Codes:
        """(tokens, encoder dimensions) to codes (tokens, dimensions kept / 2)."""
        steps = self.project(vectors) * np.float32(np.sqrt(self.dimensions) / STEP)
        codes = np.clip(np.floor(steps) + LEVELS // 2, 0, LEVELS - 1).astype(np.uint8)
        packed: Codes = (codes[:, 0::2] << 4) | codes[:, 1::2]
        return packed

    def similarity(self, tokens: Vectors, data: bytes) -> Vectors:
        """Cosines (tokens, coded tokens) of unit vectors with codes, given as bytes.

        The codes are never decoded: with a level of (code - 7.5) steps, a product with codes is a
        shift away from one with vectors, and the step cancels in the cosine.
        """
        codes = np.frombuffer(data, dtype=np.uint8).reshape(-1, self.dimensions // 2)
        high, low = (codes >> 4).astype(np.float32), (codes & 15).astype(np.float32)
        products = tokens[:, 0::2] @ high.T
        products += tokens[:, 1::2] @ low.T
        products -= MIDDLE * tokens.sum(axis=1, keepdims=True)
        sums = high.sum(axis=1) + low.sum(axis=1)
        squares = np.einsum("ij,ij->i", high, high) + np.einsum("ij,ij->i", low, low)
        products /= np.sqrt(squares - 2 * MIDDLE * sums + MIDDLE**2 * self.dimensions)
        cosines: Vectors = products
        return cosines


def normalise(vectors: Vectors) -> Vectors:
    """Each row scaled to unit length; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(lengths, 1e-12)
    return scaled


def max_sims(similarity: Vectors, lengths: Sequence[int], weights: Vectors) -> Vectors:
    """`max_sim` of many passages at once: (passages,) for their tokens side by side.

    `similarity` is (question tokens, tokens of all passages), `lengths` the tokens of each.
    """
    scores = np.zeros(len(lengths), dtype=np.float32)
    # reduceat wants a beginning inside the array, so a passage without tokens is left at 0.
    held = np.flatnonzero(lengths)
    if len(held) and len(similarity):
        begins = (np.cumsum(lengths) - lengths)[held].astype(np.intp)
        best = np.maximum.reduceat(similarity, begins, axis=1)
        scores[held] = weights @ best / weights.sum()
    return scores


def max_sim(similarity: Vectors, weights: Vectors) -> float:
    """MaxSim: the weighted mean over question tokens of the best-matching passage token.

    `similarity` is (question tokens, passage tokens), `weights` (question tokens,) with a positive
    sum. Khattab & Zaharia, "ColBERT", SIGIR 2020, there as an unweighted sum.
    """
    if not similarity.size:
        return 0.0
    return float(similarity.max(axis=1) @ weights / weights.sum())
