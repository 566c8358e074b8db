"""Imports run downwards only: the layers of the architecture page, read from the code itself."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for package in ("edgeiqa", "convert")
    for file in sorted((ROOT / package).rglob("*.py"))
}
# From top to bottom; packages of one line may import each other as long as there is no circle.
LAYERS = {
    "edgeiqa": (
        ("__main__", "cli"),
        ("service", "integrations"),
        ("sinks", "batch", "report", "bench"),
        ("live", "results", "burst"),
        ("scorer",),
        ("analysis", "gating"),
        ("preprocessing", "sources", "quality"),
        ("imaging", "inference", "files", "assets"),
        ("urls",),
        ("errors", "causes", "_version", "_deprecated"),
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
LEVEL = {
    (top, room): level
    for top, layers in LAYERS.items()
    for level, rooms in enumerate(layers)
    for room in rooms
}


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


def room(module: str) -> tuple[str, str]:
    """The top-level package of a module and the room in it ("" for its public face)."""
    top, _, rest = module.partition(".")
    return top, rest.partition(".")[0]


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name: imports_of(file) - {name} for name, file in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_room_imports_another_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for name, file in MODULES.items():
        here = ".".join(room(name))
        graph.setdefault(here, set()).update(".".join(room(one)) for one in imports_of(file))
        graph[here].discard(here)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_room_has_its_layer() -> None:
    assert {room(name) for name in MODULES} == {*LEVEL, ("edgeiqa", ""), ("convert", "")}


def test_imports_run_downwards() -> None:
    upward = [
        f"{name} -> {one}"
        for name, file in MODULES.items()
        for one in sorted(imports_of(file))
        if room(name) in LEVEL
        and room(one) in LEVEL
        and room(one)[0] == room(name)[0]
        and LEVEL[room(one)] < LEVEL[room(name)]
    ]
    assert not upward


def test_the_public_face_is_not_used_from_within() -> None:
    """Its names are loaded lazily; from within, each is imported from where it lives."""
    using = [name for name, file in MODULES.items() if name != "edgeiqa" and _uses_face(file)]
    assert not using


def _uses_face(file: Path) -> bool:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "edgeiqa"
        and any(f"edgeiqa.{alias.name}" not in MODULES for alias in node.names)
        for node in ast.walk(tree)
    )


def test_the_runtime_does_not_know_the_tools() -> None:
    for name, file in MODULES.items():
        if name.startswith("edgeiqa"):
            assert not any(one.startswith("convert") for one in imports_of(file)), name
