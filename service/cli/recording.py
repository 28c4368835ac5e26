"""Records in the audit log what commands change, as the user of the operating system."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

import getpass
import os
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import typer

from sourcebook.index.errors import SourcebookError
from sourcebook.service.cli.context import settings_of

Command = Callable[..., None]


def recorded(
    *naming: str, only: str = "", options: Sequence[str] = ()
) -> Callable[[Command], Command]:
    """Record each call of a command; the arguments named `naming` say what is changed.

    `only` names an option without which the command changes nothing; of the `options` that are
    given the names are recorded, not the values. What is recorded must be names, ids or files: the
    audit log holds no words of articles or questions.
    """

    def mark(command: Command) -> Command:
        @wraps(command)
        def run(ctx: typer.Context, *args: Any, **given: Any) -> None:
            outcome = "stopped"
            try:
                command(ctx, *args, **given)
                outcome = "done"
            except SourcebookError as error:
                outcome = error.kind
                raise
            except typer.Exit as error:
                outcome = "failed" if error.exit_code else "done"
                raise
            finally:
                if not only or given.get(only):
                    named = [_words(given.get(name)) for name in naming]
                    named.append(", ".join(name for name in options if given.get(name) is not None))
                    _record(ctx, " ".join(filter(None, named)), outcome)

        vars(run)["recorded"] = True
        return run

    return mark


def _record(ctx: typer.Context, subject: str, outcome: str) -> None:
    from sourcebook.service.access.file import AccessFile, Entry

    settings = settings_of(ctx)
    if not settings.library.is_dir():
        return
    what = ctx.command_path.partition(" ")[2]
    entry = Entry(
        who=_user(), via="command line", what=what, subject=subject.strip(), outcome=outcome
    )
    try:
        AccessFile(settings.library, settings.audit_days).record(entry)
    except SourcebookError as error:
        typer.echo(f"The audit log could not be written: {error}", err=True)


def _words(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value) if value else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # containers run as users without a name
        return f"user {os.getuid()}"
