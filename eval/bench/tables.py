"""The results of benchmarks as tables, for a terminal and for docs/performance.md, and as plots."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table as RichTable
from rich.text import Text

from sourcebook.eval.bench.answer_cost import RECALL_AT
from sourcebook.eval.bench.peaks import Network, Peak
from sourcebook.eval.bench.results import Bench, MeasuredCorpus, load_bench
from sourcebook.eval.report.markdown import Table
from sourcebook.eval.report.numbers import NONE, rate, share, size, time
from sourcebook.eval.report.plot import size_plot
from sourcebook.eval.report.printing import console
from sourcebook.index.errors import InputError

PEERS = "peers.json"  # beside the results, but written by sourcebook.eval.peers


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a table: one corpus of one run."""

    bench: Bench
    measured: MeasuredCorpus


def print_bench(bench: Bench, written: Path | None) -> None:
    """Print the tables of a run, and the file that it was written to."""
    out = console()
    out.print(Text(machine_line(bench.machine), style="bold"))
    for table in tables([bench]):
        shown = RichTable(title=table.title, title_justify="left", box=None, pad_edge=False)
        for place, name in enumerate(table.head):
            shown.add_column(name, justify="right" if place else "left", no_wrap=True)
        for row in table.rows:
            shown.add_row(*row)
        out.print(shown)
        out.print()
    if written:
        out.print(f"written: {written}", style="dim")


def tables(benches: Sequence[Bench]) -> list[Table]:
    """Cost, stages, distance to the machine's limits, and fidelity if it was measured."""
    columns = [_Column(bench, each) for bench in benches for each in bench.corpora]
    columns.sort(key=lambda each: (each.measured.synthetic, each.measured.answering.passages))
    head = ["", *(each.measured.corpus for each in columns)]
    found = [
        Table("What it costs", head, list(_costs(columns))),
        Table("Where a question's time goes, medians", head, list(_stages(columns))),
        Table("Against the machine's limits", head, list(_limits(columns))),
    ]
    fidelity = list(_fidelity(benches))
    head = ["", "mean", "least of passages, lowest 1 % of tokens"]
    return [*found, *([Table("int8 against float32, cosines", head, fidelity)] if fidelity else [])]


def blocks(folder: Path) -> dict[str, str]:
    """The blocks of docs/performance.md by name, from the results in `folder`.

    Raises InputError if there are none, and for a file that is not a result.
    """
    benches = _benches(folder)
    costs, stages, limits, *fidelity = tables(benches)
    made = "\n".join(f"- {line}" for line in dict.fromkeys(map(_made, benches)))
    return {
        "machine": made,
        "costs": costs.markdown(),
        "stages": stages.markdown(),
        "limits": f"{limits.markdown()}\n\n{_peaks(benches)}",
        "fidelity": fidelity[0].markdown() if fidelity else "Not measured in these runs.",
    }


def plots(folder: Path) -> dict[str, str]:
    """SVG documents by file name: latency and memory of synthetic libraries by their size."""
    found = [m for bench in _benches(folder) for m in bench.corpora if m.synthetic]
    if not found:
        return {}

    def curve(value: Callable[[MeasuredCorpus], float]) -> list[tuple[float, float]]:
        return sorted((each.answering.passages, value(each)) for each in found)

    def latency(name: str) -> list[tuple[float, float]]:
        return curve(lambda each: 1000 * getattr(each.answering.latency["total"], name))

    return {
        "performance-latency.svg": size_plot(
            "One question, milliseconds",
            "passages",
            {name: latency(name) for name in ("p50", "p95", "p99")},
        ),
        "performance-memory.svg": size_plot(
            "Memory and dense index, GB",
            "passages",
            {
                "resident": curve(lambda each: each.answering.resident / 1e9),
                "peak": curve(lambda each: each.answering.peak / 1e9),
                "dense index": curve(lambda each: each.answering.disk["dense"] / 1e9),
            },
        ),
    }


