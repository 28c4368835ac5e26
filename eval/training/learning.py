"""What is learned: the losses of the encoder's adapter and of the reader, and one step of each."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from sourcebook.eval.training.batches import ReaderBatch, filled
from sourcebook.eval.training.network import (
    LINEAR_PARTS,
    PARTS,
    Bert,
    EncoderNetwork,
    Floats,
    ReaderNetwork,
)
from sourcebook.eval.training.prepared import Ids
from sourcebook.eval.training.published import Shape
from sourcebook.index.encoding.word_vectors import WordVectors

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
DROPOUT = 0.1
LARGEST_GRADIENT = 1.0

RANK = 64
# What is learned is added twice; the shipped scale is counted from there.
STRENGTH = 2.0
# Cosines are multiplied by these before the softmax; e5's lie close together.
LATE_SCALE, POOLED_SCALE = 80.0, 60.0
POOLED_SHARE, TEACHER_SHARE = 0.4, 0.3

# A reader's right passage competes with the wrong ones of its group; the heads, which begin at
# random, learn four times as fast as the layers.
HEADS_FASTER = 4.0
SPAN_SHARE = 0.5
SMOOTHING = 0.02
BATCH_WORKERS = 8

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True)
class QuestionBatch:
    """Questions and passages as the encoder reads them: ids and masks.

    `right` is the passage of each question, `also_right` (n, 2) are question and passage of others
    that answer.
    """

    questions: Ids
    question_mask: Ids
    passages: Ids
    passage_mask: Ids
    right: NDArray[np.int64]
    also_right: NDArray[np.int64]


class LateLearner:
    """Learns an adapter of low rank for MaxSim and pooled vectors (LoRA, Hu et al., 2021).

    `words` are gathered, not learned. `weights` is how much each word piece of a question counts.
    """

    def __init__(
        self,
        shape: Shape,
        published: Mapping[str, Floats],
        words: WordVectors,
        prefixes: tuple[Sequence[int], Sequence[int]],
        *,
        rate: float,
        weights: Floats | None = None,
    ) -> None:
        """Begin with an adapter that changes nothing; `prefixes` of questions and of passages."""
        bert = Bert(shape)
        bert.load(published)
        self._network = EncoderNetwork(bert).to(DEVICE).requires_grad_(False)
        self._words, self._rate = words, rate
        self.query_prefix, self.passage_prefix = prefixes
        self._weights = _tensor(np.ones(len(words), np.float32) if weights is None else weights)
        self._low: dict[str, tuple[nn.Parameter, nn.Parameter]] = {}
        for layer in range(shape.layers):
            for part in LINEAR_PARTS:
                name = f"bert.layers.{layer}.{part}"
                rows, columns = self._network.get_parameter(f"{name}.weight").shape
                first = torch.randn(RANK, columns, device=DEVICE) / math.sqrt(columns)
                last = torch.zeros(rows, RANK, device=DEVICE)
                self._low[name] = nn.Parameter(first), nn.Parameter(last)
        self._learned = [each for pair in self._low.values() for each in pair]
        self._optimiser = torch.optim.AdamW(self._learned, lr=rate, weight_decay=0.01)

    def step(self, batch: QuestionBatch, share: float) -> float:
        """Learn from a batch at this share of the learning rate; its loss."""
        self._optimiser.param_groups[0]["lr"] = self._rate * share
        self._network.train()
        loss = self._loss(batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self._learned, LARGEST_GRADIENT)
        self._optimiser.step()
        return float(loss.detach())

    def _loss(self, batch: QuestionBatch) -> Tensor:
        late, pooled = self._scores(batch, adapted=True)
        with torch.no_grad():
            old_late, old_pooled = self._scores(batch, adapted=False)
        right = _tensor(batch.right)
        out = torch.zeros_like(late)
        out[_tensor(batch.also_right[:, 0]), _tensor(batch.also_right[:, 1])] = -1e4
        loss = functional.cross_entropy(LATE_SCALE * late + out, right)
        loss = loss + POOLED_SHARE * functional.cross_entropy(POOLED_SCALE * pooled + out, right)
        # The published model's order is kept in mind.
        mixture, teacher = (
            LATE_SCALE * 0.6 * one + POOLED_SCALE * 0.4 * other
            for one, other in ((late, pooled), (old_late, old_pooled))
        )
        return loss + TEACHER_SHARE * functional.kl_div(
            mixture.log_softmax(1), teacher.softmax(1), reduction="batchmean"
        )

    def _scores(self, batch: QuestionBatch, *, adapted: bool) -> tuple[Tensor, Tensor]:
        """MaxSim and cosine of each question with each passage."""
        asked, question = self._encode(batch.questions, batch.question_mask, adapted=adapted)
        told, passage = self._encode(batch.passages, batch.passage_mask, adapted=adapted)
        own = self._own(batch.question_mask, len(self.query_prefix))
        theirs = self._own(batch.passage_mask, len(self.passage_prefix))
        weights = self._weights[_tensor(batch.questions).long()] * own
        weights = weights / weights.sum(1, keepdim=True).clamp(min=1e-6)
        late = []
        for pieces, marks in zip(told, theirs, strict=True):
            likeness = (asked @ pieces.T).masked_fill(~marks, -2.0).amax(-1)
            late.append((likeness * weights).sum(1))
        return torch.stack(late, 1), question @ passage.T

    def _own(self, mask: Ids, prefix: int) -> Tensor:
        """Which pieces are neither marks nor the prefix's."""
        own = _tensor(mask).bool()
        own[:, : 1 + prefix] = False
        last = _tensor(mask).sum(1) - 1
        own[torch.arange(len(own), device=DEVICE), last] = False
        return own

    def _encode(self, ids: Ids, mask: Ids, *, adapted: bool) -> tuple[Tensor, Tensor]:
        changed = {}
        if adapted:
            for name, (first, last) in self._low.items():
                weight = self._network.get_parameter(f"{name}.weight")
                changed[f"{name}.weight"] = weight + STRENGTH * last @ first
        vectors = _tensor(self._words.gather(ids.astype(np.int64)))
        with _mixed():
            pieces, pooled = functional_call(
                self._network, changed, (vectors, _tensor(mask).float(), DROPOUT * adapted)
            )
        return functional.normalize(pieces.float(), dim=-1), pooled.float()

    @torch.no_grad()
    def pooled(self, rows: Sequence[Ids]) -> Floats:
        """The pooled vectors of texts, as the published model has them."""
        order = sorted(range(len(rows)), key=lambda number: len(rows[number]))
        found = np.empty((len(rows), self._words.dimensions), np.float32)
        for at in range(0, len(order), 512):
            part = order[at : at + 512]
            ids, mask = filled([rows[number] for number in part])
            found[part] = self._encode(ids, mask, adapted=False)[1].cpu().numpy()
        return found

    def adapter(self) -> dict[str, Floats]:
        """The adapter as `network.adapted` takes it."""
        found = {}
        for name, (first, last) in self._low.items():
            _, _, layer, part = name.split(".")
            theirs = f"encoder.layer.{layer}.{PARTS[part]}"
            found[f"{theirs}.a"] = first.detach().cpu().numpy()
            found[f"{theirs}.b"] = STRENGTH * last.detach().cpu().numpy()
        return found


