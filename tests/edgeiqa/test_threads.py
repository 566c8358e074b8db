"""Sixteen threads get from one scorer what one thread gets, to the last bit."""

from __future__ import annotations

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeiqa import Frame, LiveScorer, Mode, Scorer
from edgeiqa.assets import sample_paths

THREADS = 16
SIZE = (128, 96)
BROKEN = (b"no picture", b"\xff\xd8\xff\xe0 half a JPEG", np.zeros((4, 4, 7), np.uint8))


def pictures(count: int) -> list[Frame]:
    """Pictures that all differ: places in the samples, turned, mirrored, dimmed."""
    photos = []
    for path in sample_paths():
        with Image.open(path) as photo:
            photos.append(photo.convert("RGB").resize((320, 240)))
    rng = np.random.default_rng(16)
    found = []
    for number in range(count):
        x, y = (int(rng.integers(0, edge)) for edge in (320 - SIZE[0], 240 - SIZE[1]))
        crop = photos[number % len(photos)].crop((x, y, x + SIZE[0], y + SIZE[1]))
        pixels = np.asarray(crop)[:, :: int(rng.choice((-1, 1)))] * rng.uniform(0.4, 1)
        rotation = int(rng.choice((0, 90, 180, 270)))
        found.append(Frame(pixels.astype(np.uint8), rotation=rotation))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("model", "count"), [("nano", 60), ("base", 20)])
def test_sixteen_threads_get_what_one_gets(model: str, count: int) -> None:
    scorer, frames = Scorer(model), pictures(count)
    expected = [json.dumps(scorer.score(frame).to_dict()) for frame in frames]
    assert len(set(expected)) == count

    def work(number: int) -> Counter[str]:
        """One of four ways, in an order of its own; what came of it."""
        counts: Counter[str] = Counter()
        live = LiveScorer(scorer, scorer.gate(), mode=Mode.IMAGE)
        order = list(range(count))
        random.Random(number).shuffle(order)
        for index in order:
            quality: Any = scorer.score(frames[index])
            if number % 4 == 1:
                quality = live.score(frames[index]).quality
            elif number % 4 == 2:
                with pytest.raises((ValueError, TypeError)):
                    scorer.score(BROKEN[index % len(BROKEN)])
                counts["refused"] += 1
            elif number % 4 == 3:
                assert scorer.cause_detector is not None
                assert scorer.cause_detector.causes(frames[index]) == quality.causes
            counts["same"] += json.dumps(quality.to_dict()) == expected[index]
        return counts

    with ThreadPoolExecutor(THREADS) as pool:
        total = sum(pool.map(work, range(THREADS)), Counter())
    assert total == {"same": THREADS * count, "refused": THREADS // 4 * count}
