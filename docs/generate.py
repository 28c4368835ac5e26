"""Writes the generated parts of the documentation, or checks that they are up to date."""

import argparse
import ast
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from fastapi.testclient import TestClient
from typer.testing import CliRunner

from docs.examples import QUESTION, examples, shortened
from sourcebook.eval.bench.place import Place
from sourcebook.eval.bench.server import serving
from sourcebook.eval.bench.tables import PEERS, blocks, plots
from sourcebook.eval.cli.app import app
from sourcebook.eval.http.routes import evaluations_router
from sourcebook.eval.peers.table import peers_table
from sourcebook.eval.report.results_table import results_table
from sourcebook.eval.report.summary import DataSummary, MethodSummary, load_summary
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import DEFAULT_MODEL
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.library import Library
from sourcebook.index.parsing.parse import parse
from sourcebook.service.access.roles import Role
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.doors.mcp_tools import TOOLS
from sourcebook.service.http.app import create_app
from sourcebook.service.http.rules import ALL_METHODS
from sourcebook.service.settings import Settings

ROOT = Path(__file__).parents[1]
REQUEST_ID = "5f2c9b1e"  # sent, so that problems are the same each time

# A Python example to run, followed by the block that holds its output.
_EXAMPLE = re.compile(r"(<!-- run -->\n```python\n(.*?)```\n\n```text\n).*?```", re.DOTALL)
# `--check` ignores values that change from run to run or from processor to processor.
_VOLATILE = (
    (re.compile(r"\d+\.\d+(e-?\d+)?"), "#"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:]+(Z|\+00:00)"), "TIME"),
    (
        re.compile(r'"(fingerprint|folder|database|dense|lexical|usage_bytes)": ("[^"]*"|\d+)'),
        r'"\1": #',
    ),
)


def settings_page() -> str:
    """docs/settings.md: the table of settings."""
    rows = [
        f"| `{field.name}` | `{field.metadata['variable']}` | {_default(field.default)} "
        f"| {field.metadata['help']} |"
        for field in fields(Settings)
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "Sourcebook reads its settings from environment variables when it starts. Command-line",
            "options override them.",
            "",
            "| name | variable | default | what it does |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _default(value: object) -> str:
    return "" if value == () else f"`{value}`"


def module_map() -> str:
    """The module map of docs/architecture.md, from the modules' docstrings."""
    lines = []
    for layer in ("index", "service", "eval"):
        for package in sorted(path.parent for path in (ROOT / layer).rglob("__init__.py")):
            lines += [f"**{package.relative_to(ROOT)}/**: {_summary(package / '__init__.py')}", ""]
            modules = sorted(path for path in package.glob("*.py") if path.stem != "__init__")
            lines += [f"- `{path.name}`: {_summary(path)}" for path in modules]
            lines.append("")
    return "\n".join(lines).rstrip()


def _summary(module: Path) -> str:
    return (ast.get_docstring(ast.parse(module.read_text("utf-8"))) or "").split("\n")[0]


def api_page(engine: Engine) -> str:
    """docs/api.md: every endpoint, some with a real exchange."""
    service = create_app(Answering(engine), routers=[evaluations_router(engine)])
    parts = [
        "# HTTP API",
        "",
        "Generated from the running service. `/openapi.json` is the complete contract; `/docs`",
        "shows it in a browser. Errors are RFC 9457 problems (`application/problem+json`).",
        "",
        *_endpoints(service.openapi()),
    ]
    with TestClient(service, headers={"X-Request-ID": REQUEST_ID}) as client:
        for title, method, path, body in _exchanges(engine):
            parts += [f"## {title}", ""]
            parts += _exchange(client, method, path, body)
    return "\n".join(parts)


def doors_page(engine: Engine) -> str:
    """docs/doors.md with the output of each example, run against a real server."""
    page = (ROOT / "docs/doors.md").read_text("utf-8")
    address = "http://127.0.0.1:8000"
    model = subprocess.Popen(
        [sys.executable, ROOT / "tests/misbehaving.py"], stdout=subprocess.PIPE, text=True
    )
    with model:
        os.environ["SOURCEBOOK_WRITER_URL"] = f"http://127.0.0.1:{next(model.stdout).strip()}/v1"
        os.environ["SOURCEBOOK_WRITER_MODEL"] = "numbers"
        with serving(Place(folder=engine.library.folder, model=DEFAULT_MODEL)) as served:

            def run(example: re.Match[str]) -> str:
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed):
                    exec(example[2].replace(address, served.url), {})
                return f"{example[1]}{printed.getvalue().replace(served.url, address)}```"

            page = _EXAMPLE.sub(run, page)
        model.kill()
    del os.environ["SOURCEBOOK_WRITER_URL"], os.environ["SOURCEBOOK_WRITER_MODEL"]
    return page


