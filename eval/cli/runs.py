"""What the command line does: opens data and library, asks, writes reports; it parses nothing."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sourcebook.eval.data.corpus import build_cost, cached_library, corpus_articles, is_built
from sourcebook.eval.data.judged import SourceArticle, read_judged
from sourcebook.eval.data.records import data_kind
from sourcebook.eval.data.task import Task, corpus_task, judged_task
from sourcebook.eval.data.trec import TrecRun, read_trec_run, write_trec_run
from sourcebook.eval.report.page import save_page
from sourcebook.eval.report.report import Report, load_report, save_report
from sourcebook.eval.report.tables import DataSummary, save_summary, summarise
from sourcebook.eval.runs.imported import (
    ImportedRun,
    by_finding,
    by_name,
    exported_run,
    observed_run,
)
from sourcebook.eval.runs.partial import Partial, partial_path
from sourcebook.eval.runs.remote import ServiceSubject
from sourcebook.eval.runs.run import Observed, identity, observe, report_of, sample
from sourcebook.eval.runs.subject import Asked, EngineSubject, Subject, articles_of, engine_for
from sourcebook.index.article import Article
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.service.settings import Settings

# Between judged questions and their articles, in `eval all`.
BESIDE = "::"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where questions are, and what they are asked of.

    A BEIR or chunking folder brings its own corpus. Judged questions are asked of `corpus`, of the
    service at `url`, of `library`, or else of the library that the settings name.
    """

    data: Path
    settings: Settings
    cache: Path
    split: str = ""
    corpus: Path | None = None
    library: Path | None = None
    url: str | None = None
    limit: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what excludes or means nothing to each other."""
        given = {"--corpus": self.corpus, "--library": self.library, "--url": self.url}
        named = [name for name, value in given.items() if value is not None]
        kind = data_kind(self.data)
        if len(named) > 1:
            raise InputError(f"{' and '.join(named)} exclude each other; expected one of them.")
        if named and kind != "judged":
            raise InputError(f"{self.data} brings its own corpus; expected no {named[0]}.")
        if self.split and kind != "beir":
            raise InputError(f"{self.data} has no splits; expected no --split {self.split}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The files to write; with `many` methods each has its own, `FILE.METHOD.suffix`, but `html`.

    The page shows all methods side by side.
    """

    json: Path | None = None
    html: Path | None = None
    trec: Path | None = None
    many: bool = False

    def __post_init__(self) -> None:
        """Refuse what could not be written, before hours are spent."""
        for path in filter(None, (self.json, self.html, self.trec)):
            if not path.parent.is_dir():
                raise InputError(f"{str(path)!r} cannot be written: there is no {path.parent}.")

    def of(self, path: Path | None, method: str) -> Path | None:
        """Where one method's file goes."""
        return path.with_suffix(f".{method}{path.suffix}") if path and self.many else path


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A task, and the library in this process or the running service that it is asked of."""

    task: Task
    articles: Mapping[str, SourceArticle]
    place: Library | ServiceSubject

    def subject(self, method: str) -> Subject:
        """The subject with one of the methods. Raises InputError for one that it does not have."""
        if isinstance(self.place, Library):
            return EngineSubject(engine_for(self.place, method))
        if method not in ("full", self.place.method):
            raise InputError(f"A service answers with its own method; expected no {method!r}.")
        return self.place

    def cost(self) -> dict[str, float]:
        """What building the library took, where it was built here."""
        return build_cost(self.place) if isinstance(self.place, Library) else {}


def run_methods(
    source: Source, methods: Sequence[str], outputs: Outputs, *, resume: bool = False
) -> list[Report]:
    """Ask the questions with each method and write what is wanted, method by method.

    Raises InputError for `resume` where no report is written, for nothing is kept then.
    """
    if resume and not outputs.json:
        raise InputError("A run is kept beside its report; expected --json FILE with --resume.")
    with opened(source) as there:
        subjects = [there.subject(method) for method in dict.fromkeys(methods)]
        reports = [_run(there, subject, outputs, resume=resume) for subject in subjects]
    if outputs.html:
        save_page(reports, outputs.html)
    return reports


def _run(there: Opened, subject: Subject, outputs: Outputs, *, resume: bool) -> Report:
    task, path = there.task, outputs.of(outputs.json, subject.method)
    trec = outputs.of(outputs.trec, subject.method)
    if path is None:
        observed = _observe(task, subject)
    else:
        if resume and not trec and (report := _finished(path, task, subject)):
            return report
        with Partial(partial_path(path), identity(task, subject), resume=resume) as partial:
            observed = _observe(task, subject, partial)
    report = report_of(task, observed, subject, cost=there.cost())
    if path is not None:
        save_report(report, path)
        partial_path(path).unlink()
    if trec:
        write_trec_run(trec, exported_run(task, observed.asked, subject.method))
    return report


def _finished(path: Path, task: Task, subject: Subject) -> Report | None:
    """The report that this very run wrote before, if it did."""
    if partial_path(path).exists() or not path.exists():
        return None
    report = load_report(path)
    decided = json.loads(json.dumps(identity(task, subject)))  # as it comes back from a file
    return report if decided.items() <= report.fingerprint.items() else None


def _observe(task: Task, subject: Subject, partial: Partial | None = None) -> Observed:
    known = partial.known if partial else {}
    title = f"{task.name}/{subject.method}"
    with progress(title, len(task.questions), done=len(known)) as advance:

        def heard(question: str, asked: Asked) -> None:
            if partial:
                partial.log(question, asked)
            advance()

        return observe(subject, task.questions, known, heard)


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """A bar on standard error, moved on by what this yields; a line when all is done."""
    errors = Console(stderr=True)
    begun = time.perf_counter()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
    with bar:
        number = bar.add_task(title, total=total, completed=done)
        yield lambda: bar.advance(number)
    errors.print(f"{title}: {total:,} in {time.perf_counter() - begun:.1f} s", highlight=False)


@contextmanager
def opened(source: Source) -> Iterator[Opened]:
    """Read the data, open or build what it is asked of, and find the gold in it."""
    with ExitStack() as stack:
        place: Library | ServiceSubject
        if source.url:
            place = ServiceSubject(source.url)
            articles = place.articles()
            task = _judged(source, articles)
        elif data_kind(source.data) == "judged":
            place = stack.enter_context(_library(source))
            articles = articles_of(place)
            task = _judged(source, articles)
        else:
            task, documents = corpus_task(source.data, source.split)
            place = stack.enter_context(_built(documents, source))
            articles = articles_of(place)
        task = sample(task, source.limit, source.seed)
        yield Opened(task=task, articles=articles, place=place)


def _judged(source: Source, articles: Mapping[str, SourceArticle]) -> Task:
    return judged_task(source.data.stem, read_judged(source.data), articles)


def _library(source: Source) -> Library:
    """The library of judged questions: that of a corpus, or one on disk."""
    if source.corpus:
        return _built(corpus_articles(source.corpus), source)
    return Library(source.library or source.settings.library, Encoder(source.settings.model))


def _built(articles: Sequence[Article], source: Source) -> Library:
    """The cached library of these articles, whole."""
    library, building = cached_library(articles, Encoder(source.settings.model), source.cache)
    if not is_built(library):
        with progress("building the library", len(articles)) as advance:
            for _ in building:
                advance()
    return library


def score_run(source: Source, run: Path, outputs: Outputs) -> Report:
    """Score a TREC run of any system on the articles of a data set, as a report of its own.

    Its documents are named as the data set names them; where the data are judged questions, by
    article id, source, file name, url or title.
    """
    found = read_trec_run(run)
    if data_kind(source.data) != "judged":
        task, documents = corpus_task(source.data, source.split)
        articles: Mapping[str, SourceArticle] = {each.id: each for each in documents}
        report = _scored(sample(task, source.limit, source.seed), found, articles)
    elif source.corpus:
        articles = {each.id: each for each in corpus_articles(source.corpus)}
        task = sample(_judged(source, articles), source.limit, source.seed)
        report = _scored(task, found, articles)
    else:
        with opened(source) as there:
            report = _scored(there.task, found, there.articles)
    if outputs.json:
        save_report(report, outputs.json)
    if outputs.html:
        save_page([report], outputs.html)
    return report


def _scored(task: Task, run: TrecRun, articles: Mapping[str, SourceArticle]) -> Report:
    name = by_name(task) if task.names else by_finding(articles)
    return report_of(task, observed_run(task, run, name), ImportedRun(run, articles))


def score_all(
    sources: Sequence[Source],
    methods: Sequence[str],
    out: Path,
    results: Path,
    *,
    resume: bool = False,
) -> list[DataSummary]:
    """Score several data sets with several methods: reports and a page each, and their summary.

    Raises InputError for two data sets of one name, whose files would be one.
    """
    names = [name_of(source) for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"Two data sets are named {name!r}; their reports would be one file.")
    for folder in (out, results):
        folder.mkdir(parents=True, exist_ok=True)
    summaries = []
    for source, name in zip(sources, names, strict=True):
        outputs = Outputs(json=out / f"{name}.json", html=out / f"{name}.html", many=True)
        reports = run_methods(source, methods, outputs, resume=resume)
        summaries.append(summarise(reports, source.split))
        save_summary(summaries[-1], results / f"{name}.json")
    return summaries


def name_of(source: Source) -> str:
    """The name of a data set: that of its folder, or of its file without the suffix."""
    path = source.data.resolve()
    return path.stem if path.is_file() else path.name


def named_source(text: str, source: Source, split: str) -> Source:
    """`source` with the data set `PATH`, or `QUESTIONS::ARTICLES` for judged questions.

    A split that the data set cannot have is left out, for several are scored with one option.
    """
    path, _, corpus = text.partition(BESIDE)
    split = split if data_kind(Path(path)) == "beir" else ""
    return replace(source, data=Path(path), split=split, corpus=Path(corpus) if corpus else None)
