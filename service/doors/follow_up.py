"""Completes a follow-up question: "and in 2021?" takes what it lacks from the question before.

This uses rules, not a model. A complete question is left alone. Otherwise a year or a name replaces
the one in the question before, or a pronoun becomes the name that it stands for. If neither is
certain, the question before is added in brackets.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sourcebook.index.words import WORD
from sourcebook.service.asking.query import MAX_QUESTION
from sourcebook.service.language.languages import LEXICON
from sourcebook.service.language.lexicon import either

# A pronoun after this many content words refers to one of them. Chosen so that 99 % of 6,585
# questions from public test sets, which are all complete, are left alone (docs/doors.md).
MANY_WORDS = 5
TURNS = 8  # earlier questions that are used, to bound the work
# If the question before is longer than this, only its names or content words are carried over, at
# most so many: together with the new question they must fit what the encoder reads.
MAX_CARRIED_CHARACTERS, MAX_CARRIED_WORDS = 300, 12

PLEASANTRIES = re.compile(rf"(?:(?:{either(LEXICON.pleasantries)})\W*)+", re.IGNORECASE)

# Unlike elsewhere "3.5" and "U.S" are one word each, as compounds are.
_WORD = re.compile(rf"{WORD.pattern}(?:[-’'.]{WORD.pattern})*")
_YEAR = r"(?:1[5-9]|20)\d\d"
_WHEN = re.compile(rf"\b(?:({either(LEXICON.dating)})\s+)?({_YEAR})\b", re.IGNORECASE)
_OPENING = re.compile(
    r"[\s¿]*(?:and|but|or|so|also|then|y|e|o|pero|entonces|también)\b[\s,]*"
    r"|[\s¿]*(?:what|how) about\b\s*|[\s¿]*(?:y\s+)?qué (?:tal|hay de|pasa con)\b\s*",
    re.IGNORECASE,
)
# "What is coca?" has one content word and is still complete.
_WHOLE = re.compile(
    r"[\s¿]*(?:what|who|where|qué|quién|cuál|dónde)\s+(?:is|are|was|were|es|son|fue|era)\s+"
    rf"|[\s¿]*(?:{either(LEXICON.requests)})\s|.*\b(?:is|are|was|were) there\b|.*\bhay\b",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"\b(?:his|its|their|her(?=\s+[^\W\d_]))\b", re.IGNORECASE)
_PERSONAL = re.compile(r"\b(?:he|she|him|her|it|they|them|él|ella|ellos|ellas)\b", re.IGNORECASE)
_PERSON = re.compile(r"(?:he|she|him|her|his|él|ella)", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:this|that|these|those)\b(?=\s*(?:$|[?.!,;]|(?:is|was|were|are|did|does|do|will|would|has|"
    r"had|have|can|could|happen\w*|mean\w*|work\w*|cost|year|time|period|law|plan|deal|country)\b))"
    r"|\b(?:eso|esto|sus?|lo|allí|ahí)\b"
    r"|(?<!is )(?<!are )(?<!was )(?<!were )\bthere\b(?=\s*(?:$|[?.!,;]))",
    re.IGNORECASE,
)
# "Is it legal to ...", "how long does it take": here "it" refers to nothing.
_EXPLETIVE = re.compile(
    r"\b(?:is|was|will|would) it (?:be )?(?:an? )?(?:\w+ )?\w+ (?:that|to|for|if|when)\b"
    r"|\bdo(?:es)? it (?:take|matter|make sense|mean (?:to|if|when|that))\b",
    re.IGNORECASE,
)
_NAME = r"(?:(?:[^\W\d_a-zà-öø-ÿ]\.){2,}|[^\W\d_a-zà-öø-ÿ][\w’'-]*)"
_NAMES = re.compile(rf"{_NAME}(?:(?:\s+(?:of|de|del|on|for|the))*\s+{_NAME})*")


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The question that the library is asked, and what it took from the questions before."""

    question: str
    carried: tuple[str, ...] = ()


def whole(question: str, earlier: Sequence[str]) -> FollowUp:
    """The question, completed from the user's `earlier` questions, the oldest first."""
    if len(question) > MAX_QUESTION:  # which is refused, whatever it follows
        return FollowUp(question)
    before = ""
    for turn in (turn[:MAX_QUESTION] for turn in earlier[-TURNS:]):
        if _WORD.search(turn) and not PLEASANTRIES.fullmatch(turn.strip()):
            before = _joined(turn, before).question
    return _joined(question, before)


