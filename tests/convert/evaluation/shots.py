"""Rated shots as a model with causes would report them: made, not scored."""

from __future__ import annotations

import numpy as np

from convert.evaluation.operating_points import Shot
from edgeiqa.quality import Quality


def made_shots(count: int = 600, seed: int = 0) -> list[Shot]:
    """Shots whose scores follow people loosely; of the bad ones half are blurred as well.

    The blur is not in the score, as where a picture is judged at a small size.
    """
    generator = np.random.default_rng(seed)
    shots = []
    for index in range(count):
        mos = float(generator.uniform(0.1, 0.95))
        blurred = mos < 0.4 and index % 2 == 0
        score = float(np.clip(100 * mos + generator.normal(0, 12) + 25 * blurred, 0, 100))
        blur = float(generator.uniform(0.6, 1.0) if blurred else generator.beta(1, 6))
        noise = float(generator.beta(1, 8))
        quality = Quality(score, causes={"blur": blur, "noise": noise})
        shots.append(Shot(f"{index}.jpg", ("a", "b")[index % 3 == 0], mos, quality))
    return shots
