"""BERT without its word vectors, as multilingual-e5-small is one, with the reader's heads."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sourcebook.eval.training.published import Shape

Floats = NDArray[np.float32]


class Layer(nn.Module):
    """One layer: attention, then two linear maps, each with what came in added and normalised."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        size = shape.dimensions
        self.heads = shape.heads
        self.query, self.key, self.value, self.attended = (nn.Linear(size, size) for _ in range(4))
        self.inner, self.outer = nn.Linear(size, shape.inner), nn.Linear(shape.inner, size)
        self.norm, self.last_norm = (nn.LayerNorm(size, shape.epsilon) for _ in range(2))

    def forward(self, hidden: Tensor, bias: Tensor, dropout: float = 0.0) -> Tensor:
        """(texts, pieces, dimensions) to the same; `bias` is added to the attention."""
        texts, pieces, size = hidden.shape

        def split(values: Tensor) -> Tensor:
            return values.view(texts, pieces, self.heads, size // self.heads).transpose(1, 2)

        attention = functional.scaled_dot_product_attention(
            split(self.query(hidden)),
            split(self.key(hidden)),
            split(self.value(hidden)),
            attn_mask=bias,
        )
        joined = self.attended(attention.transpose(1, 2).reshape(texts, pieces, size))
        hidden = self.norm(hidden + functional.dropout(joined, dropout))
        inner = self.outer(functional.gelu(self.inner(hidden)))
        result: Tensor = self.last_norm(hidden + functional.dropout(inner, dropout))
        return result


# The names of a layer's parts, and those of BERT's parameters that they hold.
PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "norm": "attention.output.LayerNorm",
    "last_norm": "output.LayerNorm",
}


LINEAR_PARTS = tuple(PARTS)[:6]


class Bert(nn.Module):
    """Word vectors to the last hidden states; positions and token types are added here."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.positions = nn.Embedding(shape.positions, shape.dimensions)
        self.types = nn.Embedding(2, shape.dimensions)
        self.norm = nn.LayerNorm(shape.dimensions, shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))

    def forward(self, vectors: Tensor, mask: Tensor, dropout: float = 0.0) -> Tensor:
        """(texts, pieces, dimensions), (texts, pieces) of 0 and 1, to (texts, pieces, dimensions).

        All tokens are of the first type.
        """
        hidden = vectors + self.positions.weight[: vectors.shape[1]] + self.types.weight[0]
        hidden = functional.dropout(self.norm(hidden), dropout)
        bias = ((1.0 - mask.to(hidden.dtype)) * -1e4)[:, None, None, :]
        for layer in self.layers:
            hidden = layer(hidden, bias, dropout)
        return hidden

    def names(self) -> dict[str, str]:
        """The parameters' own names, and those that BERT's have elsewhere."""
        named = {
            "positions.weight": "embeddings.position_embeddings.weight",
            "types.weight": "embeddings.token_type_embeddings.weight",
        }
        for kind in ("weight", "bias"):
            named[f"norm.{kind}"] = f"embeddings.LayerNorm.{kind}"
            for layer in range(len(self.layers)):
                for part, theirs in PARTS.items():
                    named[f"layers.{layer}.{part}.{kind}"] = (
                        f"encoder.layer.{layer}.{theirs}.{kind}"
                    )
        return named

    def load(self, parameters: Mapping[str, Floats]) -> None:
        """Take over parameters that are named as BERT's; all of them have to be there."""
        self.load_state_dict(
            {own: tensor(parameters[theirs]) for own, theirs in self.names().items()}
        )


class EncoderNetwork(nn.Module):
    """What the encoder runs: token vectors, and their mean scaled to unit length."""

    def __init__(self, bert: Bert) -> None:
        super().__init__()
        self.bert = bert

    def forward(
        self, inputs_embeds: Tensor, attention_mask: Tensor, dropout: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Token vectors (texts, pieces, dimensions), unit pooled vectors (texts, dimensions)."""
        hidden = self.bert(inputs_embeds, attention_mask, dropout)
        weights = attention_mask.to(hidden.dtype)[:, :, None]
        pooled = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        return hidden, functional.normalize(pooled, dim=-1)


class ReaderNetwork(nn.Module):
    """What the reader runs: how well each piece begins and ends the answer, and the logit."""

    def __init__(self, bert: Bert, dimensions: int) -> None:
        super().__init__()
        self.bert = bert
        self.span = nn.Linear(dimensions, 2)
        self.rel = nn.Linear(dimensions, 1)

    def forward(
        self, inputs_embeds: Tensor, attention_mask: Tensor, dropout: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Starts and ends (texts, pieces, 2), logits (texts, 1)."""
        hidden = self.bert(inputs_embeds, attention_mask, dropout)
        return self.span(hidden), self.rel(hidden[:, 0])

    def load(self, published: Mapping[str, Floats], trained: Mapping[str, Floats]) -> None:
        """Take over the parameters that were trained, and the published ones for the rest.

        Of the former `bert.*` are named as BERT's; the heads are `span.*` and `rel.*`.
        """
        own = {name.removeprefix("bert."): values for name, values in trained.items()}
        self.bert.load(dict(published) | own)
        for name, head in (("span", self.span), ("rel", self.rel)) if trained else ():
            head.load_state_dict(
                {kind: tensor(trained[f"{name}.{kind}"]) for kind in ("weight", "bias")}
            )


def tensor(values: Floats) -> Tensor:
    """A tensor of its own in float32."""
    return torch.from_numpy(np.array(values, dtype=np.float32))


def read_parameters(files: Iterable[Path]) -> dict[str, Floats]:
    """The arrays of some .npz files together, by name, in float32."""
    found: dict[str, Floats] = {}
    for file in files:
        with np.load(file) as arrays:
            found |= {name: arrays[name].astype(np.float32) for name in arrays.files}
    return found


def adapted(
    parameters: Mapping[str, Floats], adapter: Mapping[str, Floats], scale: float
) -> dict[str, Floats]:
    """The parameters with an adapter of low rank added (LoRA, Hu et al., 2021).

    The adapter holds `<linear map>.a` (rank, columns) and `<linear map>.b` (rows, rank).
    """
    result = dict(parameters)
    for name in sorted({each.rpartition(".")[0] for each in adapter}):
        change = adapter[f"{name}.b"] @ adapter[f"{name}.a"]
        result[f"{name}.weight"] = result[f"{name}.weight"] + np.float32(scale) * change
    return result
