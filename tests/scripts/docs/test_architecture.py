"""The drawings of the architecture page are those of the code, and its paths exist."""

from __future__ import annotations

import re
import sys

import pytest

from scripts.docs import architecture
from scripts.docs.architecture import Call, drawn_imports, frame_svg, layers_svg, recorded_calls
from scripts.docs.structure import LAYERS, ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_drawing_of_the_layers_is_up_to_date() -> None:
    assert architecture.LAYERS_SVG.read_text(encoding="utf-8") == layers_svg()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no qualified names of code objects")
def test_drawing_of_a_frame_is_up_to_date() -> None:
    assert architecture.FRAME_SVG.read_text(encoding="utf-8") == frame_svg(recorded_calls())


def test_a_frame_goes_from_source_to_sink() -> None:
    callees = [call.callee for call in recorded_calls()]
    stages = ["sources", "scorer", "preprocessing", "inference", "analysis", "gating", "sinks"]
    assert [callees.index(stage) for stage in stages] == sorted(map(callees.index, stages))


def test_what_follows_from_other_imports_is_not_drawn() -> None:
    graph = drawn_imports()
    assert "scorer" in graph["results"] or "scorer" in graph["batch"]
    assert "errors" not in graph["cli"]


def test_a_call_is_a_row() -> None:
    drawn = frame_svg([Call("live", "scorer", "scorer.Scorer.score")])
    assert drawn.count('class="call"') == 1
    assert drawn.count('class="box"') == 2


def test_every_package_is_described() -> None:
    described = set(re.findall(r"`(\w+)`", PAGE.partition("## Layers")[2].partition("## The")[0]))
    packages = {name for layer in LAYERS["edgeiqa"] for name in layer if not name.startswith("_")}
    assert packages <= described


def test_the_four_questions_are_answered() -> None:
    """Each by a path that exists; see `test_fill_tables.test_paths_exist` for all others."""
    for question, path in (
        ("pixel format", "edgeiqa/imaging/pixel_format.py"),
        ("cause gets its threshold", "edgeiqa/gating/gate.py"),
        ("writes a results file", "edgeiqa/results/writers.py"),
        ("camera stalls", "edgeiqa/sources/reconnect.py"),
    ):
        (row,) = (line for line in PAGE.splitlines() if f"**{question}**" in line)
        assert f"`{path}`" in row
