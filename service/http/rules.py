"""Who may use an address: each one says so, beside its function; one that does not stops the start.

`@reads(Role.ASKER)` is for addresses that change nothing; `@writes(Role.EDITOR)` for those that do,
which the audit log records. The lane says what a request waits beside.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import Scope

from sourcebook.service.access.roles import Role

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
ALL_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
ADDRESS = "address"  # its name in the state of a scope
SUBJECT = "subject"  # as well
SAFE_METHODS = {"GET", "HEAD"}


class Lane(Enum):
    """What requests wait for their turn beside each other, so that slow ones hold up no question.

    Those with none are answered however much there is to do.
    """

    NONE = "none"
    QUESTION = "question"
    LONG = "long"  # may take seconds
    WRITE = "write"  # may wait for the library's lock
    UPLOAD = "upload"  # articles, of any size that is allowed


@dataclass(frozen=True, slots=True)
class Rule:
    """The role that an address needs, its lane, and whether it changes something.

    `naming` is the query parameter that names what is changed, where the path does not.
    """

    role: Role
    lane: Lane = Lane.QUESTION
    writes: bool = False
    naming: str = ""


# What FastAPI adds itself.
BUILT_IN = {"/openapi.json": Rule(Role.ANYONE)}


def reads(role: Role, lane: Lane = Lane.QUESTION) -> Callable[[Endpoint], Endpoint]:
    """Let those with `role` use an endpoint that changes nothing."""
    return _ruled(Rule(role, lane))


def writes(
    role: Role, lane: Lane = Lane.WRITE, *, naming: str = ""
) -> Callable[[Endpoint], Endpoint]:
    """Let those with `role` use an endpoint that changes something."""
    return _ruled(Rule(role, lane, writes=True, naming=naming))


def _ruled(rule: Rule) -> Callable[[Endpoint], Endpoint]:
    def mark(endpoint: Endpoint) -> Endpoint:
        vars(endpoint)["rule"] = rule
        return endpoint

    return mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of the application, with its methods and its rule."""

    path: str  # a template such as /v1/articles/{article_id}
    pattern: re.Pattern[str]
    methods: tuple[str, ...]
    rule: Rule


def addresses(app: FastAPI) -> list[Address]:
    """All addresses of the application, in the order in which they are tried.

    Raises `LookupError` for one without a rule, or with a rule that its methods contradict.
    """
    found = list(_addresses(app))
    for address in found:
        if address.rule.writes and SAFE_METHODS & {*address.methods}:
            raise LookupError(f"{address.path} writes, but answers GET; expected another method")
    return found


def _addresses(app: FastAPI) -> Iterator[Address]:
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        endpoint = route.endpoint or getattr(route.original_route, "app", None)
        rule = BUILT_IN.get(path) or getattr(endpoint, "__dict__", {}).get("rule")
        if rule is None:
            raise LookupError(
                f"The address {path} has no rule; expected @reads(...) or @writes(...) above its "
                "function"
            )
        mounted = route.methods is None
        pattern, *_ = compile_path(f"{path}/{{path:path}}" if mounted else path)
        methods = tuple(sorted(route.methods or ALL_METHODS))
        yield Address(path=path, pattern=pattern, methods=methods, rule=rule)


def find(found: Sequence[Address], scope: Scope) -> str:
    """Leave in the scope which of the addresses will answer, for `address_in`; returns its path.

    That is the template of any with this path, where none has the method; "" where none has either.
    """
    matching = [one for one in found if one.pattern.match(scope["path"])]
    address = next((one for one in matching if scope["method"] in one.methods), None)
    scope.setdefault("state", {})[ADDRESS] = address
    return (address or matching[0]).path if matching else ""


def address_in(scope: Scope) -> Address | None:
    """The address that will answer; None where none does. Raises `KeyError` before `find`."""
    address: Address | None = scope["state"][ADDRESS]
    return address


def note_subject(request: Request, subject: str) -> None:
    """Name for the audit log what a request changes, where its address does not say it all.

    No words of articles or questions: the log holds only names.
    """
    request.scope["state"][SUBJECT] = subject


def subject_of(scope: Scope) -> str:
    """What `note_subject` noted of a request; empty where it noted nothing."""
    return str(scope["state"].get(SUBJECT, ""))


def describe(document: dict[str, Any], found: Sequence[Address]) -> None:
    """Add to an OpenAPI document how to send a key, and the role that each operation needs."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["key"] = {"type": "http", "scheme": "bearer", "description": "A key: `sbk_...`."}
    for address in found:
        for method in address.methods:
            operation = document["paths"].get(address.path, {}).get(method.lower())
            if operation is not None:
                needed = address.rule.role is not Role.ANYONE
                operation["security"] = [{"key": []}] if needed else []
                operation["x-role"] = address.rule.role.word
