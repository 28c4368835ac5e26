"""Trains the encoder's adapter or the reader on one accelerator, from the published weights."""

import argparse
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from sourcebook.eval.training.batches import (
    KINDS,
    SHARES,
    Groups,
    Sampler,
    encoder_rows,
    filled,
    length,
    reader_batch,
    step_batches,
)
from sourcebook.eval.training.build import PREFIXES
from sourcebook.eval.training.learning import (
    LateLearner,
    QuestionBatch,
    ReaderLearner,
    made_meanwhile,
)
from sourcebook.eval.training.mining import MINED, mine_by_words
from sourcebook.eval.training.network import read_parameters
from sourcebook.eval.training.prepared import Places, Prepared
from sourcebook.eval.training.published import Floats, PublishedModel, Shape, published_file
from sourcebook.eval.training.written import WRITTEN
from sourcebook.index.encoding.model_files import TOKENIZER
from sourcebook.index.encoding.word_vectors import WORD_VECTORS, WordVectors

# Word pieces of questions, and of passages with their titles, when the encoder is trained.
QUESTION_PIECES, PASSAGE_PIECES = 80, 272
# A passage that is much more like the question than the right one is probably right as well.
SURE_WRONG = 0.01
EVALUATED_PAIRS = 700


def mine(learner: LateLearner, data: Prepared) -> Places:
    """The passages of a set that are most like each of its questions, and do not answer it."""
    passages = learner.pooled(
        encoder_rows(
            [(data.titles[n], data.passages[n]) for n in range(len(data.passages))],
            learner.passage_prefix,
            PASSAGE_PIECES,
        )
    )
    questions = learner.pooled(
        encoder_rows(
            [(data.questions[n],) for n in range(len(data.questions))],
            learner.query_prefix,
            QUESTION_PIECES,
        )
    )
    same = data.same_question()
    found = np.full((len(questions), MINED), -1, np.int32)
    for number in range(len(data.set_names)):
        there = np.flatnonzero(data.passage_sets == number)
        for pair in np.flatnonzero(data.sets == number).tolist():
            right = int(data.answering[pair])
            likeness = passages[there] @ questions[pair]
            likeness[likeness > passages[right] @ questions[pair] + SURE_WRONG] = -1
            best = there[np.argsort(-likeness)[: MINED + 1]]
            wrong = [p for p in best.tolist() if p != right and p not in same.get(pair, ())]
            found[pair, : len(wrong[:MINED])] = wrong[:MINED]
    return found


def rarity(data: Prepared, words: int) -> Floats:
    """How rare each word piece is among the passages: BM25's form of IDF."""
    held = np.zeros(words)
    for number in range(len(data.passages)):
        held[np.unique(data.passages[number])] += 1
    total = len(data.passages)
    return np.log1p((total - held + 0.5) / (held + 0.5)).astype(np.float32)


