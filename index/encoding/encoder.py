"""The encoder: text to one pooled vector and one vector a token, in one forward pass."""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import tokenizers
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer

from sourcebook.index.article import sha256
from sourcebook.index.checksums import CHECKSUMS, check_files, write_checksums
from sourcebook.index.encoding.model_files import (
    DEFAULT_MODEL,
    DESCRIPTION,
    MODELS_CURE,
    NETWORK,
    ModelFiles,
    cache_folder,
    find_model,
    find_shipped,
    joint_sha256,
    tokenizer_of,
)
from sourcebook.index.encoding.openvino_model import OpenVinoModel
from sourcebook.index.encoding.samples import random_texts
from sourcebook.index.encoding.tokens import DIMENSIONS, Codes, TokenCodec, Vectors
from sourcebook.index.encoding.word_vectors import WORD_VECTORS, WordVectors
from sourcebook.index.errors import InputError
from sourcebook.index.passages import Offsets, without_spaces
from sourcebook.index.profile import own_profiles, profile_for

# Word pieces that the title and heading may take before a passage; the rest is the passage's.
CONTEXT_PIECES = 32
BATCH = 8

# A model that reads less than this beside the context cannot encode passages.
MIN_PASSAGE_PIECES = 16

# Raised when a conversion would come out otherwise, so that an older one is not used.
CONVERSION = 2
CODEC = "codec.bin"

Numbers = NDArray[np.uint32]
Made = TypeVar("Made")

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


class Model(Protocol):
    """What runs the network: OpenVINO in int8, or PyTorch in float32 where that cannot.

    Safe to share between threads; `streams` is how many of them it serves side by side.
    """

    streams: int

    def forward(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Vectors, Vectors]:
        """(texts, pieces) ids and mask to token vectors and unit pooled vectors."""


