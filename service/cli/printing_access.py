"""Prints keys and the audit log as text."""

from sourcebook.service.cli.printing import console, table
from sourcebook.service.notation.operators import AuditOut, KeyOut, KeysOut


def new_key(made: KeyOut) -> None:
    """Print a key, which is shown only this once."""
    print(f"Key of {made.name} ({made.role}), shown only this once:")
    print(f"  {made.key}")
    print("Programs send it as the header 'Authorization: Bearer KEY'; people sign in with it.")


def revoked_key(key: KeyOut) -> None:
    """Print that a key is useless now."""
    print(f"The key of {key.name} was revoked at {key.revoked}.")


def keys(found: KeysOut) -> None:
    """Print a table on a terminal, and tab-separated lines otherwise."""
    table(
        ("name", "role", "a minute", "a day", "created", "last used", "revoked"),
        [
            (
                key.name,
                key.role,
                str(key.per_minute),
                str(key.per_day),
                key.created,
                key.last_used or "",
                key.revoked or "",
            )
            for key in found.keys
        ],
    )


def audit(found: AuditOut) -> None:
    """Print a table on a terminal, and tab-separated lines otherwise."""
    table(
        ("number", "time", "who", "via", "what", "subject", "outcome"),
        [
            (str(one.id), one.at, one.who, one.via, one.what, one.subject, one.outcome)
            for one in found.entries
        ],
    )
    if found.next and console().is_terminal:
        console().print(f"For more: --before {found.next}", style="dim")
