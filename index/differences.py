"""What two near copies say differently: numbers, names and other words, sentence by sentence."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import cached_property
from itertools import chain, pairwise
from unicodedata import combining, normalize

from sourcebook.index.article import Article, BlockKind
from sourcebook.index.passages import Span
from sourcebook.index.words import ENGLISH_NEGATIONS, SPANISH_NEGATIONS, STOP_WORDS

# A number with its separators, the sign of a currency, or a word. The rest is typography.
_SIGNS = "$€£¥₹"
_TOKEN = re.compile(
    r"\d{1,3}(?:[,'’ \u00a0\u202f]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,:/]\d+)*"
    rf"|[{_SIGNS}]|[^\W\d_]+"
)
_DIGITS = re.compile(r"\d+")
# What separates thousands; without it, other digits are another number.
_THOUSANDS = re.compile(r"(?<=\d)[,'’ ](?=\d{3}(?!\d))")
_NEGATIONS = frozenset(ENGLISH_NEGATIONS + SPANISH_NEGATIONS)
# Where sentences end, roughly, and whatever the digits are: a wrong cut is in both texts alike.
_END = re.compile(
    r"[\s。！？](?:(?<=[\n。！？])|(?<=[^\W\d][.!?]\s)|(?<=[^\W\d][.!?][\"'”’»)\]]\s))"
)
# Two sentences with so many words in common (Dice, 1945) are one that was changed. With fewer, one
# stands in the place of the other, as headlines do, and what publishers print around a text.
CHANGED = 0.5
# Spellings of one word have so many letters in common ("organise", "organize"); two words rarely.
SPELLING = 0.75
# So many pairs of sentences are compared; copies have fewer that are not the same, or are taken
# for no copies. A pair costs 5 microseconds.
MOST_PAIRS = 10_000


class Kind(StrEnum):
    """What two sentences differ in, what weighs most first."""

    NUMBER = "number"
    NAME = "name"
    WORD = "word"


@dataclass(frozen=True)
class Sentence:
    """A sentence with the words that it is compared by; of a `heading` only numbers count."""

    text: str
    heading: bool = False

    @cached_property
    def tokens(self) -> tuple[re.Match[str], ...]:
        """Its numbers, signs of currencies and words."""
        return tuple(_TOKEN.finditer(self.text))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The same in lower case, numbers without separators of thousands."""
        return tuple(_plain(token[0]) for token in self.tokens)

    @cached_property
    def frame(self) -> tuple[str, ...]:
        """The words with `#` for digits: the same when only a figure was changed."""
        return tuple(_DIGITS.sub("#", word) if _is_number(word) else word for word in self.words)

    @cached_property
    def counted(self) -> Counter[str]:
        """How often each word of the frame occurs."""
        return Counter(self.frame)

    def likeness(self, other: "Sentence") -> float:
        """The share of their words that both have (Dice), figures aside, in [0, 1]."""
        if self.frame == other.frame:
            return 1.0
        few, many = sorted((self.counted, other.counted), key=len)
        common = sum(min(count, many[word]) for word, count in few.items())
        return 2 * common / max(1, len(self.frame) + len(other.frame))


@dataclass(frozen=True, slots=True)
class Difference:
    """Words of one sentence, and those of another that stand for them."""

    kind: Kind
    one: Span
    other: Span


@dataclass(frozen=True)
class Names:
    """Tells names from other words with a capital, in `texts` that are compared.

    `aside` are those that name a publisher or an author, not a fact.
    """

    texts: tuple[str, ...] = ()
    aside: Collection[str] = frozenset()

    @cached_property
    def common(self) -> set[str]:
        """The words in lower case: elsewhere they have a capital because a sentence has."""
        found = chain.from_iterable(map(_TOKEN.findall, self.texts))
        return {word for word in found if word[0].islower()}

    def name(self, token: str, word: str) -> bool:
        """Whether a token, whose word is `word`, is a name that counts."""
        known = word in self.common or word in self.aside or word in STOP_WORDS
        return len(token) > 1 and token[0].isupper() and not known


def differences(one: Sentence, other: Sentence, names: Names) -> Iterator[Difference]:
    """What one sentence says otherwise than another that it was made from, what weighs most first.

    Spelling, typography, and what only one of them says are no differences: what stands for
    something else in the other one is, and a word that negates.
    """
    yield from _other(one, other, Kind.NUMBER, lambda _, word: _is_number(word))
    if not (one.heading or other.heading):
        yield from _other(one, other, Kind.NAME, names.name)
        yield from _replaced(one, other, names.aside)
        if _negations(one) != _negations(other):
            yield Difference(Kind.WORD, *(Span(0, len(each.text)) for each in (one, other)))


