"""What operators see as JSON: health, keys and the audit log."""

from typing import Literal

from pydantic import (
    ConfigDict,
    Field,
)

from sourcebook.service.notation.library import UpgradeOut
from sourcebook.service.notation.responses import Returned


class CheckedOut(Returned):
    """A check of the server's health."""

    name: str
    state: Literal["ok", "warning", "failed"]
    reason: str = Field(description="What is to be said of it; may be empty.")


class Health(Returned):
    """Whether the server is up (`alive`), or able to answer (`ready`)."""

    status: str
    generation: int | None = None
    upgrade: UpgradeOut | None = None
    checks: list[CheckedOut] | None = Field(
        default=None, description="What was checked; a warning keeps nobody from asking."
    )


class EntryOut(Returned):
    """An entry of the audit log."""

    id: int
    at: str = Field(description="When, in UTC.")
    who: str = Field(description="The name of a key, or of a user of the server's system.")
    via: str = Field(description="`http` or `command line`.")
    what: str = Field(description="What was to be changed: an operation of the API, or a command.")
    subject: str = Field(description="What it was done to, such as the address of an article.")
    outcome: str = Field(description="An HTTP status, or `done` or the kind of error.")


class AuditOut(Returned):
    """Entries of the audit log, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "entries": [
                        {
                            "id": 7,
                            "at": "2026-11-27T09:30:00Z",
                            "who": "ana",
                            "via": "http",
                            "what": "DELETE /v1/articles/{article_id}",
                            "subject": "/v1/articles/ba0913253f6cc065",
                            "outcome": "200",
                        }
                    ],
                    "next": 7,
                }
            ]
        }
    )

    entries: list[EntryOut]
    next: int | None = Field(description="`before` of the next page; null on the last one.")

    @classmethod
    def of(cls, entries: list[EntryOut], limit: int) -> "AuditOut":
        """A page of at most `limit` entries."""
        return cls(entries=entries, next=entries[-1].id if len(entries) == limit else None)


class KeyOut(Returned):
    """A key; what it is itself is shown once, when it is made."""

    name: str
    role: str
    per_minute: int = Field(description="Requests that it may make in a minute.")
    per_day: int = Field(description="Requests that it may make in a day.")
    created: str
    last_used: str | None = Field(description="The day on which it was last used.")
    revoked: str | None
    key: str | None = Field(default=None, description="The key itself, where it was just made.")


class KeysOut(Returned):
    """All keys that were ever made."""

    keys: list[KeyOut]
