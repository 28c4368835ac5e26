"""Token vectors: what four bits cost, and MaxSim worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcebook.index.encoding.tokens import (
    DIMENSIONS,
    RUN,
    STEP,
    TokenCodec,
    Vectors,
    max_sim,
    max_sims,
    normalise,
)
from sourcebook.index.errors import LibraryError

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
    assert (codes.shape, codes.dtype.name) == ((2_000, DIMENSIONS // 2), "uint8")
    decoded = decode(codec, codes.tobytes())
    # Max (1960), table II: sixteen levels leave a mean squared error of .01154, and what is coded
    # is so much shorter, for the error is at right angles to it.
    lengths = np.linalg.norm(decoded, axis=1)
    assert lengths.mean() == pytest.approx((1 - 0.01154) ** 0.5, abs=0.003)
    assert lengths.std() < 0.02
    assert ((decoded - kept) ** 2).sum(axis=1).mean() == pytest.approx(0.01154, abs=0.001)


def test_projection_loses_nothing_of_vectors_that_span_few_dimensions() -> None:
    samples = vectors(2_000, rank=150)
    unit, kept = normalise(samples), TokenCodec.fit(samples).project(samples)
    np.testing.assert_allclose(kept @ kept[:50].T, unit @ unit[:50].T, atol=1e-4)


def test_projection_keeps_the_principal_axes() -> None:
    samples = np.eye(6, dtype=np.float32).repeat([9, 1, 7, 1, 5, 3], axis=0)
    codec = TokenCodec.fit(samples)
    assert codec.dimensions == 6
    np.testing.assert_allclose(codec.projection @ codec.projection.T, np.eye(6), atol=1e-6)
    wide = np.eye(300, dtype=np.float32).repeat([2] * DIMENSIONS + [1] * (300 - DIMENSIONS), axis=0)
    kept = np.linalg.norm(TokenCodec.fit(wide).projection, axis=1)
    np.testing.assert_allclose(kept, [1.0] * DIMENSIONS + [0.0] * (300 - DIMENSIONS), atol=1e-5)


def test_every_value_varies_as_much_as_any_other() -> None:
    """Which the quantiser expects; along principal axes, the first would vary most."""
    samples = vectors(3_000) * np.geomspace(10, 0.1, 384, dtype=np.float32)
    spread = TokenCodec.fit(samples).project(samples).std(axis=0) * DIMENSIONS**0.5
    assert 0.5 < spread.min() <= spread.max() < 1.6


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
    step = STEP / 2**0.5
    [high] = decode(codec, bytes([0xF0]))
    np.testing.assert_allclose(high, [7.5 * step, -7.5 * step], atol=1e-6)
    [uneven] = decode(codec, bytes([0x98]))
    np.testing.assert_allclose(uneven, [1.5 * step, 0.5 * step], atol=1e-6)


def test_similarity_is_the_cosine_with_what_the_codes_stand_for() -> None:
    codec = TokenCodec.fit(vectors(500))
    question, data = codec.project(vectors(9)), codec.encode(vectors(70)).tobytes()
    found = codec.similarity(question, data)
    assert (found.shape, found.dtype.name) == ((9, 70), "float32")
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


def best_run(matrix: Vectors, own: int, weights: Vectors) -> float:
    """Worked one run at a time."""
    runs = [range(first, min(first + RUN, own)) for first in range(0, own, RUN)]
    context = list(range(own, matrix.shape[1]))
    return max((max_sim(matrix[:, [*run, *context]], weights) for run in runs), default=0.0)


@given(
    st.lists(st.tuples(st.integers(0, 3 * RUN), st.integers(0, 5)), max_size=8), st.integers(1, 6)
)
def test_max_sims_of_several_passages_at_once(sizes: list[tuple[int, int]], asked: int) -> None:
    owns = [own for own, _ in sizes]
    lengths = [own + context if own else 0 for own, context in sizes]
    similarity = vectors(asked, max(1, sum(lengths)))[:, : sum(lengths)].clip(-1, 1)
    weights = np.linspace(0.5, 3, asked, dtype=np.float32)
    edges = np.cumsum(lengths)[:-1]
    matrices = np.split(similarity, edges, axis=1) if sizes else []
    whole, nearest = max_sims(similarity, owns, lengths, weights)
    assert whole.shape == nearest.shape == (len(sizes),)
    alone = [max_sim(matrix, weights) for matrix in matrices]
    np.testing.assert_allclose(whole, alone, rtol=1e-4, atol=1e-5)
    runs = [best_run(matrix, own, weights) for matrix, own in zip(matrices, owns, strict=True)]
    np.testing.assert_allclose(nearest, runs, rtol=1e-4, atol=1e-5)


def test_max_sims_of_a_question_without_tokens() -> None:
    whole, nearest = max_sims(np.zeros((0, 2), np.float32), [2], [2], np.zeros(0, np.float32))
    assert whole.tolist() == nearest.tolist() == [0]
