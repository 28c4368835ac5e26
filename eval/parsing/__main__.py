"""`python -m sourcebook.eval.parsing` measures how truly articles are read: docs/parsing.md."""

import argparse
from collections.abc import Callable
from pathlib import Path

from sourcebook.eval.parsing import cleaning, copies, extraction, metadata, sentences
from sourcebook.eval.parsing.table import Table
from sourcebook.eval.report import markdown

# In the order of the report. A measure gives None where its data is missing.
MEASURES: tuple[Callable[[Path | None], Table | None], ...] = (
    extraction.measure,
    cleaning.measure,
    metadata.measure,
    sentences.measure,
    copies.measure,
)
HEAD = """# How truly articles are read

`python -m sourcebook.eval.parsing --shared FOLDER` wrote this page. The folder holds public
benchmarks, which are no part of this repository. Without it, only what the repository itself can
measure is measured."""


def report(shared: Path | None) -> str:
    """The report in Markdown; what is not measured, because its data is missing, is left out."""
    tables = [table for measure in MEASURES if (table := measure(shared)) is not None]
    return "\n\n".join([HEAD, *map(section, tables)]) + "\n"


def section(table: Table) -> str:
    """A table in Markdown below its title and its note."""
    shown = markdown.Table(table.title, table.head, table.rows).markdown()
    return f"## {table.title}\n\n{table.note}\n\n{shown}"


def main() -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(prog="sourcebook.eval.parsing", description=__doc__)
    parser.add_argument("--shared", type=Path, help="the folder that holds the benchmarks")
    parser.add_argument("--out", type=Path, default=Path("docs/parsing.md"), help="the report")
    options = parser.parse_args()
    if options.shared is not None and not options.shared.is_dir():
        parser.error(f"--shared is {options.shared}, which is no folder")
    options.out.write_text(report(options.shared), "utf-8")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
