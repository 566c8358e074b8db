"""Watching a folder while files arrive in every way that files arrive."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgeiqa
from edgeiqa.sources.folder_watch import Arrival, FolderWatch
from tests.edgeiqa.pictures import photograph, saved

ROOT = Path(edgeiqa.__file__).parent.parent
JPEG = saved(photograph(), "JPEG")
LIMIT = 60.0


class Watched:
    """A watch that runs in a thread; what it reported, by name."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.arrivals: list[Arrival] = []
        self.events: list[tuple[str, str]] = []
        options = {"interval_s": 0.02, "settle_s": 0.15, **options}
        self.watch = FolderWatch(
            str(folder),
            on_event=lambda kind, message: self.events.append((kind, message)),
            **options,  # type: ignore[arg-type]
        )
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        time.sleep(0.2)

    def _run(self) -> None:
        for arrival in self.watch.arrivals():
            self.arrivals.append(arrival)

    def names(self) -> list[str]:
        return [os.path.basename(arrival.path) for arrival in self.arrivals]

    def wait(self, count: int) -> list[str]:
        until(lambda: len(self.arrivals) >= count)
        time.sleep(0.5)  # Anything reported twice comes now.
        return self.names()

    def close(self) -> None:
        self.watch.close()
        self.thread.join(LIMIT)
        assert not self.thread.is_alive()


def until(condition: object) -> None:
    end = time.monotonic() + LIMIT
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "old.jpg").write_bytes(JPEG)
    found = Watched(tmp_path)
    yield found
    found.close()


