"""The API reference, made from the OpenAPI document: an HTML page and a summary for programs."""

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

Json = Mapping[str, Any]
JSON = "application/json"

STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; --link: #1a5fb4; }
@media (prefers-color-scheme: dark) { :root { --link: #8ab4f8; } }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2.2rem 0 .3rem; } a { color: var(--link); }
code, pre { font: .88em/1.5 ui-monospace, monospace; }
pre { background: var(--soft); padding: .8rem; overflow-x: auto; border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
td, th { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; }
td { border-top: 1px solid var(--line); }
td:first-child { white-space: nowrap; }
.verb { display: inline-block; min-width: 4.2rem; } .quiet { opacity: .75; }
"""


def page(document: Json) -> str:
    """The HTML page; it loads nothing from other servers."""
    info = document["info"]
    operations = list(_operations(document))
    parts = [
        f"<h1>{escape(info['title'])} <small class=quiet>{escape(info['version'])}</small></h1>",
        _prose(info["description"]),
        '<p>For programs: <a href="/openapi.json">OpenAPI document</a>.</p>',
        _contents(operations),
    ]
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    # Further routers may have their own tags.
    for name in dict.fromkeys([*described, *(tag for one in operations for tag in one[2]["tags"])]):
        parts.append(f"<h2>{escape(name.capitalize())}</h2>{_prose(described.get(name, ''))}")
        parts += [_operation(*one) for one in operations if name in one[2]["tags"]]
    parts.append("<h2>Problems of any request</h2>" + _answers(document["components"]["responses"]))
    parts.append("<h2>Values</h2>")
    parts += [_schema(*item) for item in sorted(document["components"]["schemas"].items())]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style>"
        f"<body>{''.join(parts)}</body></html>"
    )


def brief(document: Json, base: str) -> str:
    """A summary of the service and its endpoints, in the format of `/llms.txt` (llmstxt.org).

    `base` is the address of the service.
    """
    info, base = document["info"], base.rstrip("/")
    summary, *details = info["description"].strip().split("\n\n")
    parts = [f"# {info['title']}", "> " + summary.replace("\n", "\n> "), *details]
    operations = list(_operations(document))
    for tag in dict.fromkeys(tag for *_, operation in operations for tag in operation["tags"]):
        lines = [_line(base, *one) for one in operations if tag in one[2]["tags"]]
        parts.append("\n".join([f"## {tag.capitalize()}", "", *lines]))
    parts.append(
        f"## Reference\n\n- [OpenAPI]({base}/openapi.json): the complete contract, with examples\n"
        f"- [HTML]({base}/docs): the same for people"
    )
    return "\n\n".join(parts) + "\n"


def _line(base: str, method: str, path: str, operation: Json) -> str:
    """An endpoint with its summary and query parameters."""
    names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    takes = f" (parameters: {', '.join(names)})" if names else ""
    where = f"{base}/docs#{operation['operationId']}"
    return f"- [{method} {path}]({where}): {operation['summary']}{takes}"


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Method, path and description of each operation, with the example of its body looked up."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
            schema = body.get("schema", {})
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
            example = body.get("example", schema.get("examples", [None])[0])
            tags = operation.get("tags", ["more"])
            yield method.upper(), path, {**operation, "tags": tags, "example": example}


def _contents(operations: list[tuple[str, str, Json]]) -> str:
    rows = "".join(
        f'<tr><td><a href="#{escape(operation["operationId"])}"><code>'
        f"<span class=verb>{method}</span>{escape(path)}</code></a>"
        f"<td>{escape(operation['summary'])}"
        for method, path, operation in operations
    )
    return f"<table>{rows}</table>"


def _operation(method: str, path: str, operation: Json) -> str:
    parts = [
        f'<h3 id="{escape(operation["operationId"])}"><code>{method} {escape(path)}</code></h3>',
        _prose(operation.get("description", operation["summary"])),
    ]
    if parameters := operation.get("parameters"):
        parts.append(_table((one["name"], one["schema"], one) for one in parameters))
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body, <code>{escape(media_type)}</code>: {_type(body['schema'])}</p>")
        if "properties" in body["schema"]:
            parts.append(_fields(body["schema"]))
    parts.append(f"<pre>{escape(_curl(method, path, operation))}</pre>")
    own = {status: one for status, one in operation["responses"].items() if "$ref" not in one}
    return f"{''.join(parts)}{_answers(own)}"


def _answers(responses: Mapping[str, Json]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(status)}</code><td>{_answer(response)}"
        for status, response in responses.items()
    )
    return f"<table>{rows}</table>"


def _answer(response: Json) -> str:
    shapes = [_type(one["schema"]) for one in response.get("content", {}).values()]
    described = response["description"].removeprefix("Successful Response")
    return f"{_prose_line(described)} {' '.join(shapes)}"


def _schema(name: str, schema: Json) -> str:
    description = _prose(schema.get("description", ""))
    return f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3>{description}{_fields(schema)}'


def _fields(schema: Json) -> str:
    return _table((name, one, one) for name, one in schema.get("properties", {}).items())


def _table(rows: Iterator[tuple[str, Json, Json]]) -> str:
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{_type(schema)}"
        f"<td>{_prose_line(about.get('description', schema.get('description', '')))}"
        f"{_limits(schema)}"
        for name, schema, about in rows
    )
    return f"<table>{cells}</table>"


def _type(schema: Json) -> str:
    """The type of a value in one or two words, linked to its description."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return escape(str(schema.get("title" if "properties" in schema else "type", "any")))


def _limits(schema: Json) -> str:
    notes = []
    if schema.get("default") not in (None, "", [], {}):
        notes.append(f"default {json.dumps(schema['default'])}")
    if "minimum" in schema:
        notes.append(f"at least {schema['minimum']}")
    if "maximum" in schema:
        notes.append(f"at most {schema['maximum']:,}")
    return f" <span class=quiet>({escape(', '.join(notes))})</span>" if notes else ""


def _curl(method: str, path: str, operation: Json) -> str:
    """A curl command for the operation."""
    query = "&".join(
        f"{one['name']}={quote(str(one['schema'].get('examples', ['...'])[0]))}"
        for one in operation.get("parameters", ())
        if one["in"] == "query" and one.get("required")
    )
    address = f"http://127.0.0.1:8000{path}{'?' if query else ''}{query}"
    words = ["curl", *(() if method in ("GET", "POST") else ("-X", method)), f"'{address}'"]
    if operation["example"]:
        example = json.dumps(operation["example"], ensure_ascii=False)
        words += [f"-H 'Content-Type: {JSON}'", "-d", f"'{_quoted(example)}'"]
    commands = [" ".join(words)]
    if "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
        commands.append(f"curl '{address}' -F file=@article.txt")
    return "\n".join(commands)


def _quoted(text: str) -> str:
    return text.replace("'", "'\\''")


def _prose(text: str) -> str:
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "".join(f"<p>{_prose_line(paragraph)}</p>" for paragraph in paragraphs if paragraph)


def _prose_line(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
