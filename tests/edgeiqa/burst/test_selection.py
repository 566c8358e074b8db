"""The command `pick`: moments, plan, and what carrying it out does to files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageFilter

import edgeiqa
from edgeiqa import Quality, sample_paths
from edgeiqa.burst.ranking import Ranked
from edgeiqa.burst.selection import why
from edgeiqa.burst.xmp import XMP, properties
from edgeiqa.cli.main import main

ROOT = Path(edgeiqa.__file__).parent.parent
CLOCK = "2024:05:06 07:08:{:02}"


def scene(name: str) -> Image.Image:
    with Image.open(next(p for p in sample_paths() if p.name == name)) as image:
        return image.convert("RGB").resize((360, 240))


def save(path: Path, image: Image.Image, second: int, subsecond: str = "0") -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "Camera"
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = CLOCK.format(second)
    inner[ExifTags.Base.SubsecTimeOriginal] = subsecond
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=93, exif=exif)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two moments of three frames, the sharp one neither first nor last, and a lone one."""
    photos = tmp_path / "photos"
    for second, name in ((1, "coffee.jpg"), (30, "china.jpg")):
        image = scene(name)
        for index, radius in enumerate((1.5, 0.0, 3.0)):
            shown = image.filter(ImageFilter.GaussianBlur(radius)) if radius else image
            save(photos / name[:-4] / f"{index}.jpg", shown, second, str(3 * index))
    save(photos / "rocket.jpg", scene("rocket.jpg"), 50)
    return photos


BEST = {"coffee/1.jpg", "china/1.jpg", "rocket.jpg"}


