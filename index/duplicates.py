"""Detects syndicated copies by MinHash signatures of five-word shingles."""

import zlib
from unicodedata import normalize

import numpy as np

from sourcebook.index.words import WORD

# Leskovec, Rajaraman & Ullman, "Mining of Massive Datasets", sections 3.2 to 3.4: shingles long
# enough to be rare; with 128 permutations the estimate has a standard error of at most .044; 16
# bands of 8 rows make a pair of Jaccard similarity .8 share a band with probability .95, one of .4
# with .01.
SHINGLE_WORDS = 5
PERMUTATIONS = 128
BANDS = 16
# Two articles whose similarity is estimated at least this high are near copies: a changed headline,
# a cut paragraph or another publisher's boilerplate stays above it, a rewrite below. Whether they
# say the same is another question (differences.py).
SAME = 0.8

_PRIME = np.uint64((1 << 31) - 1)
_RANDOM = np.random.default_rng(20)
_FACTORS = _RANDOM.integers(1, int(_PRIME), PERMUTATIONS, dtype=np.uint64)
_OFFSETS = _RANDOM.integers(0, int(_PRIME), PERMUTATIONS, dtype=np.uint64)
_CHUNK = 4096  # shingles that are permuted at a time: 4 MB of intermediate results


def signature(text: str) -> bytes:
    """The MinHash signature of a text (Broder, 1997): 128 little-endian uint32."""
    # Letters with their accents beside them are the same letters.
    words = WORD.findall(normalize("NFC", text).casefold()) or text.split()
    count = max(1, len(words) - SHINGLE_WORDS + 1)
    hashes = np.fromiter(
        (zlib.crc32(" ".join(words[i : i + SHINGLE_WORDS]).encode()) for i in range(count)),
        dtype=np.uint64,
        count=count,
    )
    smallest = np.full(PERMUTATIONS, _PRIME, dtype=np.uint64)
    for first in range(0, count, _CHUNK):
        part = np.unique(hashes[first : first + _CHUNK]) % _PRIME
        permuted = (part[:, None] * _FACTORS + _OFFSETS) % _PRIME
        np.minimum(smallest, permuted.min(axis=0), out=smallest)
    return smallest.astype("<u4").tobytes()


def bands(of_signature: bytes) -> list[int]:
    """The hashes of the 16 bands of a signature: articles that share one may be copies."""
    size = len(of_signature) // BANDS
    return [
        zlib.crc32(of_signature[band * size : (band + 1) * size], band) for band in range(BANDS)
    ]


def similarity(one: bytes, other: bytes) -> float:
    """The estimated Jaccard similarity of the shingles of two texts, in [0, 1]."""
    return float(np.mean(np.frombuffer(one, "<u4") == np.frombuffer(other, "<u4")))


def near(one: bytes, other: bytes) -> bool:
    """Whether two texts are near copies by their signatures; none is near to one without."""
    return bool(one and other) and similarity(one, other) >= SAME
