"""A name finds its source, or says what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeiqa.errors import SourceError
from edgeiqa.sources.base import Event
from edgeiqa.sources.folder import FolderSource
from edgeiqa.sources.open import SPECS, UnknownSourceError, open_source
from edgeiqa.sources.reconnect import ReopeningSource
from tests.edgeiqa.sources.videos import read_all


@pytest.mark.parametrize(
    ("spec", "live"),
    [
        ("/dev/video0", True),
        ("v4l2:/dev/v4l/by-id/usb-cam", True),
        ("rtsp://cam/stream", True),
        ("HTTPS://cam/stream", True),
        ("lavfi:testsrc2", False),
    ],
)
def test_names_find_their_sources_without_opening_them(spec: str, live: bool) -> None:
    source = open_source(spec)
    assert isinstance(source, ReopeningSource)
    assert source.live is live
    assert open_source(spec, live=not live).live is not live


def test_raw_frames_are_not_live_unless_asked_for() -> None:
    source = open_source("-", size=(64, 48), pixel_format="nv12")
    assert (source.name, source.live) == ("standard input", False)
    assert open_source("-", size=(64, 48), pixel_format="nv12", live=True).live


@pytest.mark.parametrize(
    "spec", ["nope", "", "ftp://cam/x", "gopher://u:secret@cam", "picamera2:x", "a\0b"]
)
def test_an_unknown_name_lists_what_there_is(spec: str) -> None:
    with pytest.raises(UnknownSourceError) as error:
        open_source(spec)
    for name, meaning in SPECS:
        assert name in str(error.value)
        assert meaning in str(error.value)
    assert "secret" not in str(error.value)
    assert isinstance(error.value, (ValueError, SourceError))


@pytest.mark.parametrize(
    ("spec", "settings", "words"),
    [
        ("rtsp://u:secret@cam/", {"size": (64, 48)}, "size does not apply"),
        (".", {"pixel_format": "nv12"}, "pixel_format does not apply"),
        ("lavfi:testsrc2", {"frame_rate": 5}, "frame_rate does not apply"),
        (".", {"options": {"a": "b"}}, "options does not apply"),
        (".", {"frame_rate": 0}, "frame_rate is 0"),
        (".", {"frame_rate": float("nan")}, "frame_rate is nan"),
        ("/dev/video0", {"size": (0, 48)}, r"size is \(0, 48\)"),
        ("/dev/video0", {"stall_s": 0}, "stall_s is 0"),
        ("-", {"size": (8, 6), "pixel_format": "p010le"}, "expected one of nv12"),
    ],
)
def test_settings_that_mean_nothing_are_refused(spec: str, settings: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words) as error:
        open_source(spec, **settings)
    assert "secret" not in str(error.value)


def test_a_made_up_picture() -> None:
    events: list[Event] = []
    source = open_source("lavfi:testsrc2=size=62x46:rate=10:duration=1", on_event=events.append)
    frames = read_all(source)
    assert [frame.size for frame in frames] == [(46, 62)] * 10
    assert [frame.timestamp_ns for frame in frames] == [n * 100_000_000 for n in range(10)]
    assert [event.kind for event in events] == ["opened", "ended"]


def test_events_have_known_kinds() -> None:
    with pytest.raises(ValueError, match="expected one of opened, skipped"):
        Event("exploded", "")


def test_a_picture_and_a_folder_need_no_pyav(tmp_path: Path) -> None:
    assert isinstance(open_source(tmp_path), FolderSource)


def test_what_a_taker_raises_comes_out_and_ends_the_source() -> None:
    def report(event: Event) -> None:
        raise KeyError(event.kind)

    source = open_source("lavfi:testsrc2=size=64x48:rate=10:duration=1", on_event=report)
    with pytest.raises(KeyError, match="opened"):
        list(source.frames())
