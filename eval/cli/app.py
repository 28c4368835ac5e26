"""The console script: the service's commands, and `eval` and `bench` beside them."""
# ruff: noqa: PLC0415 (commands import what they use: torch takes seconds, and `--help` needs none)

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sourcebook.index.errors import InputError
from sourcebook.service.cli.commands import command_line
from sourcebook.service.cli.context import FAILED, settings_of

if TYPE_CHECKING:  # these take seconds to import, which `--help` should not cost
    from fastapi import APIRouter

    from sourcebook.eval.cli.runs import Source
    from sourcebook.eval.report.report import Report
    from sourcebook.service.asking.engine import Engine

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended
BENCH_SIZE = 5_000
ALL_METHODS = ("dense", "bm25", "hybrid", "late", "full")
ABLATIONS = ("no-late", "no-near", "no-dense", "no-lexical")


def _evaluations(engine: "Engine") -> "APIRouter":
    from sourcebook.eval.http.routes import evaluations_router

    return evaluations_router(engine)


app = command_line(routers=[_evaluations])
commands = typer.Typer(
    name="eval",
    help="Measure answers and rankings, ours or another system's, and compare them.",
    no_args_is_help=True,
)
app.add_typer(commands)

Data = Annotated[
    Path,
    typer.Argument(
        help="Judged questions (.jsonl), a BEIR folder, or a folder of chunking references."
    ),
]
Split = Annotated[str, typer.Option(help="The split of a BEIR folder, such as dev or test.")]
Corpus = Annotated[
    Path | None, typer.Option(help="Ask a temporary library of this file or folder.")
]
LibraryFolder = Annotated[
    Path | None, typer.Option("--library", help="Ask this library; else that of the settings.")
]
Url = Annotated[str | None, typer.Option(help="Ask the running service at this address.")]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        help=f"One of {', '.join(ALL_METHODS)}, or all of these; or the full one without a part: "
        f"{', '.join(ABLATIONS)}. Repeatable. Default: full.",
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Ask so many questions, drawn at random.")]
Seed = Annotated[int, typer.Option(help="The same seed draws the same questions.")]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json",
        help="Write the report; of several methods each, as FILE.METHOD.json.",
        dir_okay=False,
    ),
]
Html = Annotated[Path | None, typer.Option("--html", help="Write a page.", dir_okay=False)]
Cache = Annotated[
    Path | None,
    typer.Option(
        help="Where temporary libraries are kept.  [default: XDG_CACHE_HOME/sourcebook/libraries]"
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a run that was interrupted.")]
Reports = Annotated[list[Path], typer.Argument(metavar="REPORT...", help="Reports, as --json.")]


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
        Path | None, typer.Option(help="Write the ranking in TREC's form.", dir_okay=False)
    ] = None,
    resume: Resume = False,
    cache: Cache = None,
) -> None:
    """Ask questions and measure what comes back. The exit code is 1 if a quote is not exact."""
    from sourcebook.eval.cli.runs import Outputs, run_methods
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
    methods = _methods(method, ("full",))
    outputs = Outputs(json=json, html=html, trec=trec, many=len(methods) > 1)
    with _interruptible(resumable=json is not None):
        reports = run_methods(source, methods, outputs, resume=resume)
    files = [outputs.of(path, each) for each in methods for path in (json, trec)]
    printing.reports(reports, [*files, html])
    _exit_if_inexact(reports)


@commands.command("all")
def run_all(
    ctx: typer.Context,
    data: Annotated[
        list[str], typer.Argument(help="As for `run`; QUESTIONS::ARTICLES for judged questions.")
    ],
    *,
    out: Annotated[Path, typer.Option(help="Where reports and pages go.", file_okay=False)],
    results: Annotated[
        Path | None,
        typer.Option(help="Where summaries go.  [default: results/ in --out]", file_okay=False),
    ] = None,
    split: Split = "",
    method: Methods = None,
    limit: Limit = None,
    seed: Seed = 0,
    resume: Resume = False,
    cache: Cache = None,
) -> None:
    """Score several data sets with all methods; write reports, pages and one table."""
    from sourcebook.eval.cli.runs import named_source, score_all
    from sourcebook.eval.report import printing

    begun = time.perf_counter()
    paths = [Path(each.partition("::")[0]) for each in data]
    plain = _source(ctx, data=paths[0], limit=limit, seed=seed, cache=cache)
    sources = [named_source(each, plain, split) for each in data]
    with _interruptible(resumable=True):
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
    """Score another system's ranking, so that it can be compared with ours."""
    from sourcebook.eval.cli.runs import Outputs, score_run
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
    printing.reports([report], [json, html])


