from __future__ import annotations

import json
from pathlib import Path

import pytest

from convert.__main__ import main
from convert.baselines import brisque
from convert.baselines.laplacian import LAPLACIAN
from convert.datasets.manifest import ManifestRow
from tests.convert.tiny import make_biq2021

SKLEARN = pytest.importorskip("sklearn")
CLASSIC = ["laplacian", "piqe", "niqe", "brisque"]
QUICK = ["--repeats", "10", "--rounds", "2", "--budget", "small"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    base = tmp_path_factory.mktemp("baselines")
    root = make_biq2021(base / "data")
    found = ["--data-root", str(root), "--work", str(base / "work")]
    assert main(["data", "--any-count", *found]) == 0
    return found


def test_comparison_is_trained_once_and_shown_again(
    folders: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {name: tmp_path / name for name in ("r.json", "r.md", "p.png", "q.svg")}
    command = ["baselines", "--only", *CLASSIC, *QUICK, *folders]
    output = ["--json", str(files["r.json"]), "--markdown", str(files["r.md"])]
    assert main([*command, *output, "--pareto", str(files["p.png"])]) == 0
    out, err = capsys.readouterr()
    assert "training brisque" in err
    document = json.loads(files["r.json"].read_text())
    names = [method["name"] for method in document["methods"]]
    assert names == [*CLASSIC, "edgeiqa base", *names[5:]]
    assert document["protocol"]["split"] == "validation"
    by_name = {method["name"]: method for method in document["methods"]}
    assert by_name["laplacian"]["parameters"] == 4
    assert by_name["niqe"]["parameters"] == 36 + 36 * 37 // 2 + 4
    assert by_name["laplacian"]["macs"] == 13 * 512 * 512
    support = (by_name["brisque"]["parameters"] - 1 - 72) / 37
    assert support == int(support) > 0
    for method in document["methods"]:
        assert method["milliseconds"]["median"] > 0
        assert method["groups"]["pooled"]["SROCC"]["value"] is not None
    assert out.splitlines()[0].split()[:3] == ["method", "SROCC", "pooled"]
    assert "**base**" in files["r.md"].read_text()

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("it was trained again")

    monkeypatch.setattr(brisque, "fit_svr", forbidden)
    monkeypatch.setattr("convert.baselines.measure.agreement", forbidden)
    again = tmp_path / "again.json"
    assert main([*command, "--finished", "--json", str(again)]) == 0
    repeated = {m["name"]: m["groups"] for m in json.loads(again.read_text())["methods"]}
    assert repeated == {name: method["groups"] for name, method in by_name.items()}
    shown = ["baselines", "--from", str(files["r.json"]), "--pareto", str(files["q.svg"])]
    capsys.readouterr()
    assert main(shown) == 0
    assert capsys.readouterr().out == out
    assert files["q.svg"].read_text().count("BRISQUE") >= 1


def test_one_that_cannot_be_trained_stops_no_other(
    folders: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, data: object, folder: Path) -> None:
        raise ModuleNotFoundError("no", name="sklearn.svm")

    monkeypatch.setattr(brisque.Brisque, "fit", broken)
    command = ["baselines", "--only", "laplacian", "brisque", *QUICK, *folders, "--seed", "3"]
    assert main([*command, "--json", "-"]) == 1
    out, err = capsys.readouterr()
    assert 'brisque: sklearn is not installed; pip install "edgeiqa[baselines]" brings it' in err
    assert [m["name"] for m in json.loads(out)["methods"]][:2] == ["laplacian", "edgeiqa base"]


def test_finished_takes_only_what_is_there(
    folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["baselines", "--only", "piqe", "--finished", *QUICK, *folders, "--seed", "8"]
    assert main([*command, "--json", "-"]) == 1
    out, err = capsys.readouterr()
    assert "piqe: not trained yet" in err
    assert json.loads(out)["methods"][0]["ours"]


def test_other_labels_train_anew(tmp_path: Path) -> None:
    from convert.baselines.fit import fingerprint, training_data

    rows = [ManifestRow(f"{i}.png", i / 10, None, "train", "a") for i in range(10)]
    seen = {
        fingerprint(LAPLACIAN, training_data(chosen, tmp_path, tmp_path, budget, seed))
        for chosen, budget, seed in (
            (rows, "small", 0),
            (rows[:-1], "small", 0),
            (rows, "full", 0),
            (rows, "small", 1),
        )
    }
    assert len(seen) == 4
    data = training_data(rows, tmp_path, tmp_path, "small", 0)
    assert {row.path for row in data.rows} == {row.path for row in rows}
    assert data.part(5, 3) == data.rows[:3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "/nowhere.json"], "no file"),
        (["--data-root", "/nowhere/at/all"], "is not a folder"),
        (["--pareto", "/proc/none/p.png"], "/proc/none"),
    ],
)
def test_refusals_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["baselines", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
