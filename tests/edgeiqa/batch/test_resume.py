"""A run takes up the one before it, however that ended: nothing lost, nothing twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeiqa.cli.main import main
from tests.edgeiqa.batch.trees import children, is_alive, make_tree, score, started

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def resume(
    capsys: pytest.CaptureFixture[str], *words: object, output: Path, model: str = "nano"
) -> tuple[int, str]:
    """Runs it in this process; returns the exit code and what it says."""
    code = main(["score", *map(str, words), "--model", model, "--output", str(output), "--resume"])
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err


def test_only_what_is_new_or_changed_is_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = make_tree(tmp_path / "photos", 9), tmp_path / "out.jsonl"
    code, said = resume(capsys, tmp_path / "photos", output=out)
    assert code == 0
    assert "9 scored now, 0 unchanged, 0 gone" in said
    first = rows(out)
    assert [row["path"] for row in first] == [str(path) for path in photos]
    for row, path in zip(first, photos, strict=True):
        assert (row["bytes"], row["mtime_ns"]) == (path.stat().st_size, path.stat().st_mtime_ns)
        assert (row["mode"], row["model"].split()[0]) == ("exact", "nano")
    content = out.read_bytes()
    assert "0 scored now, 9 unchanged" in resume(capsys, tmp_path / "photos", output=out)[1]
    assert out.read_bytes() == content
    photos[0].unlink()
    photos[1].write_bytes(photos[2].read_bytes())
    os.utime(photos[3], ns=(1, 1))
    photos[4].rename(photos[4].with_name("renamed.jpg"))
    said = resume(capsys, tmp_path / "photos", output=out)[1]
    assert "3 scored now, 5 unchanged, 2 gone" in said
    again = {row["path"]: row for row in rows(out)}
    assert len(again) == len(rows(out)) == 8
    assert again[str(photos[1])]["score"] == again[str(photos[2])]["score"]
    assert again[str(photos[3])]["mtime_ns"] == 1
    for row in first[5:]:
        assert again[row["path"]] == row


def test_rows_are_those_of_a_run_without_a_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tree(tmp_path / "photos", 5)
    (tmp_path / "photos" / "b" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    out, plain = tmp_path / "out.jsonl", tmp_path / "plain.jsonl"
    assert resume(capsys, tmp_path / "photos", output=out)[0] == 3
    words = ["score", str(tmp_path / "photos"), "--model", "nano", "--output", str(plain)]
    assert main(words) == 3
    assert [{key: row[key] for key in rows(plain)[0]} for row in rows(out)] == rows(plain)


def test_errors_are_tried_again_and_written_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photo,) = make_tree(tmp_path / "photos", 1)
    whole = photo.read_bytes()
    photo.write_bytes(whole[:300])
    stamp = (photo.stat().st_atime_ns, photo.stat().st_mtime_ns)
    out = tmp_path / "out.jsonl"
    assert resume(capsys, tmp_path / "photos", output=out)[0] == 3
    content = out.read_bytes()
    assert b"truncated" in content
    assert resume(capsys, tmp_path / "photos", output=out)[0] == 3
    assert out.read_bytes() == content
    photo.write_bytes(whole)
    os.utime(photo, ns=stamp)
    assert resume(capsys, tmp_path / "photos", output=out)[0] == 0
    assert [row["error"] for row in rows(out)] == [None]


def test_rows_of_other_folders_stay_and_so_do_those_of_a_folder_that_is_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tree(tmp_path / "one", 3)
    make_tree(tmp_path / "two", 3)
    out = tmp_path / "out.jsonl"
    resume(capsys, tmp_path / "one", output=out)
    assert "0 gone" in resume(capsys, tmp_path / "two", output=out)[1]
    assert len(rows(out)) == 6
    # As a drive that is not mounted: an empty folder is there, or nothing at all.
    (tmp_path / "two").rename(tmp_path / "away")
    code, said = resume(capsys, tmp_path / "two", output=out)
    assert (code, "0 gone" in said) == (3, True)
    (tmp_path / "two").mkdir()
    code, said = resume(capsys, tmp_path / "two", output=out)
    assert (code, "0 gone" in said) == (3, True)
    assert len([row for row in rows(out) if row["error"] is None]) == 6
    (tmp_path / "two").rmdir()
    (tmp_path / "away").rename(tmp_path / "two")
    code, said = resume(capsys, tmp_path / "two", output=out)
    assert (code, "0 scored now, 3 unchanged, 1 gone" in said) == (0, True)
    assert len(rows(out)) == 6


def test_other_settings_are_refused_or_scored_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tree(tmp_path / "photos", 3)
    out = tmp_path / "out.jsonl"
    resume(capsys, tmp_path / "photos", output=out)
    content = out.read_bytes()
    for words, message in (
        (["--model", "base"], "nano 0.1.0 (exact)"),
        (["--quick"], "nano 0.1.0 (quick)"),
        (["--gate", "strict"], "another gate"),
        (["--max", "blur=0.123"], "another gate"),
    ):
        code, said = resume(capsys, tmp_path / "photos", output=out)
        assert (code, out.read_bytes()) == (0, content)
        command = ["score", str(tmp_path / "photos"), "--model", "nano", "--output", str(out)]
        assert main([*command, "--resume", *words]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert "3 rows of these photographs" in said
        assert out.read_bytes() == content
        assert main([*command, "--resume", "--rescore", *words]) == 0
        assert "3 scored now, 0 unchanged" in capsys.readouterr().err
        assert main([*command, "--resume", "--rescore"]) == 0
        capsys.readouterr()
        assert out.read_bytes() == content


def test_a_file_that_was_written_without_resume_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tree(tmp_path / "photos", 2)
    out = tmp_path / "out.jsonl"
    assert main(["score", str(tmp_path / "photos"), "--output", str(out), "--model", "nano"]) == 0
    content = out.read_bytes()
    code, said = resume(capsys, tmp_path / "photos", output=out)
    assert code == 2
    assert "2 rows of these photographs" in said
    assert out.read_bytes() == content


@linux
@pytest.mark.slow
def test_kill_9_at_any_moment_loses_no_line_and_doubles_none(tmp_path: Path) -> None:
    count, random_ = 150, random.Random(9)
    make_tree(tmp_path / "photos", count)
    expected, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    assert score(tmp_path / "photos", "--resume", "--output", expected).returncode == 0
    kills, before = 0, b""
    for _ in range(6):
        process = started(tmp_path / "photos", "--resume", "--output", out, "--workers", 2)
        more = random_.randrange(0, 24)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if out.exists() and out.read_bytes().count(b"\n") >= before.count(b"\n") + more:
                break
            time.sleep(0.001)
        time.sleep(random_.random() * 0.02)
        workers = children(process.pid)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        process.communicate()
        # What was there is there; what was added are whole rows but for a torn end.
        after = out.read_bytes()
        assert after.startswith(before)
        before = after[: after.rfind(b"\n") + 1]
        names = [json.loads(line)["path"] for line in before.splitlines()]
        assert len(set(names)) == len(names)
        deadline = time.monotonic() + 20
        while any(map(is_alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not any(map(is_alive, workers)), "a worker outlives whoever started it"
    assert kills >= 4
    done = score(tmp_path / "photos", "--resume", "--output", out)
    assert done.returncode == 0
    assert f"{len(names)} unchanged" in done.stderr
    assert out.read_bytes() == expected.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_an_interrupt_keeps_what_was_scored(tmp_path: Path) -> None:
    make_tree(tmp_path / "photos", 120)
    out = tmp_path / "out.jsonl"
    process = started(tmp_path / "photos", "--resume", "--output", out, "--workers", 2)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (out.exists() and out.stat().st_size > 3000):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert len(said.splitlines()) == 2
    assert str(out) in said
    kept = rows(out)
    assert 0 < len(kept) < 120
    done = score(tmp_path / "photos", "--resume", "--output", out)
    assert f"{120 - len(kept)} scored now, {len(kept)} unchanged" in done.stderr
    assert len(rows(out)) == 120


def test_two_runs_on_one_journal_are_one_too_many(tmp_path: Path) -> None:
    photos, out = make_tree(tmp_path / "photos", 1), tmp_path / "out.jsonl"
    os.mkfifo(tmp_path / "waits.jpg")
    words = [photos[0], tmp_path / "waits.jpg", "--resume", "--output", out, "--workers", 1]
    first = started(*words)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (out.exists() and out.stat().st_size):
            time.sleep(0.01)
        second = score(*words)
        assert second.returncode == 2
        assert "another edgeiqa is writing to it" in second.stderr
    finally:
        first.kill()
        first.communicate()


@pytest.mark.skipif(os.name == "nt", reason="limits of Unix")
def test_a_file_that_may_not_grow_keeps_whole_lines_and_the_run_goes_on_later(
    tmp_path: Path,
) -> None:
    make_tree(tmp_path / "photos", 40)
    out = tmp_path / "out.jsonl"
    limit = 5000

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = score(tmp_path / "photos", "--resume", "--output", out, preexec_fn=bounded)
    assert done.returncode == 2
    assert "File too large; what is in it stays" in done.stderr
    assert "Traceback" not in done.stderr
    content = out.read_bytes()
    assert limit - 1000 < len(content) <= limit
    assert content.endswith(b"\n")
    kept = len(rows(out))
    done = score(tmp_path / "photos", "--resume", "--output", out)
    assert done.returncode == 0
    assert f"{40 - kept} scored now, {kept} unchanged" in done.stderr
    assert len({row["path"] for row in rows(out)}) == len(rows(out)) == 40


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@linux
def test_a_full_disk_loses_nothing_and_the_run_goes_on_when_there_is_space(
    tmp_path: Path,
) -> None:
    make_tree(tmp_path / "photos", 60)
    expected = tmp_path / "whole.jsonl"
    assert score(tmp_path / "photos", "--resume", "--output", expected).returncode == 0
    with small_disk(tmp_path / "disk", 64):
        out, ballast = tmp_path / "disk" / "out.jsonl", tmp_path / "disk" / "ballast"
        ballast.write_bytes(b"\0" * 48_000)
        done = score(tmp_path / "photos", "--resume", "--output", out, "--workers", 2)
        assert done.returncode == 2
        assert "No space left on device; what is in it stays" in done.stderr
        kept = rows(out)
        assert 0 < len(kept) < 60
        ballast.unlink()
        # Enough for the rows, and not for putting them in order.
        ballast.write_bytes(b"\0" * 12_000)
        done = score(tmp_path / "photos", "--resume", "--output", out, "--workers", 2)
        assert done.returncode == 2, done.stderr
        assert len({row["path"] for row in rows(out)}) == len(rows(out)) == 60
        ballast.unlink()
        done = score(tmp_path / "photos", "--resume", "--output", out)
        assert done.returncode == 0
        assert "0 scored now, 60 unchanged" in done.stderr
        assert out.read_bytes() == expected.read_bytes()
        assert [path.name for path in out.parent.iterdir()] == ["out.jsonl"]
