"""Token vectors, small enough to keep for every passage: a projection, then four bits a value."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sourcebook.index.errors import LibraryError

# Half of the default encoder's 384 dimensions at 4 bits rank as well as all of them at 32 on every
# dev set; docs/decisions/0004-token-vectors.md has the figures.
DIMENSIONS = 192
LEVELS = 16
MIDDLE = np.float32((LEVELS - 1) / 2)

# The step of the uniform quantiser with 16 levels that loses least on normally distributed values
# of variance 1 (Max, "Quantizing for minimum distortion", 1960, table II).
STEP = 0.3352

# What belongs together stands within so many tokens of each other, chosen on the dev questions
# (docs/decisions/0005-fusion.md): 8 to 32 do about as well.
RUN = 16

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
    def fit(cls, samples: Vectors, dimensions: int = DIMENSIONS) -> "TokenCodec":
        """The projection on the principal axes of `samples` (tokens, dimensions), uncentred.

        So many `dimensions` are kept, or all where there are fewer.

        A random rotation gives all values the same variance, which is what the quantiser expects.
        """
        # One thread sums in the same order on every machine.
        with threadpool_limits(limits=1, user_api="blas"):
            unit = normalise(samples)
            _, axes = np.linalg.eigh(unit.T @ unit)
            kept = min(dimensions, samples.shape[1] // 2 * 2)
            rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((kept, kept)))
            rotated = axes[:, ::-1][:, :kept] @ rotation
        return cls(np.ascontiguousarray(rotated, dtype=np.float32))

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

    def count(self, data: bytes) -> int:
        """How many tokens' codes these bytes are."""
        return len(data) * 2 // int(self.dimensions)

    def similarity(self, tokens: Vectors, data: bytes) -> Vectors:
        """Cosines (tokens, coded tokens) of unit vectors with codes, given as bytes.

        The codes are never decoded: with a level of (code - 7.5) steps, a product with codes is a
        shift away from one with vectors. Nor are they normalised: the projection spreads what a
        vector says over all of its values, so that the lengths of the coded ones differ by 1 %.
        """
        codes = np.frombuffer(data, dtype=np.uint8).reshape(-1, self.dimensions // 2)
        steps: Vectors = tokens * np.float32(STEP / np.sqrt(self.dimensions))
        products: Vectors = steps[:, 0::2] @ (codes >> 4).astype(np.float32).T
        products += steps[:, 1::2] @ (codes & 15).astype(np.float32).T
        products -= MIDDLE * steps.sum(axis=1, keepdims=True)
        return products


def normalise(vectors: Vectors) -> Vectors:
    """Each row scaled to unit length; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(lengths, 1e-12)
    return scaled


def rarity(held: Sequence[int], total: int) -> Vectors:
    """How rare word pieces are that so many of `total` passages hold: BM25's form of IDF."""
    found = np.array(held, np.float32)
    weights: Vectors = np.log1p((total - found + 0.5) / (found + 0.5))
    return weights


def max_sims(
    similarity: Vectors, owns: Sequence[int], lengths: Sequence[int], weights: Vectors
) -> tuple[Vectors, Vectors]:
    """`max_sim` of many passages at once, (passages,), and that of the best run of each.

    `similarity` is (question tokens, tokens of all passages in turn); of a passage's `lengths`
    tokens the first `owns` are its own, the rest its context's. A run is `RUN` tokens of its own,
    read with all of its context.
    """
    own, length = np.array(owns, dtype=np.intp), np.array(lengths, dtype=np.intp)
    whole, nearest = np.zeros((2, len(length)), dtype=np.float32)
    begins = np.cumsum(length) - length
    runs = -(-own // RUN)
    passage = np.repeat(np.arange(len(runs)), runs)
    edges = begins[passage] + RUN * (np.arange(len(passage)) - (np.cumsum(runs) - runs)[passage])
    told = np.flatnonzero(length > own)
    if not len(similarity) or not len(passage):
        return whole, nearest
    # All runs and contexts in the order of their first tokens: each ends where the next begins.
    edges = np.concatenate([edges, (begins + own)[told]])
    order = np.argsort(edges)
    best = np.empty((len(similarity), len(edges)), dtype=np.float32)
    best[:, order] = np.maximum.reduceat(similarity, edges[order], axis=1)
    context = np.full((len(similarity), len(runs)), -1.0, dtype=np.float32)
    context[:, told] = best[:, len(passage) :]
    best = np.maximum(best[:, : len(passage)], context[:, passage])
    shares = weights / weights.sum()
    held, firsts = np.unique(passage, return_index=True)
    nearest[held] = np.maximum.reduceat(shares @ best, firsts)
    whole[held] = shares @ np.maximum.reduceat(best, firsts, axis=1)
    return whole, nearest


def max_sim(similarity: Vectors, weights: Vectors) -> float:
    """MaxSim: the weighted mean over question tokens of the best-matching passage token.

    `similarity` is (question tokens, passage tokens), `weights` (question tokens,) with a positive
    sum. Khattab & Zaharia, "ColBERT", SIGIR 2020, there as an unweighted sum.
    """
    return float(weighted(similarity.max(axis=1), weights)) if similarity.size else 0.0


def weighted(best: Vectors, weights: Vectors) -> Vectors:
    """MaxSim of texts whose best matches are known: (question tokens, texts) to (texts,)."""
    means: Vectors = weights @ best / weights.sum()
    return means