def _endpoints(openapi: dict[str, dict[str, dict[str, dict[str, str]]]]) -> Iterator[str]:
    yield "| endpoint | what it does |"
    yield "|---|---|"
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"| `{method.upper()} {path}` | {operation.get('summary', '')} |"
    yield ""


def access_table(engine: Engine) -> str:
    """The table of docs/access.md: every address, and which roles may use it."""
    service = create_app(Answering(engine), routers=[evaluations_router(engine)])
    roles = list(Role)
    head = ["address", "no key", *(role.word for role in roles[1:]), "logged"]
    rows = [f"| {' | '.join(head)} |", "|---|" + ":-:|" * (len(head) - 1)]
    for one in sorted(service.state.addresses, key=lambda one: one.rule.role):
        methods = "" if one.methods == ALL_METHODS else f"{', '.join(one.methods)} "
        may = ["yes" if role >= one.rule.role else "" for role in roles]
        logged = "yes" if one.rule.writes else ""
        rows.append(f"| {' | '.join([f'`{methods}{one.path}`', *may, logged])} |")
    return "\n".join(rows)


def _exchanges(engine: Engine) -> list[tuple[str, str, str, dict[str, object] | None]]:
    article = next(iter(engine.find(QUESTION, limit=1).hits)).passage.article_id
    return [
        ("Ask", "POST", "/v1/ask", {"question": QUESTION}),
        (
            "Ask something it cannot answer",
            "GET",
            "/v1/ask?q=What+is+the+best+pizza+in+Naples",
            None,
        ),
        (
            "Ask why there is no answer",
            "GET",
            "/v1/ask?q=How+much+cocaine+did+Peru+seize+in+1995&explain=true",
            None,
        ),
        ("Search", "POST", "/v1/search", {"question": QUESTION, "limit": 1}),
        ("Verify a quote", "POST", "/v1/verify", {"quotes": ["Petro became Colombia’s first"]}),
        ("Get an article that does not exist", "GET", "/v1/articles/0000000000000000", None),
        ("Send an unknown field", "POST", "/v1/ask", {"question": QUESTION, "colour": "blue"}),
        ("Describe the library", "GET", "/v1/library", None),
        ("Passages of an article", "GET", f"/v1/articles/{article}/passages?limit=1", None),
    ]


def _exchange(
    client: TestClient, method: str, path: str, body: dict[str, object] | None
) -> Iterator[str]:
    data = f" -H 'content-type: application/json' -d '{json.dumps(body)}'" if body else ""
    verb = "" if method == "GET" else f" -X {method}"
    response = client.request(method, path, json=body)
    yield "```console"
    yield f"$ curl -s{verb} 'http://127.0.0.1:8000{path}'{data}"
    yield json.dumps(shortened(response.json(), "..."), indent=2, ensure_ascii=False)
    yield "```"
    yield ""


def tools_table() -> str:
    """The table of MCP tools in docs/doors.md, with their parameters and results."""
    rows = ["| tool | purpose | parameters | result |", "|---|---|---|---|"]
    for tool in TOOLS.values():
        takes, gives = (
            ", ".join(f"`{name}`" for name in model.model_fields)
            for model in (tool.wanted, tool.given)
        )
        rows.append(f"| `{tool.name}` | {tool.title} | {takes} | {gives} |")
    return "\n".join(rows)


