"""Near misses made from pairs: a name, a number, a direction or a role changed, or no answer left.

Where question and passage are changed alike, the pair is right again; where one of them is
changed, it is wrong. So a reader cannot learn that unusual words are wrong.
"""

import itertools
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

from sourcebook.eval.training.rows import Row, Span
from sourcebook.index.words import listed

# One name of up to four capitalised words; with "of the" and the like between them.
NAME = re.compile(
    r"\b[A-Z][\w’'-]*[a-z][\w’'-]*(?:\s+(?:(?:of|the|de|and|for)\s+)?[A-Z][\w’'-]*[a-z][\w’'-]*)*\b"
    r"|\b[A-Z]{2,}\b"
)
NUMBER = re.compile(r"(?<![\w.,-])\d(?:[\d,]*\d)?(?:\.\d+)?(?![\w-])")
YEAR = re.compile(r"^(1[0-9]|20)\d\d$")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]”’]*\s+|\n+")
YES_NO = re.compile(
    r"(?i)(is|are|was|were|do|does|did|can|could|should|would|will|has|have|had|am|may)\b"
)
SIDE = re.compile(r"\b(vot\w+|argu\w+|campaign\w+|fought|rul\w+|decid\w+) (for|against)\b")

# What begins a sentence or a question in capitals without being a name.
STOP = frozenset(
    listed(
        """
        the a an what who whom whose where when which why how is are was were do does did can
        could should would will may might has have had in on at if of for from to and or but it
        its he she they we you i my your his her their our this that these those there then than
        with by as not no yes all any some most many much more after before during since while
        also however although because according please name am be been being about into over
        under first other such so see new one two three
        """
    )
)
# Words that have an opposite, but mostly mean something else.
LOOSE = frozenset(listed("left like light right last late end lower man men day early old"))
# A passage with less than this beside its answer is left as it is.
LEAST_REST = 100
MOST_CHANGES = 4


class Changed(NamedTuple):
    """A changed pair. `passage` is None where only the question changed: then it is wrong."""

    question: str
    kind: str
    passage: str | None = None
    title: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Replacement:
    """Words to be replaced, wherever the pattern finds them."""

    pattern: re.Pattern[str]
    by: str