def pick(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict]]:
    code = main(["pick", *map(str, arguments), "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def tree(folder: Path) -> dict[str, str]:
    """Name below the folder to a hash of the content."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_plan_keeps_the_sharp_ones_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(folder)
    code, plan = pick(capsys, folder, "--copy-to", folder.parent / "to")
    assert code == 0
    assert {os.path.relpath(row["path"], folder) for row in plan if row["keep"]} == BEST
    assert [(row["moment"], row["rank"], row["of"]) for row in plan] == [
        *((1, rank, 3) for rank in (1, 2, 3)),
        *((2, rank, 3) for rank in (1, 2, 3)),
        (3, 1, 1),
    ]
    # The most blurred frame is the last of its moment, and sharpness is given as the reason.
    for row in plan:
        if row["rank"] == 3:
            assert row["path"].endswith("2.jpg")
            assert "sharpness" in row["why"]
    assert plan[-1]["why"] == "alone in its moment"
    assert tree(folder.parent) == {f"photos/{name}": value for name, value in before.items()}


def test_keep_gap_and_likeness(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for keep, expected in ((1, 3), (2, 5), (9, 7)):
        _, plan = pick(capsys, folder, "--keep", keep)
        assert sum(row["keep"] for row in plan) == expected
    _, plan = pick(capsys, folder, "--gap", "0.1")
    assert len({row["moment"] for row in plan}) == 7
    _, plan = pick(capsys, folder, "--gap", "600")  # Unlike scenes stay apart all the same.
    assert len({row["moment"] for row in plan}) == 3
    _, plan = pick(capsys, folder, "--likeness", "1", "--gap", "600")
    assert len({row["moment"] for row in plan}) == 7


def test_table_and_csv(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.csv"
    assert main(["pick", str(folder), "--csv", str(file)]) == 0
    text = capsys.readouterr().out
    assert "7 photographs in 3 moments: 3 to keep, 4 left" in text
    assert "Add --apply" in text
    assert "leaves 4 of 7 photographs behind" in text.splitlines()[0]
    assert not file.exists()
    assert main(["pick", str(folder), "--csv", str(file), "--apply"]) == 0
    assert "Add --apply" not in capsys.readouterr().out
    assert main(["pick", str(folder), "--format", "csv"]) == 0
    assert file.read_text() == capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["keep"] for row in rows].count("true") == 3
    assert all(float(row["score"]) > 0 for row in rows)


def test_copying_takes_sidecars_and_is_done_once(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "coffee" / "1.jpg.xmp").write_text("sidecar")
    (folder / "coffee" / "1.cr2").write_text("raw")
    before = tree(folder)
    to = folder / "best"  # Within the folder, and yet not taken for part of it.
    for _ in range(2):
        code, plan = pick(capsys, folder, "--copy-to", to, "--apply")
        assert code == 0
        assert len(plan) == 7
        assert set(tree(to)) == {*BEST, "coffee/1.jpg.xmp"}
        assert {n: v for n, v in tree(folder).items() if not n.startswith("best/")} == before
    assert next(row["done"] for row in plan if row["keep"]).startswith("there before")


def test_moving_takes_raw_files_too_and_never_the_second_best(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("1.JPG.XMP", "1.xmp", "1.CR3", "0.cr2", "10.cr2"):
        (folder / "coffee" / name).write_text(name)
    (folder / "coffee" / "1.JPG.XMP").rename(folder / "coffee" / "1.jpg.XMP")
    before = tree(folder)
    to = tmp_path / "best"
    for _ in range(3):  # Again and again: what was moved still counts as the best.
        code, plan = pick(capsys, folder, "--move-to", to, "--apply")
        assert code == 0
        assert set(tree(to)) == {*BEST, *(f"coffee/1.{s}" for s in ("jpg.XMP", "xmp", "CR3"))}
        assert {**tree(folder), **tree(to)} == before
        assert len(tree(folder)) + len(tree(to)) == len(before)
    assert {row["done"] for row in plan if row["keep"]} == {"moved before"}


def test_taken_names_get_numbers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "coffee" / "1.xmp").write_text("sidecar")
    to = tmp_path / "best"
    (to / "coffee").mkdir(parents=True)
    (to / "coffee" / "1.jpg").write_bytes(b"somebody else's")
    for _ in range(2):
        code, _ = pick(capsys, folder, "--copy-to", to, "--apply")
        assert code == 0
        assert set(tree(to)) == {*BEST, "coffee/1-1.jpg", "coffee/1-1.xmp"}
    assert (to / "coffee" / "1.jpg").read_bytes() == b"somebody else's"


def test_ratings_travel_along_and_a_broken_sidecar_is_reported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "china" / "0.xmp").write_text("no xml")
    to = tmp_path / "best"
    code, plan = pick(capsys, folder, "--xmp", "--copy-to", to, "--apply")
    assert code == 3
    failed = [row for row in plan if row["error"]]
    assert [Path(row["path"]).name for row in failed] == ["0.jpg"]
    assert "not rated" in failed[0]["error"]
    assert (folder / "china" / "0.xmp").read_text() == "no xml"
    assert set(tree(to)) == {*BEST, *(f"{name}.xmp" for name in BEST)}
    kept = properties((to / "china" / "1.jpg.xmp").read_text())
    left = properties((folder / "china" / "2.jpg.xmp").read_text())
    assert (kept[XMP, "Rating"], left[XMP, "Rating"]) == ("5", "1")


def test_unreadable_photos_are_listed_and_left_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (folder / "coffee" / "1.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "words.png").write_text("words")
    code, plan = pick(capsys, folder, "--move-to", tmp_path / "best", "--apply")
    assert code == 3
    errors = {Path(row["path"]).name: row["error"] for row in plan if row["error"]}
    assert set(errors) == {"cut.jpg", "empty.jpg", "words.png"}
    assert "truncated" in errors["cut.jpg"]
    assert set(tree(tmp_path / "best")) == BEST
    assert (folder / "cut.jpg").exists()


def test_a_photo_without_a_time_shows_that_of_its_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = folder / "bare.png"
    scene("flower.jpg").save(bare)
    os.utime(bare, (1000, 1000))
    _, plan = pick(capsys, folder)
    row = next(row for row in plan if row["path"] == str(bare))
    assert row["taken"] == 1000
    assert "no capture time" in row["remark"]
    assert row["of"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "no such folder"),
        (["FILE"], "not a folder"),
        (["DIR", "--keep", "0"], "whole number"),
        (["DIR", "--gap", "-1"], "--gap"),
        (["DIR", "--likeness", "nan"], "0 to 1"),
        (["DIR", "--apply"], "--apply requires"),
        (["DIR", "--copy-to", "FILE", "--apply"], "a file"),
        (["DIR", "--move-to", "DIR", "--apply"], "already"),
        (["DIR/coffee", "--move-to", "DIR", "--apply"], "already"),
        (["DIR", "--move-to", "x", "--copy-to", "y"], "not allowed"),
    ],
)
def test_wrong_usage(
    folder: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [
        word.replace("FILE", str(folder / "rocket.jpg")).replace("DIR", str(folder))
        for word in arguments
    ]
    assert main(["pick", *named]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("action", ["--move-to", "--copy-to"])
def test_killed_in_the_middle_then_run_again(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kill -9 at several moments of carrying out: no photo is lost, the next run finishes."""
    photos, to = tmp_path / "photos", tmp_path / "best"
    image = scene("coffee.jpg")
    for index in range(12):
        save(photos / f"{index:02}.jpg", image, 4 * index)
        save(photos / f"{index:02}-soft.jpg", image.filter(ImageFilter.GaussianBlur(3)), 4 * index)
        (photos / f"{index:02}.cr2").write_bytes(os.urandom(100_000))
    before = tree(photos)
    # Slowed down between the steps, so that the kill hits all of them.
    program = (
        "import os, sys, time\n"
        "for name in ('fsync', 'link', 'unlink'):\n"
        "    def slow(*a, _f=getattr(os, name), **k):\n"
        "        time.sleep(0.02); r = _f(*a, **k); print(flush=True); time.sleep(0.02); return r\n"
        "    setattr(os, name, slow)\n"
        "from edgeiqa.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = ["pick", str(photos), action, str(to), "--apply", "--format", "json"]
    for steps in (1, 4, 9):
        process = subprocess.Popen(
            [sys.executable, "-c", program, *words], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(steps):
            process.stdout.readline()
        time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        found = {k: v for d in (photos, to) if d.exists() for k, v in tree(d).items()}
        assert {k: v for k, v in found.items() if "part" not in k} == before
    code, plan = pick(capsys, *words[1:-2])
    assert code == 0
    assert len({row["moment"] for row in plan}) == 12
    sharp = {f"{index:02}.jpg" for index in range(12)}
    raw = {f"{index:02}.cr2" for index in range(12)} if action == "--move-to" else set()
    assert set(tree(to)) == sharp | raw
    assert {**tree(photos), **tree(to)} == before
    if action == "--move-to":
        assert set(tree(photos)) == set(before) - sharp - raw


def test_what_sets_a_frame_apart_is_named_only_where_it_matters() -> None:
    quality = Quality(70.0)

    def reason(**parts: float) -> str:
        return why(Ranked(1, 2, sum(parts.values()), quality, parts), 3)

    assert reason(sharpness=0.1, compression=-0.4) == "nearly as good as the best"
    assert reason(sharpness=-2.0, score=-0.5, noise=0.3) == "behind the best in sharpness and score"
