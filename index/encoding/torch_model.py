"""The model as PyTorch runs it in float32; needs the extra `models`."""

import json
import os
import threading
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import MultiVectorEncoder, SentenceTransformer
from sentence_transformers.multi_vector_encoder.modules import BaseTokenPooling, MultiVectorMask
from sentence_transformers.util import load_file_path
from tokenizers import Tokenizer
from transformers.utils.logging import disable_progress_bar

from sourcebook.index.errors import InputError

# What checkpoints of late interaction call themselves in `config_sentence_transformers.json`:
# those of sentence-transformers and of PyLate.
MULTI_VECTOR_TYPES = {"MultiVectorEncoder", "ColBERT"}
# ... and in `config.json`: those of Khattab & Zaharia, "ColBERT", SIGIR 2020.
MULTI_VECTOR_ARCHITECTURE = "HF_ColBERT"

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


class TorchModel:
    """A sentence-transformers model in float32. Safe to share between threads.

    `multi_vector`: it is a `MultiVectorEncoder` checkpoint (of the ColBERT kind), whose token
    vectors come out of a projection of its own. Its pooled vector is the mean of its token
    vectors, scaled to unit length, unless it has a pooling of its own. Masks and token pooling
    are left out, as every token needs a vector; query and document prompts are not added.
    """

    # One forward pass uses all cores; two at once would only fight over them.
    streams = 1

    def __init__(self, model: str) -> None:
        """Load `model`, a name or a folder; from a hub only where that is allowed.

        Raises `InputError` where it cannot be loaded.
        """
        # Loading takes a second: a progress bar for it only clutters logs.
        disable_progress_bar()
        try:
            self.multi_vector = _is_multi_vector(model)
            kind = MultiVectorEncoder if self.multi_vector else SentenceTransformer
            loaded = kind(model, device="cpu")
        except (OSError, ValueError) as error:
            offline = " (offline: HF_HUB_OFFLINE is set)" if os.getenv("HF_HUB_OFFLINE") else ""
            raise InputError(
                f"The model {model!r} cannot be loaded{offline}: {error}",
                cure="Name a folder with a sentence-transformers model, or one that is cached.",
            ) from error
        self.tokenizer: Tokenizer = loaded.tokenizer.backend_tokenizer
        limits = (loaded.max_seq_length, getattr(loaded[0], "document_length", None))
        self.max_pieces = min((int(limit) for limit in limits if limit), default=512)
        self.module = _Both(loaded)
        self._lock = threading.Lock()

    def forward(self, ids: Ids, mask: Ids) -> tuple[Floats, Floats]:
        """(texts, pieces) ids and mask to token vectors and unit pooled vectors."""
        with self._lock, torch.inference_mode():
            tokens, pooled = self.module(torch.from_numpy(ids), torch.from_numpy(mask))
        return tokens.numpy().astype(np.float32), pooled.numpy().astype(np.float32)

    def weights(self) -> list[tuple[str, bytes]]:
        """The name and bytes of every weight, sorted: what a fingerprint can be made of."""
        state = sorted(self.module.state_dict().items())
        return [(name, tensor.numpy().tobytes()) for name, tensor in state]


def _is_multi_vector(model: str) -> bool:
    """Whether the checkpoint, a name or a folder, says that it is one of late interaction."""

    def said(file: str, key: str) -> object:
        path = load_file_path(model, file)
        return json.loads(Path(path).read_text("utf-8")).get(key) if path else None

    if said("config_sentence_transformers.json", "model_type") in MULTI_VECTOR_TYPES:
        return True
    architectures = said("config.json", "architectures")
    return isinstance(architectures, list) and MULTI_VECTOR_ARCHITECTURE in architectures


class _Both(torch.nn.Module):
    """All modules of the model, with the token vectors as a second output."""

    def __init__(self, model: SentenceTransformer | MultiVectorEncoder) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Token vectors (texts, pieces, dimensions) and unit pooled vectors (texts, dimensions)."""
        features = {"input_ids": input_ids, "attention_mask": attention_mask}
        for module in self.model:
            if not isinstance(module, MultiVectorMask | BaseTokenPooling):
                features = module(features)
        tokens = features["token_embeddings"]
        pooled = features.get("sentence_embedding")
        if pooled is None:
            pooled = (tokens * attention_mask.unsqueeze(-1)).sum(dim=1)
        return tokens, torch.nn.functional.normalize(pooled, dim=-1)
