"""The console script `sourcebook`: the commands of the service, `eval` and `bench`."""
# ruff: noqa: PLC0415 (commands import what they use, so that `--help` is fast)

from typing import TYPE_CHECKING

from sourcebook.eval.cli.benchmarking import bench
from sourcebook.eval.cli.evaluating import commands
from sourcebook.service.cli.commands import command_line

if TYPE_CHECKING:  # these take seconds to import, which `--help` should not cost
    from fastapi import APIRouter

    from sourcebook.service.asking.engine import Engine


def _evaluations(engine: "Engine") -> "APIRouter":
    from sourcebook.eval.http.routes import evaluations_router

    return evaluations_router(engine)


app = command_line(routers=[_evaluations])
app.add_typer(commands)
app.command()(bench)


def main() -> None:
    """Run the command line."""
    app()