@commands.command("compare")
def compare(reports: Reports, html: Html = None, json: Json = None) -> None:
    """Compare reports on the same questions, pair by pair, with tests and corrected p values."""
    from sourcebook.eval.report import printing, report
    from sourcebook.eval.report.page import save_page

    loaded = [report.load_report(path) for path in reports]
    printing.comparison(loaded)
    if html:
        save_page(loaded, html)
    if json:
        json.write_text(report.compare(loaded).to_json(), encoding="utf-8")


@commands.command("show")
def show(
    path: Annotated[Path, typer.Argument(metavar="REPORT", help="A report, as --json.")],
    worst: Annotated[int, typer.Option(min=0, help="So many of the worst questions.")] = 0,
    html: Html = None,
) -> None:
    """Show a report: its measures, its worst questions, or its page."""
    from sourcebook.eval.report import printing
    from sourcebook.eval.report.page import save_page
    from sourcebook.eval.report.report import load_report

    loaded = load_report(path)
    printing.reports([loaded], [html])
    printing.worst(loaded, worst)
    if html:
        save_page([loaded], html)


@app.command()
def bench(
    ctx: typer.Context,
    *,
    corpus: Annotated[
        list[Path] | None, typer.Option(help="Measure this BEIR folder; repeatable.")
    ] = None,
    split: Split = "",
    size: Annotated[
        list[int] | None,
        typer.Option(
            help="Measure a synthetic library of so many passages; repeatable. "
            f"Default where no --corpus is given: {BENCH_SIZE}."
        ),
    ] = None,
    questions: Annotated[int, typer.Option(help="Ask so many questions.")] = 200,
    concurrency: Annotated[
        list[int] | None,
        typer.Option(help="So many askers over HTTP; repeatable. Default: 1, 4 and 16."),
    ] = None,
    real: Annotated[
        bool, typer.Option("--real", help="Encode synthetic passages, too: hours for a million.")
    ] = False,
    fidelity: Annotated[
        bool, typer.Option("--fidelity", help="Compare int8 with float32; needs PyTorch.")
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Where libraries are kept.  [default: XDG_CACHE_HOME/sourcebook/libraries/bench]"
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write the figures.", dir_okay=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same corpus.")] = 0,
) -> None:
    """Measure speed, memory, disk and exactness on corpora of several sizes."""
    from sourcebook.eval.bench.bench import BenchSettings, FolderCorpus, run_bench, save_bench
    from sourcebook.eval.cli.runs import Outputs, progress
    from sourcebook.eval.data.corpus import default_cache
    from sourcebook.eval.performance import print_bench

    outputs = Outputs(json=json)  # refuses what cannot be written
    settings = settings_of(ctx)
    chosen = BenchSettings(
        model=settings.model,
        cache=cache or default_cache() / "bench",
        questions=questions,
        concurrency=tuple(dict.fromkeys(concurrency or (1, 4, 16))),
        real=real,
        seed=seed,
    )
    folders = [FolderCorpus(path, split) for path in corpus or []]
    sizes = size or ([] if folders else [BENCH_SIZE])
    with _interruptible(resumable=False):
        for found in run_bench(folders, sizes, chosen, progress, fidelity=fidelity):
            if outputs.json:
                save_bench(found, outputs.json)
    print_bench(found, outputs.json)


def _source(ctx: typer.Context, *, cache: Path | None, **given: Any) -> "Source":
    from sourcebook.eval.cli.runs import Source
    from sourcebook.eval.data.corpus import default_cache

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


@contextmanager
def _interruptible(*, resumable: bool) -> Iterator[None]:
    """Ctrl-C ends a run in a sentence."""
    try:
        yield
    except KeyboardInterrupt as error:
        cure = "the same command with --resume goes on." if resumable else "nothing was kept."
        typer.echo(f"interrupted; {cure}", err=True)
        raise typer.Exit(INTERRUPTED) from error


def _exit_if_inexact(reports: "list[Report]") -> None:
    if any(row.measures.get("Exact", 1.0) < 1 for each in reports for row in each.questions):
        raise typer.Exit(FAILED)


def main() -> None:
    """Run the command line."""
    app()
