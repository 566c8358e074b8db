from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convert.baselines import pareto, table
from convert.baselines.base import Scorer
from convert.baselines.measure import agreement, milliseconds, shipped_scorer, timed_picture
from convert.datasets.manifest import DataError, ManifestRow
from edgeiqa.scorer import Scorer as Runtime


def entry(name: str, value: float | None, time: float, *, ours: bool = False) -> dict[str, Any]:
    spread = None if value is None else 0.02
    interval = {
        "value": value,
        "low": None if value is None or spread is None else value - spread,
        "high": None if value is None or spread is None else value + spread,
    }
    return {
        "name": name,
        "title": name,
        "paper": "somebody 2001",
        "ours": ours,
        "groups": {"pooled": {"SROCC": interval, "PLCC": interval}, "ss01": {"SROCC": interval}},
        "pictures": {"pooled": 1000, "ss01": 200},
        "parameters": 4,
        "macs": 880_000_000,
        "bytes": 2_730_000,
        "milliseconds": {"median": time, "low": time, "high": time},
    }


@pytest.fixture
def found() -> dict[str, Any]:
    methods = [
        entry("plain", 0.3, 2.0),
        entry("none", None, 5.0),
        entry("base", 0.86, 20.0, ours=True),
    ]
    about = {"database": "biq2021", "split": "validation", "timing": "fast", "command": "this"}
    return table.document(methods, about)


def test_tables_say_the_same(found: dict[str, Any]) -> None:
    lines = table.text_table(found).splitlines()
    assert lines[0].split("  ")[0] == "method"
    assert lines[1].split() == [
        "plain", "0.300", "0.300", "0.300", "880", "M", "2.73", "MB", "2.0",
    ]  # fmt: skip
    assert lines[2].split()[:4] == ["none", "-", "-", "-"]
    text = table.markdown_table(found)
    assert "| **base** | 0.860 <sub>0.840-0.880</sub> |" in text
    assert "| plain | 0.300 <sub>0.280-0.320</sub> |" in text
    assert text.splitlines()[-1].endswith("Measured with `this`.")
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {8}


def test_amounts_for_people() -> None:
    assert [table.count(n) for n in (9, 2_400, 3.4e6, 1.24e9)] == ["9", "2.4 k", "3.4 M", "1.24 G"]
    assert [table.count(n) for n in (998_999_999, 999_963_408)] == ["999 M", "1 G"]
    assert [table.size(n) for n in (16, 1_500, 2_730_000)] == ["16 B", "1.5 kB", "2.73 MB"]


def test_documents_are_read_back_or_refused(found: dict[str, Any], tmp_path: Path) -> None:
    from convert.common.files import write_json

    file = tmp_path / "r.json"
    write_json(file, found)
    assert table.read_document(file) == found
    file.write_text("{}")
    with pytest.raises(DataError, match="no results of"):
        table.read_document(file)
    file.write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        table.read_document(file)
    with pytest.raises(DataError, match="--json"):
        table.read_document(tmp_path / "none.json")


def test_front_keeps_what_nobody_beats() -> None:
    points = [(10.0, 0.8), (5.0, 0.5), (12.0, 0.7), (5.0, 0.6), (40.0, 0.9)]
    assert pareto.front(points) == [3, 0, 4]
    assert pareto.front([]) == []
    areas = [pareto.marker_area(size) for size in (0, 1e3, 1e5, 1e7, 1e9)]
    assert areas == sorted(areas)
    assert areas[0] == areas[1]
    assert areas[3] == areas[4]


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plot_is_drawn(found: dict[str, Any], tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"p.{suffix}"
    pareto.draw(found, file)
    if suffix == "png":
        with Image.open(file) as image:
            assert image.size[0] > 800
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 20
    else:
        assert "<svg" in file.read_text()


def test_plot_refuses_what_it_cannot_draw(found: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="suffix"):
        pareto.draw(found, tmp_path / "p.gif")
    with pytest.raises(DataError, match="nothing to draw"):
        pareto.draw({**found, "methods": []}, tmp_path / "p.png")
    assert not list(tmp_path.iterdir())


def test_agreement_of_a_known_scorer(tmp_path: Path) -> None:
    rows = []
    for index in range(20):
        Image.new("RGB", (16, 16), (10 * index,) * 3).save(tmp_path / f"{index}.png")
        mos = index / 19 if index % 2 else 1 - index / 19
        subset = "odd" if index % 2 else "even"
        rows.append(ManifestRow(f"{index}.png", mos, None, "validation", subset))
    brightness = Scorer(lambda rgb: float(rgb.mean()), 0, 0, 0)
    (tmp_path / "3.png").write_bytes(b"nothing")
    result = agreement(brightness, rows, tmp_path, repeats=20)
    assert result.groups["odd"]["SROCC"]["value"] == pytest.approx(1)
    assert result.groups["even"]["SROCC"]["value"] == pytest.approx(-1)
    assert result.pictures == {"pooled": 19, "even": 10, "odd": 9}
    assert list(result.unreadable) == ["3.png"]
    with pytest.raises(ValueError, match="no pictures"):
        agreement(brightness, [], tmp_path)


def test_times_are_of_each_and_in_turns() -> None:
    order: list[str] = []

    def named(name: str) -> Scorer:
        def score(rgb: np.ndarray) -> float:
            order.append(name)
            return 0.0

        return Scorer(score, 0, 0, 0)

    times = milliseconds({"a": named("a"), "b": named("b")}, timed_picture(), rounds=3)
    assert order == ["a", "b"] * 4
    assert all(0 <= t["low"] <= t["median"] <= t["high"] for t in times.values())
    with pytest.raises(ValueError, match="2 rounds"):
        milliseconds({}, timed_picture(), rounds=1)


def test_our_own_model_scores_as_the_runtime_does() -> None:
    picture = timed_picture()
    assert picture.shape == (512, 512, 3)
    ours = shipped_scorer("base")
    assert ours.score(picture) == Runtime("base").score(picture).score / 100
    assert 2_000_000 < ours.parameters < 3_000_000
    assert ours.macs > 100_000_000
