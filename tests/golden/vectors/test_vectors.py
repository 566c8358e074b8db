"""The committed vectors are what Python makes today; Kotlin and JavaScript have to match them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.golden.vectors import memory
from tests.golden.vectors.make import BYTES, FOLDER, difference, files

MAX_BYTES = 3_000_000


@pytest.fixture(scope="module")
def index() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    return document


def test_the_vectors_are_what_python_makes_today() -> None:
    made = dict(files())
    for name, data in made.items():
        found = difference((FOLDER / name).read_bytes(), data)
        assert not found, f"{name}: {found}; if on purpose: python tests/golden/vectors/make.py"
    assert {f"bytes/{path.name}" for path in BYTES.iterdir()} == {n for n in made if "/" in n}


def test_all_of_it_is_small_enough_to_be_committed() -> None:
    kept = [path for path in FOLDER.rglob("*") if path.suffix not in (".py", ".pyc")]
    assert sum(path.stat().st_size for path in kept if path.is_file()) < MAX_BYTES


def test_every_format_rotation_matrix_and_range_is_there(index: dict[str, Any]) -> None:
    frames = [vector["frame"] for vector in index["vectors"]]
    turned = {(f["format"], f.get("rotation", 0), "roi" in f) for f in frames}
    formats = {f["format"] for f in frames}
    assert len(formats) == 10
    assert {(f, r, r > 0) for f in formats for r in (0, 90, 180, 270)} <= turned
    colours = {(f["format"], f.get("matrix"), f.get("range")) for f in frames}
    for name in ("NV21", "I420", "YUYV", "YUV_420_888"):
        for matrix in ("BT.601", "BT.709"):
            assert {(name, matrix, "full"), (name, matrix, "limited")} <= colours
    sizes = {f["width"] * f["height"] for f in frames}
    assert min(sizes) == 1
    assert max(sizes) >= 12_000_000


def test_verdicts_of_both_kinds_are_there(index: dict[str, Any]) -> None:
    verdicts = [
        verdict
        for vector in index["vectors"]
        for name in ("base", "nano")
        for verdict in vector[name]["verdicts"].values()
    ]
    assert {verdict["accept"] for verdict in verdicts} == {True, False}
    causes = {reason["cause"] for verdict in verdicts for reason in verdict["reasons"]}
    assert len(causes) == 7


def test_generators_are_those_of_the_readme() -> None:
    state, first = 5, []
    for _ in range(1000):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        first.append(state >> 24)
    assert memory.lcg(5, 1000).tolist() == first
    waves = {
        **{"kind": "waves", "length": 777, "stride": 50, "unit": 3, "seed": 5},
        **{"slopes": [97, 31, 53, 71], "gain": 200, "base": 30, "noise": 90, "tint": 25},
    }
    made = []
    for place in range(777):
        row, byte = divmod(place, 50)
        column, channel = divmod(byte, 3)
        one = _triangle(column * 97 + row * 31 + channel * 25)
        two = _triangle(column * 53 - row * 71)
        value = 30 + (((one * two >> 8) * 200 + (first[place] - 128) * 90) >> 8)
        made.append(min(max(value, 0), 255))
    assert np.array_equal(memory.make(waves), made)


def _triangle(value: int) -> int:
    phase = value & 511
    return phase if phase < 256 else 511 - phase
