"""Names that are no text, play with terminals, or are as long as they can be."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

from tests.faults.conftest import Fault
from tests.faults.running import contents, environment, in_order, needs_linux, photos, run

pytestmark = needs_linux
NANO = ("--model", "nano")
NAMES = (
    b"\xff\xfe.jpg",
    b"latin-\xe9.jpg",
    b"line\nbreak.jpg",
    b"return\rhere.jpg",
    b"\x1b]0;title\x07\x1b[31mred.jpg",
    b"tab\there.jpg",
    b"quote\"and'comma,.jpg",
    b"=cmd()|.jpg",
    b"-.jpg",
    b"--output.jpg",
    b" space .jpg",
    "rtl\u202egpj.jpg".encode(),
    "zero\u200bwidth.jpg".encode(),
    "😀.jpg".encode(),
    b"n" * 251 + b".jpg",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("names") / "photos")


def made(folder: Path) -> Path:
    source = photos(folder.with_name("source"), len(NAMES))
    folder.mkdir()
    for name, file in zip(NAMES, sorted(source.iterdir()), strict=True):
        os.link(file, os.path.join(os.fsencode(folder), name))
    return folder


def names(paths: list[str]) -> set[bytes]:
    return {os.path.basename(os.fsencode(path)) for path in paths}


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_every_form_of_results(locale: str, folder: Path, tmp_path: Path, fault: Fault) -> None:
    env = environment(LC_ALL=locale, PYTHONUTF8="0" if locale == "C" else None)
    for target in (None, tmp_path / "out"):
        for form in ("table", "json", "jsonl", "csv"):
            extra = () if target is None else ("--output", target)
            done = in_order(run("score", folder, *NANO, "--format", form, *extra, env=env), 0)
            data = done.out if target is None else target.read_bytes()
            if form == "table":
                assert len(data.splitlines()) == len(NAMES) + 3
                assert not any(byte in data for byte in (b"\x1b", b"\r", b"\x07"))
            elif form == "csv":
                text = data.decode("utf-8", "replace")
                table = list(csv.DictReader(io.StringIO(text, newline="")))
                assert len(table) == len(NAMES)
                assert (
                    sum(
                        row["path"].endswith(("line\nbreak.jpg", "return\rhere.jpg"))
                        for row in table
                    )
                    == 2
                )
                assert all(float(row["score"]) >= 0 for row in table)
            else:
                text = data.decode()
                found = json.loads(text) if form == "json" else None
                found = found or [json.loads(line) for line in text.splitlines()]
                assert names([row["path"] for row in found]) == set(NAMES)
    fault(
        f"names that are no UTF-8, with line breaks, escapes, quotes, 255 bytes ({locale})",
        "table escaped; JSON and JSON lines give the very name back; CSV quoted",
        0,
    )


def test_maps_and_places_for_results(folder: Path, tmp_path: Path, fault: Fault) -> None:
    one = os.fsdecode(os.path.join(os.fsencode(folder), NAMES[0]))
    maps = Path(os.fsdecode(os.fsencode(tmp_path) + b"/maps-\xff"))
    longest = os.fsdecode(os.path.join(os.fsencode(folder), NAMES[-1]))
    words = ("score", one, longest, *NANO, "--format", "json", "--map", maps)
    rows = json.loads(in_order(run(*words), 0).out)
    assert all(Path(row["map"]["file"]).is_file() for row in rows)
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/out-\xff\x1b.csv"))
    in_order(run("score", one, *NANO, "--output", out), 0)
    assert len(out.read_text().splitlines()) == 2
    full = tmp_path / ("o" * 251 + ".csv")
    done = run("score", one, *NANO, "--output", full)
    assert done.code in (0, 2), done.err
    assert "Traceback" not in done.err
    too_long = tmp_path / ("x" * 300)
    in_order(run("score", one, *NANO, "--output", too_long), 2, "cannot write", "too long")
    in_order(run("score", too_long, *NANO), 3, "too long")
    in_order(run("score", "y/" * 3000, *NANO), 3, "too long")
    fault("the same names for maps and results; names that are too long", "work, or say so", "0, 2")


def test_pick_carries_them(tmp_path: Path, fault: Fault) -> None:
    folder = made(tmp_path / "photos")
    whole = contents(folder)
    alone = ("--likeness", 1, "--gap", 0, "--apply")
    for action in ("--copy-to", "--xmp", "--move-to"):
        to = () if action == "--xmp" else (tmp_path / action.strip("-"),)
        for form in ("json", "csv", "table"):
            done = run("pick", folder, *NANO, *alone, action, *to, "--format", form)
            # The longest name leaves no room for a sidecar's suffix, nor for a part's.
            assert done.code in (0, 3), done.err
            assert "Traceback" not in done.err, done.err
            assert form != "table" or b"\x1b" not in done.out
            kept = contents(folder, *to)
            assert whole.keys() <= kept.keys()
        if to:
            carried = {os.fsencode(path.name) for path in to[0].iterdir()}
            assert set(NAMES[:-1]) <= {n for n in carried if not n.endswith(b".xmp")}
    fault(
        "the same names through `pick --copy-to, --move-to, --xmp`",
        "carried under the same name; one of 255 bytes leaves no room for a sidecar",
        "0, 3",
    )


def test_watch_reports_them(folder: Path, tmp_path: Path, fault: Fault) -> None:
    words = ("--existing", "--count", len(NAMES), "--settle", 0, "--interval", 0.1)
    out = tmp_path / "out.jsonl"
    in_order(run("watch", folder, *NANO, *words, "--output", out), 0)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert names([row["path"] for row in rows]) == set(NAMES)
    done = in_order(run("live", folder, *NANO, "--format", "jsonl"), 0)
    assert len(done.out.splitlines()) >= len(NAMES)
    fault("the same names through `watch` and `live`", "reported like all others", 0)
