"""`edgeiqa report` as people and scripts use it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import edgeiqa
from edgeiqa.assets import sample_paths
from edgeiqa.cli.main import main
from edgeiqa.report.page import GENERATOR
from tests.edgeiqa.report.pages import accepted, data_of, rejected, result, write_results

ROOT = Path(edgeiqa.__file__).parent.parent
COMMAND = [sys.executable, "-m", "edgeiqa", "report"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of two photographs beside these."""
    for name in ("coffee.jpg", "chelsea.jpg"):
        path = next(path for path in sample_paths() if path.name == name)
        shutil.copy(path, tmp_path / name)
    write_results(tmp_path / "r.jsonl", [accepted("coffee.jpg", 76), rejected("chelsea.jpg", 35)])
    return tmp_path


def test_the_samples_are_scored_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {}
    for file_format in ("jsonl", "csv"):
        results = tmp_path / f"results.{file_format}"
        samples = str(sample_paths()[0].parent)
        assert main(["score", samples, "--model", "nano", "--output", str(results)]) == 0
        assert main(["report", str(results)]) == 0
        paths[file_format] = tmp_path / "results.html"
        data = data_of(paths[file_format].read_text(encoding="utf-8"))
        assert data["names"] == [path.name for path in sample_paths()]
        assert all(number >= 0 for number in data["thumb"])
        rows = (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()
        assert data["score"] == [json.loads(row)["score"] for row in rows]
    out = capsys.readouterr().out
    assert out.splitlines()[0].startswith(f"{tmp_path}/results.html: 12 photographs, ")


def test_paths_begin_in_the_current_folder_or_the_root(
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    results = str(folder / "r.jsonl")
    assert main(["report", results]) == 3
    err = capsys.readouterr().err
    assert "2 photographs" in err
    assert "--root" in err
    data = data_of((folder / "r.html").read_text(encoding="utf-8"))
    assert data["errors"] == {"0": "no such file", "1": "no such file"}
    assert main(["report", results, "--root", str(folder)]) == 0
    data = data_of((folder / "r.html").read_text(encoding="utf-8"))
    assert data["errors"] == {}
    assert data["folders"][0]["url"] == "./"


def test_options(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert main(["report", "r.jsonl", "--title", "A & B", "--output", "x.html"]) == 0
    text = (folder / "x.html").read_text(encoding="utf-8")
    assert "<title>A &amp; B</title>" in text
    (folder / "gone.jpg").unlink(missing_ok=True)
    options = ["--thumbnails", "none", "--no-duplicates", "--workers", "1", "--no-progress"]
    assert main(["report", "r.jsonl", *options]) == 0
    text = (folder / "r.html").read_text(encoding="utf-8")
    data = data_of(text)
    assert data["thumb"] == [-1, -1]
    assert data["bytes"] == [(folder / n).stat().st_size for n in ("coffee.jpg", "chelsea.jpg")]
    assert data["groups"] == []
    assert "not searched for" in text
    assert main(["report", "r.jsonl", "--limit", "1"]) == 0
    text = (folder / "r.html").read_text(encoding="utf-8")
    assert data_of(text)["thumb"] == [-1, 0]
    assert "raise --limit above 1 " in text


@pytest.mark.parametrize("size", ["0", "31", "1025", "some", "-5", "1e2"])
def test_an_odd_size_is_invalid(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "r.jsonl", f"--thumbnails={size}"]) == 2
    assert "from 32 to 1024" in capsys.readouterr().err


def test_only_a_report_of_ours_is_overwritten(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, page = str(folder / "r.jsonl"), folder / "r.html"
    options = ["--root", str(folder)]
    page.write_text("my diary")
    assert main(["report", results, *options]) == 2
    assert "--force" in capsys.readouterr().err
    assert page.read_text() == "my diary"
    assert main(["report", results, *options, "--force"]) == 0
    assert main(["report", results, *options]) == 0
    assert GENERATOR in page.read_text(encoding="utf-8")
    assert main(["report", results, *options, "--force", "--output", results]) == 2
    assert "contains the results" in capsys.readouterr().err
    assert len((folder / "r.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("", None),
        ("[]", None),
        ("name,age\nann,5\n", "there is no column path"),
        ("[{", "damaged JSON"),
    ],
)
def test_files_without_results(
    tmp_path: Path, content: str | None, message: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.json"
    if content is not None:
        file.write_text(content)
    code = main(["report", str(file)])
    err = capsys.readouterr().err
    if message is None:
        assert code == 0
        assert data_of((tmp_path / "r.html").read_text())["names"] == []
        return
    assert code == 2
    assert err.startswith("edgeiqa: error: ")
    assert message in err
    assert str(file) in err
    assert not (tmp_path / "r.html").exists()


def test_a_missing_root_and_target_are_wrong_usage(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = str(folder / "r.jsonl")
    assert main(["report", results, "--root", str(folder / "no")]) == 2
    assert "--root" in capsys.readouterr().err
    target = str(folder / "no" / "x.html")
    assert main(["report", results, "--root", str(folder), "--output", target]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_what_was_left_out_is_shown_on_the_page_and_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = folder / "r.jsonl"
    again = json.dumps({"path": "coffee.jpg", "score": 77})
    results.write_text(results.read_text() + again + '\n{"path": "x')
    assert main(["report", str(results), "--root", str(folder)]) == 0
    err = capsys.readouterr().err
    text = (folder / "r.html").read_text(encoding="utf-8")
    for note in ("line 4, the last one", "1 results were replaced by later ones"):
        assert note in err
        assert note in text
    assert data_of(text)["score"] == [77, 35]


def test_the_page_can_go_to_standard_output(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    results = str(folder / "r.jsonl")
    assert main(["report", results, "--root", str(folder), "--output", "-"]) == 0
    out = capfd.readouterr().out
    assert out.startswith("<!DOCTYPE html>")
    assert out.endswith("</html>\n")
    assert data_of(out)["folders"][0]["url"].startswith("file:///")


def test_a_photograph_broken_since_costs_only_its_thumbnail(folder: Path) -> None:
    (folder / "coffee.jpg").write_bytes(b"no longer")
    assert main(["report", str(folder / "r.jsonl"), "--root", str(folder)]) == 3
    data = data_of((folder / "r.html").read_text(encoding="utf-8"))
    assert data["errors"] == {"0": "not a picture in a format that can be read"}
    assert data["thumb"] == [-1, 0]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes in /proc")
def test_an_interrupt_leaves_the_old_page_and_no_other_file(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number}.jpg").symlink_to(sample_paths()[0])
    write_results(tmp_path / "r.jsonl", [result(f"{number}.jpg") for number in range(2000)])
    page = tmp_path / "r.html"
    page.write_text(GENERATOR)
    process = subprocess.Popen(
        [*COMMAND, "r.jsonl", "--workers", "2", "--thumbnails", "1024"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    end = time.monotonic() + 60
    while len(children.read_text().split()) < 3 and time.monotonic() < end:
        time.sleep(0.01)
    # As a terminal does: to all processes of the group.
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == b"edgeiqa: interrupted\n"
    assert out == b""
    assert page.read_text() == GENERATOR
    assert [p.name for p in tmp_path.iterdir() if p.suffix not in (".jpg", ".jsonl", ".html")] == []


def test_help_comes_without_numpy_and_pillow() -> None:
    code = (
        "import sys; from edgeiqa.cli.main import main; main(['report', '--help']); "
        "sys.exit(bool({'numpy', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert b"--no-duplicates" in done.stdout