def same_text(one: Article, other: Article) -> bool:
    """Whether two near copies say the same: what both say, they say with the same facts.

    Each may have sentences that the other lacks.
    """
    aside = frozenset(chain(_publishing(one), _publishing(other)))
    return _same(_sentences_of(one), _sentences_of(other), aside)


def same_words(one: str, other: str) -> bool:
    """Whether two passages say the same, as `same_text` tells it of articles."""
    return _same(_cut(one), _cut(other), frozenset())


def _same(one: list[Sentence], other: list[Sentence], aside: Collection[str]) -> bool:
    left, right = one, other
    # Most sentences are the same to the letter, which is quicker to see than their words.
    for form in (_letters, _words):
        left, right = _without_common(left, right, form), _without_common(right, left, form)
    if not left or not right:
        return True
    if len(left) * len(right) > MOST_PAIRS:
        return False
    names = Names(tuple(each.text for each in chain(one, other)), aside)
    return not any(True for pair in _pairs(left, right) for _ in differences(*pair, names))


def _pairs(
    left: Sequence[Sentence], right: Sequence[Sentence]
) -> Iterator[tuple[Sentence, Sentence]]:
    """Each sentence with the one that it was made from, or that was made from it."""
    for mine in left:
        nearest = max(right, key=mine.likeness)
        if mine.likeness(nearest) >= CHANGED:
            yield mine, nearest


def _without_common(
    one: list[Sentence], other: list[Sentence], form: Callable[[Sentence], Hashable]
) -> list[Sentence]:
    """The sentences of one text that the other lacks in this form."""
    theirs = Counter(map(form, other))
    found = []
    for each in one:
        if theirs[form(each)] > 0:
            theirs[form(each)] -= 1
        else:
            found.append(each)
    return [each for each in found if each.words]


def _letters(sentence: Sentence) -> str:
    return sentence.text.casefold()


def _words(sentence: Sentence) -> tuple[str, ...]:
    return sentence.words


def _other(
    one: Sentence, other: Sentence, kind: Kind, counts: Callable[[str, str], bool]
) -> list[Difference]:
    """The words of this kind that only one sentence has, with those that only the other has."""
    mine, theirs = _only(one, other, counts), _only(other, one, counts)
    return [Difference(kind, *pair) for pair in zip(mine, theirs, strict=False)]


def _only(one: Sentence, other: Sentence, counts: Callable[[str, str], bool]) -> list[Span]:
    """The runs of words that count and that the other sentence has less often."""
    theirs = Counter(other.words)
    found: list[Span] = []
    running = False
    for token, word in zip(one.tokens, one.words, strict=True):
        theirs[word] -= 1
        only = theirs[word] < 0 and counts(token[0], word)
        if only:
            start = found.pop().start if running else token.start()
            found.append(Span(start, token.end()))
        running = only
    return found


def _replaced(one: Sentence, other: Sentence, aside: Collection[str]) -> Iterator[Difference]:
    """The words that others stand for, other than spellings, words of grammar and those aside."""
    little = STOP_WORDS.union(aside)
    matcher = SequenceMatcher(None, one.words, other.words, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "replace" or little.issuperset(one.words[a:b] + other.words[c:d]):
            continue
        mine, theirs = "".join(one.words[a:b]), "".join(other.words[c:d])
        if SequenceMatcher(None, mine, theirs, autojunk=False).ratio() < SPELLING:
            yield Difference(Kind.WORD, _span(one, a, b), _span(other, c, d))


def _negations(sentence: Sentence) -> int:
    """How often a sentence negates."""
    plain = [
        "".join(letter for letter in normalize("NFD", word) if not combining(letter))
        for word in sentence.words
    ]
    shortened = (pair[0].endswith("n") and pair[1] == "t" for pair in pairwise(plain))  # "didn't"
    return sum(word in _NEGATIONS for word in plain) + sum(shortened)


def _span(sentence: Sentence, first: int, end: int) -> Span:
    return Span(sentence.tokens[first].start(), sentence.tokens[end - 1].end())


def _sentences_of(article: Article) -> list[Sentence]:
    return [
        Sentence(each.text, block.kind is BlockKind.HEADING)
        for block in article.blocks
        for each in _cut(article.text[block.start : block.end])
    ]


def _cut(text: str) -> list[Sentence]:
    return [Sentence(part) for part in _END.split(normalize("NFC", text)) if part]


def _publishing(article: Article) -> Iterator[str]:
    """The words by which an article names its publisher and authors."""
    known = article.metadata
    for name in (known.publisher, *known.authors, known.host):
        yield from Sentence(name).words


def _plain(token: str) -> str:
    word = token if token.isascii() else normalize("NFKC", token)
    return _THOUSANDS.sub("", word) if word[0].isdigit() else word.casefold()


def _is_number(word: str) -> bool:
    """Whether it is one, or has a digit, or is the currency of one."""
    return not word.isalpha()
