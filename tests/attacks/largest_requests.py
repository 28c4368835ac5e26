"""The largest values that each field of each address admits, and what each costs."""

import json
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from attacks.outcome import Outcome
from attacks.serving import Target, seeds, serving
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.library import Library
from sourcebook.index.parsing.parse import parse
from sourcebook.service.http.reception import MAX_BODY_BYTES

Json = dict[str, Any]

BODY_CHARACTERS = 950_000  # of a body of at most 1 MiB
# Of an upload, which may take as long as its articles do, and has lanes of its own.
UPLOAD_CHARACTERS = 50_000
ADDRESS_CHARACTERS = 50_000  # of an address and its parameters
MOST_ITEMS = 20_000  # in a list without a limit
LARGEST_NUMBER = 2**62
# What one request may cost. The largest, a rerank of 1 MiB of texts, takes twenty seconds on a
# machine of two cores that has nothing else to do.
LONGEST_S = 60
MOST_BYTES = 400 * 2**20
LONG_ARTICLE = 420_000  # characters
# What a long text is made of: one word, words, quotations, lines, and signs of two bytes.
FILLS = ("a", "coca ", "“Coca grows in Peru.” ", "a\n\n", "é'")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and which of its fields is as large as it may be."""

    method: str
    path: str
    name: str
    body: Json | None = None
    parameters: Mapping[str, Any] | None = None


def attack(rounds: int, folder: Path) -> Outcome:
    """Make `rounds` requests at most, drawn at random."""
    library = seeds(folder)
    with Library(library, Encoder()) as opened:
        text = " ".join(f"In district {number} coca grew by {number}." for number in range(12_000))
        opened.add(parse(text[:LONG_ARTICLE].encode(), name="long.txt", source="long.txt"))
    with serving(library) as target:
        return attacked(target, rounds)


def attacked(target: Target, rounds: int) -> Outcome:
    """Attack a running server."""
    with urlopen(f"{target.address}/openapi.json", timeout=60) as response:
        document = json.load(response)
    faults = []
    tried = 0
    drawn = list(calls(document))
    random.Random(rounds).shuffle(drawn)
    for call in drawn[:rounds]:
        tried += 1
        fault = _fault(target, call)
        if fault:
            faults.append(f"{call.method} {call.path}, {call.name}: {fault}")
    faults += filter(None, [target.answers()])
    return Outcome(
        attack=f"the largest values that fields of all addresses admit, of {len(drawn)} requests",
        promise=f"an answer or a clear refusal within {LONGEST_S} s, in bounded memory",
        tried=tried,
        faults=tuple(faults),
    )


def calls(document: Json) -> Iterator[Call]:
    """For each field of each operation a request in which it is as large as it may be."""
    for fill in FILLS:
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                yield from _calls(document, method.upper(), path, operation, fill)


def _calls(document: Json, method: str, path: str, operation: Json, fill: str) -> Iterator[Call]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    given = {one["name"]: one for one in operation.get("parameters", [])}
    queries = {name: one for name, one in given.items() if one["in"] == "query"}
    long = quote((fill * ADDRESS_CHARACTERS)[: ADDRESS_CHARACTERS // len(quote(fill)) // 2])
    at = path
    for name, one in given.items():
        if one["in"] == "path":
            at = at.replace("{" + name + "}", str(one.get("example") or _example(one)))
            yield Call(method, path.replace("{" + name + "}", long), f"path {name}")
    needed = {name: _example(one) for name, one in queries.items() if one.get("required")}
    for name, one in queries.items():
        value = _largest(document, one["schema"], fill, ADDRESS_CHARACTERS // 6)
        yield Call(method, at, f"{name}, {fill!r}", parameters={**needed, name: value})
    if content:
        schema = _resolved(document, content["schema"])
        examples = [content.get("example"), *schema.get("examples", [])]
        base: Json = next((one for one in examples if one), {})
        kept = {name: value for name, value in base.items() if name in schema.get("required", [])}
        for name, one in schema.get("properties", {}).items():
            room = UPLOAD_CHARACTERS if path.startswith("/v1/articles") else BODY_CHARACTERS
            value = _largest(document, one, fill, room)
            for rest in {json.dumps(some) for some in (base, kept)}:
                body = {**json.loads(rest), name: value}
                yield Call(method, at, f"{name}, {fill!r}", body=body)


def _resolved(document: Json, schema: Json) -> Json:
    if "$ref" in schema:
        found: Json = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return found
    return schema


def _example(one: Json) -> Any:
    examples = one.get("examples") or one["schema"].get("examples") or ["x"]
    return examples[0] if isinstance(examples, list) else next(iter(examples.values()))["value"]


def _largest(document: Json, schema: Json, fill: str, room: int, depth: int = 0) -> Any:
    """The largest value that the schema admits, in about so many characters."""
    schema = _resolved(document, schema)
    options = [one for key in ("anyOf", "oneOf") for one in schema.get(key, [])]
    if options:
        real = [one for one in options if one.get("type") != "null"]
        return _largest(document, real[-1], fill, room, depth)
    kind = schema.get("type")
    if kind == "string" and "enum" not in schema and "const" not in schema:
        length = min(schema.get("maxLength", room), room) // max(1, len(fill.encode()) // len(fill))
        return (fill * (length // len(fill) + 1))[:length]
    if kind in ("integer", "number"):
        return schema.get("maximum", LARGEST_NUMBER)
    if kind == "array":
        count = min(schema.get("maxItems", MOST_ITEMS), MOST_ITEMS, max(1, room // 8))
        each = _largest(document, schema.get("items", {}), fill, room // count - 4, depth + 1)
        return [each] * count
    properties = schema.get("properties", {})
    if kind == "object" and properties and depth < 4:
        share = room // len(properties)
        return {
            name: _largest(document, one, fill, share - len(name) - 6, depth + 1)
            for name, one in properties.items()
        }
    return schema.get("const", schema.get("enum", [True])[0])


def _fault(target: Target, call: Call) -> str:
    """What is wrong with what the server makes of a request; empty if nothing is."""
    query = f"?{urlencode(call.parameters, doseq=True)}" if call.parameters else ""
    body = json.dumps(call.body, ensure_ascii=False).encode() if call.body is not None else None
    headers = {"Content-Type": "application/json"} if body else {}
    request = Request(f"{target.address}{call.path}{query}", body, headers, method=call.method)
    if body and len(body) > MAX_BODY_BYTES:
        return ""  # refused before it is sent, so a client may not hear why
    before = target.forget_memory()
    began = time.perf_counter()
    problem = None
    try:
        with urlopen(request, timeout=2 * LONGEST_S) as response:
            response.read()
    except HTTPError as error:
        with error:
            said = error.read()
        if error.code >= 500:
            problem = f"status {error.code}: {said[:200]!r}"
    except OSError as error:
        problem = repr(error)
    taken, grown = time.perf_counter() - began, target.memory() - before
    if problem:
        return problem
    if taken > LONGEST_S:
        return f"it took {taken:.0f} s"
    return f"it took {grown / 2**20:,.0f} MB of memory" if grown > MOST_BYTES else ""
