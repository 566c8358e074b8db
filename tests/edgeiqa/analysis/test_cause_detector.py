"""What spoils a picture, told by the network that comes with the package."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage import data

from edgeiqa import CauseDetector, Frame, PixelFormat, Scorer
from edgeiqa.causes import CAUSES
from edgeiqa.inference.contract import ContractError, InputSpec
from edgeiqa.inference.model import Model, ModelError


@pytest.fixture(scope="module")
def detector() -> CauseDetector:
    return CauseDetector()


@pytest.fixture(scope="module")
def sharp() -> Image.Image:
    # Noise-free and sharp at native resolution.
    return Image.fromarray(data.astronaut()).reduce(1)


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(io.BytesIO(stream.getvalue())).convert("RGB")


def noisy(image: Image.Image, deviation: float) -> Image.Image:
    generator = np.random.default_rng(0)
    pixels = np.asarray(image) + generator.normal(0, deviation, (*image.size[::-1], 1))
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def test_all_causes_are_told_in_their_order(detector: CauseDetector, sharp: Image.Image) -> None:
    told = detector.causes(sharp)
    assert tuple(told) == CAUSES
    assert all(0.0 <= value <= 1.0 for value in told.values())


def test_a_sound_photograph_is_within_every_normal_limit(
    detector: CauseDetector, sharp: Image.Image
) -> None:
    limits = detector.contract.limits["normal"]
    assert [c for c, value in detector.causes(sharp).items() if value > limits[c]] == []


def test_blur_grows_with_sigma(detector: CauseDetector, sharp: Image.Image) -> None:
    told = [
        detector.causes(sharp.filter(ImageFilter.GaussianBlur(sigma)))["blur"]
        for sigma in (0, 1, 2, 3, 5)
    ]
    assert told == sorted(told)
    assert told[0] < 0.25
    assert told[2] > 0.3
    assert told[4] > 0.7


def test_noise_grows_with_its_deviation(detector: CauseDetector, sharp: Image.Image) -> None:
    told = [detector.causes(noisy(sharp, d))["noise"] for d in (0, 5, 10, 20, 40)]
    assert told == sorted(told)
    assert told[0] < 0.2
    assert told[3] > 0.6


def test_compression_grows_as_quality_falls(detector: CauseDetector, sharp: Image.Image) -> None:
    told = [detector.causes(jpeg(sharp, q))["compression"] for q in (90, 50, 30, 15, 5)]
    assert told == sorted(told)
    assert told[0] < 0.15
    assert told[3] > 0.5


def test_each_fault_is_told_by_its_name(detector: CauseDetector, sharp: Image.Image) -> None:
    spoilt = {
        "blur": sharp.filter(ImageFilter.GaussianBlur(5)),
        "noise": noisy(sharp, 30),
        "compression": jpeg(sharp, 6),
        "dark": sharp.point(lambda v: v // 5),
        "bright": sharp.point(lambda v: min(255, v * 4)),
        "low_contrast": sharp.point(lambda v: 140 + v // 4),
    }
    for cause, image in spoilt.items():
        told = detector.causes(image)
        assert max(told, key=lambda name: told[name]) == cause, (cause, told)


def test_a_sharp_subject_outweighs_a_soft_background(
    detector: CauseDetector, sharp: Image.Image
) -> None:
    soft = sharp.filter(ImageFilter.GaussianBlur(6))
    mask = Image.new("L", sharp.size, 0)
    mask.paste(255, (128, 0, 384, 256))
    portrait = Image.composite(sharp, soft, mask.filter(ImageFilter.GaussianBlur(8)))
    assert detector.causes(portrait)["blur"] < detector.causes(soft)["blur"] - 0.3


def test_print_painted_on_a_blurred_picture_does_not_make_it_sharp(
    detector: CauseDetector, sharp: Image.Image
) -> None:
    soft = sharp.filter(ImageFilter.GaussianBlur(6))
    marked = soft.copy()
    stripes = np.zeros((24, 120, 3), np.uint8)
    stripes[:, ::6] = 255
    marked.paste(Image.fromarray(stripes), (10, 470))
    assert detector.causes(marked)["blur"] > detector.causes(soft)["blur"] - 0.25


def test_causes_change_no_score_and_can_be_left_out(sharp: Image.Image) -> None:
    with_causes = Scorer().score(sharp)
    without = Scorer(causes=False).score(sharp)
    assert with_causes.score == without.score
    assert without.causes == {}
    assert tuple(with_causes.causes) == CAUSES


def test_the_same_causes_from_every_format_and_on_every_thread(
    detector: CauseDetector, sharp: Image.Image
) -> None:
    rgb = np.asarray(sharp)
    frames = [Frame(rgb), Frame(rgb[:, :, ::-1], PixelFormat.BGR)] * 4
    expected = detector.causes(sharp)
    with ThreadPoolExecutor(4) as pool:
        assert all(told == expected for told in pool.map(detector.causes, frames))


def test_the_gate_gets_the_limits_of_its_preset(sharp: Image.Image) -> None:
    scorer = Scorer()
    assert scorer.cause_detector is not None
    for preset, limits in scorer.cause_detector.contract.limits.items():
        assert scorer.gate(preset).max_causes == limits
    verdict = scorer.gate("normal")(scorer.score(sharp.filter(ImageFilter.GaussianBlur(4))))
    assert not verdict.accept
    assert verdict.reasons[0].cause == "blur"


def test_models_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(ModelError, match="base"):
        CauseDetector(Model("base"))
    with pytest.raises(ModelError, match="causes"):
        Scorer(CauseDetector().model)


@pytest.mark.parametrize(
    "wrong",
    [
        {"views": ("active",) * 3},
        {"views": ("quiet", "active")},
        {"views": ("active", "everything")},
        {"views": ()},
        {"views": ("active",) * 81},
        {"color": "RGB"},
        {"height": 32},
    ],
)
def test_patches_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    fine: dict[str, object] = {
        "height": 64,
        "width": 64,
        "color": "GRAY",
        "views": ("active",) * 4 + ("quiet",),
    }
    InputSpec(**fine)  # type: ignore[arg-type]
    with pytest.raises(ContractError):
        InputSpec(**{**fine, **wrong})  # type: ignore[arg-type]
