"""The reader: which passages answer, with which words, whatever else is read."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from sourcebook.index.article import sha256
from sourcebook.index.encoding.model_files import read_description, shipped_folder
from sourcebook.index.encoding.reader import (
    CONTEXT_PIECES,
    PAIR_PIECES,
    QUESTION_PIECES,
    READER,
    SPAN_PIECES,
    PairTokenizer,
    PassageReading,
    Reader,
    best_span,
)
from sourcebook.index.encoding.word_vectors import WORD_VECTORS, WordVectors
from sourcebook.index.errors import LibraryError

QUESTION = "How many hectares of coca did the ministry count?"
ANSWERS = (
    "The Herald. On coca",
    "The ministry published its yearly survey on Monday. It counted 253,000 hectares of coca in "
    "Colombia, more than ever before. The minister called the figure alarming.",
)
NEAR_MISS = (
    "The Herald. On coca",
    "The ministry published its yearly survey on Monday. The minister called the figures on coca "
    "alarming, but did not name them. Cattle graze on what was once forest.",
)
ELSEWHERE = ("Weather", "It will be mild in Bogotá, with rain in the afternoon. " * 12)
SPANISH = (
    "El Heraldo",
    "El ministerio publicó su informe anual. Contó 253.000 hectáreas de coca en Colombia. 👩🏽‍🌾",
)
PASSAGES = [ANSWERS, NEAR_MISS, ELSEWHERE, SPANISH, ("", "Coca."), ("", "")]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def joined() -> PairTokenizer:
    folder = shipped_folder("multilingual-e5-small")
    return PairTokenizer(Tokenizer.from_file(str(folder / "tokenizer.json")))


def worth(reading: PassageReading) -> float:
    return reading.span_score - reading.null_score


def test_an_answer_is_told_from_a_near_miss(reader: Reader) -> None:
    right, near, elsewhere, spanish, *_ = reader.read(QUESTION, PASSAGES)
    assert right.logit > 0 > near.logit > elsewhere.logit
    assert spanish.logit > near.logit
    assert "253,000" in ANSWERS[1][right.start : right.end]
    assert "253.000" in SPANISH[1][spanish.start : spanish.end]
    assert worth(right) > 0 > worth(near) > worth(elsewhere)


def test_a_reading_does_not_depend_on_company(reader: Reader) -> None:
    alone = [reader.read(QUESTION, [passage])[0] for passage in PASSAGES]
    with ThreadPoolExecutor(4) as pool:
        for together in pool.map(lambda _: reader.read(QUESTION, PASSAGES), range(4)):
            assert together == alone
    assert reader.read(QUESTION, PASSAGES[::-1]) == alone[::-1]
    assert reader.read(QUESTION, []) == []


def test_only_the_passage_is_quoted(reader: Reader) -> None:
    title = "253,000 hectares of coca, the ministry says"
    [reading] = reader.read(QUESTION, [(title, "The minister called the figure alarming.")])
    assert "253" not in "The minister called the figure alarming."[reading.start : reading.end]
    [bare] = reader.read(QUESTION, [("", "The minister called the figure alarming.")])
    assert reading.logit != bare.logit


@pytest.mark.parametrize("text", ["", " ", "\n\n\t "])
def test_a_passage_without_words_has_no_span(text: str, reader: Reader) -> None:
    [reading] = reader.read("Who?", [("Title", text)])
    assert (reading.start, reading.end) == (0, 0)
    assert reading.span_score == reading.null_score
    assert np.isfinite(reading.logit)


@pytest.mark.parametrize("question", ["", "?", "who " * 500, "毒品 👩🏽‍🌾 Привет"])
def test_any_question_and_any_length_are_read(question: str, reader: Reader) -> None:
    long = "The ministry counted hectares of coca in the valley. " * 200
    for reading in reader.read(question, [("title " * 99, long), ("", long), ("t " * 99, "Coca.")]):
        assert 0 <= reading.start < reading.end <= len(long)


def test_what_is_too_long_is_cut_at_its_end(joined: PairTokenizer) -> None:
    [pair] = joined.pairs("who " * 99, [("title " * 99, "coca " * 999)])
    before = 1 + QUESTION_PIECES + 2 + CONTEXT_PIECES
    assert (len(pair.ids), pair.first) == (PAIR_PIECES, before)
    assert len(pair.offsets) == PAIR_PIECES - before - 1 == 204
    assert pair.offsets[-1][1] < len("coca " * 999)


def test_the_form_is_that_of_the_training(joined: PairTokenizer) -> None:
    [pair] = joined.pairs("Who won?", [("A title", "Ann won.")])
    folder = shipped_folder("multilingual-e5-small")
    pieces = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = pieces.encode("Who won?", "A title Ann won.").ids
    assert list(pair.ids) == ids
    assert [("Ann won."[start:end]) for start, end in pair.offsets] == ["Ann", "won", "."]


@settings(deadline=None)
@given(text=st.text(max_size=80), context=st.text(max_size=20), question=st.text(max_size=20))
def test_offsets_are_those_of_the_text(
    text: str, context: str, question: str, joined: PairTokenizer
) -> None:
    [pair] = joined.pairs(question, [(context, text)])
    assert len(pair.offsets) == len(pair.ids) - 1 - pair.first
    for start, end in pair.offsets:
        assert 0 <= start <= end <= len(text)
        assert text[start:end] == text[start:end].strip()
    covered = {place for start, end in pair.offsets for place in range(start, end)}
    assert all(character.isspace() or place in covered for place, character in enumerate(text)) or (
        len(pair.ids) == PAIR_PIECES or not text.isprintable() or not text.isascii()
    )


@settings(deadline=None, max_examples=60)  # the first text waits for the network
@given(text=st.text(min_size=1, max_size=60))
def test_a_span_lies_in_the_text(text: str, reader: Reader) -> None:
    [reading] = reader.read("Who?", [("Title", text)])
    quote = text[reading.start : reading.end]
    assert quote == quote.strip()
    assert bool(quote) == any(end > start for start, end in _offsets(reader, text))


def _offsets(reader: Reader, text: str) -> tuple[tuple[int, int], ...]:
    return reader.tokenizer.pairs("Who?", [("Title", text)])[0].offsets


def test_the_best_span() -> None:
    edges = np.array([[9, 0], [3, 0], [0, 5], [2, 2], [0, 0]], dtype=np.float32)
    offsets = ((0, 0), (1, 4), (5, 9), (9, 12), (13, 14))
    # The first piece is only a space, and an end before its start is none.
    assert best_span(edges, offsets) == (1, 9, 8.0)
    assert best_span(edges, tuple((n, n) for n in range(5))) == (0, 0, 0.0)
    far = np.zeros((60, 2), dtype=np.float32)
    far[0, 0] = far[SPAN_PIECES, 1] = 9
    start, end, score = best_span(far, tuple((n, n + 1) for n in range(60)))
    assert end - start <= SPAN_PIECES
    assert score == 9


def test_the_shipped_reader_is_as_described() -> None:
    shipped = read_description(shipped_folder(READER))
    assert shipped.name == READER
    own = {file.name for file in shipped.folder.iterdir()} - {"about.json"}
    shared = {name for name in shipped.files if name.startswith("../")}
    assert set(shipped.files) == own | shared
    assert shipped.files == {
        name: sha256((shipped.folder / name).read_bytes()) for name in shipped.files
    }
    assert len(shared) == 2


@pytest.mark.parametrize("name", ["reader.bin", "../multilingual-e5-small/words.npy"])
def test_a_damaged_reader_is_refused(name: str, tmp_path: Path) -> None:
    for folder in (shipped_folder(READER), shipped_folder("multilingual-e5-small")):
        shutil.copytree(folder, tmp_path / folder.name)
    damaged = tmp_path / READER / name
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(LibraryError, match="missing or damaged") as caught:
        Reader(tmp_path / READER)
    assert caught.value.cure


def test_word_vectors_are_gathered_in_any_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 16, (9, 2, 32))
    scales = rng.normal(size=(9, 2, 1)).astype("<f2")
    packed = np.concatenate(
        [scales.view(np.uint8), (codes[..., 0::2] | codes[..., 1::2] << 4).astype(np.uint8)], -1
    )
    np.save(tmp_path / WORD_VECTORS, packed)
    words = WordVectors(tmp_path / WORD_VECTORS)
    expected = ((codes - 8) * scales.astype(np.float32)).reshape(9, 64)
    ids = np.array([[3, 3, 0], [8, 1, 3]])
    assert (len(words), words.dimensions) == (9, 64)
    np.testing.assert_array_equal(words.gather(ids), expected[ids].astype(np.float32))
    np.save(tmp_path / "other.npy", np.zeros((3, 4)))
    with pytest.raises(ValueError, match="holds float64 of 2 dimensions"):
        WordVectors(tmp_path / "other.npy")
