"""What `eval run`, `eval all` and `eval import-run` do: ask, score and write."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sourcebook.eval.cli.context import Outputs
from sourcebook.eval.cli.progress import progress
from sourcebook.eval.cli.sources import Opened, Source, judged_of, name_of, opened
from sourcebook.eval.data.articles import corpus_articles
from sourcebook.eval.data.judged import SourceArticle
from sourcebook.eval.data.question_set import (
    QuestionSet,
    data_kind,
    load_with_corpus,
)
from sourcebook.eval.data.trec import TrecRun, load_trec_run, save_trec_run
from sourcebook.eval.report.document import Report, load_report, save_report
from sourcebook.eval.report.page import save_page
from sourcebook.eval.report.summary import DataSummary, save_summary, summarise
from sourcebook.eval.runs.hidden import ask_hidden
from sourcebook.eval.runs.imported_run import (
    ImportedRun,
    by_finding,
    by_name,
    exported_run,
    observed_run,
)
from sourcebook.eval.runs.observing import Observations, observe, sample
from sourcebook.eval.runs.partial_run import Partial, partial_path
from sourcebook.eval.runs.scoring import identity, report_of
from sourcebook.eval.runs.subject import (
    EngineSubject,
    Observation,
    Subject,
)
from sourcebook.index.errors import InputError


def run_methods(
    source: Source,
    methods: Sequence[str],
    outputs: Outputs,
    *,
    resume: bool = False,
    hidden: bool = False,
) -> list[Report]:
    """Ask the questions with each method and write the outputs, method by method.

    With `hidden`, ask the answerable ones again with the articles hidden that answer them. Raises
    InputError for `resume` without a report file, because then nothing was saved, and for `hidden`
    with a running service, whose filter hides no articles.
    """
    if hidden and source.url:
        raise InputError("A running service cannot hide articles; expected no --hidden with --url.")
    if resume and not outputs.json:
        raise InputError("A run is saved beside its report; expected --json FILE with --resume.")
    with opened(source) as there:
        subjects = [there.subject(method) for method in dict.fromkeys(methods)]
        reports = [
            _run(there, subject, outputs, resume=resume, hidden=hidden) for subject in subjects
        ]
    if outputs.html:
        save_page(reports, outputs.html)
    return reports


def _run(
    there: Opened, subject: Subject, outputs: Outputs, *, resume: bool, hidden: bool
) -> Report:
    question_set, path = there.question_set, outputs.of(outputs.json, subject.method)
    trec = outputs.of(outputs.trec, subject.method)
    if path is None:
        observed = _observe(question_set, subject)
    else:
        done = _finished(path, question_set, subject) if resume and not trec else None
        if done and (done.hidden or not hidden):
            return done
        with Partial(partial_path(path), identity(question_set, subject), resume=resume) as partial:
            observed = _observe(question_set, subject, partial)
    report = report_of(question_set, observed, subject, cost=there.cost())
    if hidden and isinstance(subject, EngineSubject):
        again = ask_hidden(question_set, subject, observed.by_question)
        report = replace(report, hidden=again)
    if path is not None:
        save_report(report, path)
        partial_path(path).unlink()
    if trec:
        save_trec_run(trec, exported_run(question_set, observed.by_question, subject.method))
    return report


def _finished(path: Path, question_set: QuestionSet, subject: Subject) -> Report | None:
    """The report that the same run wrote before, if it did."""
    if partial_path(path).exists() or not path.exists():
        return None
    report = load_report(path)
    # Through JSON, so that it compares equal with what was loaded from a file.
    decided = json.loads(json.dumps(identity(question_set, subject)))
    return report if decided.items() <= report.fingerprint.items() else None


def _observe(
    question_set: QuestionSet, subject: Subject, partial: Partial | None = None
) -> Observations:
    known = partial.known if partial else {}
    title = f"{question_set.name}/{subject.method}"
    with progress(title, len(question_set.questions), done=len(known)) as advance:

        def log(question: str, observation: Observation) -> None:
            if partial:
                partial.log(question, observation)
            advance()

        return observe(subject, question_set.questions, known, log)


def score_run(source: Source, run: Path, outputs: Outputs) -> Report:
    """Score a TREC run of any system on the articles of a data set.

    The run names documents as the data set does; for judged questions, by article id, source, file
    name, url or title.
    """
    found = load_trec_run(run)
    if data_kind(source.data) != "judged":
        question_set, documents = load_with_corpus(
            source.data, source.split, source.corpus, source.qrels
        )
        articles: Mapping[str, SourceArticle] = {each.id: each for each in documents}
        report = _scored(sample(question_set, source.limit, source.seed), found, articles)
    elif source.corpus:
        articles = {each.id: each for each in corpus_articles(source.corpus)}
        question_set = sample(judged_of(source, articles), source.limit, source.seed)
        report = _scored(question_set, found, articles)
    else:
        with opened(source) as there:
            report = _scored(there.question_set, found, there.articles)
    if outputs.json:
        save_report(report, outputs.json)
    if outputs.html:
        save_page([report], outputs.html)
    return report


def _scored(
    question_set: QuestionSet, run: TrecRun, articles: Mapping[str, SourceArticle]
) -> Report:
    name = by_name(question_set) if question_set.names else by_finding(articles)
    return report_of(
        question_set, observed_run(question_set, run, name), ImportedRun(run, articles)
    )


def score_all(
    sources: Sequence[Source],
    methods: Sequence[str],
    out: Path,
    results: Path,
    *,
    resume: bool = False,
) -> list[DataSummary]:
    """Score several data sets with several methods; write reports, a page and a summary for each.

    Raises InputError for two data sets with the same name, whose files would have the same name.
    """
    names = [name_of(source) for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"Two data sets are named {name!r}; expected different names.")
    for folder in (out, results):
        folder.mkdir(parents=True, exist_ok=True)
    summaries = []
    for source, name in zip(sources, names, strict=True):
        outputs = Outputs(json=out / f"{name}.json", html=out / f"{name}.html", many=True)
        reports = run_methods(source, methods, outputs, resume=resume)
        summaries.append(summarise(reports, source.split))
        save_summary(summaries[-1], results / f"{name}.json")
    return summaries