def question_batches(
    data: Prepared, mined: Places, learner: LateLearner, size: int, rng: np.random.Generator
) -> Iterator[QuestionBatch]:
    """Questions of two sets, their passages, and a mined passage for each."""
    names = data.set_names.tolist()
    # What was written for the reader is not for the encoder.
    shares = SHARES | {WRITTEN: 0.0}
    sampler = Sampler(data.sets, names, shares, np.ones(len(data.sets), np.bool_))
    same = data.same_question()
    while True:
        pairs = sampler.draw_sets(2, size // 2, rng)
        columns = [int(data.answering[pair]) for pair in pairs]
        for pair in pairs:
            near = mined[pair][mined[pair] >= 0][:16]
            if len(near):
                columns.append(int(rng.choice(near)))
        columns = list(dict.fromkeys(columns))
        place = {passage: number for number, passage in enumerate(columns)}
        also_right = [
            (row, place[passage])
            for row, pair in enumerate(pairs)
            for passage in same.get(pair, ())
            if passage in place and passage != int(data.answering[pair])
        ]
        # One of five passages is read without its title.
        titles = [data.titles[n] if rng.random() < 0.8 else data.titles[n][:0] for n in columns]
        questions = [(data.questions[pair],) for pair in pairs]
        passages = list(zip(titles, (data.passages[n] for n in columns), strict=True))
        yield QuestionBatch(
            *filled(encoder_rows(questions, learner.query_prefix, QUESTION_PIECES)),
            *filled(encoder_rows(passages, learner.passage_prefix, PASSAGE_PIECES)),
            right=np.array([place[int(data.answering[pair])] for pair in pairs]),
            also_right=np.array(also_right, np.int64).reshape(-1, 2),
        )


def train_late(options: argparse.Namespace, data: Prepared, words: WordVectors) -> None:
    """Train the adapter and write it."""
    learner = LateLearner(
        *_published(),
        words,
        _prefixes(options.encoder),
        rate=options.rate,
        weights=rarity(data, len(words)),
    )
    mined = mine(learner, data)
    batches = question_batches(data, mined, learner, options.size, np.random.default_rng(0))
    for step, batch in enumerate(itertools.islice(batches, options.steps)):
        loss = learner.step(batch, _share(step, options.steps, 60, 0.02))
        if step % 50 == 0:
            print(f"step {step}: loss {loss:.4f}", flush=True)
    np.savez(options.out, allow_pickle=False, **learner.adapter())


def train_reader(options: argparse.Namespace, data: Prepared, words: WordVectors) -> None:
    """Train the reader, measure it on what was held out, and write it."""
    shape, published = _published()
    learner = ReaderLearner(
        shape, published, words, rate=options.rate, trained=read_parameters(options.trained)
    )
    groups = Groups(data, mine_by_words(data))
    batches = made_meanwhile(partial(step_batches, groups, options.size), options.steps)
    for step, parts in enumerate(batches):
        loss = learner.step(parts, _share(step, options.steps))
        if step % 200 == 0:
            print(f"step {step}: loss {loss:.4f}", flush=True)
    np.savez(options.out, allow_pickle=False, **learner.parameters())
    print(_held_out(learner, groups, data, np.random.default_rng(0)))


def _held_out(
    learner: ReaderLearner, groups: Groups, data: Prepared, rng: np.random.Generator
) -> str:
    """AUROC of right examples against each kind of wrong ones, of documents that were held out."""
    pairs = np.flatnonzero(data.held)
    pairs = rng.permutation(pairs)[:EVALUATED_PAIRS]
    unanswered = np.flatnonzero(data.unanswered_held)
    examples = groups.examples(pairs.tolist(), unanswered.tolist(), rng)
    examples.sort(key=length)
    parts = [reader_batch(examples[at : at + 64]) for at in range(0, len(examples), 64)]
    logits = np.concatenate([learner.logits(part) for part in parts])
    kinds = np.array([each.kind for each in examples])
    right = logits[kinds == 0]
    return "\n".join(
        f"{name}: {auroc(right, logits[kinds == kind]):.3f}"
        for kind, name in enumerate(KINDS)
        if name not in ("right", "both changed") and (kinds == kind).any()
    )


def auroc(
    higher: Floats,
    lower: Floats,
) -> float:
    """How often one of the former is above one of the latter; equals count half."""
    above = higher[:, None] > lower[None]
    return float((above + 0.5 * (higher[:, None] == lower[None])).mean())


def _published() -> tuple[Shape, dict[str, Floats]]:
    model = PublishedModel(published_file())
    return model.shape, dict(model.parameters())


def _prefixes(encoder: Path) -> tuple[list[int], list[int]]:
    """The word pieces that are read before questions and before passages."""
    pieces = Tokenizer.from_file(str(encoder / TOKENIZER))
    query, passage = (
        pieces.encode(prefix.strip(), add_special_tokens=False).ids for prefix in PREFIXES
    )
    return query, passage


def _share(step: int, steps: int, rising: int = 200, least: float = 0.005) -> float:
    """What of the learning rate a step uses: rising at first, then falling to nearly nothing."""
    return min(1.0, (step + 1) / rising) * max(least, 1 - step / steps)


TASKS: dict[str, Callable[[argparse.Namespace, Prepared, WordVectors], None]] = {
    "late": train_late,
    "reader": train_reader,
}


def main() -> None:
    """Train what the command line names; the defaults are those of the shipped weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("data", type=Path, help="what sourcebook.eval.training.prepare wrote")
    parser.add_argument("encoder", type=Path, help="folder of the shipped encoder")
    parser.add_argument("out", type=Path, help="the .npz file to write")
    parser.add_argument("--steps", type=int, help="454 for late, 3175 for reader")
    parser.add_argument("--size", type=int, help="256 questions for late, 64 groups for reader")
    parser.add_argument("--rate", type=float, help="3e-4 for late, 2e-4 for reader")
    parser.add_argument(
        "--trained", type=Path, nargs="*", default=(), help="a reader's files, to train it further"
    )
    options = parser.parse_args()
    for name, late, reader in (("steps", 454, 3175), ("size", 256, 64), ("rate", 3e-4, 2e-4)):
        if getattr(options, name) is None:
            setattr(options, name, late if options.task == "late" else reader)
    TASKS[options.task](
        options, Prepared.load(options.data), WordVectors(options.encoder / WORD_VECTORS)
    )


if __name__ == "__main__":
    main()
