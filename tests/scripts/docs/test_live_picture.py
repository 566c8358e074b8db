"""The recording for the README shows a blur that is confirmed by its second frame."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from scripts.docs.live_picture import ROOT, SHOWN, SIZE, main, scenes, shot, watched, write_video

PHOTO = ROOT / "edgeiqa" / "assets" / "samples" / "china.jpg"


def test_the_synthetic_video_is_what_it_says() -> None:
    with Image.open(PHOTO) as photo:
        frames = list(shot(photo.convert("RGB")))
    names = scenes()
    assert len(frames) == len(names)
    assert {frame.shape for frame in frames} == {(SIZE[1], SIZE[0], 3)}
    detail = [np.abs(np.diff(frame[:, :, 1].astype(int), axis=1)).mean() for frame in frames]
    light = [frame.mean() for frame in frames]
    jerk, dark = names.index("jerked"), names.index("dark")
    assert detail[jerk] < 0.6 * detail[jerk - 1]
    assert light[dark + 20] < 0.5 * light[dark - 1]
    assert light[-1] == pytest.approx(light[dark - 1], rel=0.1)


@pytest.mark.slow
def test_the_smear_is_told_with_its_second_frame(tmp_path: Path) -> None:
    video, preview = tmp_path / "video.mp4", tmp_path / "preview.mp4"
    with Image.open(PHOTO) as photo:
        write_video(shot(photo.convert("RGB")), video)
    rows = watched(video, preview, "base")
    names = scenes()
    jerk = names.index("jerked")
    accepted = [row["accept"] for row in rows]
    assert len(rows) == len(names)
    assert all(accepted[: jerk + 1])
    assert not any(accepted[jerk + 1 : names.index("steady again")])
    assert all(accepted[names.index("steady again") + 15 : names.index("dark")])
    assert not any(accepted[names.index("dark") + 15 : names.index("light again")])
    assert all(accepted[names.index("light again") + 15 :])
    with av.open(str(preview)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(names)


@pytest.mark.slow
def test_picture_is_drawn(tmp_path: Path) -> None:
    output = tmp_path / "live.jpg"
    assert main(["--output", str(output), "--model", "nano"]) == 0
    with Image.open(output) as drawn:
        assert drawn.width == 2 * SIZE[0] + 6


def test_committed_picture_is_small_enough_for_a_readme() -> None:
    assert max(SHOWN) < len(scenes())
    assert (ROOT / "docs" / "images" / "live.jpg").stat().st_size < 600_000
