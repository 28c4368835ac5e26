"""The commands `sourcebook eval ...`: run, all, import-run, compare, show and calibrate."""
# ruff: noqa: PLC0415 (commands import what they use, so that `--help` is fast)

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sourcebook.eval.cli.context import Outputs, interruptible
from sourcebook.index.errors import InputError
from sourcebook.service.cli.context import FAILED, settings_of

if TYPE_CHECKING:  # these take seconds to import, which `--help` should not cost
    from sourcebook.eval.cli.sources import Source
    from sourcebook.eval.report.document import Report

ALL_METHODS = ("dense", "bm25", "hybrid", "late", "full")
ABLATIONS = (
    "no-late",
    "no-near",
    "no-dense",
    "no-lexical",
    "no-sources",
    "no-dates",
    "no-order",
    "no-reader",
)

commands = typer.Typer(
    name="eval",
    help="Measure answers and rankings, ours or another system's, and compare them.",
    no_args_is_help=True,
)

Data = Annotated[
    Path,
    typer.Argument(
        help="Judged questions, judged disagreements or BEIR queries (.jsonl), a BEIR folder, or a "
        "folder of chunking references."
    ),
]
Split = Annotated[str, typer.Option(help="The split of a BEIR folder, such as dev or test.")]
Corpus = Annotated[
    Path | None, typer.Option(help="Ask a temporary library built from this file or folder.")
]
LibraryFolder = Annotated[
    Path | None, typer.Option("--library", help="Ask this library instead of the default one.")
]
Url = Annotated[str | None, typer.Option(help="Ask the running service at this address.")]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        help=f"One of {', '.join(ALL_METHODS)}, or all; or full without one part: "
        f"{', '.join(ABLATIONS)}. Repeatable. Default: full.",
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Ask only this many, drawn at random.")]
Seed = Annotated[int, typer.Option(help="The same seed draws the same questions.")]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json",
        help="Write the report; for several methods, one FILE.METHOD.json each.",
        dir_okay=False,
    ),
]
Html = Annotated[Path | None, typer.Option("--html", help="Write an HTML page.", dir_okay=False)]
Cache = Annotated[
    Path | None,
    typer.Option(
        help="Folder for temporary libraries.  [default: XDG_CACHE_HOME/sourcebook/libraries]"
    ),
]
Short = Annotated[
    Path | None,
    typer.Option(
        "--short",
        help="Accepted short answers of judged questions: a .jsonl file of id and short.",
        dir_okay=False,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")]
Everything = Annotated[bool, typer.Option("--all", help="Print every measure.")]
Reports = Annotated[
    list[Path], typer.Argument(metavar="REPORT...", help="Reports that --json wrote.")
]


@commands.command("run")
def run(
    ctx: typer.Context,
    data: Data,
    *,
    split: Split = "",
    corpus: Corpus = None,
    library: LibraryFolder = None,
    url: Url = None,
    method: Methods = None,
    limit: Limit = None,
    seed: Seed = 0,
    json: Json = None,
    html: Html = None,
    trec: Annotated[
        Path | None, typer.Option(help="Write the ranking as a TREC run.", dir_okay=False)
    ] = None,
    resume: Resume = False,
    short: Short = None,
    qrels: Annotated[
        Path | None,
        typer.Option(help="The judgements of BEIR's queries, if not beside them.", dir_okay=False),
    ] = None,
    hidden: Annotated[
        bool,
        typer.Option(
            "--hidden",
            help="Ask answerable questions again with the articles hidden that answer them.",
        ),
    ] = False,
    everything: Everything = False,
    cache: Cache = None,
) -> None:
    """Ask questions and measure the answers. The exit code is 1 if a quote is not exact."""
    from sourcebook.eval.cli.running import run_methods
    from sourcebook.eval.report import printing

    source = _source(
        ctx,
        data=data,
        split=split,
        corpus=corpus,
        library=library,
        url=url,
        limit=limit,
        seed=seed,
        short=short,
        qrels=qrels,
        cache=cache,
    )
    methods = _methods(method, ("full",))
    outputs = Outputs(json=json, html=html, trec=trec, many=len(methods) > 1)
    with interruptible(resumable=json is not None):
        reports = run_methods(source, methods, outputs, resume=resume, hidden=hidden)
    files = [outputs.of(path, each) for each in methods for path in (json, trec)]
    printing.reports(reports, [*files, html], everything=everything)
    _exit_if_inexact(reports)


@commands.command("all")
def run_all(
    ctx: typer.Context,
    data: Annotated[
        list[str],
        typer.Argument(help="As for `run`; judged questions as QUESTIONS.jsonl::ARTICLES."),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder for reports and pages.", file_okay=False)],
    results: Annotated[
        Path | None,
        typer.Option(help="Folder for summaries.  [default: results/ in --out]", file_okay=False),
    ] = None,
    split: Split = "",
    method: Methods = None,
    limit: Limit = None,
    seed: Seed = 0,
    resume: Resume = False,
    cache: Cache = None,
) -> None:
    """Score several data sets with all methods; write reports, pages and summaries."""
    from sourcebook.eval.cli.running import score_all
    from sourcebook.eval.cli.sources import named_source
    from sourcebook.eval.report import printing

    begun = time.perf_counter()
    paths = [Path(each.partition("::")[0]) for each in data]
    plain = _source(ctx, data=paths[0], limit=limit, seed=seed, cache=cache)
    sources = [named_source(each, plain, split) for each in data]
    with interruptible(resumable=True):
        found = score_all(
            sources, _methods(method, ALL_METHODS), out, results or out / "results", resume=resume
        )
    printing.summaries(found, time.perf_counter() - begun)


@commands.command("import-run")
def import_run(
    ctx: typer.Context,
    data: Data,
    run: Annotated[Path, typer.Argument(help="A TREC run: query Q0 document rank score tag.")],
    *,
    split: Split = "",
    corpus: Corpus = None,
    library: LibraryFolder = None,
    url: Url = None,
    limit: Limit = None,
    seed: Seed = 0,
    json: Json = None,
    html: Html = None,
    cache: Cache = None,
) -> None:
    """Score another system's ranking to compare it with ours."""
    from sourcebook.eval.cli.running import score_run
    from sourcebook.eval.report import printing

    source = _source(
        ctx,
        data=data,
        split=split,
        corpus=corpus,
        library=library,
        url=url,
        limit=limit,
        seed=seed,
        cache=cache,
    )
    report = score_run(source, run, Outputs(json=json, html=html))
    printing.reports([report], [json, html], everything=True)


@commands.command("compare")
def compare(
    reports: Reports,
    *,
    fail_if_worse: Annotated[
        str | None,
        typer.Option(
            metavar="MEASURE",
            help="Exit with 1 if the last report is significantly worse than the first on this "
            "measure (p < .05).",
        ),
    ] = None,
    html: Html = None,
    json: Json = None,
) -> None:
    """Compare reports on the same questions, with a significance test for each pair."""
    from sourcebook.eval.report import comparison, printing
    from sourcebook.eval.report.document import load_report
    from sourcebook.eval.report.page import save_page

    loaded = [load_report(path) for path in reports]
    printing.comparison(loaded)
    if html:
        save_page(loaded, html)
    if json:
        json.write_text(comparison.compare(loaded).to_json(), encoding="utf-8")
    if fail_if_worse and printing.worse(loaded, fail_if_worse):
        raise typer.Exit(FAILED)


@commands.command("show")
def show(
    path: Annotated[Path, typer.Argument(metavar="REPORT", help="A report that --json wrote.")],
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst questions.")] = 0,
    everything: Everything = False,
    html: Html = None,
) -> None:
    """Show a report: its measures, its worst questions, or its page."""
    from sourcebook.eval.report import printing
    from sourcebook.eval.report.document import load_report
    from sourcebook.eval.report.page import save_page

    loaded = load_report(path)
    printing.reports([loaded], [html], everything=everything)
    printing.worst(loaded, worst)
    if html:
        save_page([loaded], html)


@commands.command("calibrate")
def calibrate(
    ctx: typer.Context,
    data: Annotated[
        list[str],
        typer.Argument(
            help="BEIR folders; judged questions as QUESTIONS.jsonl::ARTICLES, with commas between "
            "several files of questions."
        ),
    ],
    *,
    split: Split = "dev",
    short: Short = None,
    off: Annotated[
        list[str] | None,
        typer.Option(
            help="A data set whose questions are off the subject of all others; repeatable.  "
            "[default: for each data set, the others]"
        ),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(help="Write the profile with the new calibration.", dir_okay=False),
    ] = None,
    cache: Cache = None,
) -> None:
    """Fit how confident an answer is, for the encoder of the settings, from judged questions.

    The questions of each data set are asked of its own corpus: once as they are, and once with the
    articles hidden that answer them. Some of the other sets' questions are asked as questions off
    the subject, so give at least two data sets on different subjects, or name others with --off. If
    the settings have a reader, all is asked a second time with it, to fit what belongs to it.
    """
    from sourcebook.eval.calibration import printing
    from sourcebook.eval.calibration.fit import fit_profile, reading_calibration
    from sourcebook.eval.calibration.questions import ask_all, load_corpus
    from sourcebook.eval.data.cached_library import default_cache
    from sourcebook.service.cli.context import reader_named
    from sourcebook.service.opening import encoder_named

    outputs = Outputs(json=profile)  # fails early if the file cannot be written
    corpora = [load_corpus(each, split, short) for each in data]
    others = [load_corpus(each, split) for each in off or []]
    settings, folder = settings_of(ctx), cache or default_cache()
    encoder, reader = encoder_named(settings.model), reader_named(settings.reader)
    with interruptible(resumable=False):
        rows = list(ask_all(corpora, encoder, folder, off=others))
        read = list(ask_all(corpora, encoder, folder, reader, others)) if reader else []
        fitted = fit_profile(rows, encoder, read)
        if outputs.json:
            outputs.json.write_text(fitted.to_json(), encoding="utf-8")
        printing.print_fit(rows, fitted, read)
        printing.print_checks(rows, fitted.calibration)
        if read:
            print("\nwith the reader:")
            printing.print_checks(read, fitted.reading.calibration, reading_calibration)


def _source(ctx: typer.Context, *, cache: Path | None, **given: Any) -> "Source":
    from sourcebook.eval.cli.sources import Source
    from sourcebook.eval.data.cached_library import default_cache

    settings = settings_of(ctx)
    return Source(settings=settings, cache=cache or default_cache(), **given)


def _methods(given: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    if not given:
        return default
    if "all" in given:
        return ALL_METHODS
    for name in given:
        if name not in ALL_METHODS + ABLATIONS:
            expected = ", ".join((*ALL_METHODS, "all", *ABLATIONS))
            raise InputError(f"The method is {name!r}; expected one of {expected}.")
    return tuple(dict.fromkeys(given))


def _exit_if_inexact(reports: "list[Report]") -> None:
    if any(row.measures.get("Exact", 1.0) < 1 for each in reports for row in each.questions):
        raise typer.Exit(FAILED)
