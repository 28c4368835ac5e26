"""Signals of all stages that tell an answer from a near miss, about the best hit."""

import math
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Indel

from sourcebook.index.encoding.tokens import Vectors, weighted
from sourcebook.index.search.candidates import Candidates
from sourcebook.index.search.lexical import stem
from sourcebook.service.asking.query import MOST_LETTERS
from sourcebook.service.asking.rank import Hit
from sourcebook.service.language.answer_types import expected, fitting
from sourcebook.service.language.opposites import opposed
from sourcebook.service.language.words import WORD, folded, negated

# A name or a long word may be misspelt by a letter or two, but not at its beginning, where a
# prefix may turn it into its opposite.
SAME_WORD, LONG_WORD = 0.85, 5
UNHELD = 0.999  # the rarity of a word that no passage holds is 1
# A word of small letters that no passage holds may be said in other words, but not where the best
# passage matches it less than this, as it does half of the words that are off the subject.
UNSAID = 0.3

_DIGITS = re.compile(r"\d+")
_POSSESSIVE = re.compile(r"['’]s$")
_INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What the best hit and its best sentence say about a question.

    `late`, `dense` and `sentence` are similarities: of the passage by MaxSim and by cosine, of its
    best sentence by MaxSim. `weakest` is how well the sentence matches the question's least
    matched word; `missing` the rarity of the rarest word that the sentence lacks, though the
    library holds it. The next are 1 or 0: the passage lacks a name of the question, the sentence
    lacks one of its numbers; the question is negated, and the sentence is not; the sentence says
    the opposite of a word that it lacks; it holds nothing of the kind that is asked for.
    `length` is the logarithm of how many words the question has.
    """

    late: float
    dense: float
    sentence: float
    weakest: float
    missing: float
    name_missing: float
    number_missing: float
    negated: float
    negation_unmatched: float
    opposite: float
    unfit: float
    length: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentWord:
    """A word of the question that is no stop word.

    `[start, end)` is where it stands, `stem` what the lexical index calls it, `pieces` the
    positions of its word pieces; `rarity` lies in [0, 1]. `named` when it is written as a name or
    a number.
    """

    text: str
    start: int
    end: int
    stem: str
    rarity: float
    pieces: tuple[int, ...]
    named: bool

    @property
    def numeric(self) -> bool:
        """Whether it holds a digit."""
        return bool(_DIGITS.search(self.text))


def signals(question: str, found: Candidates, best: Hit) -> Signals:
    """The signals of the best hit for `question`, the text that `found` was found with."""
    words = content_words(question, found)
    sentence, matches, score = _best_sentence(best, found.weights)
    said = _Words(sentence)
    around = _around(best)
    asked = [folded(word) for word in WORD.findall(question)]
    denies = negated(asked)
    lacking = [word for word in words if not said.hold(word)]
    # Who asks "did it rise or fall?" leaves it open.
    unasked = said.stems - {word.stem for word in words}
    return Signals(
        late=best.late,
        dense=best.candidate.dense,
        sentence=score,
        weakest=min((_similarity(word, matches) for word in words), default=0.0),
        missing=max((word.rarity for word in lacking if word.rarity < UNHELD), default=0.0),
        name_missing=any(w.named and not w.numeric and not around.hold(w) for w in words),
        number_missing=any(word.numeric for word in lacking),
        negated=denies,
        negation_unmatched=denies and not negated(said.folded),
        opposite=any(opposed(word.stem, unasked) for word in lacking),
        unfit=_unfit(question, sentence),
        length=math.log(max(1, len(asked))),
    )


def missing_entities(question: str, found: Candidates, best: Hit, held: Set[str]) -> list[str]:
    """What the question names and nothing that was searched holds, as it is written there.

    `held` are the stems that some passage does hold. Names and numbers come first, then other
    words, if the best passage says nothing like them; neighbours are one name.
    """
    matches, around = best.similarity.max(axis=1), _around(best)
    words = content_words(question, found)
    missing = [word for word in words if word.stem not in held and not around.hold(word)]
    named = [word for word in missing if word.named]
    unsaid = [w for w in missing if not w.named and _similarity(w, matches) < UNSAID]
    return [*_runs(question, named), *(word.text for word in unsaid)]


def content_words(question: str, found: Candidates) -> list[ContentWord]:
    """The words of the question that are no stop words, in order."""
    matches = list(WORD.finditer(question))
    owners = np.searchsorted([m.end() for m in matches], found.question.starts, side="right")
    nexts = [*(match[0] for match in matches[1:]), ""]
    words = []
    for number, (match, following) in enumerate(zip(matches, nexts, strict=True)):
        stemmed = stem(match[0])
        pieces = tuple(np.flatnonzero(owners == number).tolist())
        if stemmed is not None and pieces:
            text = _POSSESSIVE.sub("", match[0])
            words.append(
                ContentWord(
                    text=text,
                    start=match.start(),
                    end=match.start() + len(text),
                    stem=stemmed,
                    rarity=found.rarity.get(stemmed, 0.0),
                    pieces=pieces,
                    named=_named(match[0], following, first=number == 0),
                )
            )
    return words


def _named(word: str, following: str, *, first: bool) -> bool:
    """Whether a word is written as a name or number; the first has a capital letter anyway."""
    if _DIGITS.search(word) or (len(word) > 1 and word.isupper()):
        return True
    return word[0].isupper() and (not first or following[:1].isupper())


def _runs(question: str, words: Iterable[ContentWord]) -> list[str]:
    """Words of the question, those that only white space parts run together."""
    runs: list[tuple[int, int]] = []
    for word in words:
        if runs and not question[runs[-1][1] : word.start].strip():
            runs[-1] = runs[-1][0], word.end
        else:
            runs.append((word.start, word.end))
    return [question[start:end] for start, end in runs]


def _best_sentence(hit: Hit, weights: Vectors) -> tuple[str, Vectors, float]:
    """The passage's sentence with the best MaxSim.

    Its text, how well it matches each word piece of the question (word pieces,), and the MaxSim.
    """
    sentences, matches = hit.sentence_matches
    if not sentences:
        return hit.passage.text, np.zeros(len(weights), np.float32), 0.0
    scores = weighted(matches, weights)
    best = int(scores.argmax())
    return hit.passage.text_of(sentences[best]), matches[:, best], float(scores[best])


def _unfit(question: str, sentence: str) -> bool:
    """Whether the question asks for words of some type, and the sentence holds none."""
    wanted = expected(question)
    return wanted is not None and not fitting(sentence, wanted)


def _similarity(word: ContentWord, matches: Vectors) -> float:
    """How well a word's pieces are matched, of (word pieces,) of the whole question."""
    return float(matches[list(word.pieces)].mean())


def _around(hit: Hit) -> "_Words":
    """The words of a passage, of its headings and of its article's title."""
    passage = hit.passage
    return _Words(" ".join([hit.article.metadata.title, *passage.headings, passage.text]))


class _Words:
    """The words of a text, and whether those of a question are among them."""

    def __init__(self, text: str) -> None:
        # U.S. and US are one name.
        text = _INITIALS.sub(lambda initials: initials[0].replace(".", "") + " ", text)
        self.folded = [folded(word) for word in WORD.findall(text)]
        self.stems = {stemmed for word in self.folded if (stemmed := stem(word))}
        self._digits = frozenset(_DIGITS.findall(text))

    def hold(self, word: ContentWord) -> bool:
        """Whether the word is there: in any inflection, a letter or two aside, or as a number."""
        if word.stem in self.stems:
            return True
        if word.numeric:
            return self._digits.issuperset(_DIGITS.findall(word.text))
        return len(word.text) >= LONG_WORD and self._nearly(folded(word.text))

    def _nearly(self, word: str) -> bool:
        return any(
            other[0] == word[0]
            and abs(len(other) - len(word)) <= MOST_LETTERS
            and Indel.normalized_similarity(other, word) >= SAME_WORD
            for other in self.folded
        )
