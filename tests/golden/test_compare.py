"""What the comparison of golden scores calls equal, and what it must notice."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.golden.compare import compare, lines, main, total
from tests.golden.probe import keep, probe

EVERY = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tensors")


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    told: list[tuple[int, int]] = []
    report = probe(folder, EVERY, lambda done, of: told.append((done, of)))
    of = sum(len(document["pictures"]) for document in report["documents"].values())
    assert told == [(n + 1, of) for n in range(of)]
    loaded: dict[str, Any] = json.loads(json.dumps(report))
    return loaded


def changed(report: dict[str, Any], name: str, key: str, value: Any) -> dict[str, Any]:
    other = copy.deepcopy(report)
    entry = next(iter(other["documents"][name]["pictures"].values()))
    entry[key] = value(entry[key])
    return other


def test_what_is_computed_here_is_golden(report: dict[str, Any], folder: Path) -> None:
    found = compare(report, report, folder)
    assert list(found) == ["causes", "base", "base-frames", "nano", "nano-frames"]
    whole = total(found)
    assert whole.none
    assert whole.compared == 4 + 2 + 3 + 2 + 3
    assert whole.integers > 4 * 100
    assert all(": equal (" in line for line in lines(found))


def test_networks_run_once_per_distinct_tensor(report: dict[str, Any]) -> None:
    for name in ("base", "nano"):
        tensors = {
            entry["tensors"]["tensor"]
            for document in (name, f"{name}-frames")
            for entry in report["documents"][document]["pictures"].values()
        }
        assert report["runs"][name]["count"] == len(tensors)


def test_one_integer_more_is_noticed(report: dict[str, Any], folder: Path) -> None:
    def more(outputs: dict[str, list[int]]) -> dict[str, list[int]]:
        ((name, values),) = outputs.items()
        return {name: [values[0] - 3, *values[1:]]}

    other = changed(report, "nano", "outputs", more)
    found = compare(report, other, folder)
    assert (found["nano"].integers_off, found["nano"].integer_step) == (1, 3)
    assert not found["nano"].none
    assert found["base"].none
    assert not total(found).none


def test_another_tensor_is_measured(report: dict[str, Any], folder: Path) -> None:
    def brighter(tensors: dict[str, str]) -> dict[str, str]:
        tensor = np.load(folder / f"{tensors['tensor']}.npy").copy()
        tensor.flat[7] = tensor.flat[7] + 2 if tensor.flat[7] < 200 else tensor.flat[7] - 2
        return {"tensor": keep(tensor, folder)}

    found = compare(report, changed(report, "base", "tensors", brighter), folder)
    assert (found["base"].tensors, found["base"].tensor_step) == (1, 2)


@pytest.mark.parametrize(("name", "value"), [("base", "score"), ("causes", "blur")])
def test_last_bits_are_equal_and_more_is_not(
    report: dict[str, Any], folder: Path, name: str, value: str
) -> None:
    for by, equal in ((1e-13, True), (1e-6, False)):
        other = changed(report, name, "values", lambda v, by=by: {**v, value: v[value] + by})
        found = compare(report, other, folder)[name]
        assert found.none == equal
        assert max(found.score, found.causes) == pytest.approx(by, rel=0.1)


def test_what_is_not_golden_is_counted(report: dict[str, Any], folder: Path) -> None:
    other = changed(report, "nano-frames", "golden", lambda g: {**g, "score": g["score"] + 1e-6})
    assert compare(report, other, folder)["nano-frames"].not_golden == 1
    other = changed(report, "nano-frames", "golden", lambda g: {**g, "score": g["score"] + 1e-13})
    assert compare(report, other, folder)["nano-frames"].not_golden == 0


def test_other_networks_and_unknown_pictures_are_refused(
    report: dict[str, Any], folder: Path
) -> None:
    other = copy.deepcopy(report)
    other["documents"]["nano"]["flatbuffer_sha256"] = "0" * 64
    with pytest.raises(ValueError, match="nano: the two were computed with different networks"):
        compare(report, other, folder)
    other = copy.deepcopy(report)
    pictures = other["documents"]["base"]["pictures"]
    pictures["another"] = next(iter(pictures.values()))
    with pytest.raises(ValueError, match="base: the reference has no 'another'"):
        compare(report, other, folder)


def test_the_command_tells_and_writes(
    report: dict[str, Any], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(report))
    other = changed(report, "nano", "pixels", lambda pixels: ["0" * 64])
    (tmp_path / "b.json").write_text(json.dumps(other))
    words = [str(tmp_path / "a.json"), "--tensors", str(folder)]
    assert main(words) == 0
    file = tmp_path / "c.json"
    assert main([words[0], str(tmp_path / "b.json"), *words[1:], "--json", str(file)]) == 1
    assert "nano: DIFFERENT" in capsys.readouterr().out
    assert json.loads(file.read_text())["total"]["pixels"] == 1
