"""Whether a sentence is about something else than the question: another name, or the opposite."""

from sourcebook.index.passages import Span
from sourcebook.index.words import WORD
from sourcebook.service.asking.query import Query
from sourcebook.service.asking.rank import Hit
from sourcebook.service.asking.text_words import TextWords
from sourcebook.service.language.answer_types import names
from sourcebook.service.language.opposites import opposed
from sourcebook.service.language.words import folded


def says_opposite(query: Query, hit: Hit, found: Span) -> bool:
    """Whether the sentence of the hit's passage with `found` has the opposite of a word asked for.

    That word is then not in it: "Did it rise or fall?" leaves open which of the two.
    """
    said = TextWords(_sentence(hit, found)[0])
    unasked = said.stems - {word.stem for word in query.words}
    return any(opposed(word.stem, unasked) for word in query.words if not said.hold(word))


def on_another(query: Query, hit: Hit, found: Span) -> bool:
    """Whether that sentence lacks a name of the question and has another one, outside of `found`.

    Title and headings may hold the name, too: a sentence need not repeat it.
    """
    text, start = _sentence(hit, found)
    around = TextWords(" ".join([hit.article.metadata.title, *hit.passage.above, text]))
    if all(around.hold(word) or word.numeric or not word.named for word in query.words):
        return False
    known = {folded(word.text) for word in query.words}
    return any(
        not (start + name.start < found.end and found.start < start + name.end)
        and WORD.findall(folded(text[name.start : name.end]))[-1] not in known
        for name in names(text)
    )


def _sentence(hit: Hit, found: Span) -> tuple[str, int]:
    """The sentence that holds `found`, and where it begins."""
    sentence = next(each for each in hit.passage.sentences if found.start < each.end)
    return hit.passage.text_of(sentence), sentence.start