class Encoder:
    """A sentence-transformers model that yields pooled and token vectors together.

    The default model comes converted to int8. The first use of another one converts it and keeps
    the result in `cache_folder()`, which needs the extra `models`; from then on neither PyTorch
    nor sentence-transformers is imported.
    """

    def __init__(self, model: str = DEFAULT_MODEL, *, convert: bool = True) -> None:
        """Load `model`: a name or a folder. From here on BLAS uses one thread in this process.

        Without `convert` it runs in float32, which needs the extra `models`. Raises `InputError`
        when there is no such model or the extra is missing, `LibraryError` when the files of the
        shipped model or the published weights are not what they should be.
        """
        # The products of one question are too small to share out: on busy cores its threads wait
        # for each other ten times as long as one alone computes.
        threadpool_limits(limits=1, user_api="blas")
        self.name = model
        parts = _load(model, convert=convert)
        self.fingerprint = parts.fingerprint
        self.max_pieces = parts.max_pieces
        self._model = parts.model
        self._tokenizer = parts.tokenizer
        self._folder = parts.folder
        self._projected = parts.projected
        self.profile = profile_for(self.fingerprint, own_profiles())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        if self.passage_pieces < MIN_PASSAGE_PIECES:
            raise InputError(
                f"The model {model!r} reads {self.max_pieces} word pieces at most, which leaves "
                f"{self.passage_pieces} for a passage; expected {MIN_PASSAGE_PIECES} or more.",
                cure="Choose another model, or raise its max_seq_length.",
            )
        [self.dimensions] = self._encode([("", "a")], lambda pooled, *_: len(pooled))

    @property
    def passage_pieces(self) -> int:
        """The most word pieces that a passage may have."""
        prefix = len(self.piece_offsets(self.profile.passage_prefix))
        special = 2 * len(self._tokenizer.encode("").ids)
        return self.max_pieces - CONTEXT_PIECES - prefix - special

    def piece_offsets(self, text: str) -> Offsets:
        """The span of each word piece of `text`, in code points, without spaces around it."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return [without_spaces(text, *span) for span in offsets]

    @cached_property
    def codec(self) -> TokenCodec:
        """The codec for this model's token vectors, fitted on random words of its vocabulary.

        Random words rank as well as text of the library's own kind, depend on no collection, and
        so give every library of an encoder the same codec. It is kept beside the converted model.
        A model with a projection of its own keeps all of its dimensions: they are only rotated.
        """
        kept = self._folder / CODEC if self._folder else None
        if kept and kept.exists():
            return TokenCodec.from_bytes(kept.read_bytes(), self.dimensions)
        texts = [("", text) for text in random_texts(self._tokenizer)]
        tokens = self._encode(texts, lambda _, tokens, *__: tokens)
        kept_dimensions = self.dimensions if self._projected else DIMENSIONS
        codec = TokenCodec.fit(np.concatenate(tokens), kept_dimensions)
        if kept:
            whole = kept.with_suffix(f".{os.getpid()}")
            whole.write_bytes(codec.to_bytes())
            whole.replace(kept)
            write_checksums(kept.parent)
        return codec

    def encode_passages(
        self, passages: Sequence[tuple[str, str]], codec: TokenCodec
    ) -> list[Encoding]:
        """Encode (context, text) pairs, in order.

        The context is read with the text, so that "he" has somebody to refer to, and its tokens
        are kept behind the text's own: a title may say what the passage takes for granted.
        """

        def encoding(
            pooled: Vectors, tokens: Vectors, pieces: Numbers, starts: Numbers
        ) -> Encoding:
            return Encoding(pooled, codec.encode(tokens), pieces, starts)

        return self._encode(passages, encoding, self.profile.passage_prefix)

    def encode_question(self, question: str, codec: TokenCodec) -> QuestionEncoding:
        """Encode a question; `InputError` for one that is longer than the encoder can read.

        It goes through the network alone: so it is the same in whatever company it is asked, and
        two at a time take no longer than in one batch (docs/decisions/0007-int8.md).
        """

        def encoding(
            pooled: Vectors, tokens: Vectors, pieces: Numbers, starts: Numbers
        ) -> QuestionEncoding:
            return QuestionEncoding(pooled, codec.project(tokens), pieces, starts)

        [encoded] = self._encode([("", question)], encoding, self.profile.query_prefix)
        return encoded

    def _encode(
        self,
        texts: Sequence[tuple[str, str]],
        made: Callable[[Vectors, Vectors, Numbers, Numbers], Made],
        prefix: str = "",
    ) -> list[Made]:
        """What is made of each text's pooled vector, token vectors, pieces and their starts.

        The tokens are the text's own and after them its context's; pieces and starts its own. The
        prefix is read before each text, and its tokens are left out.
        """
        contexts = [self._shorten(context) for context, _ in texts]
        # A space, not a line break: some vocabularies have no piece for the latter, nor one for a
        # word that begins a line.
        joined = [
            f"{prefix}{context} {text}" if context else f"{prefix}{text}"
            for context, (_, text) in zip(contexts, texts, strict=True)
        ]
        encodings = self._tokenizer.encode_batch(joined)
        longest = max((len(encoding.ids) for encoding in encodings), default=0)
        if longest > self.max_pieces:
            raise InputError(
                f"A text has {longest} word pieces; the encoder reads at most {self.max_pieces}.",
                cure="Shorten the question.",
            )
        # What is about as long goes together, so that little is filled up.
        order = sorted(range(len(texts)), key=lambda number: -len(encodings[number].ids))
        batches = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]

        def forward(batch: list[int]) -> list[Made]:
            vectors = self._model.forward(*_padded([encodings[number].ids for number in batch]))
            found = []
            for number, tokens, pooled in zip(batch, *vectors, strict=True):
                start = len(joined[number]) - len(texts[number][1])
                spans = [
                    without_spaces(joined[number], *span) for span in encodings[number].offsets
                ]
                chosen, pieces, starts = _own_first(encodings[number], spans, len(prefix), start)
                found.append(made(pooled, tokens[chosen], pieces, starts))
            return found

        if len(batches) == 1:
            encoded = forward(order)
        else:
            with ThreadPoolExecutor(self._model.streams) as pool:
                encoded = [each for batch in pool.map(forward, batches) for each in batch]
        return [each for _, each in sorted(zip(order, encoded, strict=True), key=itemgetter(0))]

    def _shorten(self, context: str) -> str:
        if not context:
            return context
        offsets = self.piece_offsets(context)
        return context if len(offsets) <= CONTEXT_PIECES else context[: offsets[CONTEXT_PIECES][0]]


def _own_first(
    encoding: tokenizers.Encoding, spans: Offsets, first: int, start: int
) -> tuple[Numbers, Numbers, Numbers]:
    """Which of a text's tokens begin at `start` or later, and then which before, from `first` on.

    Then, of the former, their numbers in the vocabulary and how far behind `start` they begin.
    `spans` are the tokens' places in the text, without spaces.
    """
    begins = np.array([begin for begin, _ in spans])
    real = (np.array(encoding.special_tokens_mask) == 0) & (begins >= first)
    own, context = np.flatnonzero(real & (begins >= start)), np.flatnonzero(real & (begins < start))
    pieces = np.array(encoding.ids, dtype=np.uint32)[own]
    starts = (begins[own] - start).astype(np.uint32)
    return np.concatenate([own, context]), pieces, starts


@dataclass(frozen=True, slots=True)
class _Parts:
    """A loaded model with all that the encoder needs to know about it.

    `folder` holds its converted form, if it has one. `projected`: its token vectors come out of a
    projection of its own.
    """

    model: Model
    tokenizer: Tokenizer
    max_pieces: int
    fingerprint: str
    projected: bool
    folder: Path | None = None


def _load(model: str, *, convert: bool) -> _Parts:
    shipped = find_shipped(model) if convert else None
    if shipped:
        shipped.check()
        with _float32_instead(model):
            return _in_openvino(shipped.folder, shipped.fingerprint)
    files = find_model(model)
    # A model that has no folder of its own is not converted: only loading it tells what it is.
    if files and convert:
        converted = cache_folder() / "models" / f"{files.fingerprint[:16]}-{CONVERSION}"
        with _float32_instead(model):
            if not _is_whole(converted):
                _convert(files.folder, converted)
            return _in_openvino(converted, files.fingerprint)
    return _in_torch(model, files)


@contextmanager
def _float32_instead(model: str) -> Iterator[None]:
    """Log why the converted model cannot run, and go on without it."""
    try:
        yield
    except (RuntimeError, OSError) as error:
        log.warning("%s runs in float32 with PyTorch, which is slower: %s", model, error)


def _in_openvino(folder: Path, fingerprint: str) -> _Parts:
    about = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    shared = folder / WORD_VECTORS
    words = WordVectors(shared) if shared.exists() else None
    return _Parts(
        OpenVinoModel(
            folder / NETWORK, cache_folder() / "compiled" / fingerprint[:16], words=words
        ),
        tokenizer_of(folder),
        about["max_pieces"],
        fingerprint,
        about["multi_vector"],
        folder,
    )


def _is_whole(converted: Path) -> bool:
    """Whether there is a converted model; a damaged one is deleted, to be converted anew."""
    if not converted.exists():
        return False
    if not (converted / CHECKSUMS).exists():  # an earlier release made it
        write_checksums(converted)
    try:
        check_files(converted)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("the converted model in %s is damaged; making it anew: %s", converted, error)
        shutil.rmtree(converted)
        return False
    return True


def _convert(folder: Path, target: Path) -> None:
    with _models_extra(folder):
        from sourcebook.index.encoding.convert import convert_folder  # noqa: PLC0415 (optional)
    convert_folder(folder, target)


def _in_torch(model: str, files: ModelFiles | None) -> _Parts:
    with _models_extra(model):
        from sourcebook.index.encoding.torch_model import TorchModel  # noqa: PLC0415 (optional)
    loaded = TorchModel(str(files.folder if files else model))
    if files:
        fingerprint = files.fingerprint
    else:
        hashes = [(name, sha256(data)) for name, data in loaded.weights()]
        fingerprint = joint_sha256(hashes)
    return _Parts(loaded, loaded.tokenizer, loaded.max_pieces, fingerprint, loaded.multi_vector)


@contextmanager
def _models_extra(model: str | Path) -> Iterator[None]:
    """Raise `InputError` where the extra `models` is not installed."""
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"The model {str(model)!r} needs a package that is not installed: {error.name}.",
            cure=MODELS_CURE,
        ) from error


def _padded(rows: Sequence[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of ids, filled up with zeros, and the mask that tells them apart."""
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask
