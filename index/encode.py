"""The encoder: text to one pooled vector and one vector a token, in one forward pass."""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Protocol

import numpy as np
import tokenizers
from filelock import FileLock
from numpy.typing import NDArray
from tokenizers import Tokenizer

from index.article import sha256
from index.batching import Batching
from index.errors import InputError
from index.openvino_model import OpenVinoModel
from index.passages import Offsets
from index.tokens import Codes, TokenCodec, Vectors
from index.weights import DEFAULT_MODEL, ModelFiles, cache_folder, find_model, joint_sha256

# Word pieces that the title and heading may take before a passage; the rest is the passage's.
CONTEXT_PIECES = 32
BATCH = 8

# A model that reads less than this beside the context cannot encode passages.
MIN_PASSAGE_PIECES = 16

# The random words that the int8 conversion and the projection of token vectors are fitted on.
SAMPLE_TEXTS = 150
SAMPLE_WORDS = 60

# Raised when a conversion would come out otherwise, so that an older one is not used.
CONVERSION = 1
CODEC = "codec.bin"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A passage as its library keeps it.

    `pooled` (dimensions,) float32 of unit length; `tokens` (word pieces, bytes) codes of the
    passage's own tokens and after them of its context's; `pieces` (own word pieces,) their numbers
    in the vocabulary; `starts` (own word pieces,) where in the passage each begins, in code points.
    """

    pooled: Vectors
    tokens: Codes
    pieces: NDArray[np.uint32]
    starts: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class QuestionEncoding:
    """A question: `pooled` (dimensions,), `tokens` (word pieces, dimensions), `pieces`.

    `starts` (word pieces,) is where in the question each begins, in code points.
    """

    pooled: Vectors
    tokens: Vectors
    pieces: NDArray[np.uint32]
    starts: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class _Encoded:
    """One text as the model sees it: pooled vector, a vector a token; of its own, also numbers and
    starts.
    """

    pooled: Vectors
    tokens: Vectors
    pieces: NDArray[np.uint32]
    starts: NDArray[np.uint32]


class Model(Protocol):
    """What runs the network: OpenVINO in int8, or PyTorch in float32 where that cannot.

    Safe to share between threads; `streams` is how many of them it serves side by side.
    """

    streams: int

    def forward(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Vectors, Vectors]:
        """(texts, pieces) ids and mask to token vectors and unit pooled vectors."""


class Encoder:
    """A sentence-transformers model that yields pooled and token vectors together.

    The first use of a model converts it to int8 and keeps the result in `cache_folder()`; from
    then on neither PyTorch nor sentence-transformers is imported.
    """

    def __init__(self, model: str = DEFAULT_MODEL, *, convert: bool = True) -> None:
        """Load `model`: a name or a folder; the default one comes with its package.

        Without `convert` it runs in float32. Raises `InputError` when there is no such model,
        `LibraryError` when the default model's weights are not those of the official release.
        """
        self.name = model
        parts = _load(model, convert=convert)
        self.fingerprint = parts.fingerprint
        self.max_pieces = parts.max_pieces
        self._model = parts.model
        self._tokenizer = parts.tokenizer
        self._folder = parts.folder
        # Questions that are asked at the same time go through the network together.
        self._together = Batching(self._run, workers=self._model.streams, most=BATCH)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        if self.passage_pieces < MIN_PASSAGE_PIECES:
            raise InputError(
                f"The model {model!r} reads {self.max_pieces} word pieces at most, which leaves "
                f"{self.passage_pieces} for a passage; expected {MIN_PASSAGE_PIECES} or more.",
                cure="Choose another model, or raise its max_seq_length.",
            )
        self.dimensions = len(self._encode([("", "a")])[0].pooled)

    @property
    def passage_pieces(self) -> int:
        """The most word pieces that a passage may have."""
        return self.max_pieces - CONTEXT_PIECES - 2 * len(self._tokenizer.encode("").ids)

    def piece_offsets(self, text: str) -> Offsets:
        """The span of each word piece of `text`, in code points."""
        offsets: Offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return offsets

    @cached_property
    def codec(self) -> TokenCodec:
        """The codec for this model's token vectors, fitted on random words of its vocabulary.

        Random words rank as well as text of the library's own kind, depend on no collection, and
        so give every library of an encoder the same codec. It is kept beside the converted model.
        """
        kept = self._folder / CODEC if self._folder else None
        if kept and kept.exists():
            return TokenCodec.from_bytes(kept.read_bytes(), self.dimensions)
        texts = [("", text) for text in _random_texts(self._tokenizer)]
        codec = TokenCodec.fit(np.concatenate([text.tokens for text in self._encode(texts)]))
        if kept:
            whole = kept.with_suffix(f".{os.getpid()}")
            whole.write_bytes(codec.to_bytes())
            whole.replace(kept)
        return codec

    def encode_passages(
        self, passages: Sequence[tuple[str, str]], codec: TokenCodec
    ) -> Iterator[Encoding]:
        """Encode (context, text) pairs, in order.

        The context is read with the text, so that "he" has somebody to refer to, and its tokens
        are kept behind the text's own: a title may say what the passage takes for granted.
        """
        for encoded in self._encode(passages):
            codes = codec.encode(encoded.tokens)
            yield Encoding(encoded.pooled, codes, encoded.pieces, encoded.starts)

    def encode_questions(
        self, questions: Sequence[str], codec: TokenCodec
    ) -> list[QuestionEncoding]:
        """Encode questions; `InputError` for one that is longer than the encoder can read.

        Threads that encode one question each at the same time share a batch.
        """
        return [
            QuestionEncoding(
                encoded.pooled, codec.project(encoded.tokens), encoded.pieces, encoded.starts
            )
            for encoded in self._encode([("", question) for question in questions])
        ]

    def _encode(self, texts: Sequence[tuple[str, str]]) -> list[_Encoded]:
        contexts = [self._shorten(context) for context, _ in texts]
        joined = [
            f"{context}\n{text}" if context else text
            for context, (_, text) in zip(contexts, texts, strict=True)
        ]
        # The length of its string is a good guess of how long a text is to the model.
        order = sorted(range(len(texts)), key=lambda number: len(joined[number]))
        starts = [len(whole) - len(text) for whole, (_, text) in zip(joined, texts, strict=True)]

        def forward(numbers: list[int]) -> list[_Encoded]:
            return self._forward([joined[n] for n in numbers], [starts[n] for n in numbers])

        batches = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
        if len(batches) == 1:
            found = forward(order)
        else:
            with ThreadPoolExecutor(self._model.streams) as pool:
                found = [encoded for batch in pool.map(forward, batches) for encoded in batch]
        encoded = dict(zip(order, found, strict=True))
        return [encoded[number] for number in range(len(texts))]

    def _forward(self, texts: list[str], starts: list[int]) -> list[_Encoded]:
        encodings = self._tokenizer.encode_batch(texts)
        longest = max(len(encoding.ids) for encoding in encodings)
        if longest > self.max_pieces:
            raise InputError(
                f"A text has {longest} word pieces; the encoder reads at most {self.max_pieces}.",
                cure="Shorten the question.",
            )
        rows = [encoding.ids for encoding in encodings]
        found = self._run(rows) if len(rows) > 1 else [self._together(rows[0])]
        return [
            _own_first(encoding, start, tokens, pooled)
            for encoding, start, (tokens, pooled) in zip(encodings, starts, found, strict=True)
        ]

    def _run(self, rows: Sequence[list[int]]) -> list[tuple[Vectors, Vectors]]:
        """The token vectors and the pooled vector of each row of ids."""
        return list(zip(*self._model.forward(*_padded(rows)), strict=True))

    def _shorten(self, context: str) -> str:
        offsets = self.piece_offsets(context)
        return context if len(offsets) <= CONTEXT_PIECES else context[: offsets[CONTEXT_PIECES][0]]


def _own_first(
    encoding: tokenizers.Encoding, start: int, tokens: Vectors, pooled: Vectors
) -> _Encoded:
    """What the model made of a text: its own tokens, then those that begin before `start`."""
    begins = np.array([begin for begin, _ in encoding.offsets])
    real = np.array(encoding.special_tokens_mask) == 0
    own, context = np.flatnonzero(real & (begins >= start)), np.flatnonzero(real & (begins < start))
    pieces = np.array(encoding.ids, dtype=np.uint32)[own]
    starts = (begins[own] - start).astype(np.uint32)
    return _Encoded(pooled, tokens[np.concatenate([own, context])], pieces, starts)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A loaded model with all that the encoder needs to know about it.

    `folder` holds its converted form, if it has one.
    """

    model: Model
    tokenizer: Tokenizer
    max_pieces: int
    fingerprint: str
    folder: Path | None = None