def opposites() -> dict[str, list[str]]:
    """Words and their opposites, both ways."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (
        (files("sourcebook.eval.training") / "opposites.txt").read_text("utf-8").split("\n")
    ):
        if line:
            one, other = line.split()
            found[one].append(other)
            found[other].append(one)
    return dict(found)


class Changer:
    """Makes near misses; `rows` show which words are names, and give names to put in."""

    def __init__(self, rows: Sequence[Row], passages: Iterable[Row] = (), seed: int = 0) -> None:
        """Count the words of all rows and passages."""
        self._random = random.Random(seed)
        self._opposites = opposites()
        self._lower: Counter[str] = Counter()
        self._capital: Counter[str] = Counter()
        for row in (*rows, *passages):
            for found in re.findall(r"[A-Za-z]+", row.passage):
                (self._capital if found[0].isupper() else self._lower)[found.lower()] += 1
        self._known: dict[tuple[str, int], list[str]] = defaultdict(list)
        for row in rows:
            for name in self._names(row.passage)[:12]:
                for group in (row.set, ""):
                    self._known[group, _size(name)].append(name)

    def changes(self, row: Row) -> list[Changed]:
        """At most four changed pairs of the row, of whatever kinds it allows."""
        found = [*self._names_changed(row), *self._numbers_changed(row), *self._turned(row)]
        self._random.shuffle(found)
        return found[:MOST_CHANGES]

    def _is_name(self, text: str) -> bool:
        """Whether it is more than a common word at the head of a sentence."""
        words = text.split()
        if len(text) < 3 or not words:
            return False
        word = text.lower()
        return len(words) > 1 or (word not in STOP and self._capital[word] > 2 * self._lower[word])

    def _names(self, text: str) -> list[str]:
        found = (_without_stops(match.group()) for match in NAME.finditer(text))
        return [name for name in found if len(name) < 45 and self._is_name(name)]

    def _asked_names(self, row: Row) -> dict[str, Span]:
        """The names in the question, longest first, and where they stand."""
        known = set(self._names(row.passage)) | set(self._names(row.title))
        for match in NAME.finditer(row.question):
            name = _without_stops(match.group())
            if (match.start() > 0 or len(match.group().split()) > 1) and self._is_name(name):
                known.add(name)
        found: dict[str, Span] = {}
        for name in sorted(known, key=lambda each: (-len(each), each)):
            asked = _word(name).search(row.question)
            if asked and not any(
                asked.start() < end and start < asked.end() for start, end in found.values()
            ):
                found[name] = asked.span()
        return found

    def _names_changed(self, row: Row) -> Iterator[Changed]:
        there = {*self._names(row.passage), *self._names(row.title)}
        question = row.question.lower()
        for name, (start, end) in list(self._asked_names(row).items())[:3]:

            def asked(other: str, start: int = start, end: int = end) -> str:
                return row.question[:start] + other + row.question[end:]

            if role := self._roles_exchanged(row, name):
                yield role._replace(question=asked(row.answer))
            others = sorted(
                each
                for each in there
                if each.lower() not in question
                and not _overlap(each, name)
                and _size(each) == _size(name)
                and each not in row.answer
            )
            if others:
                yield Changed(asked(self._random.choice(others)), "other name")
            other = self._another(row, name)
            if not other:
                continue
            table = [Replacement(_word(name), other)]
            last = name.split()[-1]
            if " " in name and len(last) > 3 and last[0].isupper():
                table.append(Replacement(_word(last), other.split()[-1]))
            replaced = replace(row.passage, table, row.span)
            if replaced and _word(name).search(row.passage):
                title = replace(row.title, table)
                yield Changed(
                    asked(other), "name", replaced[0], title[0] if title else "", replaced[1]
                )
            else:
                yield Changed(asked(other), "far name")

    def _another(self, row: Row, name: str) -> str:
        """A name of as many words from other rows, which the row does not have."""
        own = self._known[row.set, _size(name)]
        known = own if len(own) > 50 else self._known["", _size(name)]
        other = self._random.choice(known) if known else ""
        held = other.lower() in (row.question + "\n" + row.passage).lower()
        shared = set(other.lower().split()) & set(name.lower().split())
        return "" if held or shared else other

    def _roles_exchanged(self, row: Row, name: str) -> Changed | None:
        """The pair with the answer and a name of the question in each other's places."""
        answer = row.answer
        if not row.span or not _word(name).search(row.passage) or _overlap(answer, name):
            return None
        if not (0 < len(answer) < 40 and len(answer.split()) <= 4 and answer[0].isupper()):
            return None
        if answer.lower() in row.question.lower() or _without_stops(answer) != answer:
            return None
        start, end = row.span
        # The two are exchanged by way of a mark that no text holds.
        table = [Replacement(_word(name), "\0"), Replacement(_word(answer), name)]
        before, after, title = (
            found[0].replace("\0", answer) if (found := replace(text, table)) else text
            for text in (row.passage[:start], row.passage[end:], row.title)
        )
        span = (len(before), len(before) + len(name))
        return Changed("", "role", before + name + after, title, span)

    def _numbers_changed(self, row: Row) -> Iterator[Changed]:
        inside = list(dict.fromkeys(NUMBER.findall(row.passage)))
        for match in list(NUMBER.finditer(row.question))[:2]:
            number = match.group()

            def asked(other: str, match: re.Match[str] = match) -> str:
                return row.question[: match.start()] + other + row.question[match.end() :]

            near = [
                each
                for each in inside
                if bool(YEAR.match(each)) == bool(YEAR.match(number))
                and each != number
                and each not in row.answer
            ]
            if near:
                yield Changed(asked(self._random.choice(near)), "near number")
            other = self._other_number(number)
            if other in ("", number, *inside):
                continue
            pattern = re.compile(r"(?<![\w.,])" + re.escape(number) + r"(?![\w]|[.,]\d)")
            table = [Replacement(pattern, other)]
            replaced = replace(row.passage, table, row.span)
            if replaced and replaced[0] != row.passage:
                title = replace(row.title, table)
                yield Changed(
                    asked(other), "number", replaced[0], title[0] if title else "", replaced[1]
                )
            else:
                yield Changed(asked(other), "far number")

    def _other_number(self, number: str) -> str:
        choose = self._random.choice
        if YEAR.match(number):
            return str(
                int(number) + choose([-1, 1]) * choose([1, 1, 2, 3, 4, 5, 8, 10, 15, 20, 30])
            )
        try:
            value = float(number.replace(",", ""))
        except ValueError:
            return ""
        if self._random.random() < 0.5:
            changed = value * choose([0.5, 2, 3, 0.1, 10, 1.5])
        else:
            changed = value + choose([-3, -2, -1, 1, 2, 3, 4, 5])
        changed = changed if changed > 0 else value + 2
        if "." in number:
            return f"{changed:.{len(number.split('.')[1])}f}"
        return f"{round(changed):,}" if "," in number else str(round(changed))

    def _turned(self, row: Row) -> Iterator[Changed]:
        """The question with a word in place of its opposite; not one for yes or no."""
        if YES_NO.match(row.question):
            return
        words = [
            match
            for match in re.finditer(r"\b[a-z]+\b", row.question)
            if match.group() in self._opposites and match.group() not in LOOSE
        ]
        for match in words[:2]:
            one = match.group()
            other = self._random.choice(self._opposites[one])
            question = row.question[: match.start()] + other + row.question[match.end() :]
            table = [Replacement(_word(one), other), Replacement(_word(other), one)]
            replaced = replace(row.passage, table, row.span)
            if replaced and _word(one).search(row.passage):
                yield Changed(question, "direction", replaced[0], row.title, replaced[1])
            else:
                yield Changed(question, "direction of the question")
        if side := SIDE.search(row.question):
            other = "for" if side.group(2) == "against" else "against"
            start, end = side.span(2)
            yield Changed(
                row.question[:start] + other + row.question[end:], "direction of the question"
            )