def test_new_files_once_and_rewritten_ones_again(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.jpg").write_bytes(JPEG)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "deep.jpg").write_bytes(JPEG)
    assert watched.wait(1) == ["a.jpg"]
    (tmp_path / "a.jpg").write_bytes(JPEG + b"more")
    assert watched.wait(2) == ["a.jpg", "a.jpg"]
    (tmp_path / "old.jpg").write_bytes(JPEG + b"more")
    assert watched.wait(3)[-1] == "old.jpg"


def test_a_slow_writer_is_waited_for(watched: Watched, tmp_path: Path) -> None:
    def write() -> None:
        with open(tmp_path / "slow.jpg", "wb") as stream:
            for start in range(0, len(JPEG), len(JPEG) // 12 + 1):
                stream.write(JPEG[start : start + len(JPEG) // 12 + 1])
                stream.flush()
                time.sleep(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    assert watched.wait(1) == ["slow.jpg"]
    writer.join()
    assert watched.arrivals[0].stamp[0] == len(JPEG)


def test_renames_are_not_new_files_but_uploads_that_end_in_one_are(
    watched: Watched, tmp_path: Path
) -> None:
    part = tmp_path / "upload.jpg.part"
    part.write_bytes(JPEG)
    time.sleep(0.3)
    part.rename(tmp_path / "upload.jpg")
    assert watched.wait(1) == ["upload.jpg"]
    (tmp_path / "upload.jpg").rename(tmp_path / "renamed.jpg")
    assert watched.wait(1) == ["upload.jpg"]
    other = tmp_path / ".new"
    other.write_bytes(JPEG)
    os.replace(other, tmp_path / "renamed.jpg")  # How careful programs rewrite a file.
    assert watched.wait(2) == ["upload.jpg", "renamed.jpg"]


def test_what_vanishes_before_it_settles_is_never_reported(
    watched: Watched, tmp_path: Path
) -> None:
    for index in range(5):
        path = tmp_path / f"brief{index}.jpg"
        path.write_bytes(JPEG)
        time.sleep(0.05)
        path.unlink()
    (tmp_path / "stays.jpg").write_bytes(JPEG)
    assert watched.wait(1) == ["stays.jpg"]


def test_the_folder_vanishes_and_comes_back(tmp_path: Path) -> None:
    folder, away = tmp_path / "in", tmp_path / "away"
    folder.mkdir()
    (folder / "old.jpg").write_bytes(JPEG)
    watched = Watched(folder)
    try:
        folder.rename(away)
        until(lambda: watched.events)
        (away / "new.jpg").write_bytes(JPEG)
        away.rename(folder)
        assert watched.wait(1) == ["new.jpg"]
        assert [kind for kind, _ in watched.events] == ["lost", "opened"]
        assert "No such file" in watched.events[0][1]
    finally:
        watched.close()


def test_existing_and_recursive(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to(tmp_path)
    for name in ("b.jpg", "a.jpg", "folder/c.png"):
        (tmp_path / name).write_bytes(JPEG)
    watched = Watched(tmp_path, existing=True, recursive=True)
    try:
        assert sorted(watched.wait(3)) == ["a.jpg", "b.jpg", "c.png"]
    finally:
        watched.close()


def test_a_thousand_at_once_each_exactly_once(watched: Watched, tmp_path: Path) -> None:
    for index in range(1000):
        (tmp_path / f"{index:04}.jpg").write_bytes(JPEG[:100])
    names = watched.wait(1000)
    assert Counter(names) == Counter(f"{index:04}.jpg" for index in range(1000))


def test_one_that_cannot_be_read_gets_a_second_chance_and_no_third(tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(JPEG[:300])
    watch = FolderWatch(str(tmp_path), 0.01, 0.05, existing=True)
    arrivals = watch.arrivals()
    first = next(arrivals)
    assert watch.postpone(first)
    started = time.monotonic()
    second = next(arrivals)
    assert time.monotonic() - started >= 0.2
    assert not watch.postpone(second)
    (tmp_path / "cut.jpg").write_bytes(JPEG)
    assert watch.changed(second)
    third = next(arrivals)
    assert third.stamp[0] == len(JPEG)
    assert not watch.changed(third)
    watch.close()
    assert list(arrivals) == []


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "edgeiqa", "watch", str(folder), "--format", "jsonl"]
    process = subprocess.Popen(
        [*words, "--interval", "0.05", "--settle", "0.2", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # As in the background.
    )
    assert process.stderr is not None
    assert str(folder) in process.stderr.readline()
    return process


def test_the_command_scores_and_reports_errors_once(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    process = start(tmp_path, "--existing")
    assert process.stdout is not None
    try:
        first = json.loads(process.stdout.readline())
        assert first["path"] == str(tmp_path / "a.jpg")
        assert first["score"] == round(edgeiqa.Scorer().score(tmp_path / "a.jpg").score, 2)
        (tmp_path / "b.jpg").write_bytes(JPEG[:400])
        broken = json.loads(process.stdout.readline())
        assert (broken["path"], broken["score"]) == (str(tmp_path / "b.jpg"), None)
        assert "truncated" in broken["error"]
        (tmp_path / "b.jpg").write_bytes(JPEG)
        whole = json.loads(process.stdout.readline())
        assert (whole["path"], whole["error"]) == (str(tmp_path / "b.jpg"), None)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT)
        assert (out, err) == ("", "edgeiqa: interrupted\n")
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()


def test_the_command_ends_after_a_count_and_on_terminate(tmp_path: Path) -> None:
    for index in range(4):
        (tmp_path / f"{index}.jpg").write_bytes(JPEG)
    file = tmp_path / "scores.jsonl"
    file.write_text("before\n")
    process = start(tmp_path, "--existing", "--count", "3", "--output", str(file))
    assert process.wait(LIMIT) == 0
    lines = file.read_text().splitlines()
    assert lines[0] == "before"
    assert [json.loads(line)["path"][-5:] for line in lines[1:]] == ["0.jpg", "1.jpg", "2.jpg"]
    process.communicate()
    process = start(tmp_path, "--existing")
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    _, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["missing"], "no such folder"),
        ([".", "--interval", "-1"], "--interval"),
        ([".", "--count", "0"], "whole number"),
        ([".", "--output", "missing/file"], "cannot write"),
    ],
)
def test_wrong_usage(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    from edgeiqa.cli.main import main

    assert main(["watch", *options]) == 2
    assert message in capsys.readouterr().err
