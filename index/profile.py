"""Profiles: the weights, thresholds and calibration that belong to one encoder."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from sourcebook.index.errors import InputError

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each score of a passage counts.

    `late` is MaxSim over the whole passage, `window` MaxSim within its best few words, `dense` the
    cosine of the pooled vectors, `lexical` BM25 as a share of the best possible; all of them lie
    in [0, 1] whatever else was found. `source` is added where the question names the article's
    publisher or author, `date` where the passage states a date of a period that it names, or the
    article appeared in a period whose articles it asks for.
    """

    late: float
    window: float
    dense: float
    lexical: float
    source: float
    date: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceThresholds:
    """Which sentences of a passage are shown.

    `sentence_cost` is what a further sentence must add to the span's MaxSim, `typed` what it is
    worth that a span holds words of the type that the question asks for. A passage is quoted when
    it scores at least `near_best` of the best one's score.
    """

    sentence_cost: float
    typed: float
    near_best: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """A logistic model: an intercept, and one weight for each signal that it uses."""

    intercept: float
    weights: Mapping[str, float]

    def probability(self, signals: Mapping[str, float]) -> float:
        """What it makes of signals by name; it needs those that it has weights for."""
        weighted = sum(weight * signals[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-self.intercept - weighted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How signals become a probability, and the probability a status.

    `relevant` tells questions on the library's subjects from others; `detailed`, among the former,
    those that the best hits answer from near misses. Their product is the confidence. A question
    counts as answered from `answered` on; below, it is related to the library's subjects where
    `relevant` says so. A word that no passage holds may be said in other words where the best
    passage matches it at least `unsaid`.
    """

    relevant: Logistic
    detailed: Logistic
    answered: float
    unsaid: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingProfile:
    """How what a reader says is used.

    It reads the best `count` hits, and as many more where none of them rather answers the question
    than not. A unit of its logit adds `order` to a hit's score. To compare what articles answer, it
    reads at most `further` passages more. `short` turns logit and margin into the probability that
    the span is the short answer, shown from `sure` on. `calibration` takes the place of the one
    that is used without a reader.
    """

    count: int
    order: float
    further: int
    short: Logistic
    sure: float
    calibration: Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All that was measured about one encoder, and all that depends on its similarities.

    `encoders` are the fingerprints of the encoders that it is for. The prefixes are put before
    each text that is encoded. The counts say how many candidates each index finds. `unrelated` is
    the median score of what is found for questions on other subjects.
    """

    name: str
    encoders: tuple[str, ...]
    query_prefix: str
    passage_prefix: str
    dense_count: int
    lexical_count: int
    weights: Weights
    unrelated: float
    evidence: EvidenceThresholds
    calibration: Calibration
    reading: ReadingProfile

    def share(self, score: float) -> float:
        """How far a score lies between `unrelated` and the highest there is; no probability."""
        highest: float = sum(max(0.0, weight) for weight in asdict(self.weights).values())
        return min(1.0, max(0.0, (score - self.unrelated) / (highest - self.unrelated)))

    def to_json(self) -> str:
        """The profile as a file holds it."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def read_profile(text: str, source: str) -> Profile:
    """The profile in a JSON text; `InputError` with the `source` and the place of what is wrong."""
    try:
        return _value(Profile, json.loads(text), "profile")
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{source} is no profile: {error}.",
            cure="Make one from judged questions: sourcebook eval calibrate DATA --profile FILE",
        ) from error


def shipped_profiles() -> list[Profile]:
    """The profiles that come with the package, the neutral one among them."""
    folder = files("sourcebook.index") / "profiles"
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    return [read_profile(file.read_text("utf-8"), file.name) for file in found]


def own_profiles() -> Path:
    """Where the user's own profiles are kept, as JSON files.

    `sourcebook/profiles` in XDG_DATA_HOME, or in `~/.local/share`.
    """
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "sourcebook" / "profiles"


def profile_for(encoder: str, folder: Path | None = None) -> Profile:
    """The profile of the encoder with this fingerprint, or the neutral one.

    A profile of the user's own, a JSON file in `folder`, comes before a shipped one. Raises
    `InputError` for a file that is no profile.
    """
    own = sorted(folder.glob("*.json")) if folder else []
    known = [*(read_profile(file.read_text("utf-8"), str(file)) for file in own)]
    known += shipped_profiles()
    for profile in known:
        if encoder in profile.encoders:
            return profile
    return next(profile for profile in known if profile.name == NEUTRAL)


# For encoders that nobody has measured: docs/decisions/0018-profiles.md.
NEUTRAL = "neutral"


def _value(kind: type[Value], given: Any, place: str) -> Value:
    """`given` as a value of this dataclass; `ValueError` that names the place of what is wrong."""
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if not isinstance(given, dict) or sorted(given) != sorted(names):
        raise ValueError(f"{place} has to have just these members: {', '.join(names)}")
    return kind(**{name: _member(hints[name], given[name], f"{place}.{name}") for name in names})


def _member(hint: Any, given: Any, place: str) -> Any:
    if is_dataclass(hint):
        return _value(hint, given, place)  # type: ignore[arg-type]
    origin = get_origin(hint)
    if origin is tuple and isinstance(given, list):
        return tuple(_member(get_args(hint)[0], each, place) for each in given)
    if origin is not None and isinstance(given, dict):
        return {name: _member(get_args(hint)[1], each, place) for name, each in given.items()}
    wanted = (int, float) if hint is float else hint
    if origin is not None or not isinstance(given, wanted) or isinstance(given, bool):
        raise ValueError(f"{place} is {given!r}; expected {getattr(hint, '__name__', hint)}")
    return float(given) if hint is float else given
