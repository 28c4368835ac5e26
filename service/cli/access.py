"""The commands `sourcebook keys ...` and `sourcebook audit`."""
# ruff: noqa: PLC0415 (each command imports what it uses, so that `--help` answers at once)

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sourcebook.index.errors import InputError
from sourcebook.service.access.roles import KEY_ROLES, PER_DAY, PER_MINUTE, Role
from sourcebook.service.cli.context import Commands, Json, output, settings_of
from sourcebook.service.cli.recording import recorded

if TYPE_CHECKING:  # importing it takes long, too long for `--help`
    from sourcebook.service.access.file import AccessFile, Key
    from sourcebook.service.notation.operators import KeyOut

KeyRole = StrEnum("KeyRole", {word: word for word in KEY_ROLES})  # type: ignore[misc]
Name = Annotated[str, typer.Argument(help="The person or program that it is for.")]

commands = typer.Typer()
keys = typer.Typer(cls=Commands, no_args_is_help=True, help="Keys for the HTTP API and the page.")
commands.add_typer(keys, name="keys")


@keys.command("add")
@recorded("name")
def add_key(
    ctx: typer.Context,
    name: Name,
    *,
    role: Annotated[
        KeyRole,
        typer.Option(help="asker asks and reads; editor also changes articles; admin does all."),
    ],
    per_minute: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Requests in a minute.")
    ] = PER_MINUTE,
    per_day: Annotated[int, typer.Option(min=1, max=10**9, help="Requests in a day.")] = PER_DAY,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown once: the library keeps only its hash."""
    from sourcebook.service.cli import printing_access as printing

    folder = settings_of(ctx).library
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The library {folder} cannot be begun: {error.strerror}; expected a folder.",
            cure="Name a folder with --library.",
        ) from error
    file = _file(ctx)
    secret = file.add_key(name, Role[str(role).upper()], per_minute, per_day)
    made = next(key for key in file.all_keys() if key.name == name)
    output(ctx, _shown(made).model_copy(update={"key": secret}), printing.new_key)


@keys.command("list")
def list_keys(ctx: typer.Context, as_json: Json = False) -> None:
    """List all keys, with their roles and when they were last used."""
    from sourcebook.service.cli import printing_access as printing
    from sourcebook.service.notation.operators import KeysOut

    output(ctx, KeysOut(keys=[_shown(key) for key in _file(ctx).all_keys()]), printing.keys)


@keys.command("revoke")
@recorded("name")
def revoke_key(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Make a key useless at once, and sign out everyone who signed in with it."""
    from sourcebook.service.cli import printing_access as printing

    output(ctx, _shown(_file(ctx).revoke(name)), printing.revoked_key)


@commands.command()
def audit(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Maximum number.")] = 50,
    before: Annotated[
        int | None, typer.Option(min=1, help="Only entries with a lower number.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show who changed what, newest first, over HTTP and on the command line."""
    from sourcebook.service.cli import printing_access as printing
    from sourcebook.service.notation.operators import AuditOut, EntryOut

    found = [EntryOut.model_validate(entry) for entry in _file(ctx).entries(limit, before)]
    output(ctx, AuditOut.of(found, limit), printing.audit)


def _file(ctx: typer.Context) -> "AccessFile":
    from sourcebook.service.access.file import AccessFile

    settings = settings_of(ctx)
    return AccessFile(settings.library, settings.audit_days)


def _shown(key: "Key") -> "KeyOut":
    from sourcebook.service.notation.operators import KeyOut

    known = {
        name: getattr(key, name) for name in KeyOut.model_fields if name not in ("role", "key")
    }
    return KeyOut(role=key.role.word, **known)
