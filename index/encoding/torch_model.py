"""The model as PyTorch runs it, and its conversion to int8; the only module that imports torch."""

import logging
import os
import threading
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.utils.logging import disable_progress_bar

from sourcebook.index.errors import InputError

# Loading takes a second: a progress bar for it only clutters logs.
disable_progress_bar()  # type: ignore[no-untyped-call]

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


class TorchModel:
    """A sentence-transformers model in float32. Safe to share between threads."""

    # One forward pass uses all cores; two at once would only fight over them.
    streams = 1

    def __init__(self, model: str) -> None:
        """Load `model`, a name or a folder; from a hub only where that is allowed.

        Raises `InputError` where it cannot be loaded.
        """
        try:
            loaded = SentenceTransformer(model, device="cpu")
        except (OSError, ValueError) as error:
            offline = " (offline: HF_HUB_OFFLINE is set)" if os.getenv("HF_HUB_OFFLINE") else ""
            raise InputError(
                f"The model {model!r} cannot be loaded{offline}: {error}",
                cure="Name a folder with a sentence-transformers model, or one that is cached.",
            ) from error
        self.tokenizer: Tokenizer = loaded.tokenizer.backend_tokenizer
        self.max_pieces = int(loaded.max_seq_length or 512)
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


class _Both(torch.nn.Module):
    """All modules of the model, with the token vectors as a second output."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Token vectors (texts, pieces, dimensions) and unit pooled vectors (texts, dimensions)."""
        features = {"input_ids": input_ids, "attention_mask": attention_mask}
        for module in self.model:
            features = module(features)
        pooled = torch.nn.functional.normalize(features["sentence_embedding"], dim=-1)
        return features["token_embeddings"], pooled


def convert(model: TorchModel, samples: list[tuple[Ids, Ids]], path: Path) -> None:
    """Write the model with int8 weights and activations to `path` (.xml, and .bin beside it).

    `samples` are inputs to measure the range of activations on (static quantisation with
    SmoothQuant, Xiao et al., 2023, as NNCF does it for transformers).
    """
    import nncf  # noqa: PLC0415 (only a conversion needs these, and they take seconds)
    import openvino  # noqa: PLC0415

    logging.getLogger("nncf").setLevel(logging.WARNING)
    example = {
        "input_ids": torch.from_numpy(samples[0][0]),
        "attention_mask": torch.from_numpy(samples[0][1]),
    }
    with warnings.catch_warnings():
        # Tracing warns of every branch in the model that it takes once for all.
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(model.module.eval(), example_input=example)
        quantised = nncf.quantize(
            converted,
            nncf.Dataset([{"input_ids": ids, "attention_mask": mask} for ids, mask in samples]),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(samples),
        )
    openvino.save_model(quantised, path)
