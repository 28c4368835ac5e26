"""Who may use an address: each one says so, beside its function; one that does not stops the start.

`@reads(Role.ASKER)` is for addresses that change nothing; `@writes(Role.EDITOR)` for those that do,
which the audit log records.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from sourcebook.service.access.roles import Role

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
ALL_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
SAFE_METHODS = {"GET", "HEAD"}


@dataclass(frozen=True, slots=True)
class Rule:
    """The role that an address needs, and whether it changes something."""

    role: Role
    writes: bool = False


# What FastAPI adds itself.
BUILT_IN = {"/openapi.json": Rule(Role.ANYONE)}


def reads(role: Role) -> Callable[[Endpoint], Endpoint]:
    """Let those with `role` use an endpoint that changes nothing."""
    return _ruled(Rule(role))


def writes(role: Role) -> Callable[[Endpoint], Endpoint]:
    """Let those with `role` use an endpoint that changes something."""
    return _ruled(Rule(role, writes=True))


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


def address_of(found: Sequence[Address], method: str, path: str) -> Address | None:
    """The address that will answer, or None where none does."""
    matching = (one for one in found if method in one.methods and one.pattern.match(path))
    return next(matching, None)


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