class ReaderLearner:
    """Learns the reader: all layers of the published model, and two heads."""

    def __init__(
        self,
        shape: Shape,
        published: Mapping[str, Floats],
        words: WordVectors,
        *,
        rate: float,
        trained: Mapping[str, Floats] | None = None,
    ) -> None:
        """Begin with the published layers and heads at random, or with what `parameters` gave."""
        self._network = ReaderNetwork(Bert(shape), shape.dimensions)
        self._network.load(published, trained or {})
        for head in () if trained else (self._network.span, self._network.rel):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        bert = self._network.to(DEVICE).bert
        self._words, self._rate = _tensor(words.gather(np.arange(len(words)))), rate
        body = list(bert.parameters())
        heads = [*self._network.span.parameters(), *self._network.rel.parameters()]
        matrices = [each for each in body if each.ndim == 2]
        others = [each for each in body if each.ndim != 2]
        self._groups = ((matrices, 1.0, 0.01), (others, 1.0, 0.0), (heads, HEADS_FASTER, 0.0))
        self._optimiser = torch.optim.AdamW(
            [{"params": each, "weight_decay": decay} for each, _, decay in self._groups], lr=rate
        )

    def step(self, parts: Sequence[ReaderBatch], share: float) -> float:
        """Learn from the parts of a batch at this share of the learning rate; its loss."""
        for group, (_, faster, _) in zip(self._optimiser.param_groups, self._groups, strict=True):
            group["lr"] = self._rate * faster * share
        loss = self._loss(parts)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self._network.parameters(), LARGEST_GRADIENT)
        self._optimiser.step()
        return float(loss.detach())

    def _loss(self, parts: Sequence[ReaderBatch]) -> Tensor:
        logits, span_loss, span_weight = [], torch.zeros((), device=DEVICE), 0.0
        for part in parts:
            edges, found = self._read(part, DROPOUT)
            logits.append(found)
            losses = functional.cross_entropy(
                edges, _tensor(part.spans).long(), reduction="none"
            ).mean(1)
            span_loss = span_loss + (losses * _tensor(part.span_weights)).sum()
            span_weight += float(part.span_weights.sum())
        answers, weights, groups = (
            _tensor(np.concatenate([getattr(part, name) for part in parts]))
            for name in ("answers", "weights", "groups")
        )
        loss = ranking_loss(torch.cat(logits), answers, weights, groups)
        return loss + SPAN_SHARE * span_loss / max(1.0, span_weight)

    def _read(self, part: ReaderBatch, dropout: float) -> tuple[Tensor, Tensor]:
        """Scores of starts and ends (examples, pieces, 2), logits (examples,)."""
        vectors = self._words[_tensor(part.ids).long()]
        mask = _tensor(part.mask)
        with _mixed():
            edges, logits = self._network(vectors, mask.float(), dropout)
        places = torch.arange(mask.shape[1], device=DEVICE)[None]
        second = (places >= _tensor(part.seconds)[:, None]) & mask.bool()
        allowed = second | (places == 0)
        return edges.float().masked_fill(~allowed[..., None], -1e4), logits[:, 0].float()

    @torch.no_grad()
    def logits(self, part: ReaderBatch) -> Floats:
        """The logits of a batch, without dropout."""
        found: Floats = self._read(part, 0.0)[1].cpu().numpy()
        return found

    def parameters(self) -> dict[str, NDArray[np.float16]]:
        """All that was learned, in half precision, named as `build.reader_network` takes it."""
        found = {
            f"bert.{theirs}": self._network.bert.get_parameter(own)
            for own, theirs in self._network.bert.names().items()
        }
        for name, head in (("span", self._network.span), ("rel", self._network.rel)):
            found |= {f"{name}.{kind}": values for kind, values in head.named_parameters()}
        return {name: values.detach().half().cpu().numpy() for name, values in found.items()}


