"""Real servers on loopback that are killed, started again, stall or send nonsense."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from edgeiqa.imaging.pixel_format import ColorRange, PixelFormat
from edgeiqa.sources.open import open_source
from edgeiqa.sources.reconnect import Backoff
from tests.edgeiqa.sources import mjpeg_server, rtsp_server
from tests.edgeiqa.sources.videos import Watch, open_files, readers, wait_for_no_readers

PASSWORD = "p@ss/w:rd"
QUICK = Backoff(first_s=0.1, max_s=0.4)


class Program:
    """A server in a process of its own; keeps its port when it is started again."""

    def __init__(self, script: str | None, *arguments: str) -> None:
        self.command = [sys.executable, str(script)]
        self.arguments = arguments
        self.port = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*self.command, str(self.port), *self.arguments], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def running(script: str | None, *arguments: str) -> Iterator[Program]:
    program = Program(script, *arguments)
    try:
        yield program
    finally:
        program.kill()
        wait_for_no_readers()


@pytest.fixture
def http() -> Iterator[Program]:
    with running(mjpeg_server.__file__) as program:
        yield program


@pytest.fixture
def rtsp() -> Iterator[Program]:
    with running(rtsp_server.__file__, f"viewer:{PASSWORD}") as program:
        yield program


def watch(address: str, stall_s: float = 5.0, retry: bool | Backoff = QUICK) -> Watch:
    return Watch(lambda report: open_source(address, stall_s=stall_s, retry=retry, on_event=report))


def test_an_mjpeg_camera_is_killed_and_comes_back(http: Program) -> None:
    with watch(f"http://127.0.0.1:{http.port}/live") as got:
        got.wait_frames(20)
        assert got.last is not None
        assert (got.last.pixel_format, got.last.color_range) == (
            PixelFormat.I420,
            ColorRange.FULL,
        )
        http.kill()
        got.wait(lambda: got.events[-1].attempt >= 2)
        http.start()
        got.wait_frames(20)
        http.kill()
        got.wait(lambda: got.count("lost") >= 2 and got.log[-1] == "retrying")
        http.start()
        got.wait_frames(5)
        assert got.source.live
        started = time.monotonic()
        got.source.close()
        got.join()
        assert time.monotonic() - started < 1
    # Every loss is followed by tries, and those by the frames.
    text = " ".join(got.log)
    assert text.startswith("opened frame lost retrying lost retrying")
    assert text.endswith("lost retrying opened frame ended")
    assert got.count("opened") == 3
    assert got.count("lost") == got.count("retrying")
    attempts = [event.attempt for event in got.events if event.kind == "retrying"]
    assert attempts[:2] == [1, 2]
    assert all(b in (a + 1, 1) for a, b in pairwise(attempts))  # Anew after frames.
    assert attempts.count(1) == 2
    assert all(a < b for a, b in pairwise(got.times))
    assert any("Connection refused" in event.message for event in got.events)


@pytest.mark.slow
def test_an_rtsp_camera_is_killed_and_comes_back(
    rtsp: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAM_PASSWORD", PASSWORD)
    with watch(f"rtsp://viewer:${{CAM_PASSWORD}}@127.0.0.1:{rtsp.port}/live") as got:
        assert got.source.name == f"rtsp://viewer:***@127.0.0.1:{rtsp.port}/live"
        got.wait_frames(20)
        rtsp.kill()
        got.wait(lambda: got.events[-1].attempt >= 2)
        rtsp.start()
        got.wait_frames(20)
        assert got.last is not None
        assert got.last.size == (120, 160)
    text = " ".join(got.log)
    assert text.startswith("opened frame lost retrying lost retrying")
    assert text.endswith("opened frame ended")
    assert all(a < b for a, b in pairwise(got.times))
    assert not any("p@ss" in event.message or "%40" in event.message for event in got.events)


@pytest.mark.parametrize("scheme", ["http", pytest.param("rtsp", marks=pytest.mark.slow)])
def test_a_stalled_camera_is_opened_again(
    scheme: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAM_PASSWORD", PASSWORD)
    server: Program = request.getfixturevalue(scheme)
    address = f"{scheme}://viewer:${{CAM_PASSWORD}}@127.0.0.1:{server.port}/stall"
    # H.264 shows its first frame up to a second after it was opened.
    with watch(address, stall_s=1.0 if scheme == "http" else 2.5) as got:
        got.wait(lambda: got.count("opened") >= 3)
        started = time.monotonic()
        got.source.close()
        got.join()
        assert time.monotonic() - started < 1
    once = ["opened", "frame", "stalled", "retrying"]
    assert got.log[:8] == once * 2
    assert not any(PASSWORD in event.message for event in got.events)


def test_a_server_that_answers_nothing_is_lost_not_waited_for(http: Program) -> None:
    with watch(f"http://127.0.0.1:{http.port}/silent", stall_s=0.5) as got:
        got.wait(lambda: got.count("retrying") >= 2)
        started = time.monotonic()
        got.source.close()
        got.join()
        assert time.monotonic() - started < 1
    assert got.log[:4] == ["lost", "retrying"] * 2
    assert "no answer within 0.5 s" in got.events[0].message
    assert [event.attempt for event in got.events[:4]] == [0, 1, 0, 2]


def test_garbage_is_reported_once_and_given_up(http: Program) -> None:
    with watch(f"http://127.0.0.1:{http.port}/garbage", stall_s=1.0) as got:
        got.wait(lambda: got.count("retrying") >= 2)
    assert not got.times
    assert "skipped" in got.log
    assert "stalled" in got.log
    assert len(got.log) < 30  # Fifty a second come.


def test_garbage_between_frames_costs_no_frames(http: Program) -> None:
    with watch(f"http://127.0.0.1:{http.port}/dirty") as got:
        got.wait_frames(90)
        assert got.count("skipped") >= 2
        assert any("times)" in event.message for event in got.events)
    assert not {"lost", "stalled"} & set(got.log)


def test_it_ends_after_so_many_tries_or_at_once(http: Program) -> None:
    address = f"http://127.0.0.1:{http.port}/missing"
    with watch(address, retry=Backoff(first_s=0.01, tries=2)) as got:
        got.join()
    assert got.log == ["lost", "retrying", "lost", "retrying", "lost", "ended"]
    assert "404" in got.events[0].message
    assert "after 2 attempts" in got.events[-1].message
    with watch(address, retry=False) as got:
        got.join()
    assert got.log == ["lost", "ended"]


def test_a_wrong_password_is_not_shown(http: Program, rtsp: Program) -> None:
    for scheme, port, path in (("http", http.port, "auth"), ("rtsp", rtsp.port, "live")):
        with watch(f"{scheme}://viewer:wrong@127.0.0.1:{port}/{path}", retry=False) as got:
            got.join()
        assert got.log == ["lost", "ended"]
        assert "401" in got.events[0].message
        assert not any("wrong" in event.message for event in got.events)


def test_http_takes_the_password_of_the_environment(
    http: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAM_PASSWORD", PASSWORD)
    with watch(f"http://viewer:${{CAM_PASSWORD}}@127.0.0.1:{http.port}/auth") as got:
        got.wait_frames(3)


def test_a_slow_taker_gets_the_newest_frame(http: Program) -> None:
    source = open_source(f"http://127.0.0.1:{http.port}/live")
    frames = source.frames()
    next(frames)
    for _ in range(3):
        time.sleep(0.3)
        now = time.monotonic_ns()
        age_ns = now - (next(frames).timestamp_ns or 0)
        assert age_ns < 250_000_000  # Fifty come a second; a queue would be 0.3 s behind and more.
    source.close()
    assert list(frames) == []
    assert source.dropped > 10  # type: ignore[attr-defined]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc")
def test_opening_and_closing_leaves_nothing_behind(http: Program) -> None:
    before: int | None = None
    for _ in range(10):
        with watch(f"http://127.0.0.1:{http.port}/live") as got:
            got.wait_frames(2)
        wait_for_no_readers()
        before = before or open_files()
    assert readers() == []
    assert open_files() == before


def test_at_most_one_reader_even_when_all_is_lost(http: Program) -> None:
    with watch(f"http://127.0.0.1:{http.port}/silent", stall_s=0.3) as got:
        most = 0
        while got.count("retrying") < 3:
            most = max(most, len(readers()))
            time.sleep(0.005)
    assert most == 1


def test_a_program_ends_while_a_camera_hangs(http: Program) -> None:
    code = f"""
from edgeiqa.sources.open import open_source
source = open_source("http://127.0.0.1:{http.port}/stall", stall_s=30)
for index, frame in enumerate(source.frames()):
    if index == 10:
        break
source.close()
import time; time.sleep(1)
"""
    root = Path(__file__).parents[3]
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60, env=os.environ.copy())
    assert done.returncode == 0
    assert time.monotonic() - started < 25


def test_a_camera_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    with Watch(
        lambda report: open_source(f"v4l2:{tmp_path}/video0", retry=QUICK, on_event=report)
    ) as got:
        got.wait(lambda: got.count("retrying") >= 2)
    assert got.log[:4] == ["lost", "retrying"] * 2
    assert "No such file or directory" in got.events[0].message
    (tmp_path / "video0").write_bytes(b"no device")
    with Watch(
        lambda report: open_source(f"v4l2:{tmp_path}/video0", retry=False, on_event=report)
    ) as got:
        got.join()
    assert got.log == ["lost", "ended"]
