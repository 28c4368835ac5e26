"""Checks each sentence that a language model wrote, and drops those that fail.

A model may only rephrase: what a sentence says must be in the quotes that it cites, and answer the
question. So an order that an article gives to models has no effect, whatever its words: what it
wants said is not what was asked. docs/doors.md lists what these checks cannot detect.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sourcebook.index.passages import sentence_spans
from sourcebook.index.search.stemming import STEMMING
from sourcebook.index.words import WORD
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.quotations import quoted, quotes_in
from sourcebook.service.language.words import WITH_APOSTROPHES, folded, negated

Quotes = Mapping[int, str]  # the exact quote of each citation, by its number

MAX_DRAFT = 10_000  # characters
MAX_SENTENCES = 12
MAX_SENTENCE = 600  # characters
MAX_DROPPED = 24  # shown of a very long draft
# The least share of a sentence's words that must be in the quotes or the question: a paraphrase
# keeps most of the words that carry the meaning, an invention does not. Our estimate.
SHARED_WORDS = 0.5

FAMILY = 4  # letters at the start that related words share; our estimate
REACH = 3  # words after a number that may name what it counts; our estimate

# The spaces before a mark are looked at once, from the first of them.
_MARK = re.compile(r"(?<!\s)\s*\[\s*(\d+(?:\s*[,;]\s*\d+)*)\s*\]")
# "It rose. [1]" means "It rose [1]."
_LATE_MARKS = re.compile(rf"(?<![.!?。])([.!?。]++[\"”’»)]*+)((?:{_MARK.pattern})+)")
# A mark and a stop end a sentence, whatever the next one begins with.
_ENDED = re.compile(r"(?<=\d\][.!?。])\s+")
_BULLET = re.compile(r"^\s*(?:[-*•#>]+|\d+[.)])\s+")
_LINK = re.compile(r"\w://|\bwww\.|\]\(|<\w", re.IGNORECASE)
_NUMBER_OR_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MONEY = re.compile(r"([$€£])\s*(\d+(?:[.,]\d+)*)")
_SIGNS = {"%": " percent ", "per cent": "percent", "$": " dollar ", "€": " euro ", "£": " pound "}
_INITIALS = re.compile(r"\b(?:[^\W\d_]\.){2,}")
# Numbers in words, each as the number or the word that it is compared as.
_NUMBER_WORDS = {
    word: f"{value:g}"
    for word, value in LEXICON.numbers.items()
    if word not in LEXICON.unchecked_numbers
} | dict(LEXICON.amounts)

# Whether each of some sentences answers the question, as far as the reader can tell.
Answers = Callable[[str, Sequence[str]], Sequence[bool]]


@dataclass(frozen=True, slots=True)
class WrittenSentence:
    """A sentence in a model's words, with the numbers of the citations that support it."""

    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence that was dropped, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A model's draft after the checks: the sentences kept and those dropped.

    `failure` says why there is no draft.
    """

    model: str
    sentences: tuple[WrittenSentence, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    failure: str | None = None


def keep_checked(
    draft: str,
    question: str,
    quotes: Quotes,
    *,
    model: str,
    answers: Answers | None = None,
    verbatim: Collection[str] = (),
) -> Written:
    """Check every sentence of a draft against `quotes`, and whether it `answers` the question.

    `verbatim` is what the answer says anyway: a sentence that repeats it is not read again.
    """
    kept: list[WrittenSentence] = []
    dropped: list[Dropped] = []
    for text, numbers in sentences_of(draft[:MAX_DRAFT]):
        reason = fault(text, numbers, question, quotes)
        if reason is None and len(kept) == MAX_SENTENCES:
            reason = f"it comes after the first {MAX_SENTENCES} sentences"
        if reason is None:
            kept.append(WrittenSentence(text, numbers))
        else:
            dropped.append(Dropped(text[:MAX_SENTENCE], reason))
    if answers:
        # The reader has judged a whole quote in its passage.
        whole = [_words(quote) for quote in (*quotes.values(), *verbatim)]
        phrased = [sentence for sentence in kept if _words(sentence.text) not in whole]
        verdicts = answers(question, [sentence.text for sentence in phrased])
        strays = [one for one, good in zip(phrased, verdicts, strict=True) if not good]
        kept = [one for one in kept if one not in strays]
        dropped += [Dropped(one.text, "it does not answer the question") for one in strays]
    if rest := draft[MAX_DRAFT:].strip():
        reason = f"it comes after the first {MAX_DRAFT:,} characters"
        dropped.insert(0, Dropped(rest[:MAX_SENTENCE], reason))
    return Written(model=model, sentences=tuple(kept), dropped=tuple(dropped[:MAX_DROPPED]))


def sentences_of(draft: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The sentences of a draft without their citation marks, each with the cited numbers."""
    for raw in draft.splitlines():
        line = _LATE_MARKS.sub(r"\2\1", _BULLET.sub("", raw))
        parts = ((part, span) for part in _ENDED.split(line) for span in sentence_spans(part))
        for part, span in parts:
            sentence = part[span.start : span.end]
            marks = ",".join(_MARK.findall(sentence)).replace(";", ",")
            numbers = dict.fromkeys(int(mark) for mark in marks.split(",") if mark)
            text = _MARK.sub("", sentence).strip()
            if _words(text):
                yield text, tuple(numbers)


