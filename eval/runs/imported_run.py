"""Another system's ranking as a subject, scored and compared like our own."""

from collections.abc import Callable, Mapping
from typing import Any

from sourcebook.eval.data.judged import SourceArticle, article_finder
from sourcebook.eval.data.question_set import QuestionSet
from sourcebook.eval.data.trec import TrecRun
from sourcebook.eval.runs.observing import Observations
from sourcebook.eval.runs.subject import Observation
from sourcebook.index.errors import InputError

Name = Callable[[str], str]


class ImportedRun:
    """A TREC run: articles ranked as wholes, without passages, answers or times."""

    threshold = None

    def __init__(self, run: TrecRun, articles: Mapping[str, SourceArticle]) -> None:
        """Score `run` over `articles`; its tag is the method's name."""
        self.method = run.tag
        self._articles = articles

    def ask(self, question: str) -> Observation:
        """Raise InputError: a file answers no questions; see `observed_run`."""
        raise InputError(f"{self.method} is a file and cannot be asked {question[:40]!r}.")

    def articles(self) -> Mapping[str, SourceArticle]:
        """The articles in which gold was located."""
        return self._articles

    def identity(self) -> dict[str, Any]:
        """The tag of the run."""
        return {"imported": self.method}

    def cost(self) -> dict[str, Any]:
        """Nothing: the cost of the other system is unknown."""
        return {}


def observed_run(question_set: QuestionSet, run: TrecRun, name: Name) -> Observations:
    """The rankings of a run by question; `name` maps the run's documents to article ids.

    A question without a ranking scores 0; rankings for unknown questions are left out. Raises
    InputError if no question is ranked.
    """
    questions = {question.id for question in question_set.questions}
    ranked = {
        question: Observation(
            articles={name(document): score for document, score in scores.items()},
            passages=None,
        )
        for question, scores in run.scores.items()
        if question in questions
    }
    if not ranked:
        raise InputError(
            f"The run {run.tag!r} ranks none of the {len(questions)} questions of "
            f"{question_set.name}; it has {next(iter(run.scores))!r}, expected ids such as "
            f"{next(iter(question_set.questions)).id!r}."
        )
    unranked = Observation(passages=None)
    return Observations(by_question=dict.fromkeys(questions, unranked) | ranked, seconds=0.0)


def by_name(question_set: QuestionSet) -> Name:
    """A function from the data set's own document names to article ids."""
    ids = {name: article for article, name in question_set.names.items()}
    return lambda document: ids.get(document, document)


def by_finding(articles: Mapping[str, SourceArticle]) -> Name:
    """A function from an article's id, source, file name, url or title to its id, if unique."""
    find = article_finder(articles)

    def name(document: str) -> str:
        found = find(document)
        return found[0].id if len(found) == 1 else document

    return name


def exported_run(
    question_set: QuestionSet, observations: Mapping[str, Observation], tag: str
) -> TrecRun:
    """The ranked articles of a run, under the data set's own names, in the order of questions."""
    return TrecRun(
        tag,
        {
            question.id: {
                question_set.name_of(article): score
                for article, score in observations[question.id].articles.items()
            }
            for question in question_set.questions
            if question.id in observations
        },
    )