def _benches(folder: Path) -> list[Bench]:
    found = [load_bench(path) for path in sorted(folder.glob("*.json")) if path.name != PEERS]
    if not any(bench.corpora for bench in found):
        raise InputError(f"{folder} has no results; `sourcebook bench --json` writes them.")
    return found


def _row(
    name: str, columns: Sequence[_Column], cell: Callable[[MeasuredCorpus], str | None]
) -> list[str]:
    return [name, *(cell(each.measured) or NONE for each in columns)]


def _costs(columns: Sequence[_Column]) -> Iterator[list[str]]:
    def row(name: str, cell: Callable[[MeasuredCorpus], str | None]) -> list[str]:
        return _row(name, columns, cell)

    yield row("encoder of the passages", lambda m: "stand-in" if m.standing_in else "int8")
    yield row("articles", lambda m: f"{m.answering.articles:,}")
    yield row("passages", lambda m: f"{m.answering.passages:,}")
    yield row("added, passages/s", lambda m: rate(m.build.passages_per_second if m.build else None))
    yield row(
        "the last of them, passages/s",
        lambda m: rate(m.build.last_passages_per_second if m.build else None),
    )
    yield row("encoded alone, passages/s", lambda m: rate(m.encoding.passages_per_second))
    for name in ("p50", "p95", "p99", "max"):
        yield row(f"a question, {name}", partial(_question, name))
    yield row(
        "of one publisher's articles, p50",
        lambda m: time(m.answering.filtered.p50) if m.answering.filtered else None,
    )
    yield row("the first question", lambda m: time(m.answering.first))
    yield from _throughput(columns)
    yield row("memory, resident", lambda m: size(m.answering.resident))
    yield row("memory, peak", lambda m: size(m.answering.peak))
    yield row("memory of the server", lambda m: size(m.server))
    for name in ("database", "dense", "lexical"):
        yield row(f"disk, {name}", partial(_disk, name))
    yield row("encoder loaded", lambda m: time(m.answering.encoder))
    yield row("library opened", lambda m: time(m.answering.open))
    yield row("`sourcebook ask`, start to exit", lambda m: time(m.ask))
    yield row("`sourcebook serve`, until ready", lambda m: time(m.ready))
    yield row("an added article found after", lambda m: time(m.answering.found))
    yield row(f"recall@{RECALL_AT} of the dense index", lambda m: f"{m.answering.recall:.3f}")


def _throughput(columns: Sequence[_Column]) -> Iterator[list[str]]:
    counts = sorted({t.concurrency for each in columns for t in each.measured.throughput})
    for count in counts:
        found = [
            next((t for t in each.measured.throughput if t.concurrency == count), None)
            for each in columns
        ]
        clients = "1 client" if count == 1 else f"{count} clients"
        yield [
            f"{clients} over HTTP, questions/s",
            *(f"{t.questions_per_second:.1f}" if t else NONE for t in found),
        ]
        for name in ("p50", "p95", "p99"):
            yield [
                f"{clients}, {name}",
                *(time(getattr(t.latency, name)) if t else NONE for t in found),
            ]
        yield [
            f"{clients}, errors",
            *(f"{t.errors} of {t.questions}" if t else NONE for t in found),
        ]


def _stages(columns: Sequence[_Column]) -> Iterator[list[str]]:
    names = dict.fromkeys(name for each in columns for name in each.measured.answering.latency)
    for name in sorted(names, key=("unexplained", "total").__contains__):
        yield _row(name, columns, partial(_stage, name))


def _question(name: str, measured: MeasuredCorpus) -> str:
    return time(getattr(measured.answering.latency["total"], name))


def _disk(name: str, measured: MeasuredCorpus) -> str:
    return size(measured.answering.disk[name])


def _stage(name: str, measured: MeasuredCorpus) -> str | None:
    found = measured.answering.latency.get(name)
    return time(found.p50) if found else None