def fault(text: str, numbers: tuple[int, ...], question: str, quotes: Quotes) -> str | None:
    """Why a sentence that cites these numbers must be dropped; None if it can be kept."""
    if not numbers:
        return "it cites nothing"
    if unknown := [str(number) for number in numbers if number not in quotes]:
        return f"it cites [{unknown[0]}], which it was not given"
    if len(text) > MAX_SENTENCE:
        return f"it has more than {MAX_SENTENCE} characters"
    if _LINK.search(text):
        return "it contains a link or markup"
    evidence = "\n".join(quotes[number] for number in numbers)
    checks: tuple[Callable[[str, str, str], str | None], ...] = (
        _invented_quote,
        _invented_number,
        _invented_name,
        _denial,
        _other_words,
    )
    return next(filter(None, (check(text, evidence, question) for check in checks)), None)


def _invented_quote(text: str, evidence: str, question: str) -> str | None:
    for quote in (*quotes_in(text, 1), *quoted(text)):
        # American style puts the sentence's comma inside the quotation marks.
        if quote.strip() not in evidence and quote.strip(" .,;") not in evidence:
            return f"the quotation “{quote:.80}” is not in the cited quotes"
    return None


def _invented_number(text: str, evidence: str, question: str) -> str | None:
    given = list(_measures(evidence))
    for number, unit, _ in _measures(text):
        known = [near for same, _, near in given if same == number]
        if not known:
            return f"the number {number} is not in the cited quotes"
        # What is counted must be near the number; years count nothing.
        if unit and not _YEAR.fullmatch(number) and not any(unit in near for near in known):
            return f"the cited quotes do not say {number} of that"
    return None


def _measures(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Each number, in digits or words, with the stems of the next word and of the next few.

    Stop words have no stem: after the 2 of "2 of the 12 departments" comes "".
    """
    spelt = _MONEY.sub(r"\2 \1", _THOUSANDS.sub("", text))
    for sign, word in _SIGNS.items():
        spelt = spelt.replace(sign, word)
    words = _NUMBER_OR_WORD.findall(spelt)
    stems = ["".join(STEMMING.analyze(word)) for word in words]
    for place, word in enumerate(words):
        number = word if word[0].isdigit() else _NUMBER_WORDS.get(word.casefold())
        if number:
            after = stems[place + 1 :]
            yield number, "".join(after[:1]), [stem for stem in after if stem][:REACH]


def _invented_name(text: str, evidence: str, question: str) -> str | None:
    given = _words(f"{evidence}\n{question}")
    known = {word.casefold() for word in given}
    # The first word of a sentence is always capitalised; if a related word in the evidence is in
    # lower case, it is not a name.
    plain = {word[:FAMILY] for word in given if len(word) >= FAMILY and word.islower()}
    for position, word in enumerate(_words(text)):
        folded = word.casefold()
        opens = position == 0 and (folded in LEXICON.openers or folded[:FAMILY] in plain)
        if word[0].isupper() and folded not in known and not opens:
            return f"the name {word} is neither in the cited quotes nor in the question"
    return None


def _words(text: str) -> list[str]:
    """The words of a text, with U.S. as one and without the underscores of Markdown."""
    joined = _INITIALS.sub(lambda found: found[0].replace(".", ""), text)
    return WORD.findall(joined.replace("_", " "))


def _denial(text: str, evidence: str, question: str) -> str | None:
    if _negated(text) and not _negated(evidence):
        return "it is negated, and the cited quotes are not"
    return None


def _negated(text: str) -> bool:
    return negated(WITH_APOSTROPHES.findall(folded(text)))


def _other_words(text: str, evidence: str, question: str) -> str | None:
    terms = set(STEMMING.analyze(text))
    known = {*STEMMING.analyze(evidence), *STEMMING.analyze(question)}
    if len(terms & known) < SHARED_WORDS * len(terms):
        return "most of its words are not in the cited quotes"
    return None
