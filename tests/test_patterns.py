"""Regular expressions take time that grows as the text does, or get texts of bounded length."""

import ast
import dataclasses
import heapq
import importlib.util
import pkgutil
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from re import _constants as signs  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import pytest

import sourcebook.index
import sourcebook.service

METHODS = {"search", "match", "fullmatch", "split", "findall", "finditer", "sub"}

# How patterns are called that are handed on, and the most characters that their callers let them
# read. Of all others the source tells how they are called, and nobody tells how long a text is.
READS = {
    "index.dates.DATE_FORMS": ("fullmatch", 60),
    "index.parsing.clean.APPEARED": ("fullmatch", 400),
    "index.parsing.clean.DISCLOSURE": ("fullmatch", 600),
    "index.parsing.clean.REPUBLISHED": ("fullmatch", 600),
    "index.parsing.clean.WRITTEN_BY": ("search", 600),
    "index.parsing.clean.ROLE": ("match", 600),
    "index.parsing.furniture.CERTAIN": ("fullmatch", 400),
    "index.parsing.furniture.COPYRIGHT": ("fullmatch", 200),
    "index.parsing.furniture.FOLLOW": ("fullmatch", 400),
    "index.parsing.furniture.LABEL": ("fullmatch", 250),
    "index.parsing.furniture.POINTER": ("fullmatch", 250),
    "index.parsing.repeats.OPENING": ("search", 6),
    "service.language.question_dates._TO": ("fullmatch", 10_000),
}

LONG = 8_000  # characters of a text without a bound
TRIAL = 400  # characters, at which the slowest texts are found
FEW = 24  # repetitions, which show exponential growth
SLOW = 0.02  # seconds for LONG characters, below which growth does not matter
SLOW_BOUND = 0.002  # seconds for a text of the bound: files hold thousands of such lines
RATIO = 8  # of the times for LONG characters and for a quarter: linear growth has 4, quadratic 16
MOST_CHARS = 16
MOST_STARTS = 24
ENDS = ("", "\n\0")


@dataclasses.dataclass(frozen=True)
class Case:
    """A pattern, one method that is called of it, and the most characters that it reads."""

    label: str
    pattern: re.Pattern[Any]
    method: str
    bound: int | None = None


def modules() -> Iterator[tuple[str, str, ModuleType]]:
    """Name, source and module of each that uses regular expressions; some others load slowly."""
    for package in (sourcebook.index, sourcebook.service):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            spec = importlib.util.find_spec(found.name)
            assert spec is not None
            assert spec.origin is not None
            source = Path(spec.origin).read_text(encoding="utf-8")
            if re.search(r"^import re$", source, re.MULTILINE):
                name = found.name.removeprefix("sourcebook.")
                yield name, source, importlib.import_module(found.name)


def inside(value: object, depth: int = 4) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value: itself, or those in its parts."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth and dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from inside(getattr(value, field.name, None), depth - 1)
    elif depth and isinstance(value, Mapping):
        for pair in value.items():
            yield from inside(pair, depth - 1)
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for part in value:
            yield from inside(part, depth - 1)


def written_out(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(method, pattern) of each call like `re.sub(r"...", ...)`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=method),
                args=[ast.Constant(value=str(pattern)), *_],
            ) if method in METHODS:
                yield method, pattern


def collected() -> list[Case]:
    """Each pattern of the index and the service once, with each method that is called of it."""
    found: dict[re.Pattern[Any], tuple[str, set[str]]] = {}
    calls: dict[str, set[str]] = {}
    for place, source, module in modules():
        for name, value in vars(module).items():
            for pattern in inside(value):
                found.setdefault(pattern, (f"{place}.{name}", set()))[1].add(name)
        for name, method in re.findall(r"(\w+)\.(\w+)\(", source):
            if method in METHODS:
                calls.setdefault(name, set()).add(method)
        for method, text in written_out(ast.parse(source)):
            found.setdefault(re.compile(text), (f"{place}: {text}", set()))[1].add(text)
            calls.setdefault(text, set()).add(method)
    cases = []
    for pattern, (label, names) in found.items():
        if label in READS:
            cases.append(Case(label, pattern, *READS[label]))
        else:
            methods = set().union(*(calls.get(name, set()) for name in names)) or {"finditer"}
            cases += [Case(label, pattern, method) for method in sorted(methods)]
    return cases


def members(items: Iterable[tuple[Any, Any]]) -> list[str]:
    """Characters that a class like `[a-z]` holds: one of each part."""
    kinds = {signs.CATEGORY_DIGIT: "0", signs.CATEGORY_SPACE: " ", signs.CATEGORY_WORD: "a"}
    chars = []
    for kind, value in items:
        if kind is signs.NEGATE:
            return ["x", " ", "."]
        if kind is signs.LITERAL:
            chars.append(chr(value))
        elif kind is signs.RANGE:
            chars.append(chr(value[0]))
        elif kind is signs.CATEGORY:
            chars.append(kinds.get(value, "-"))
    return chars


