"""A disk without room, and one that cannot be written to: nothing half written, nothing lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.faults.conftest import Fault
from tests.faults.running import (
    Tmpfs,
    contents,
    in_order,
    leftovers,
    needs_linux,
    photos,
    run,
    without_powers,
)

pytestmark = needs_linux
NANO = ("--model", "nano")
FULL = "No space left on device"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos(tmp_path_factory.mktemp("photos") / "all")


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_results_that_do_not_fit(form: str, folder: Path, tmpfs: Tmpfs, fault: Fault) -> None:
    tmpfs.mount("size=64k")
    out = tmpfs.path / "out"
    out.write_text("old")
    tmpfs.fill(left=4096)
    done = run("score", *[folder] * 40, *NANO, "--format", form, "--output", out)
    in_order(done, 2, f"cannot write {out}: {FULL}")
    assert out.read_text() == "old"
    assert not leftovers(tmpfs.path)
    fault(
        f"disk full while results are written (`score --output`, {form})",
        "one line says so, the older file stays",
        2,
    )


def test_maps_that_do_not_fit(folder: Path, tmpfs: Tmpfs, fault: Fault) -> None:
    tmpfs.mount("size=64k")
    tmpfs.fill(left=1000)
    first = sorted(folder.iterdir())[0]
    done = run("score", first, *NANO, "--map", tmpfs.path, "--format", "jsonl")
    in_order(done, 3)
    assert FULL in json.loads(done.out)["error"]
    assert sorted(p.name for p in tmpfs.path.iterdir()) == ["filler"]
    fault("disk full while a quality map is written (`score --map`)", "that picture's error", 3)


@pytest.mark.parametrize("action", ["--copy-to", "--move-to", "--csv"])
def test_picks_that_do_not_fit(action: str, tmp_path: Path, tmpfs: Tmpfs, fault: Fault) -> None:
    folder = photos(tmp_path / "photos")
    before = contents(folder)
    tmpfs.mount("size=64k")
    target = tmpfs.path / "best"
    tmpfs.fill(left=4096 if action != "--csv" else 0)
    done = run("pick", folder, *NANO, action, target, "--apply", "--likeness", 1, "--gap", 0)
    if action == "--csv":
        in_order(done, 2, FULL)
    else:
        in_order(done, 3, FULL.lower())
    assert not leftovers(tmpfs.path)
    after = contents(folder, target) if target.is_dir() else contents(folder)
    assert before.keys() <= after.keys()
    if action == "--copy-to":
        assert contents(folder) == before
    assert all(data in before for data in after)
    words = {
        "--copy-to": "what did not fit is reported, what did is copied whole",
        "--move-to": "what did not fit is reported and stays where it was",
        "--csv": "one line says so",
    }
    fault(f"disk full (`pick {action} --apply`)", words[action], 2 if action == "--csv" else 3)


def test_ratings_that_do_not_fit(tmpfs: Tmpfs, tmp_path: Path, fault: Fault) -> None:
    tmpfs.mount("size=128k")
    folder = photos(tmpfs.path / "photos", 3)
    sidecar = folder / "0000.jpg.xmp"
    in_order(run("pick", folder, *NANO, "--xmp", "--apply"), 0)
    for other in folder.glob("*.xmp"):
        if other != sidecar:
            other.unlink()
    old = sidecar.read_bytes().replace(b"edgeiqa:score=", b"edgeiqa:score =")
    sidecar.write_bytes(old)
    tmpfs.fill()
    done = run("pick", folder, *NANO, "--xmp", "--apply", "--keep", 2)
    in_order(done, 3, FULL.lower())
    assert sidecar.read_bytes() == old
    assert not leftovers(tmpfs.path)
    fault("disk full (`pick --xmp --apply`)", "reported, sidecars stay as they were", 3)


def test_lines_that_do_not_fit(tmp_path: Path, tmpfs: Tmpfs, fault: Fault) -> None:
    folder = photos(tmp_path / "photos", 40)
    tmpfs.mount("size=64k")
    out = tmpfs.path / "out.jsonl"
    out.write_text('{"path": "old"}\n')
    tmpfs.fill()  # What is left of the file's own page is all there is.
    words = ("watch", folder, *NANO, "--existing", "--interval", 0.1, "--settle", 0)
    in_order(run(*words, "--output", out), 2, f"cannot write {out}: {FULL}")
    lines = out.read_text().splitlines()
    assert json.loads(lines[0]) == {"path": "old"}
    assert len(lines) > 6
    assert all(json.loads(line) for line in lines)
    fault("disk full (`watch --output`)", "one line says so, all lines in the file are whole", 2)


def test_live_lines_that_do_not_fit(folder: Path, tmpfs: Tmpfs, fault: Fault) -> None:
    tmpfs.mount("size=64k")
    out = tmpfs.path / "out.jsonl"
    out.touch()
    tmpfs.fill()
    done = run("live", folder, *NANO, "--fps", 10, "--output", out)
    in_order(done, 2, f"cannot write {out}: {FULL}")
    assert out.read_bytes() == b""
    fault("disk full (`live --output`)", "one line says so, no half line", 2)


@pytest.mark.parametrize("left", [0, 3000, 100_000])
def test_a_video_that_does_not_fit(left: int, folder: Path, tmpfs: Tmpfs, fault: Fault) -> None:
    tmpfs.mount("size=256k")
    video = tmpfs.path / "out.mp4"
    video.write_bytes(b"old")
    tmpfs.fill(left=left)
    done = run(*("live", *[folder], *NANO, "--fps", 10, "--preview", video, "--output", os.devnull))
    if left < 100_000:
        in_order(done, 2, f"cannot write {video}")
        assert video.read_bytes() == b"old"
    else:
        in_order(done, 0)
        assert b"ftyp" in video.read_bytes()[:12]
    assert not leftovers(tmpfs.path)
    if not left:
        fault("disk full (`live --preview FILE.mp4`)", "reported, the older video stays", 2)


def test_a_place_that_is_read_only(
    folder: Path, tmp_path: Path, tmpfs: Tmpfs, fault: Fault
) -> None:
    tmpfs.mount("size=1m")
    inner = photos(tmpfs.path / "photos", 3)
    (tmpfs.path / "old.csv").write_text("old")
    tmpfs.remount("ro")
    text = "Read-only file system"
    before = contents(tmpfs.path)
    new = tmpfs.path / "new.csv"
    in_order(run("score", folder, *NANO, "--output", new), 2, f"cannot write {new}: {text}")
    in_order(run("score", folder, *NANO, "--output", tmpfs.path / "old.csv"), 2, text)
    in_order(run("score", folder, *NANO, "--map", tmpfs.path / "maps"), 2, text)
    in_order(run("score", folder, *NANO, "--map", tmpfs.path / "photos"), 2, "no permission")
    in_order(run("watch", folder, *NANO, "--output", new), 2, f"cannot write {new}: {text}")
    in_order(run("live", folder, *NANO, "--output", new), 2, f"cannot write {new}: {text}")
    video = tmpfs.path / "new.mp4"
    in_order(run("live", folder, *NANO, "--preview", video), 2, f"cannot write {video}: {text}")
    in_order(run("pick", folder, *NANO, "--copy-to", tmpfs.path / "b", "--apply"), 3, text.lower())
    in_order(run("pick", inner, *NANO, "--xmp", "--apply"), 3, text.lower())
    # Out of it: the copy is there, the old one cannot go; the same command says so again.
    best = tmp_path / "best"
    for _ in range(2):
        in_order(run("pick", inner, *NANO, "--move-to", best, "--apply"), 3, text.lower())
        assert contents(best).keys() <= contents(inner).keys()
        assert not leftovers(best)
    assert contents(tmpfs.path) == before
    in_order(run("score", inner, *NANO), 0)
    fault("read-only file system, as target and as source", "reported; reading works", "2, 3")


def test_a_folder_without_permission_to_write(folder: Path, tmp_path: Path, fault: Fault) -> None:
    target = tmp_path / "closed"
    target.mkdir(mode=0o555)
    prefix = without_powers()
    words = ("score", folder, *NANO)
    out = target / "a.csv"
    done = run(*words, "--output", out, prefix=prefix)
    in_order(done, 2, f"cannot write {out}: Permission denied")
    in_order(run(*words, "--map", target, prefix=prefix), 2, "no permission")
    done = run("pick", folder, *NANO, "--copy-to", target / "b", "--apply", prefix=prefix)
    in_order(done, 3, "permission denied")
    fault("folder without permission to write", "reported with the path", "2, 3")
