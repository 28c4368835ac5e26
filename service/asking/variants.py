"""Variants of a profile: its ranking taken apart, so that evaluators see what each part gives."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from sourcebook.index.errors import InputError
from sourcebook.index.profile import Profile, Weights

# How many candidates a single retriever brings, so that its own recall can be measured.
ALONE = 200


def _only(profile: Profile, **weights: float) -> Profile:
    """The ranking by these scores alone; both indexes still bring candidates."""
    none = dict.fromkeys((field.name for field in fields(Weights)), 0.0)
    return replace(profile, weights=Weights(**none | weights))


def _without(profile: Profile, name: str) -> Profile:
    """The ranking without one score."""
    return replace(profile, weights=replace(profile.weights, **{name: 0.0}))


METHODS: Mapping[str, Callable[[Profile], Profile]] = {
    "dense": lambda of: replace(_only(of, dense=1.0), dense_count=ALONE, lexical_count=0),
    "bm25": lambda of: replace(_only(of, lexical=1.0), dense_count=0, lexical_count=ALONE),
    "hybrid": lambda of: _only(of, dense=1.0, lexical=1.0),
    "late": lambda of: _only(of, late=1.0),
    "full": lambda of: of,
}
# The full ranking without one of its parts each.
ABLATIONS: Mapping[str, Callable[[Profile], Profile]] = {
    "no-late": lambda of: _without(of, "late"),
    "no-near": lambda of: _without(of, "window"),
    "no-dense": lambda of: replace(_without(of, "dense"), dense_count=0),
    "no-lexical": lambda of: replace(_without(of, "lexical"), lexical_count=0),
    "no-sources": lambda of: _without(of, "source"),
    "no-dates": lambda of: _without(of, "date"),
    "no-order": lambda of: replace(of, reading=replace(of.reading, order=0.0)),
    "no-reader": lambda of: of,
}


# Where a reader reads, if there is one; the others show what ranking alone gives.
READ = frozenset(("full", *(name for name in ABLATIONS if name != "no-reader")))


def variant(profile: Profile, method: str) -> Profile:
    """The profile of a method by its name; `InputError` for a name that is none."""
    known = {**METHODS, **ABLATIONS}
    if method not in known:
        raise InputError(f"The method is {method!r}; expected one of {', '.join(known)}.")
    return known[method](profile)
