"""Imports run downwards only: the layers of the architecture page, read from the code itself."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from scripts.docs.structure import (
    LAYERS,
    ROOT,
    circles,
    graph_of,
    levels,
    main,
    modules_in,
    package_of,
    packages_of,
)

MODULES = modules_in(ROOT, "edgeiqa", "convert")
GRAPH = graph_of(MODULES)
LEVEL = {
    (top, package): level
    for top, layers in LAYERS.items()
    for level, packages in enumerate(layers)
    for package in packages
}


def test_no_module_imports_itself_in_a_circle() -> None:
    assert circles(GRAPH) == []


def test_no_package_imports_another_in_a_circle() -> None:
    try:
        TopologicalSorter(packages_of(GRAPH)).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(map(".".join, error.args[1])))


def test_every_package_has_its_layer() -> None:
    assert {package_of(name) for name in MODULES} == {*LEVEL, ("edgeiqa", ""), ("convert", "")}


def test_imports_run_downwards() -> None:
    upward = [
        f"{name} -> {one}"
        for name, imported in GRAPH.items()
        for one in sorted(imported)
        if package_of(name) in LEVEL
        and package_of(one) in LEVEL
        and package_of(one)[0] == package_of(name)[0]
        and LEVEL[package_of(one)] < LEVEL[package_of(name)]
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
    for name, imported in GRAPH.items():
        if name.startswith("edgeiqa"):
            assert not any(one.startswith("convert") for one in imported), name


def test_structure_counts_lines_levels_and_circles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "edgeiqa"
    package.mkdir()
    (tmp_path / "README.md").write_text("12345\n")
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from . import b\nfrom .c import x\n")
    (package / "b.py").write_text("def f():\n    from edgeiqa.a import g\n")
    (package / "c.py").write_text("import edgeiqa.d\nx = 1\n")
    (package / "d.py").write_text("if TYPE_CHECKING:\n    from edgeiqa.a import g\n")
    graph = graph_of(modules_in(tmp_path, "edgeiqa"))
    assert circles(graph) == [["edgeiqa.a", "edgeiqa.b"]]
    assert levels(graph) == 3  # a and b, c, d
    assert main(["--root", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["edgeiqa", "8", "5", "3", "1"]
    assert printed[-1] == "README.md 6 bytes"
