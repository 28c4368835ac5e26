"""Suspects a stage: where a wrong answer or a silence should be looked for first, and why."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from sourcebook.service.asking.answer import NOTHING_RELEVANT, NOTHING_TO_SEARCH, REASONS, Answer
from sourcebook.service.asking.decide import MOST_CITED
from sourcebook.service.asking.follow import Followed, Stage
from sourcebook.service.asking.query import ContentWord

# A name, or a word that is rather rare than common (the rarity of one that no passage holds is 1),
# is expected in a passage that answers.
RARE = 0.5

Suspicion = tuple[Stage, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is known of a question when it has passed all stages.

    `followed` are all hits in their last order, `lacks` the words of the question that each of
    them lacks; `held` are the words that a passage does hold of those that were searched. From the
    confidence `needed` on, a question is answered.
    """

    answer: Answer
    words: Sequence[ContentWord]
    followed: Sequence[Followed]
    lacks: Sequence[Set[ContentWord]]
    held: Set[str]
    needed: float

    @property
    def silent(self) -> bool:
        """Whether there is no answer."""
        return not self.answer.citations

    def lacked_by(self, hits: Sequence[Followed]) -> set[ContentWord]:
        """The words that every one of these hits lacks."""
        return {w for w in self.words if all(w in self.lacks[hit.place - 1] for hit in hits)}


def suspect(found: Findings) -> Suspicion:
    """The stage, and what speaks for it in a sentence; nothing of it is certain."""
    if not found.followed:
        return Stage.LIBRARY, REASONS[NOTHING_TO_SEARCH]
    if suspicion := _not_held(found):
        return suspicion
    if found.answer.reason == NOTHING_RELEVANT:
        return Stage.LIBRARY, "As far as can be told, the passages found are on other subjects."
    return _left_behind(found) or _judged(found)


def _not_held(found: Findings) -> Suspicion | None:
    """Words that no passage holds, nor any that was found with a letter or two changed."""
    lacked = found.lacked_by(found.followed)
    unheld = [w.text for w in found.words if w in lacked and w.text not in found.held]
    if 1 < len(unheld) == len(found.words):
        # They may be in another language than what answers: no ground to doubt an answer.
        said = "No passage that was searched holds any word of the question."
        return (Stage.LIBRARY, said) if found.silent else None
    if unheld:
        return Stage.LIBRARY, f"No passage that was searched holds {_named(unheld)}."
    return None


def _left_behind(found: Findings) -> Suspicion | None:
    """Words that only passages hold which search did not find, or ranking put behind others."""
    lacked = found.lacked_by(found.followed)
    expected = [word for word in found.words if word.named or word.rarity >= RARE]
    if missed := [w.text for w in expected if w in lacked and w.text in found.held]:
        number = len(found.followed)
        said = f"The library holds {_named(missed)}, but none of the {number} passages found does."
        return Stage.SEARCH, said
    leading, which = _leading(found)
    behind = found.lacked_by(leading) - lacked
    for word in (word for word in expected if word in behind):
        place = next(n for n, lacks in enumerate(found.lacks, 1) if word not in lacks)
        said = f"None of the passages {which} holds {_named([word.text])}; passage {place} does."
        return Stage.RANKING, said
    return None


def _leading(found: Findings) -> tuple[Sequence[Followed], str]:
    """The passages that decided: those quoted, else those read, else the first; and which."""
    if cited := [each for each in found.followed if each.dropped is None]:
        return cited, "quoted"
    if read := [each for each in found.followed if each.hit.reading]:
        return read, "read"
    return found.followed[:MOST_CITED], "ranked first"


def _judged(found: Findings) -> Suspicion:
    """What the reader's verdicts say and, where there are none, the confidence."""
    logits = {hit.place: hit.hit.reading.logit for hit in found.followed if hit.hit.reading}
    right = [place for place, logit in logits.items() if logit > 0]
    side = "lies below" if found.silent else "reaches"
    decided = f"the confidence, {found.answer.confidence:.3f}, {side} {found.needed:.3f}."
    if not logits:
        return Stage.DECISION, f"No reader was at work, and {decided}"
    if not right:
        said = "The reader judged that none of the passages read answers"
        if found.silent:
            return Stage.READING, f"{said}."
        return Stage.DECISION, f"{said}, but {decided}"
    if found.silent:
        return Stage.DECISION, f"The reader judged that passage {right[0]} answers, but {decided}"
    if right[0] > 1:
        said = "Passage 1 is quoted first, though the reader judged that it does not answer."
        return Stage.RANKING, said
    return Stage.READING, "The reader judged that passage 1 answers."


def _named(words: Sequence[str]) -> str:
    """`the word “a”`, or `the words “a” and “b”`."""
    quoted = [f"“{word}”" for word in dict.fromkeys(words)]
    if len(quoted) == 1:
        return f"the word {quoted[0]}"
    return f"the words {', '.join(quoted[:-1])} and {quoted[-1]}"