class _Steps(Dataset[Batch]):
    def __init__(self, make: Callable[[int], Batch], steps: int) -> None:
        self._make, self._steps = make, steps

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Batch:
        return self._make(step)


def made_meanwhile(
    make: Callable[[int], Batch], steps: int, workers: int = BATCH_WORKERS
) -> Iterator[Batch]:
    """What `make` gives for each step, in order, made by other processes before it is needed."""
    return iter(
        DataLoader(_Steps(make, steps), None, num_workers=workers, collate_fn=lambda made: made)
    )


def ranking_loss(logits: Tensor, answers: Tensor, weights: Tensor, groups: Tensor) -> Tensor:
    """How far right examples are from 1, wrong ones from 0, and right ones from leading.

    The former is cross entropy with smoothed labels, in which right ones count twice; the latter
    that of each right example among the wrong ones of its group.
    """
    smooth = answers * (1 - 2 * SMOOTHING) + SMOOTHING
    each = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
    alone = (each * weights * (1 + answers)).sum() / weights.sum()
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    rivals = (groups[:, None] == groups[None]) & ((answers[None] == 0) | own)
    total = logits[None].expand(len(logits), -1).masked_fill(~rivals, -1e4).logsumexp(1)
    right = answers * weights
    return alone + ((total - logits) * right).sum() / right.sum().clamp(min=1e-6)


def _tensor(values: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(DEVICE)


def _mixed() -> torch.autocast:
    """Matrices are multiplied in bfloat16 where there is an accelerator."""
    return torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=DEVICE == "cuda")
