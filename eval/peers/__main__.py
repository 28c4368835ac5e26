"""The comparison on the command line: `python -m sourcebook.eval.peers DATA`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from sourcebook.eval.data.beir import load_beir
from sourcebook.eval.data.dataclass_json import to_json
from sourcebook.eval.peers.compare import (
    PEERS,
    ROOT,
    PeerComparison,
    compare_with_peers,
    draw,
    python_of,
)
from sourcebook.eval.report.printing import console
from sourcebook.eval.runs.machine import machine
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import InputError, NotFoundError, SourcebookError
from sourcebook.service.cli.context import FAILED, USAGE

RESULTS = ROOT / "eval" / "results" / "performance" / "peers.json"
ENVIRONMENT = ROOT / ".venv-peers"
# Load average above which PyTorch's threads wait for each other, which makes peers look too slow.
BUSY = 0.5

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    data: Annotated[Path, typer.Argument(help="A BEIR folder.")],
    *,
    split: Annotated[str, typer.Option(help="The split of its questions, such as dev.")] = "",
    documents: Annotated[int, typer.Option(min=1, help="How many documents to index.")] = 300,
    questions: Annotated[int, typer.Option(min=1, help="How many questions to ask.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="How often to measure each system.")] = 3,
    seed: Annotated[
        int, typer.Option(help="The same seed draws the same documents and questions.")
    ] = 0,
    out: Annotated[Path, typer.Option("--json", help="The file to write.")] = RESULTS,
    peers: Annotated[
        list[str] | None,
        typer.Option("--peer", help=f"One of {', '.join(PEERS)}; repeatable. Default: all."),
    ] = None,
    environment: Annotated[
        Path, typer.Option("--venv", help="Where the peers are installed.")
    ] = ENVIRONMENT,
) -> None:
    """Compare Sourcebook with its peers. The exit code is 1 if one of them fails."""
    load = os.getloadavg()[0]
    if load > BUSY:
        _say(f"The machine is busy (load {load:.1f}), which slows down the peers most.")
    try:
        chosen = _known(peers or PEERS)
        python = python_of(environment)
        corpus = load_beir(data, split)
        job = draw(corpus, Encoder(), documents=documents, questions=questions, seed=seed)
        compared = compare_with_peers(job, chosen, python, rounds, _say)
    except SourcebookError as error:
        _say(f"error: {error.message}\n{error.cure}".strip())
        usage = isinstance(error, InputError | NotFoundError)
        raise typer.Exit(USAGE if usage else FAILED) from error
    comparison = PeerComparison(
        machine=machine(),
        load={"before": load, "after": os.getloadavg()[0]},
        corpus=corpus.name,
        documents=len(job.documents),
        passages=len(job.passages),
        questions=len(job.questions),
        rounds=rounds,
        systems=compared.rows,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(to_json(comparison), encoding="utf-8")
    _show(comparison, compared.failures)
    _say(f"written: {out}")
    if compared.failures:
        raise typer.Exit(FAILED)


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _known(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in PEERS:
            raise InputError(f"The peer is {name!r}; expected one of {', '.join(PEERS)}.")
    return names


def _show(made: PeerComparison, failures: Mapping[str, str]) -> None:
    shown = console()
    counts = f"{made.documents} documents, {made.passages} passages, {made.questions} questions"
    shown.print(Text(f"{made.corpus}: {counts}, {made.rounds} rounds", style="bold"))
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("system", "version", "kind"):
        table.add_column(name, no_wrap=True)
    for name in ("load s", "docs/s", "passages/s", "p50 ms", "p95", "p99", "MB"):
        table.add_column(name, justify="right")
    table.add_column("ingest ×", justify="right")
    table.add_column("question ×", justify="right")
    for row in made.systems:
        passages = "" if row.passages_per_s is None else f"{row.passages_per_s:.0f}"
        times = (f"{each:.1f}" for each in (row.p50_ms, row.p95_ms, row.p99_ms))
        speed = (f"{row.load_s:.1f}", f"{row.documents_per_s:.1f}", passages)
        ratios = (f"{row.ingest_ratio:.2f}", f"{row.question_ratio:.2f}")
        table.add_row(row.name, row.version, row.kind, *speed, *times, f"{row.rss_mb:.0f}", *ratios)
    shown.print(table)
    shown.print(
        "The load of the machine was {before:.1f} before, {after:.1f} after.".format(**made.load)
    )
    shown.print(
        "ingest ×: Sourcebook's documents per second divided by the system's, models loaded."
    )
    shown.print("question ×: the p50 of Sourcebook's /v1/ask divided by the system's.")
    for row in made.systems:
        shown.print(f"{row.name}: {row.note}", style="dim")
    for name in failures:
        shown.print(f"{name} failed; the end of its errors is above.", style="bold red")


if __name__ == "__main__":
    app()