def within(page: str, name: str, content: str) -> str:
    """`page` with its block `name` replaced; `SystemExit` when it has none."""
    pattern = re.compile(rf"(<!-- generated: {name} -->).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(page):
        sys.exit(f"no block <!-- generated: {name} --> to fill")
    return pattern.sub(lambda match: f"{match[1]}\n{content.strip()}\n{match[2]}", page)


def performance_page(measured: Path) -> str:
    """docs/performance.md with the results in the folder `measured`."""
    page = (ROOT / "docs/performance.md").read_text("utf-8")
    peers = {"peers": peers_table(measured / PEERS)}
    for name, content in (blocks(measured) | peers).items():
        page = within(page, name, content)
    return page


def figures_table(folder: Path) -> str:
    """The four figures of README.md, from the results in `folder`.

    Exact quotes are taken over all data sets, so one wrong quotation anywhere would show.
    """
    results = {found.data: found for found in map(load_summary, sorted(folder.glob("*.json")))}
    methods = [method for found in results.values() for method in found.methods]
    exact = min(method.measures["Exact"].mean for method in methods if method.method == "full")
    articles, feedback = results["articles.dev"], results["feedbackqa"]
    large = results["scifact"]
    served = _method(feedback, "full").measures["nDCG@10"].mean
    alone = _method(feedback, "dense").measures["nDCG@10"].mean
    median = _method(large, "full").latency["total"].median
    rows = [
        (
            f"{100 * _method(articles, 'full').measures['Hit@1'].mean:.0f} %",
            "of the questions about five real articles: the first passage contains the exact "
            f"words that answer ({articles.questions - articles.unanswerable} questions)",
            "articles.dev",
        ),
        (
            f"{served:.3f}",
            "nDCG@10 on FeedbackQA, questions about government web pages "
            f"({feedback.questions:,} questions); the encoder's vectors alone: {alone:.3f}",
            "feedbackqa",
        ),
        (
            f"{100 * exact:.4g} %",
            f"of all quotations exact, in all {len(results)} data sets "
            f"({sum(found.questions for found in results.values()):,} questions)",
            "*",
        ),
        (
            f"{1000 * median:.0f} ms",
            "median time per question, with "
            f"{_method(large, 'full').cost['passages']:,} passages on "
            f"{large.machine['cores']} cores",
            "scifact",
        ),
    ]
    lines = ["| figure | meaning | source |", "| ---: | --- | --- |"]
    lines += [
        f"| **{value}** | {meaning} | `eval/results/{source}.json` |"
        for value, meaning, source in rows
    ]
    made = "`sourcebook eval all` writes the sources; `make docs` writes this table from them."
    return "\n".join([*lines, "", made])


def _method(found: DataSummary, name: str) -> MethodSummary:
    return next(each for each in found.methods if each.method == name)


def pages(engine: Engine) -> dict[Path, str]:
    """Every generated page with its content."""
    architecture = ROOT / "docs/architecture.md"
    doors = ROOT / "docs/doors.md"
    evaluation = ROOT / "docs/evaluation.md"
    access = ROOT / "docs/access.md"
    readme = within(
        (ROOT / "README.md").read_text("utf-8"), "figures", figures_table(ROOT / "eval/results")
    )
    measured = ROOT / "eval/results/performance"
    table = results_table(ROOT / "eval/results")
    printed = CliRunner().invoke(app, ["--library", str(engine.library.folder), "ask", QUESTION])
    shown = f'$ make ask Q="{QUESTION}"\n{printed.stdout.rstrip()}'
    return {
        ROOT / "docs/settings.md": settings_page(),
        ROOT / "docs/api.md": api_page(engine),
        ROOT / "docs/doors.md": doors_page(engine),
        architecture: within(architecture.read_text("utf-8"), "modules", module_map()),
        doors: within(doors.read_text("utf-8"), "mcp", tools_table()),
        access: within(access.read_text("utf-8"), "roles", access_table(engine)),
        evaluation: within(evaluation.read_text("utf-8"), "results", table),
        ROOT / "docs/performance.md": performance_page(measured),
        **{ROOT / "docs" / name: drawing for name, drawing in plots(measured).items()},
        ROOT / "service/http/examples.json": _json(
            examples(engine)
        ),  # last: it changes the library
        ROOT / "README.md": within(readme, "answer", f"```text\n{shown}\n```"),
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def seeds_engine(folder: Path) -> Engine:
    """An engine on a new library of the seeds; sources do not depend on the machine."""
    library = Library(folder, Encoder(), create=True)
    paths = sorted(path for path in (ROOT / "seeds").glob("*.md") if path.name != "README.md")
    for path in paths:
        name = f"seeds/{path.name}"
        library.add(parse(path.read_bytes(), name=name, source=name))
    return Engine.of(library, reader=shipped_reader())


def main() -> None:
    """Write the generated pages; with `--check`, list those that are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if stale")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        engine = seeds_engine(Path(folder) / "library")
        try:
            found = pages(engine)
        finally:
            engine.library.close()
    stale = [path for path, text in found.items() if not _same(path, text)]
    for path in stale:
        if not check:
            path.write_text(found[path], "utf-8")
        print("stale:" if check else "wrote", path.relative_to(ROOT))
    if check and stale:
        sys.exit("Run `make docs` and commit what it writes.")


def _same(path: Path, text: str) -> bool:
    return path.exists() and _steady(path.read_text("utf-8")) == _steady(text)


def _steady(text: str) -> str:
    for pattern, replacement in _VOLATILE:
        text = pattern.sub(replacement, text)
    return text


if __name__ == "__main__":
    main()
