"""Draws docs/images/live.jpg: what `edgeiqa live --preview` shows while a camera is mishandled.

Usage: python scripts/docs/live_picture.py [--photo FILE] [--model NAME_OR_FILE] [--output FILE]
                                      [--video FILE.mp4]

A synthetic video is made of a sample photograph: the camera pans, is jerked, goes on, the light
goes out and comes back. `edgeiqa live` scores it and writes its preview; the strip shows frames of
that. With --video the whole preview is kept. Needs the extra `video`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

FPS = 25
SIZE = (640, 360)
SMEAR = 45
DARKEST = 0.06
SEED = 0

# (name, frames) one after the other.
SCENES = (("steady", 50), ("jerked", 15), ("steady again", 40), ("dark", 35), ("light again", 40))

# Which frames the strip shows: (frame of the video, what it is called), from left to right and
# from top to bottom. The first frame of the jerk changes nothing yet, the second does.
SHOWN = (25, 50, 51, 80, 125, 179)


def scenes() -> list[str]:
    """The name of the scene of each frame."""
    return [name for name, count in SCENES for _ in range(count)]


def shot(photo: Image.Image) -> Iterator[np.ndarray]:
    """The frames of the synthetic video.

    Args:
        photo: Upright, mode RGB.

    Yields:
        uint8 [360, 640, 3], RGB.
    """
    width, height = SIZE
    names = scenes()
    travel = len(names) + SMEAR + 8
    factor = max((width + travel) / photo.width, (height + 16) / photo.height)
    size = (round(photo.width * factor), round(photo.height * factor))
    wide = np.asarray(photo.resize(size, Image.Resampling.LANCZOS)).astype(np.float32)
    # In linear light, as a sensor adds it up.
    linear = (wide / 255) ** 2.2
    random = np.random.default_rng(SEED)
    top = (wide.shape[0] - height) // 2
    light = 1.0
    for number, name in enumerate(names):
        shake = random.integers(-1, 2, 2)
        x, y = number + 4 + int(shake[0]), top + int(shake[1])
        smear = SMEAR if name == "jerked" else 1
        view = sum(
            linear[y : y + height, x + dx : x + dx + width] for dx in range(0, smear)
        ) / np.float32(smear)
        light += 0.4 * ((DARKEST if name == "dark" else 1.0) - light)
        noise = random.normal(0, 2, view.shape)
        yield np.clip(255 * (light * view) ** (1 / 2.2) + noise, 0, 255).astype(np.uint8)


def write_video(frames: Iterator[np.ndarray], path: Path) -> None:
    """Encodes frames uint8 [height, width, 3] RGB, nearly without loss."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def watched(video: Path, preview: Path, model: str) -> list[dict[str, Any]]:
    """Runs `edgeiqa live`, which writes the preview.

    Returns:
        What it says of each frame, see docs/live.md.

    Raises:
        RuntimeError: The command failed.
    """
    from edgeiqa.cli.main import main as edgeiqa

    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.jsonl"
        words = ["live", str(video), "--model", model, "--preview", str(preview)]
        code = edgeiqa([*words, "--output", str(lines)])
        if code != 0:
            raise RuntimeError(f"edgeiqa live ended with exit code {code}")
        rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if "event" not in row]


def strip(preview: Path, shown: Sequence[int], columns: int = 2) -> Image.Image:
    """Frames of a video on one sheet, RGB, in rows.

    Args:
        preview: The video.
        shown: Numbers of the frames, from 0 on.
        columns: Frames in a row.
    """
    with av.open(str(preview)) as container:
        found = {
            number: frame.to_image()
            for number, frame in enumerate(container.decode(video=0))
            if number in shown
        }
    width, height = next(iter(found.values())).size
    gap = 6
    rows = -(-len(shown) // columns)
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    sheet = Image.new("RGB", size, (255, 255, 255))
    for place, number in enumerate(shown):
        row, column = divmod(place, columns)
        sheet.paste(found[number], (column * (width + gap), row * (height + gap)))
    return sheet


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws the picture; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--photo",
        type=Path,
        default=ROOT / "edgeiqa" / "assets" / "samples" / "china.jpg",
        metavar="FILE",
    )
    parser.add_argument("--model", default="base", metavar="NAME_OR_FILE")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "images" / "live.jpg", metavar="FILE"
    )
    parser.add_argument("--video", type=Path, metavar="FILE.mp4")
    args = parser.parse_args(arguments)
    with Image.open(args.photo) as photo:
        rgb = photo.convert("RGB")
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "video.mp4"
        preview = args.video or Path(folder) / "preview.mp4"
        write_video(shot(rgb), video)
        rows = watched(video, preview, args.model)
        sheet = strip(preview, SHOWN)
    for number, (name, row) in enumerate(zip(scenes(), rows, strict=True)):
        word = "accept" if row["accept"] else "reject"
        mark = "*" if number in SHOWN else ""
        print(f"{number:4} {name:13} {row['score']:5.1f} {row['smoothed']:5.1f} {word} {mark}")
    args.output.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(args.output, quality=85, optimize=True)
    print(f"{args.output}: {sheet.width} x {sheet.height}, {args.output.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