def _joined(question: str, before: str) -> FollowUp:
    """The question, completed from the one before, which is complete itself."""
    question = " ".join(question.split())
    if not before or not _WORD.search(question):
        return FollowUp(question)
    opening = _OPENING.match(question)
    rest = question[opening.end() :] if opening else question
    names, content = _names(rest), _content(rest)
    if len(before) > MAX_CARRIED_CHARACTERS:
        kept = " ".join(_names(before) or _content(before))
        before = " ".join(kept.split()[:MAX_CARRIED_WORDS])[:MAX_CARRIED_CHARACTERS]
    if _WHEN.search(rest) and not content:
        return _at_another_time(rest, before)
    asks = bool(opening) or rest.endswith("?")
    alone = len(names) == 1 and not _content(rest.replace(names[0], " ", 1))
    if alone and asks and not _WHOLE.match(rest):
        return _of_another(rest, names[0], before)
    if pronoun := _pronoun(rest, names):
        # If the question has names or more words before the pronoun, it may refer to those.
        clear = not names and len(_content(rest[: pronoun.start()])) <= 1
        return _named(rest, pronoun, before) if clear else _with(rest, before)
    # A keyword alone starts a new search; with a question mark it is a follow-up.
    bare = not opening and content == [word.casefold() for word in _words(rest)]
    fragment = len(content) <= 1 and not names and not _WHOLE.match(rest)
    if (opening and len(content) <= 2) or (fragment and (asks or not bare)):
        return _with(rest, before)
    return FollowUp(question)


def _at_another_time(rest: str, before: str) -> FollowUp:
    """The question before, with the years of this one."""
    new, old = list(_WHEN.finditer(rest)), list(_WHEN.finditer(before))
    if old and len(old) != len(new):
        return _with(rest, before)
    if not old:
        ending = before[len(before.rstrip("?!. ")) :] or "?"
        return FollowUp(f"{before.rstrip('?!. ')} {rest.rstrip('?!. ')}{ending}", (before,))
    for then, now in reversed(list(zip(old, new, strict=True))):
        # "Since 2010?" brings its own preposition, "2010?" keeps the one that is there.
        preposition = (now[1] and then[1] and now[1].lower()) or then[1]
        when = f"{preposition} {now[2]}" if preposition else now[2]
        before = before[: then.start()] + when + before[then.end() :]
    return FollowUp(before, (before,))


def _of_another(rest: str, name: str, before: str) -> FollowUp:
    """The question before, with the name of this one."""
    names = _names(before)
    if len(names) != 1:
        return _with(rest, before)
    return FollowUp(re.sub(rf"(?<!\w){re.escape(names[0])}(?!\w)", name, before), (before,))


def _pronoun(rest: str, names: Sequence[str]) -> re.Match[str] | None:
    """The first pronoun that refers to nothing in the question itself."""
    patterns = (_POSSESSIVE, _PERSONAL, _POINTING)
    found = filter(None, (pattern.search(rest) for pattern in patterns))
    first = min(found, key=lambda match: match.start(), default=None)
    if first is None or _EXPLETIVE.search(rest):
        return None
    if any(rest.find(name) < first.start() for name in names) or _stands_for_a_noun(rest, first):
        return None
    # "Is it true that Petro ..." refers to what follows.
    return None if names and first[0].casefold() in {"it", "lo"} else first


def _stands_for_a_noun(rest: str, pronoun: re.Match[str]) -> bool:
    """Whether it may refer to a word before it: "why do farmers say they need coca?"."""
    above = [word.casefold() for word in _words(rest[: pronoun.start()])]
    below = rest[pronoun.end() :].strip(" ?.!")
    nouns = sum(word not in LEXICON.function_words for word in above)
    if not above or not below:
        return nouns >= MANY_WORDS
    if pronoun[0].casefold() == "that" and above[-1] not in LEXICON.function_words:
        return True
    close = above[-1] not in LEXICON.function_words or above[-1] in LEXICON.subordinators
    return nouns >= MANY_WORDS or (close and nouns >= 2)


def _named(rest: str, pronoun: re.Match[str], before: str) -> FollowUp:
    """The question with the name that its pronoun stands for, or with all of `before` if unsure."""
    names = _names(before)
    if _PERSON.fullmatch(pronoun[0]):
        persons = [name for name in names if 2 <= len(name.split()) <= 3]
        names = persons if len(persons) == 1 else names
    # "When did Colombia end aerial spraying?" offers more than a name to refer to.
    others = _content(before.replace(names[0], " ")) if names else []
    person = _PERSON.fullmatch(pronoun[0]) and names and " " in names[0]
    if len(names) != 1 or pronoun.re is _POINTING or (len(others) > 1 and not person):
        return _with(rest, before)
    name = f"{names[0]}’s" if pronoun.re is _POSSESSIVE else names[0]
    return FollowUp(rest[: pronoun.start()] + name + rest[pronoun.end() :], (names[0],))


def _with(rest: str, before: str) -> FollowUp:
    """The question with the one before in brackets."""
    return FollowUp(f"{rest} ({before})", (before,))


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _content(text: str) -> list[str]:
    """The content words: neither grammar nor years."""
    words = (word.casefold() for word in _words(text))
    said = (word for word in words if word not in LEXICON.function_words)
    return [word for word in said if not re.fullmatch(_YEAR, word)]


def _names(text: str) -> list[str]:
    """The names in a question, each once: runs of capitalised words, grammar and requests aside."""
    found = []
    for match in _NAMES.finditer("" if text.isupper() else text):
        words = re.sub(r"[’'](?:s\b)?$", "", match[0]).split()
        while words and words[0].casefold() in LEXICON.function_words | LEXICON.requests:
            words = words[1:]
        found.append(" ".join(words))
    return list(dict.fromkeys(filter(None, found)))
