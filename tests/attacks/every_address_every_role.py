"""Calls every address with no key, a wrong one, a revoked one, and one of each role."""

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fastapi.testclient import TestClient

from attacks.outcome import Outcome
from sourcebook.eval.http.routes import evaluations_router
from sourcebook.index.library import Library
from sourcebook.service.access.file import AccessFile
from sourcebook.service.access.keys import new_key
from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app
from sourcebook.service.http.rules import Address
from sourcebook.service.opening import encoder_named
from sourcebook.service.settings import Settings

ENDLESS = 10**6  # requests that each key may make
# What is said to those who may not: also where an address refuses everybody for another reason.
KEPT_OUT = {"/problems/key-needed": 401, "/problems/role-too-low": 403}
# Ways to write an address that should not get around its rule.
DISGUISES = ("{}/", "/{}", "{}/.", "/x/..{}", "{};x", "{}%20", "{}?key=x")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a key or none, and the role that this gives."""

    name: str
    key: str
    role: Role


def attack(rounds: int, folder: Path) -> Outcome:
    """Try all of it `rounds` times, in another order each time."""
    file = AccessFile(folder, audit_days=400)
    keys = {
        role: file.add_key(role.word, role, ENDLESS, ENDLESS)
        for role in Role
        if role is not Role.ANYONE
    }
    revoked = file.add_key("former", Role.ADMIN, ENDLESS, ENDLESS)
    file.revoke("former")
    callers = [
        Caller("no key", "", Role.ANYONE),
        Caller("a wrong key", new_key(), Role.ANYONE),
        Caller("a revoked key", revoked, Role.ANYONE),
        *(Caller(role.word, key, role) for role, key in keys.items()),
    ]
    faults: list[str] = []
    tried = 0
    with Library(folder, encoder_named(""), create=True) as library:
        engine = Engine.of(library)
        app = create_app(Answering(engine), Settings(), routers=[evaluations_router(engine)])
        from_place = partial(TestClient, app, raise_server_exceptions=False, follow_redirects=False)
        with from_place() as client:
            places = (f"10.{one >> 16}.{one >> 8 & 255}.{one & 255}" for one in itertools.count())
            for number in range(rounds):
                calls = [
                    (address, method, caller)
                    for address in app.state.addresses
                    for method in address.methods
                    for caller in callers
                ]
                random.Random(number).shuffle(calls)
                for address, method, caller in calls:
                    tried += 1
                    asking = client
                    if caller.key and caller.role is Role.ANYONE:
                        # Each wrong key from another place: many from one are answered with 429.
                        asking = from_place(client=(next(places), 50_000))
                    faults += _faults(asking, address, method, caller)
                for address in app.state.addresses:
                    for disguise in DISGUISES:
                        tried += 1
                        faults += _disguised(client, address, disguise)
    return Outcome(
        attack="every address called with no, a wrong and a revoked key, and in every role",
        promise="each may do what the table in access.md says, and nothing else",
        tried=tried,
        faults=tuple(faults),
    )


def _faults(client: TestClient, address: Address, method: str, caller: Caller) -> Iterator[str]:
    role = caller.role
    path = re.sub(r"\{\w+\}", "nope", address.path)
    headers = {"Authorization": f"Bearer {caller.key}"} if caller.key else {}
    answered = client.request(method, path, headers=headers)
    needed = address.rule.role
    expected = 401 if role is Role.ANYONE else 403
    admitted = needed <= role
    kind = ""
    if answered.headers.get("content-type") == "application/problem+json":
        kind = answered.json()["type"]
    kept_out = KEPT_OUT.get(kind)
    right = kept_out is None if admitted else kept_out == expected
    if path == "/v1/session":
        right = answered.status_code < 500
    if not right or answered.status_code >= 500:
        yield f"{method} {path} with {caller.name}: {answered.status_code} {kind}"


def _disguised(client: TestClient, address: Address, disguise: str) -> Iterator[str]:
    """What is not for everyone is not for those who write its address in another way."""
    if address.rule.role is Role.ANYONE:
        return
    path = disguise.format(re.sub(r"\{\w+\}", "nope", address.path))
    for method in address.methods:
        answered = client.request(method, f"http://testserver{path}")
        if answered.is_success or answered.status_code >= 500:
            yield f"{method} {path} without a key: {answered.status_code}"
