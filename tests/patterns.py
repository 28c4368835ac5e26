"""Finds the regular expressions of the package, and texts that make each of them slow.

A worst case repeats what the pattern itself repeats: its own characters, alone and in pairs, after
each of its own beginnings. What is slow then takes four times as long for twice the text.
"""

import importlib
import itertools
import pkgutil
import re
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import time
from collections.abc import Iterable, Iterator
from typing import Any

import sourcebook.index
import sourcebook.service

# What stands for a class of characters.
OF_CATEGORY = {
    codes.CATEGORY_DIGIT: "1",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_WORD: "a",
    codes.CATEGORY_NOT_SPACE: "a",
    codes.CATEGORY_NOT_WORD: "-",
    codes.CATEGORY_NOT_DIGIT: "a",
}


def patterns() -> dict[str, re.Pattern[str]]:
    """Every pattern that a module of `index` or `service` holds, by the name of its place."""
    found: dict[str, re.Pattern[str]] = {}
    for package in (sourcebook.index, sourcebook.service):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.rsplit(".", 1)[1] in OPTIONAL:
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                for number, one in enumerate(_held(value)):
                    place = f"{module.name.removeprefix('sourcebook.')}.{name}"
                    found.setdefault(one.pattern, one)
                    names.setdefault(one.pattern, f"{place}[{number}]" if number else place)
    return {names[text]: one for text, one in found.items()}


names: dict[str, str] = {}
# What other packages are needed for.
OPTIONAL = ("convert", "torch_model", "langchain", "llamaindex", "haystack", "__main__")


def _held(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, dict):
        yield from _held(list(value.values()))
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _held(inner)


def samples(pattern: re.Pattern[str], size: int) -> Iterator[str]:
    """Texts of about `size` characters that might take the pattern long."""
    atoms = list(dict.fromkeys(_atoms(parser.parse(pattern.pattern, pattern.flags))))[:MAX_ATOMS]
    units = [*atoms, *("".join(pair) for pair in itertools.permutations(atoms[:MAX_PAIRS], 2))]
    for unit in dict.fromkeys(units):
        yield (unit * size)[:size] + "\0"
        for start in atoms[:MAX_STARTS]:
            yield start + (unit * size)[:size] + "\0"


MAX_ATOMS, MAX_PAIRS, MAX_STARTS = 12, 3, 1


def _atoms(tree: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    """Texts that parts of a pattern match, the shortest of each."""
    run = ""
    for code, argument in tree:
        if code is codes.LITERAL:
            run += chr(argument)
            continue
        if run:
            yield run
            run = ""
        if code is codes.NOT_LITERAL or code is codes.ANY:
            yield "a"
            yield " "
        elif code is codes.IN:
            yield from _of_class(argument)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            yield from _atoms(argument[2])
        elif code is codes.BRANCH:
            for branch in argument[1]:
                yield from _atoms(branch)
        elif code is codes.SUBPATTERN:
            yield from _atoms(argument[3])
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            yield from _atoms(argument[1])
        elif code is codes.ATOMIC_GROUP:
            yield from _atoms(argument)
    if run:
        yield run


def _of_class(parts: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    negated = False
    for code, argument in parts:
        if code is codes.NEGATE:
            negated = True
        elif negated:
            yield "a"
            yield " "
        elif code is codes.LITERAL:
            yield chr(argument)
        elif code is codes.RANGE:
            yield chr(argument[0])
        elif code is codes.CATEGORY:
            yield OF_CATEGORY.get(argument, "a")


def seconds(pattern: re.Pattern[str], text: str, times: int) -> float:
    """The least time that finding all of the pattern in the text took."""
    best = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        for _ in pattern.finditer(text):
            pass
        best = min(best, time.perf_counter() - begun)
    return best
