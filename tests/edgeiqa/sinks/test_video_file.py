"""The preview's file plays, keeps its times, and is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from edgeiqa.sinks.video_file import VideoFile, VideoFileError
from tests.edgeiqa.pictures import photograph


def decoded(path: Path) -> list[tuple[float, np.ndarray]]:
    """(seconds, uint8 [height, width, 3]) of each picture."""
    with av.open(str(path)) as container:
        return [
            (float(frame.pts * frame.time_base), frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]


def picture(size: tuple[int, int] = (96, 64)) -> Image.Image:
    return photograph().resize(size)


def record_and_raise(path: Path, error: BaseException) -> None:
    def record() -> None:
        with VideoFile(path) as video:
            video.write(picture(), 0)
            video.write(picture(), 40_000_000)
            raise error

    with pytest.raises(type(error)):
        record()


def test_pictures_come_back_with_their_times(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    times = [0, 33, 66, 150, 2000, 2040]
    with VideoFile(path) as video:
        for time in times:
            video.write(picture(), (10**12 + time) * 1_000_000)
            assert not path.exists()
        assert video.frames == len(times)
    got = decoded(path)
    assert [seconds for seconds, _ in got] == pytest.approx([t / 1000 for t in times], abs=1e-3)
    difference = np.abs(got[0][1].astype(int) - np.asarray(picture()).astype(int))
    assert difference.mean() < 6
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(
    ("first", "second"),
    [((91, 61), (91, 61)), ((96, 64), (50, 100)), ((64, 96), (300, 20)), ((1, 1), (2, 2))],
)
def test_odd_and_changing_sizes(
    first: tuple[int, int], second: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "out.mp4"
    with VideoFile(path) as video:
        video.write(picture(first), 0)
        video.write(picture(second), 40_000_000)
    expected = (first[1] + first[1] % 2, first[0] + first[0] % 2, 3)
    assert [pixels.shape for _, pixels in decoded(path)] == [expected, expected]


def test_time_that_does_not_rise_loses_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoFile(path) as video:
        for time in (5, 5, 3, 6):
            video.write(picture(), time * 1_000_000_000)
    times = [seconds for seconds, _ in decoded(path)]
    assert len(times) == 4
    assert times == sorted(set(times))


def test_an_interrupted_recording_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    record_and_raise(path, KeyboardInterrupt())
    assert len(decoded(path)) == 2


def test_another_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("old")
    record_and_raise(path, ZeroDivisionError())
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_without_a_picture_there_is_no_file(tmp_path: Path) -> None:
    with VideoFile(tmp_path / "out.mp4") as video:
        pass
    video.close()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(VideoFileError, match="it is a folder"):
        VideoFile(tmp_path)
    with pytest.raises(VideoFileError, match=r"cannot write .*missing"):
        VideoFile(tmp_path / "missing" / "out.mp4")


@pytest.mark.parametrize("encoder", ["libx264", "mpeg4"])
def test_each_encoder_writes(encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeiqa.sinks import video_file

    monkeypatch.setattr(
        video_file, "_ENCODERS", tuple(e for e in video_file._ENCODERS if e[0] == encoder)
    )
    path = tmp_path / "out.mp4"
    with VideoFile(path) as video:
        for number in range(5):
            video.write(picture(), number * 40_000_000)
    assert len(decoded(path)) == 5