def _load(model: str, *, convert: bool) -> _Parts:
    files = find_model(model)
    # A model that has no folder of its own is not converted: only loading it tells what it is.
    if files and convert:
        converted = cache_folder() / "models" / f"{files.fingerprint[:16]}-{CONVERSION}"
        try:
            if not converted.exists():
                _convert(files.folder, converted)
            about = json.loads((converted / "about.json").read_text("utf-8"))
            return _Parts(
                OpenVinoModel(converted / "model.xml"),
                Tokenizer.from_file(str(converted / "tokenizer.json")),
                about["max_pieces"],
                files.fingerprint,
                converted,
            )
        except (RuntimeError, ImportError, OSError) as error:
            log.warning("%s runs in float32 with PyTorch, which is slower: %s", model, error)
    return _in_torch(model, files)


def _in_torch(model: str, files: ModelFiles | None) -> _Parts:
    from index.torch_model import TorchModel  # noqa: PLC0415 (torch takes seconds to import)

    loaded = TorchModel(str(files.folder if files else model))
    if files:
        fingerprint = files.fingerprint
    else:
        hashes = [(name, sha256(data)) for name, data in loaded.weights()]
        fingerprint = joint_sha256(hashes)
    return _Parts(loaded, loaded.tokenizer, loaded.max_pieces, fingerprint)


