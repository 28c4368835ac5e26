"""The command `sourcebook bench`."""
# ruff: noqa: PLC0415 (commands import what they use, so that `--help` is fast)

from pathlib import Path
from typing import Annotated

import typer

from sourcebook.eval.cli.context import Outputs, interruptible
from sourcebook.service.cli.context import settings_of

BENCH_SIZE = 5_000  # passages: some minutes on two cores


def bench(
    ctx: typer.Context,
    *,
    corpus: Annotated[
        list[Path] | None, typer.Option(help="Measure this BEIR folder; repeatable.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="The split of a BEIR folder, such as dev or test.")
    ] = "",
    size: Annotated[
        list[int] | None,
        typer.Option(
            help="Measure a synthetic library of this many passages; repeatable. "
            f"Default without --corpus: {BENCH_SIZE}."
        ),
    ] = None,
    questions: Annotated[int, typer.Option(help="How many questions to ask.")] = 200,
    concurrency: Annotated[
        list[int] | None,
        typer.Option(help="Concurrent clients over HTTP; repeatable. Default: 1, 4 and 16."),
    ] = None,
    real: Annotated[
        bool,
        typer.Option("--real", help="Encode synthetic passages for real: hours for a million."),
    ] = False,
    fidelity: Annotated[
        bool, typer.Option("--fidelity", help="Compare int8 with float32; needs PyTorch.")
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder for libraries.  [default: XDG_CACHE_HOME/sourcebook/libraries/bench]"
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.", dir_okay=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same corpus.")] = 0,
) -> None:
    """Measure speed, memory, disk and exactness on corpora of several sizes."""
    from sourcebook.eval.bench.benchmark import BenchSettings, run_bench
    from sourcebook.eval.bench.corpora import FolderCorpus
    from sourcebook.eval.bench.results import save_bench
    from sourcebook.eval.bench.tables import print_bench
    from sourcebook.eval.cli.progress import progress
    from sourcebook.eval.data.cached_library import default_cache
    from sourcebook.index.encoding.model_files import DEFAULT_MODEL

    outputs = Outputs(json=json)  # fails early if the file cannot be written
    settings = settings_of(ctx)
    chosen = BenchSettings(
        model=settings.model or DEFAULT_MODEL,
        cache=cache or default_cache() / "bench",
        questions=questions,
        concurrency=tuple(dict.fromkeys(concurrency or (1, 4, 16))),
        real=real,
        seed=seed,
    )
    folders = [FolderCorpus(path, split) for path in corpus or []]
    sizes = size or ([] if folders else [BENCH_SIZE])
    with interruptible(resumable=False):
        for found in run_bench(folders, sizes, chosen, progress, fidelity=fidelity):
            if outputs.json:
                save_bench(found, outputs.json)
    print_bench(found, outputs.json)