def replace(
    text: str, table: Sequence[Replacement], span: Span | None = None
) -> tuple[str, Span | None] | None:
    """The text with all replacements, and where its span is then; None if that is touched."""
    hits = sorted(
        (match.start(), match.end(), each.by)
        for each in table
        for match in each.pattern.finditer(text)
    )
    parts, at, shift = [], 0, 0
    for start, end, by in hits:
        if start < at:
            continue
        if span and start < span[1] and end > span[0]:
            return None
        parts.append(text[at:start] + by)
        if span and end <= span[0]:
            shift += len(by) - (end - start)
        at = end
    moved = (span[0] + shift, span[1] + shift) if span else None
    return "".join(parts) + text[at:], moved


def without_answer(row: Row) -> str | None:
    """The passage without the sentences of its answer, or None where it still holds its words."""
    if not row.span:
        return None
    cuts = [0, *(match.end() for match in SENTENCE_END.finditer(row.passage)), len(row.passage)]
    start, end = row.span
    rest = "".join(
        row.passage[one:other]
        for one, other in itertools.pairwise(cuts)
        if other <= start or one >= end
    ).strip()
    answer = row.answer.casefold()
    told = len(answer) < 2 or answer in rest.casefold()
    return None if told or len(rest) < LEAST_REST else rest


def _without_stops(text: str) -> str:
    words = text.split()
    while words and words[0].lower() in STOP:
        words = words[1:]
    return " ".join(words)


def _word(text: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + re.escape(text) + r"(?!\w)", re.IGNORECASE)


def _size(name: str) -> int:
    return min(3, len(name.split()))


def _overlap(one: str, other: str) -> bool:
    return one.lower() in other.lower() or other.lower() in one.lower()