def _convert(folder: Path, target: Path) -> None:
    """Write the int8 form of the model in `folder` to `target`, whole or not at all."""
    from index.torch_model import TorchModel, convert  # noqa: PLC0415 (as above)

    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if target.exists():
            return
        log.warning("converting %s to int8, once; this takes about half a minute", folder.name)
        model = TorchModel(str(folder))
        # Prose shows the usual range of activations, random words the rest of the vocabulary's.
        samples = [
            _padded([model.tokenizer.encode(text).ids[: model.max_pieces]])
            for text in [*_prose(), *_random_texts(model.tokenizer)[:50]]
        ]
        with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
            made = Path(temporary) / "made"
            made.mkdir()
            convert(model, samples, made / "model.xml")
            model.tokenizer.save(str(made / "tokenizer.json"))
            about = {"max_pieces": model.max_pieces, "from": str(folder)}
            (made / "about.json").write_text(json.dumps(about), "utf-8")
            shutil.move(made, target)


def _prose() -> list[str]:
    """The paragraphs of the seeds: text of our own of the kind that libraries hold."""
    files = [file for file in resources.files("seeds").iterdir() if file.name.endswith(".md")]
    texts = [file.read_text("utf-8") for file in sorted(files, key=lambda file: file.name)]
    return [part for text in texts for part in text.split("\n\n") if len(part) > 100]


def _random_texts(tokenizer: Tokenizer) -> list[str]:
    """Texts of random words of the model's vocabulary, always the same ones."""
    words = sorted(
        word
        for word in tokenizer.get_vocab()
        if len(word) > 2 and word.isascii() and word.isalpha()
    )
    chosen = np.random.default_rng(0).choice(words, (SAMPLE_TEXTS, SAMPLE_WORDS))
    return [" ".join(row) for row in chosen]


def _padded(rows: Sequence[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of ids, filled up with zeros, and the mask that tells them apart."""
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask
