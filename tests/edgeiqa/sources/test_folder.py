"""Pictures of a folder as frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from edgeiqa.sources.base import Event
from edgeiqa.sources.open import open_source
from tests.edgeiqa.pictures import photograph, saved, with_orientation
from tests.edgeiqa.sources.videos import picture


def test_pictures_come_in_order_and_the_unreadable_is_reported(tmp_path: Path) -> None:
    pictures = [picture(seed=seed) for seed in range(3)]
    Image.fromarray(pictures[0]).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    Image.fromarray(pictures[1]).save(tmp_path / "c.png")
    (tmp_path / "d").mkdir()
    Image.fromarray(pictures[2]).save(tmp_path / "d" / "a.bmp")
    (tmp_path / "e.txt").write_text("not looked at")
    events: list[Event] = []
    source = open_source(tmp_path, frame_rate=4, on_event=events.append)
    frames = list(source.frames())
    for frame, pixels in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.pixels, pixels)
    # The one that is skipped keeps its place.
    assert [frame.timestamp_ns for frame in frames] == [0, 500_000_000, 750_000_000]
    assert [event.kind for event in events] == ["opened", "skipped", "ended"]
    assert f"{tmp_path / 'b.jpg'}: not a picture" in events[1].message
    assert events[2].message == f"{tmp_path}: 3 pictures"
    assert not source.live


def test_one_picture_is_a_source_too_and_upright(tmp_path: Path) -> None:
    image = photograph()
    (tmp_path / "a.png").write_bytes(with_orientation(image, 6))
    (frame,) = open_source(tmp_path / "a.png").frames()
    np.testing.assert_array_equal(frame.pixels, np.rot90(np.asarray(image), -1))


def test_a_folder_without_pictures_says_so(tmp_path: Path) -> None:
    events: list[Event] = []
    assert list(open_source(tmp_path, on_event=events.append).frames()) == []
    assert [event.kind for event in events] == ["opened", "skipped", "ended"]
    assert "a folder without pictures" in events[1].message


def test_it_stops_when_it_is_closed(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / f"{name}.png").write_bytes(saved(photograph(), "PNG"))
    source = open_source(tmp_path)
    got = 0
    for _ in source.frames():
        got += 1
        source.close()
    assert got == 1
