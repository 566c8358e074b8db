"""Several distortions at once, in the order in which a camera makes them."""

from __future__ import annotations

import math

import numpy as np

from .distort import check_picture, check_seed, distort
from .registry import RgbArray

STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("air", ("haze",)),
    ("lens", ("defocus", "gaussian_blur", "motion_blur", "motion_shake", "lens_smudge")),
    ("exposure", ("under_exposure", "over_exposure")),
    ("sensor", ("noise", "raw_noise", "lifted_shadows")),
    ("denoising", ("denoise_smear",)),
    ("tone", ("white_balance", "low_contrast", "banding")),
    ("sharpening", ("sharpening",)),
    ("scaling", ("upscaling",)),
    ("coding", ("jpeg", "webp")),
)
"""What a picture passes through, first to last, and the kinds that can happen there."""

_CHANCES = {"lens": 0.5, "exposure": 0.4, "sensor": 0.5, "coding": 0.5, "air": 0.12}
_CHANCE = 0.25
_MIN_KINDS, _MAX_KINDS = 2, 4


def mixture_steps(seed: int, strength: float) -> tuple[tuple[str, float], ...]:
    """Which distortions a mixture is made of.

    Two to four stages take part, one kind each. Several mild faults add up to a severe one, so
    with n of them each is drawn between 0.5 and 1 times strength * (1 / n) ** 0.25.

    Args:
        seed: non-negative integer; the same kinds at every strength.
        strength: 0 to 1.

    Returns:
        (kind, strength 0-1), in the order of `STAGES`.
    """
    generator = np.random.default_rng([seed, 20])
    chances = np.array([_CHANCES.get(stage, _CHANCE) for stage, _ in STAGES])
    # The stages with the luckiest draws, as many as came out below their chance.
    luck = generator.random(len(STAGES)) / chances
    count = int(np.clip((luck < 1.0).sum(), _MIN_KINDS, _MAX_KINDS))
    chosen = np.sort(np.argsort(luck)[:count])
    share = strength * math.pow(1.0 / count, 0.25)
    steps = []
    for stage in chosen:
        kinds = STAGES[stage][1]
        kind = kinds[int(generator.integers(len(kinds)))]
        steps.append((kind, share * float(generator.uniform(0.5, 1.0))))
    return tuple(steps)


def mixture(rgb: RgbArray, seed: int = 0, strength: float = 0.6) -> RgbArray:
    """Degrades a picture in several ways at once, in the order in which a camera does.

    Lens before exposure before sensor before processing before storage: noise is then never
    blurred by the lens, and the codec sees it.

    Args:
        rgb: uint8 (height, width, 3) RGB. Not changed.
        seed: non-negative integer that fixes the kinds, their shares and everything random.
        strength: 0 (returns a copy) to 1.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        TypeError: as `convert.distortions.distort.distort`.
        ValueError: as `convert.distortions.distort.distort`.
    """
    check_picture(rgb)
    check_seed(seed)
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"strength must be from 0 to 1, got {strength}")
    result = rgb.copy()
    for kind, amount in mixture_steps(int(seed), strength):
        result = distort(result, kind, strength=amount, seed=seed)
    return result
