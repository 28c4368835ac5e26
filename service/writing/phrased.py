"""An answer with what a language model made of it."""

from dataclasses import dataclass, fields

from sourcebook.service.asking.answer import Answer
from sourcebook.service.writing.checks import Written, fault


@dataclass(frozen=True, slots=True, kw_only=True)
class PhrasedAnswer(Answer):
    """An answer and, beside its verbatim sentences, what a writer made of them.

    Every sentence of `written` has passed every check against the citations.
    """

    written: Written

    def __post_init__(self) -> None:
        Answer.__post_init__(self)
        quotes = {citation.number: citation.shown for citation in self.citations}
        for sentence in self.written.sentences:
            if found := fault(sentence.text, sentence.citations, self.query.text, quotes):
                raise ValueError(f"a written sentence cannot be kept: {found}")


def phrased(answer: Answer, written: Written) -> PhrasedAnswer:
    """The answer with what was written beside it."""
    own = {field.name: getattr(answer, field.name) for field in fields(Answer)}
    return PhrasedAnswer(**own, written=written)


def written_of(answer: Answer) -> Written | None:
    """What a writer made of the answer, where one was asked."""
    return answer.written if isinstance(answer, PhrasedAnswer) else None
