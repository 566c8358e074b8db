"""The house: imports go one way, between modules and between packages, and files stay readable."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for package in ("edgeiqa", "convert")
    for file in sorted((ROOT / package).rglob("*.py"))
}
MOST_LINES = 400


def imports_of(file: Path) -> set[str]:
    """Modules of ours that a file imports anywhere, but for type checkers alone."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.ImportFrom) and child.module:
                named = {f"{child.module}.{alias.name}" for alias in child.names}
                found.update((named & MODULES.keys()) or ({child.module} & MODULES.keys()))
            visit(child)

    visit(ast.parse(file.read_text(encoding="utf-8")))
    return found


def room(module: str) -> str:
    """The package that a module is in."""
    parts = module.split(".")
    return ".".join(parts[:2]) if len(parts) > 2 else module


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name: imports_of(file) - {name} for name, file in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_package_imports_another_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for name, file in MODULES.items():
        graph.setdefault(room(name), set()).update(room(one) for one in imports_of(file))
    for name, needed in graph.items():
        needed.discard(name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_runtime_knows_nothing_of_the_workshop() -> None:
    for name, file in MODULES.items():
        if name.startswith("edgeiqa"):
            assert not any(one.startswith("convert") for one in imports_of(file)), name


def test_files_stay_short() -> None:
    long = {
        name: lines
        for name, file in MODULES.items()
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not long
