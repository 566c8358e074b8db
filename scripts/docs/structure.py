"""Reads the structure of the code from its imports, and prints its size.

Usage: python scripts/docs/structure.py [--root CHECKOUT] [--packages]

Prints, per top-level package, lines of Python, modules, the longest chain of imports and the
circles among them, and the size of README.md. With --packages the inner packages follow. --root
reads another checkout, such as an older one made by `git worktree add`.

`LAYERS` is the rule that `tests/test_layers.py` enforces and `scripts/docs/architecture.py` draws.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("edgeiqa", "convert", "scripts", "examples", "tests")

# From top to bottom. Packages of one layer may import each other as long as there is no circle.
LAYERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "edgeiqa": (
        ("__main__", "cli"),
        ("service", "integrations", "web"),
        ("sinks", "batch", "report", "bench"),
        ("live", "results", "burst"),
        ("scorer",),
        ("analysis", "gating"),
        ("preprocessing", "sources", "quality"),
        ("imaging", "inference", "files", "assets"),
        ("urls",),
        ("errors", "causes", "stages", "_version", "_deprecated"),
    ),
    "convert": (
        ("__main__",),
        ("cli",),
        ("causes", "keras_import"),
        ("baselines",),
        ("quantization", "training", "evaluation"),
        ("nets",),
        ("datasets",),
        ("distortions",),
        ("common",),
    ),
}

Graph = dict[str, set[str]]
"""Module to the modules of ours that it imports."""


def modules_in(root: Path, *tops: str) -> dict[str, Path]:
    """All modules of some top-level packages by their dotted names."""
    return {
        ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file
        for top in tops
        for file in sorted((root / top).rglob("*.py"))
    }


def imports_of(name: str, modules: Mapping[str, Path]) -> set[str]:
    """The modules of ours that one imports anywhere, imports for type checkers alone aside."""
    file = modules[name]
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.ImportFrom):
                above = package[: len(package) + 1 - child.level] if child.level else []
                origin = ".".join([*above, *filter(None, [child.module])])
                named = {f"{origin}.{alias.name}" for alias in child.names}
                found.update((named & modules.keys()) or ({origin} & modules.keys()))
            elif isinstance(child, ast.Import):
                found.update({alias.name for alias in child.names} & modules.keys())
            visit(child)

    visit(ast.parse(file.read_text(encoding="utf-8")))
    return found


def graph_of(modules: Mapping[str, Path]) -> Graph:
    """Who imports whom."""
    return {name: imports_of(name, modules) - {name} for name in modules}


def package_of(module: str) -> tuple[str, str]:
    """The top-level package of a module and the package in it, "" for its public face."""
    top, _, rest = module.partition(".")
    return top, rest.partition(".")[0]


def packages_of(graph: Graph) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The graph between packages."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for name, imported in graph.items():
        here = package_of(name)
        found.setdefault(here, set()).update(package_of(one) for one in imported)
        found[here].discard(here)
    return found


def circles(graph: Graph) -> list[list[str]]:
    """Groups of modules that import each other, directly or through others (Tarjan)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            at = stack.index(name)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in number:
            visit(name)
    return found


def levels(graph: Graph) -> int:
    """Modules in the longest chain of imports; a circle counts as one."""
    group = {name: names[0] for names in circles(graph) for name in names}
    merged: Graph = {}
    for name, imported in graph.items():
        here = group.get(name, name)
        merged.setdefault(here, set()).update(group.get(one, one) for one in imported)
        merged[here].discard(here)
    height: dict[str, int] = {}

    def visit(name: str) -> int:
        if name not in height:
            height[name] = 1 + max((visit(one) for one in merged[name]), default=0)
        return height[name]

    return max((visit(name) for name in merged), default=0)


def lines_of(file: Path) -> int:
    """Lines of a file, blank ones included."""
    return file.read_bytes().count(b"\n")


def summary(root: Path, packages: bool) -> Iterator[str]:
    """The lines that `main` prints."""
    yield f"{'package':24} {'lines':>7} {'modules':>8} {'levels':>7} {'circles':>8}"
    for top in TOPS:
        modules = modules_in(root, top)
        if not modules:
            continue
        graph = graph_of(modules)
        lines = sum(map(lines_of, modules.values()))
        figures = f"{lines:7,} {len(modules):8} {levels(graph):7} {len(circles(graph)):8}"
        yield f"{top:24} {figures}"
        inner: dict[str, list[Path]] = {}
        for name, file in modules.items():
            inner.setdefault(package_of(name)[1], []).append(file)
        for name, files in sorted(inner.items()):
            if packages and len(files) > 1:
                yield f"  {name:22} {sum(map(lines_of, files)):7,} {len(files):8}"
    yield f"README.md {(root / 'README.md').stat().st_size:,} bytes"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT, metavar="CHECKOUT")
    parser.add_argument("--packages", action="store_true", help="list the inner packages, too")
    args = parser.parse_args(arguments)
    print(*summary(args.root, args.packages), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