def _limits(columns: Sequence[_Column]) -> Iterator[list[str]]:
    def row(
        name: str, cell: Callable[[MeasuredCorpus, Network, Peak, Peak], str | None]
    ) -> list[str]:
        """A row from one thread's and all cores' peaks; empty where the network is not known."""
        cells = [
            cell(each.measured, each.bench.network, each.bench.peaks[0], each.bench.peaks[-1])
            if each.bench.network
            else None
            for each in columns
        ]
        return [name, *(text or NONE for text in cells)]

    def question(m: MeasuredCorpus, net: Network) -> float:
        return net.macs(m.answering.question_pieces)

    def passage(m: MeasuredCorpus, net: Network) -> float:
        return net.macs(m.encoding.pieces)

    def passages_at_peak(m: MeasuredCorpus, net: Network, all_cores: Peak) -> float:
        return all_cores.int8_macs / passage(m, net)

    def scan(m: MeasuredCorpus, one: Peak) -> float:
        return m.answering.disk["dense"] / one.bytes_per_second

    yield row("a question, word pieces", lambda m, *_: f"{m.answering.question_pieces:.1f}")
    yield row("multiply-adds, billions", lambda m, n, *_: f"{question(m, n) / 1e9:.3f}")
    yield row("at the peak of one core", lambda m, n, one, _: time(question(m, n) / one.int8_macs))
    yield row("measured", lambda m, *_: time(m.answering.encode.p50))
    yield row(
        "share of the peak",
        lambda m, n, one, _: share(question(m, n) / one.int8_macs / m.answering.encode.p50),
    )
    yield row("a passage, word pieces", lambda m, *_: f"{m.encoding.pieces:.1f}")
    yield row("multiply-adds, billions", lambda m, n, *_: f"{passage(m, n) / 1e9:.3f}")
    yield row(
        "at the peak of all cores, passages/s",
        lambda m, n, _, every: rate(passages_at_peak(m, n, every)),
    )
    yield row("measured, passages/s", lambda m, *_: rate(m.encoding.passages_per_second))
    yield row(
        "share of the peak",
        lambda m, n, _, every: share(
            m.encoding.passages_per_second / passages_at_peak(m, n, every)
        ),
    )
    yield row("the dense index read once by one core", lambda m, _, one, __: time(scan(m, one)))


def _fidelity(benches: Sequence[Bench]) -> Iterator[list[str]]:
    for bench in benches:
        found = bench.fidelity
        if found:
            yield [
                f"pooled vectors of {found.passages} passages",
                f"{found.pooled:.4f}",
                f"{found.pooled_least:.4f}",
            ]
            yield ["their token vectors", f"{found.tokens:.4f}", f"{found.tokens_low:.4f}"]


def _peaks(benches: Sequence[Bench]) -> str:
    lines = [
        f"{peak.threads} {'thread' if peak.threads == 1 else 'threads'}: "
        f"{peak.flops / 1e9:.0f} float32 GFLOP/s in NumPy's matrix product, so "
        f"{peak.int8_macs / 1e9:.0f} billion int8 multiply-adds a second; "
        f"{peak.bytes_per_second / 1e9:.1f} GB/s read from memory."
        for bench in benches
        for peak in bench.peaks
    ]
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines))


def _made(bench: Bench) -> str:
    sizes = ", ".join(each.corpus for each in bench.corpora)
    return (
        f"{sizes}: {machine_line(bench.machine)}; {bench.settings['questions']} questions; "
        f"code {bench.code}."
    )


def machine_line(machine: Mapping[str, Any]) -> str:
    """The processor, the cores and the memory of a machine, in words."""
    memory = machine.get("memory_bytes")
    parts = [str(machine.get("processor")), f"{machine.get('cores')} cores"]
    return ", ".join([*parts, *([f"{size(memory)} of memory"] if memory else [])])
