"""Photographs on the page: scores as in Python, table, downloads, best shots, settings."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgeiqa import Scorer, read_results, sample_paths
from edgeiqa.causes import CAUSES
from edgeiqa.cli.main import main

OPEN = Callable[..., Any]


def rows(page: Any) -> list[list[str]]:
    cells = "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    found: list[list[str]] = page.eval_on_selector_all("#rows tr:not(.none)", cells)
    return found


def score(page: Any, paths: list[Path]) -> None:
    before = len(rows(page))
    page.set_input_files("#files-input", paths)
    page.wait_for_selector(f"#rows tr:not(.none):nth-child({before + len(paths)})", timeout=120_000)


def saved(page: Any, button: str) -> str:
    with page.expect_download() as download:
        page.click(button)
    return Path(download.value.path()).read_text(encoding="utf-8")


def photographs(folder: Path) -> list[Path]:
    """The samples, and what cameras and editors make of JPEGs."""
    made = list(sample_paths())
    for number, path in enumerate(sample_paths()):
        with Image.open(path) as image:
            rgb = image.convert("RGB")
        variants: dict[str, dict[str, Any]] = {
            "q70-420": {"quality": 70, "subsampling": 2},
            "q92-444": {"quality": 92, "subsampling": 0, "progressive": True},
        }
        if number == 2:
            exif = Image.Exif()
            exif[0x0112] = 6
            exif.get_ifd(0x8769).update(
                {0x9003: "2026:05:04 12:30:59", 0x9291: "25", 0x9011: "+02:00"}
            )
            variants["turned"] = {"quality": 90, "exif": exif}
            large = folder / "large.jpg"
            rgb.resize((4000, 3000), Image.Resampling.BICUBIC).save(large, quality=90)
            gray = folder / "gray.jpg"
            rgb.convert("L").save(gray, quality=90)
            png = folder / "lossless.png"
            rgb.save(png)
            made += [large, gray, png]
        for name, options in variants.items():
            made.append(folder / f"{path.stem}-{name}.jpg")
            rgb.save(made[-1], **options)
    return made


def test_scores_of_photographs_are_those_of_python(
    open_page: OPEN, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    paths = photographs(tmp_path)
    page = open_page()
    score(page, paths)
    found = json.loads(saved(page, "#json"))
    assert [row["path"] for row in found] == [path.name for path in sorted_by_name(paths)]
    (turned,) = [row for row in found if "turned" in row["path"]]
    assert turned["taken"] == "2026-05-04T12:30:59.25+02:00"
    assert turned["height"] > turned["width"]
    scorer = Scorer()
    here = {path.name: scorer.score(path) for path in paths}
    off = sorted(abs(row["score"] - here[row["path"]].score) for row in found)
    same = sum(value <= 0.0051 for value in off)
    text = (
        f"{len(off)} photographs: {same} equal, median {statistics.median(off):.3f}, "
        f"95% {off[int(0.95 * len(off))]:.3f}, largest {off[-1]:.3f} points"
    )
    record_property("difference_of_scores", text)
    print(text)
    assert off[-1] <= 1.0
    for row in found:
        causes = here[row["path"]].causes
        assert list(row["causes"]) == list(causes)
        worst = max(abs(row["causes"][name] - causes[name]) for name in causes)
        assert worst <= 0.1, row["path"]
        assert row["accept"] == scorer.gate()(here[row["path"]]).accept or off[-1] > 0.01


def sorted_by_name(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.name)


@pytest.fixture
def filled(open_page: OPEN) -> Any:
    page = open_page()
    score(page, [*sample_paths(), Path(__file__).with_name("not_a_picture.jpg")])
    return page


def test_what_is_saved_has_the_keys_of_edgeiqa_score(filled: Any, tmp_path: Path) -> None:
    kept = json.loads(saved(filled, "#json"))
    told = json.loads(command("json", tmp_path))
    good = [row for row in kept if row["error"] is None]
    assert [list(row) for row in good] == [list(row) for row in told]
    for key in ("accept", "error", "model", "width", "height", "taken"):
        assert [row[key] for row in good] == [row[key] for row in told], key
    mine, theirs = (
        list(csv.reader(io.StringIO(text)))
        for text in (saved(filled, "#csv"), command("csv", tmp_path))
    )
    assert mine[0] == theirs[0]
    kept_lines = [line for line in mine[1:] if line[mine[0].index("error")] == ""]
    for one, other in zip(kept_lines, theirs[1:], strict=True):
        for name, cell, expected in zip(mine[0][1:], one[1:], other[1:], strict=True):
            if name in ("score", "std") or name in CAUSES:
                assert float(cell) == pytest.approx(float(expected), abs=1.0)
            else:
                assert cell == expected, name
    reasons = [[r["cause"] for r in row["reasons"]] for row in good]
    assert reasons == [[reason["cause"] for reason in row["reasons"]] for row in told]
    for button, name in (("#json", "kept.json"), ("#csv", "kept.csv")):
        path = tmp_path / name
        path.write_text(saved(filled, button), encoding="utf-8")
        read = list(read_results(str(path)))
        assert len(read) == len(sample_paths()) + 1


def command(name: str, folder: Path) -> str:
    """What `edgeiqa score` writes about the samples."""
    output = folder / f"told.{name}"
    words = ["score", *map(str, sample_paths()), "--format", name, "--output", str(output)]
    assert main([*words, "--no-progress"]) == 0
    return output.read_text(encoding="utf-8")


def test_a_file_that_is_no_picture_is_listed_with_its_error(filled: Any) -> None:
    (row,) = [row for row in rows(filled) if row[0] == "not_a_picture.jpg"]
    assert row[1:3] == ["\N{EN DASH}", "unreadable"]
    assert row[3] == "not a picture that this browser can decode"


def test_best_shots_are_accepted_ones_the_best_first(filled: Any) -> None:
    labels = "links => links.map(link => link.getAttribute('aria-label'))"
    shots = filled.eval_on_selector_all("#strip a", labels)
    accepted = {row[0]: float(row[1].split(" ")[0]) for row in rows(filled) if row[2] == "accept"}
    names = sorted(accepted, key=lambda name: -accepted[name])[:8]
    assert [label.split(", ")[0] for label in shots] == [f"Save {name}" for name in names]
    with filled.expect_download() as download:
        filled.click("#strip a >> nth=0")
    assert Path(download.value.path()).read_bytes() == named(names[0]).read_bytes()


def named(name: str) -> Path:
    (path,) = [path for path in sample_paths() if path.name == name]
    return path


def test_verdict_dial_and_causes_tell_of_the_last_photograph(open_page: OPEN) -> None:
    page = open_page()
    score(page, [named("coffee-motion-blur.jpg")])
    assert page.inner_text("#verdict") == "Too blurred"
    assert page.get_attribute("#dial", "aria-valuenow") == "45.9"
    assert "focus again and hold still" in page.inner_text("#reasons")
    assert page.get_attribute('.gauge[aria-label="Blur"]', "data-over") == "true"
    assert page.get_attribute("#photo", "alt") == "coffee-motion-blur.jpg"


def test_the_gate_and_the_model_can_be_chosen(open_page: OPEN) -> None:
    page = open_page()
    page.select_option("#preset", "relaxed")
    score(page, [named("coffee-motion-blur.jpg")])
    page.select_option("#model", "nano")
    page.wait_for_selector('html[data-ready="nano"]')
    score(page, [named("coffee-motion-blur.jpg")])
    first, second = (row for row in rows(page))
    assert first[2] == "accept"
    expected = Scorer("nano").score(named("coffee-motion-blur.jpg")).score
    assert float(second[1].split(" ")[0]) == pytest.approx(expected, abs=1.0)


def test_a_folder_is_looked_through_and_other_files_are_left_out(
    open_page: OPEN, tmp_path: Path
) -> None:
    inner = tmp_path / "holiday" / "day 2"
    inner.mkdir(parents=True)
    (tmp_path / "holiday" / "notes.txt").write_text("none")
    for place, name in ((inner.parent, "coffee.jpg"), (inner, "rocket.jpg")):
        (place / name).write_bytes(named(name).read_bytes())
    page = open_page()
    page.set_input_files("#folder-input", tmp_path / "holiday")
    page.wait_for_selector("#rows tr:nth-child(2)", timeout=60_000)
    assert {row[0] for row in rows(page)} == {"holiday/coffee.jpg", "holiday/day 2/rocket.jpg"}


def test_photographs_can_be_dropped(open_page: OPEN) -> None:
    page = open_page()
    drop = """async ([name, address]) => {
      const blob = await (await fetch(address)).blob();
      const transfer = new DataTransfer();
      transfer.items.add(new File([blob], name, {type: "image/jpeg"}));
      const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
      document.body.dispatchEvent(new DragEvent("dragover", options));
      const seen = document.body.classList.contains("dropping");
      document.body.dispatchEvent(new DragEvent("drop", options));
      return seen;
    }"""
    assert page.evaluate(drop, ["icon.png", "/tests/sample.jpg"])
    page.wait_for_selector("#rows tr:nth-child(1):not(.none)", timeout=60_000)
    assert rows(page)[0][0] == "icon.png"
    assert not page.evaluate("document.body.classList.contains('dropping')")


def test_a_long_batch_can_be_stopped_and_everything_cleared(open_page: OPEN) -> None:
    page = open_page()
    page.set_input_files("#files-input", [*sample_paths()] * 5)
    page.wait_for_selector("#rows tr:nth-child(2)", timeout=60_000)
    page.click("#cancel")
    count = len(rows(page))
    assert count < 5 * len(sample_paths())
    page.wait_for_timeout(500)
    assert len(rows(page)) == count
    page.click("#clear")
    assert rows(page) == []
    assert page.is_disabled("#csv")
