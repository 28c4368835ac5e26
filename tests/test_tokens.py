"""Token vectors: what four bits cost, and MaxSim worked by hand."""

import numpy as np
import pytest

from index.errors import LibraryError
from index.tokens import DIMENSIONS, TokenCodec, Vectors, max_sim, max_sims, normalise

RANDOM = np.random.default_rng(3)


def vectors(count: int, dimensions: int = 384, rank: int | None = None) -> np.ndarray:
    """Random vectors, of so low a rank if that is given."""
    drawn = RANDOM.normal(size=(count, rank or dimensions))
    if rank:
        drawn = drawn @ RANDOM.normal(size=(rank, dimensions))
    return drawn.astype(np.float32)


def decode(codec: TokenCodec, data: bytes) -> Vectors:
    """What the codes stand for: their cosines with the axes."""
    return codec.similarity(np.eye(codec.dimensions, dtype=np.float32), data).T


def test_codes_are_small_and_lose_little() -> None:
    codec = TokenCodec(np.linalg.qr(vectors(384))[0][:, :DIMENSIONS])
    kept = codec.project(vectors(2_000))
    codes = codec.encode(kept @ codec.projection.T)
    assert (codes.shape, codes.dtype) == ((2_000, DIMENSIONS // 2), np.uint8)
    decoded = decode(codec, codes.tobytes())
    np.testing.assert_allclose(np.linalg.norm(decoded, axis=1), 1, atol=1e-5)
    # Max (1960), table II: sixteen levels leave a mean squared error of .01154, so that the
    # cosine is about 1 - .01154 / 2.
    assert (decoded * kept).sum(axis=1).mean() == pytest.approx(1 - 0.01154 / 2, abs=0.001)


def test_projection_loses_nothing_of_vectors_that_span_few_dimensions() -> None:
    samples = vectors(2_000, rank=150)
    unit, kept = normalise(samples), TokenCodec.fit(samples).project(samples)
    np.testing.assert_allclose(kept @ kept[:50].T, unit @ unit[:50].T, atol=1e-4)


def test_projection_keeps_the_principal_axes() -> None:
    samples = np.eye(6, dtype=np.float32).repeat([9, 1, 7, 1, 5, 3], axis=0)
    weight = np.abs(TokenCodec.fit(samples).projection).sum(axis=1)
    assert TokenCodec.fit(samples).dimensions == 6
    np.testing.assert_allclose(weight, 1, atol=1e-6)
    first = np.abs(TokenCodec.fit(samples).projection).argmax(axis=0)
    assert first[:4].tolist() == [0, 2, 4, 5]


def test_bytes_round_trip() -> None:
    codec = TokenCodec.fit(vectors(500))
    again = TokenCodec.from_bytes(codec.to_bytes(), 384)
    np.testing.assert_array_equal(again.projection, codec.projection)
    some = vectors(20)
    np.testing.assert_array_equal(again.encode(some), codec.encode(some))


@pytest.mark.parametrize("data", [b"", b"\0" * 3, b"\0" * 4 * 383, b"\0" * (4 * 384 + 4)])
def test_bytes_that_do_not_fit_are_refused(data: bytes) -> None:
    with pytest.raises(LibraryError, match="projection"):
        TokenCodec.from_bytes(data, 384)


def test_every_code_has_its_value() -> None:
    """Two values to a byte, the first in its upper half; levels rise evenly around zero."""
    codec = TokenCodec(np.eye(2, dtype=np.float32))
    [high] = decode(codec, bytes([0xF0]))
    np.testing.assert_allclose(high, [0.5**0.5, -(0.5**0.5)], atol=1e-6)
    [uneven] = decode(codec, bytes([0x98]))
    np.testing.assert_allclose(uneven, normalise(np.array([1.5, 0.5])), atol=1e-6)


def test_similarity_is_the_cosine_with_what_the_codes_stand_for() -> None:
    codec = TokenCodec.fit(vectors(500))
    question, data = codec.project(vectors(9)), codec.encode(vectors(70)).tobytes()
    found = codec.similarity(question, data)
    assert (found.shape, found.dtype) == ((9, 70), np.float32)
    np.testing.assert_allclose(found, question @ decode(codec, data).T, atol=1e-5)
    assert codec.similarity(question, b"").shape == (9, 0)


def test_zeros_stay() -> None:
    np.testing.assert_array_equal(normalise(np.zeros((2, 3), np.float32)), np.zeros((2, 3)))


def test_max_sim_by_hand() -> None:
    similarity = np.array([[0.1, 0.9, 0.3], [0.5, 0.2, 0.4]], np.float32)
    assert max_sim(similarity, np.array([1, 1], np.float32)) == pytest.approx(0.7)
    assert max_sim(similarity, np.array([3, 1], np.float32)) == pytest.approx(0.8)
    assert max_sim(np.zeros((2, 0), np.float32), np.array([3, 1], np.float32)) == 0
    assert max_sim(np.zeros((0, 2), np.float32), np.zeros(0, np.float32)) == 0


def test_max_sims_of_several_passages_at_once() -> None:
    lengths = [3, 0, 5, 1, 0]
    similarity = vectors(4, sum(lengths))
    weights = np.array([1, 2, 0.5, 3], np.float32)
    edges = np.cumsum(lengths)[:-1]
    alone = [max_sim(matrix, weights) for matrix in np.split(similarity, edges, axis=1)]
    np.testing.assert_allclose(max_sims(similarity, lengths, weights), alone, rtol=1e-5)
    assert max_sims(np.zeros((4, 0), np.float32), [], weights).shape == (0,)
    assert max_sims(np.zeros((0, 2), np.float32), [2], weights[:0]).tolist() == [0]
