"""Prints how the code is structured: modules, lines, levels and imports of layers and packages.

    python -m docs.structure [FOLDER]

FOLDER is a checkout; it may still have the old layout, in which layers are imported as `index`
instead of `sourcebook.index`. The numbers of a package count only imports within it.
"""

import argparse
import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
LAYERS = ("seeds", "index", "service", "eval")
NAMESPACE = "sourcebook."
HEAD = (
    "",
    "modules",
    "lines",
    "levels",
    "imports",
    "in functions",
    "module median",
    "module max",
    "function median",
    "function max",
)

Graph = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Module:
    """A module by its name without the namespace.

    `imports` are the names it imports at run time, `deferred` is the number of import statements
    in functions, and `functions` are the lengths of its functions in lines.
    """

    name: str
    lines: int
    imports: frozenset[str]
    deferred: int
    functions: tuple[int, ...]


def module_of(file: Path, root: Path) -> Module:
    """Parse one file of the checkout `root`."""
    text = file.read_text("utf-8")
    tree = ast.parse(text)
    parts = file.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    functions = tuple(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    imports = list(_imports(tree, inside=False))
    return Module(
        name=name,
        lines=len(text.splitlines()),
        imports=frozenset(name for names, _ in imports for name in names),
        deferred=sum(inside for _, inside in imports),
        functions=functions,
    )


def _imports(tree: ast.AST, *, inside: bool) -> Iterator[tuple[list[str], bool]]:
    """The names of each import statement, and whether it is in a function; not those for types."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield [alias.name.removeprefix(NAMESPACE) for alias in node.names], inside
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").removeprefix(NAMESPACE)
            yield [f"{module}.{alias.name}" for alias in node.names], inside
        elif not (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")):
            deeper = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(node, inside=inside or deeper)


def graph_of(modules: Sequence[Module]) -> Graph:
    """Module -> the modules of ours that it imports."""
    names = {module.name for module in modules}

    def known(imported: str) -> str:
        while imported and imported not in names:
            imported = imported.rpartition(".")[0]
        return imported

    return {
        module.name: frozenset(map(known, module.imports)) - {"", module.name} for module in modules
    }


def levels(graph: Graph) -> int:
    """The number of modules in the longest chain of imports; a cycle counts once."""
    under_way: set[str] = set()

    @cache
    def depth(module: str) -> int:
        under_way.add(module)
        found = 1 + max((depth(each) for each in graph[module] - under_way), default=0)
        under_way.remove(module)
        return found

    return max(map(depth, graph), default=0)


def row(title: str, modules: Sequence[Module], whole: Graph) -> list[str]:
    """The figures of some modules; imports are counted if both ends are among them."""
    names = frozenset(module.name for module in modules)
    graph = {name: whole[name] & names for name in names}
    functions = [length for module in modules for length in module.functions] or [0]
    lines = [module.lines for module in modules]
    figures = (
        len(modules),
        sum(lines),
        levels(graph),
        sum(map(len, graph.values())),
        sum(module.deferred for module in modules),
        median(lines),
        max(lines),
        median(functions),
        max(functions),
    )
    return [title, *(f"{figure:,.0f}" for figure in figures)]


def table(root: Path) -> list[list[str]]:
    """A row for each layer, followed by its packages, and one for all of them."""
    files = {each: sorted((root / each).rglob("*.py")) for each in LAYERS if (root / each).is_dir()}
    layers = {layer: [module_of(file, root) for file in found] for layer, found in files.items()}
    every = [module for modules in layers.values() for module in modules]
    whole = graph_of(every)
    rows = []
    for layer, modules in layers.items():
        rows.append(row(layer, modules, whole))
        packages = sorted({file.parent for file in files[layer]} - {root / layer})
        for package in packages:
            name = ".".join(package.relative_to(root).parts)
            own = [m for m in modules if m.name == name or m.name.rpartition(".")[0] == name]
            rows.append(row(f"  {name}", own, whole))
    return [*rows, row("all", every, whole)]


def main() -> None:
    """Print the table of a checkout."""
    parser = argparse.ArgumentParser(prog="python -m docs.structure", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT, help="a checkout")
    rows = [list(HEAD), *table(parser.parse_args().folder.resolve())]
    widths = [max(len(line[place]) for line in rows) for place in range(len(HEAD))]
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        print(first.ljust(widths[0]), *cells, sep="  ")


if __name__ == "__main__":
    main()
