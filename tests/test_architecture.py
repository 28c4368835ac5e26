"""The law of the folders, read from the source: imports point left, and each tool has one owner."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.subject import ANSWERING, ASIDE

ROOT = Path(__file__).parents[1]
LAYERS = ("seeds", "index", "service", "eval")
FILES = sorted(file for layer in LAYERS for file in (ROOT / layer).rglob("*.py"))
HTTP = {f"service.{name}" for name in ("http", "pages", "problems", "routes", "server", "uploads")}
HTTP |= {"service.foreign", "service.mcp_http"}
# What only its owner may import; elsewhere it would leak the tool into the design.
OWNERS = {
    "fastapi": {*HTTP, "eval.http"},
    "starlette": {*HTTP, "eval.http"},
    "faiss": {"index.dense", "eval.peers.run_langchain"},
    "torch": {"index.torch_model"},
    "transformers": {"index.torch_model"},
    "sentence_transformers": {"index.torch_model", "eval.peers.run_encode"},
    "nncf": {"index.torch_model"},
    "openvino": {"index.openvino_model", "index.torch_model"},
    "langchain_core": {"service.langchain", "eval.peers.run_langchain"},
    "llama_index": {"service.llamaindex", "eval.peers.run_llamaindex"},
    "haystack": {"service.haystack", "eval.peers.run_haystack"},
    "mcp": {"service.mcp", "service.mcp_http"},
    "sqlite3": {"index.store"},
    "tantivy": {"index.lexical"},
}
# The command lines answer `--help` at once by importing heavy packages only where they are used.
MAY_DEFER = {"service.cli", "service.shell", "eval.cli"}
# These time how long a system takes to load, its import included.
SYSTEMS = ("encode", "haystack", "langchain", "llamaindex", "sourcebook", "txtai")
MAY_DEFER |= {f"eval.peers.run_{name}" for name in SYSTEMS}
# Reading plain text needs neither of the first two; only a conversion needs the others.
DEFERRED = {
    "index.read": {"py3langid"},
    "index.formats": {"trafilatura"},
    "index.encode": {"index.torch_model"},
    "index.torch_model": {"nncf", "openvino"},
    "service.mcp_http": {"mcp", "service.mcp"},
}
NAMELESS = {"utils", "util", "types", "base", "helpers", "common", "misc", "managers"}


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): ast.parse(file.read_text("utf-8")) for file in FILES}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(tree: ast.AST, *, depth: int = 0) -> Iterator[tuple[str, int]]:
    """(module or module.name, how many functions deep) of all that is imported at run time."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node):
            continue
        inside = depth + isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.Import):
            yield from ((alias.name, depth) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield from ((f"{node.module}.{alias.name}", depth) for alias in node.names)
        else:
            yield from imports(node, depth=inside)


def module_of(imported: str) -> str | None:
    """Which of our modules an import means: `index.store.Store` is `index.store`."""
    while imported and imported not in MODULES:
        imported = imported.rpartition(".")[0]
    return imported or None


GRAPH = {
    module: {found for name, _ in imports(tree) if (found := module_of(name)) and found != module}
    for module, tree in MODULES.items()
}


def test_the_modules_are_there() -> None:
    assert {"index.library", "service.engine", "eval.measures"} <= set(MODULES)
    assert "index.library" in GRAPH["service.engine"]


def test_the_fingerprint_of_an_evaluation_covers_all_that_answers() -> None:
    reached, left = set(), ["service.engine"]
    while left:
        if (module := left.pop()) not in reached:
            reached.add(module)
            left += [other for other in GRAPH[module] if other.startswith("service.")]
    assert reached == {f"service.{name}" for name in (*ANSWERING, *ASIDE)}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_left(module: str) -> None:
    here = LAYERS.index(module.split(".", 1)[0])
    right = {other for other in GRAPH[module] if LAYERS.index(other.split(".", 1)[0]) > here}
    assert not right, f"{module} must not know of {right}"


def test_no_import_cycle() -> None:
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above[above.index(module) :], module))
        if module not in done:
            for other in sorted(GRAPH[module]):
                visit(other, (*above, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())
    assert done == set(MODULES)


def owned(module: str, owners: set[str]) -> bool:
    """`service.routes` also owns its parts: `service.routes_articles`, `service.routes.ask`."""
    return module in owners or any(
        module.startswith((f"{owner}_", f"{owner}.")) for owner in owners if "routes" in owner
    )


@pytest.mark.parametrize(("package", "owners"), OWNERS.items(), ids=OWNERS)
def test_each_tool_has_one_owner(package: str, owners: set[str]) -> None:
    users = {
        module
        for module, tree in MODULES.items()
        for name, _ in imports(tree)
        if name.split(".", 1)[0] == package
    }
    assert not {module for module in users if not owned(module, owners)}


@pytest.mark.parametrize("module", MODULES)
def test_imports_stand_at_the_top(module: str) -> None:
    """A function may import only to defer a heavy package."""
    deep = {name for name, depth in imports(MODULES[module]) if depth}
    heavy = {module_of(name) or name.split(".", 1)[0] for name in deep}
    assert module in MAY_DEFER or heavy <= DEFERRED.get(module, set())


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_named_for_what_they_do(module: str) -> None:
    assert not NAMELESS & set(module.split("."))


@pytest.mark.parametrize("module", MODULES)
def test_what_is_public_has_a_docstring(module: str) -> None:
    assert list(undocumented(MODULES[module], module)) == []


def undocumented(node: ast.Module | ast.ClassDef | ast.FunctionDef, name: str) -> Iterator[str]:
    if not ast.get_docstring(node):
        yield name
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not (
            child.name.startswith("_")
        ):
            if isinstance(child, ast.ClassDef):
                yield from undocumented(child, f"{name}.{child.name}")
            elif not ast.get_docstring(child):
                yield f"{name}.{child.name}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_docstring_begins_with_one_sentence(module: str) -> None:
    first = (ast.get_docstring(MODULES[module]) or "").split("\n\n")[0]
    assert first.endswith(".")
    assert "\n" not in first