class Attack:
    """Texts that a pattern may read slowly, made from its parts."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        self.chars: dict[str, None] = {}
        self.repeated: dict[str, None] = {}  # the characters of loops
        self.starts: dict[str, None] = {}
        self.loops: dict[tuple[str, str], None] = {}
        self._walk(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE), "")

    def _walk(self, nodes: Any, before: str) -> str:
        """A text that the nodes match, after the text `before`; notes all the parts it passes."""
        text = ""
        for kind, value in nodes:
            text += self._node(kind, value, before + text)
            if len(before + text) > 1:
                self.starts.setdefault(before + text)
        return text

    def _node(self, kind: Any, value: Any, before: str) -> str:
        text = ""
        match kind:
            case signs.LITERAL | signs.IN | signs.ANY | signs.NOT_LITERAL:
                chars = members(value) if kind is signs.IN else ["x"]
                chars = [chr(value)] if kind is signs.LITERAL else chars
                self.chars.update(dict.fromkeys(chars))
                text = chars[0]
            case signs.BRANCH:
                text, *_ = [self._walk(branch, before) for branch in value[1]]
            case signs.MAX_REPEAT | signs.MIN_REPEAT | signs.POSSESSIVE_REPEAT:
                least, most, body = value
                text = self._repeat(body, before, looped=most > FEW) * max(least, 1)
            case signs.ASSERT | signs.ASSERT_NOT:
                self._walk(value[1], before)
            case signs.ATOMIC_GROUP:
                text = self._walk(value, before)
            case signs.SUBPATTERN:
                text = self._walk(value[-1], before)
        return text

    def _repeat(self, body: Any, before: str, *, looped: bool) -> str:
        outside = self.chars
        self.chars = self.repeated if looped else outside
        text = self._walk(body, before)
        self.chars = outside
        if looped:
            self.loops[before, text] = None
        return text

    def units(self) -> Iterator[tuple[str, str]]:
        """(start, unit): a text is the start and then the unit, again and again.

        There is none for a pattern without a loop, which reads no more than a few characters.
        """
        if not self.loops:
            return
        chars = list(self.repeated | self.chars)[:MOST_CHARS]
        yield from (("", one) for one in chars)
        yield from (("", one + two) for one in chars for two in chars if one != two)
        starts = list(self.starts)
        for text in starts[:: max(1, len(starts) // MOST_STARTS)]:
            yield from (("", text), ("", text + " "))
        loops = list(self.loops)
        yield from loops
        yield from (("", start + body) for start, body in loops)


def text_of(case: Case, start: str, unit: str, end: str, size: int) -> Any:
    """About `size` characters, or bytes where the pattern reads these."""
    text = start + unit * max(1, (size - len(start)) // len(unit)) + end
    return text.encode("latin-1", "replace") if isinstance(case.pattern.pattern, bytes) else text


def cost(case: Case, text: Any, times: int = 1) -> float:
    """The least processor time that it took, in seconds."""
    call = getattr(case.pattern, case.method)
    taken = []
    for _ in range(times):
        begun = time.process_time()
        if case.method == "finditer":
            deque(call(text), maxlen=0)
        else:
            call(*([text[:0]] if case.method == "sub" else []), text)
        taken.append(time.process_time() - begun)
    return min(taken)


def fault(case: Case) -> str | None:
    """How a text was made whose time grows faster than it does, with figures; None without one."""
    size = min(case.bound or LONG, LONG)
    trials = []
    for start, unit in dict.fromkeys(Attack(case.pattern).units()):
        for end in ENDS:
            made = f"{case.label}.{case.method}: {start!r} + {unit!r} * n + {end!r}"
            if size > FEW:
                few = cost(case, text_of(case, start, unit, end, min(size, FEW * len(unit))))
                if few > 10 * SLOW:
                    return f"{made} takes {few:.2f} s for {FEW} repetitions"
            taken = cost(case, text_of(case, start, unit, end, min(size, TRIAL)))
            trials.append((taken, made, start, unit, end))
    for _, made, start, unit, end in heapq.nlargest(3, trials):
        if found := _growth(case, text_of(case, start, unit, end, size)):
            return f"{made} {found}"
    return None


def _growth(case: Case, text: Any) -> str | None:
    """What is wrong with the time for a text, if it is so in each of three trials."""
    found = None
    for times in (1, 1, 3):
        long = cost(case, text, times)
        if case.bound:
            if long < SLOW_BOUND:
                return None
            found = f"takes {1000 * long:.1f} ms for {len(text)} characters"
        else:
            # The end is kept, which makes the match fail.
            short = cost(case, text[: len(text) // 4] + text[-2:], times + 2)
            if long < SLOW or long < RATIO * short:
                return None
            found = f"takes {1000 * long:.0f} ms, {long / short:.1f} times those of a quarter"
    return found


def test_no_pattern_takes_time_that_grows_faster_than_its_text() -> None:
    cases = collected()
    assert len(cases) > 140
    assert {case.label for case in cases} >= READS.keys()
    assert [found for case in cases if (found := fault(case))] == []


@pytest.mark.parametrize(
    ("pattern", "method", "bound"),
    [
        (r"\s+$", "search", None),
        (r"<!--.*?-->", "sub", None),
        (r"(?:\w+\s?)+:", "match", None),
        (r"(?:credit)?[a-z]+, (?:by|via) [a-z]+\.", "finditer", None),
        (r"By\s*:?\s+(.{3,120})", "fullmatch", 130),
    ],
)
def test_a_slow_pattern_is_found(pattern: str, method: str, bound: int | None) -> None:
    assert fault(Case("it", re.compile(pattern), method, bound))
