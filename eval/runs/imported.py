"""Another system's ranking as a subject, so that it is scored and compared like ours."""

from collections.abc import Callable, Mapping
from typing import Any

from sourcebook.eval.data.judged import SourceArticle, article_finder
from sourcebook.eval.data.task import Task
from sourcebook.eval.data.trec import TrecRun
from sourcebook.eval.runs.run import Observed
from sourcebook.eval.runs.subject import Asked
from sourcebook.index.errors import InputError

Name = Callable[[str], str]


class ImportedRun:
    """A TREC run: articles ranked as wholes, without passages, answers or times."""

    threshold = None

    def __init__(self, run: TrecRun, articles: Mapping[str, SourceArticle]) -> None:
        """Score `run` over `articles`; its tag is the method's name."""
        self.method = run.tag
        self._articles = articles

    def ask(self, question: str) -> Asked:
        """Nothing can be asked of a file: see `observed_run`."""
        raise InputError(f"{self.method} is a file and cannot be asked {question[:40]!r}.")

    def articles(self) -> Mapping[str, SourceArticle]:
        """The articles that gold was located in."""
        return self._articles

    def identity(self) -> dict[str, Any]:
        """Where the figures come from."""
        return {"imported": self.method}

    def cost(self) -> dict[str, Any]:
        """Unknown."""
        return {}


def observed_run(task: Task, run: TrecRun, name: Name) -> Observed:
    """The rankings of a run by question; `name` turns the run's documents into article ids.

    A question without a ranking has none and scores 0; a ranking for a question that the task does
    not have is left out. Raises InputError where no question is ranked.
    """
    questions = {question.id for question in task.questions}
    ranked = {
        question: Asked(
            articles={name(document): score for document, score in scores.items()},
            passages=None,
        )
        for question, scores in run.scores.items()
        if question in questions
    }
    if not ranked:
        raise InputError(
            f"The run {run.tag!r} ranks none of the {len(questions)} questions of {task.name}; "
            f"it has {next(iter(run.scores))!r}, expected ids such as "
            f"{next(iter(task.questions)).id!r}."
        )
    unranked = Asked(passages=None)
    return Observed(asked=dict.fromkeys(questions, unranked) | ranked, seconds=0.0)


def by_name(task: Task) -> Name:
    """From the names that the data set gives its documents to article ids."""
    ids = {name: article for article, name in task.names.items()}
    return lambda document: ids.get(document, document)


def by_finding(articles: Mapping[str, SourceArticle]) -> Name:
    """From an article's id, source, file name, url or title to its id, where it is the only one."""
    find = article_finder(articles)

    def name(document: str) -> str:
        found = find(document)
        return found[0].id if len(found) == 1 else document

    return name


def exported_run(task: Task, asked: Mapping[str, Asked], tag: str) -> TrecRun:
    """The ranked articles of a run under the data set's own names, in the task's order."""
    return TrecRun(
        tag,
        {
            question.id: {
                task.name_of(article): score
                for article, score in asked[question.id].articles.items()
            }
            for question in task.questions
            if question.id in asked
        },
    )
