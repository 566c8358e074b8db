"""The best of a burst: ranking, its reasons, and what it takes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from edgeiqa import Frame, PixelFormat, Quality, Scorer, best_of, sample_paths
from edgeiqa.burst.features import FEATURES
from edgeiqa.burst.ranking import Moment, rank
from edgeiqa.errors import UnreadableImageError


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


def scene(name: str) -> Image.Image:
    with Image.open(next(p for p in sample_paths() if p.name == name)) as image:
        return image.convert("RGB")


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def noisy(image: Image.Image, sigma: float) -> Image.Image:
    noise = np.random.default_rng(1).normal(0, sigma, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def darker(image: Image.Image, gain: float) -> Image.Image:
    return image.point([round(gain * value) for value in range(256)] * 3)


def motion(image: Image.Image, length: int) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    return Image.fromarray(np.mean([np.roll(pixels, n, 1) for n in range(length)], 0).astype("u1"))


@pytest.mark.parametrize("name", ["coffee.jpg", "china.jpg", "raccoon.jpg"])
def test_every_degraded_frame_is_behind_and_the_reason_is_named(name: str, scorer: Scorer) -> None:
    image = scene(name)
    degraded = {
        "sharpness": image.filter(ImageFilter.GaussianBlur(2.5)),
        "compression": jpeg(image, 12),
        "noise": noisy(image, 14),
    }
    frames = [*degraded.values(), image, motion(image, 9), darker(image, 0.4)]
    ranking = best_of(frames, scorer=scorer, k=9)
    assert [ranked.rank for ranked in ranking] == [1, 2, 3, 4, 5, 6]
    assert ranking[0].index == 3
    by_index = {ranked.index: ranked for ranked in ranking}
    for index, reason in enumerate(degraded):
        assert by_index[index].against_best[reason] < 0, reason
    assert sum(ranked.value for ranked in ranking) == pytest.approx(0, abs=1e-9)
    for ranked in ranking:
        behind = ranked.value - ranking[0].value
        assert sum(ranked.against_best.values()) == pytest.approx(behind)
        assert ranked.quality == scorer.score(frames[ranked.index])


def test_slight_blur_at_native_resolution_is_seen(scorer: Scorer) -> None:
    """Where the network's small copy shows next to nothing."""
    image = scene("raccoon.jpg").resize((2400, 1600), Image.Resampling.LANCZOS)
    image = noisy(image, 1.5)  # A sensor's; enlarging alone leaves none.
    soft = image.filter(ImageFilter.GaussianBlur(2))
    shifted = image.crop((40, 24, 2400, 1600))
    best = best_of([soft, shifted], scorer=scorer, k=2)
    assert [ranked.index for ranked in best] == [1, 0]
    assert best[1].against_best["sharpness"] < 0


def test_every_kind_of_frame_gives_the_same_ranking(tmp_path: Path, scorer: Scorer) -> None:
    image = scene("coffee.jpg")
    soft = image.filter(ImageFilter.GaussianBlur(1.5))
    paths = []
    for index, frame in enumerate((soft, image)):
        paths.append(tmp_path / f"{index}.png")
        frame.save(paths[-1])
    arrays = [np.asarray(frame) for frame in (soft, image)]
    bgr = [Frame(np.ascontiguousarray(a[:, :, ::-1]), PixelFormat.BGR) for a in arrays]
    expected = best_of(paths, scorer=scorer, k=2)
    assert [ranked.index for ranked in expected] == [1, 0]
    for frames in (
        [str(path) for path in paths],
        [path.read_bytes() for path in paths],
        [soft, image],
        arrays,
        np.stack(arrays),
        bgr,
        iter(arrays),
    ):
        assert best_of(frames, scorer=scorer, k=2) == expected
    turned = [Frame(np.ascontiguousarray(np.rot90(a)), rotation=90) for a in arrays]
    assert best_of(turned, scorer=scorer, k=2) == expected


def test_only_the_best_k_come_back_and_the_model_is_optional() -> None:
    image = scene("coffee.jpg").resize((96, 64))
    frames = [image.filter(ImageFilter.GaussianBlur(radius)) for radius in (4, 0.0, 2)]
    assert [ranked.index for ranked in best_of(frames)] == [1]
    assert [ranked.index for ranked in best_of(frames, k=2)] == [1, 2]
    assert best_of([]) == []
    best = best_of([image])[0]
    assert (best.index, best.rank, best.value) == (0, 1, 0.0)
    assert set(best.against_best.values()) == {0.0}
    assert best.to_dict()["quality"]["score"] == best.quality.score


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (33, 47), (129, 8)])
def test_any_size(size: tuple[int, int], scorer: Scorer) -> None:
    image = scene("coffee.jpg").resize(size)
    ranking = best_of([image, darker(image, 0.3), image], scorer=scorer, k=3)
    assert np.isfinite([ranked.value for ranked in ranking]).all()
    assert [r.index for r in ranking if r.index != 1] == [0, 2]  # Equal ones keep their order.


def test_a_copy_of_another_resolution_is_compared_at_the_firsts(scorer: Scorer) -> None:
    image = scene("raccoon.jpg")
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    assert best_of([image, half], scorer=scorer)[0].index == 0


def test_bad_frames_raise_or_are_left_out(scorer: Scorer) -> None:
    image = scene("coffee.jpg").resize((96, 64))
    bad: list[object] = [b"words", np.zeros((2, 2), np.float32), 7]
    for frame, error in zip(bad, (UnreadableImageError, TypeError, TypeError), strict=True):
        with pytest.raises(error):
            best_of([image, frame], scorer=scorer)
    errors: list[tuple[int, str]] = []
    frames = [*bad, image, image.filter(ImageFilter.GaussianBlur(3))]
    ranking = best_of(
        frames,
        scorer=scorer,
        k=9,
        on_error=lambda index, error: errors.append((index, type(error).__name__)),
    )
    assert [ranked.index for ranked in ranking] == [3, 4]
    assert errors == [(0, "UnreadableImageError"), (1, "TypeError"), (2, "TypeError")]


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_wrong_k(k: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        best_of([], k=k)  # type: ignore[arg-type]


def test_one_frame_instead_of_several() -> None:
    for one in ("a.jpg", b"x", scene("coffee.jpg"), Frame(np.zeros((2, 2, 3), np.uint8))):
        with pytest.raises(TypeError, match="expected several"):
            best_of(one)  # type: ignore[arg-type]


def test_causes_do_not_change_the_order() -> None:
    detail = np.zeros(len(FEATURES))
    frames = [Quality(50.0, causes={"blur": severity}) for severity in (0.8, 0.1, 0.4)]
    assert [ranked.index for ranked in rank(frames, [detail] * 3)] == [0, 1, 2]


@given(st.permutations(range(6)))
def test_the_order_in_which_frames_come_does_not_matter_once_measured(order: list[int]) -> None:
    generator = np.random.default_rng(0)
    details = generator.normal(size=(6, len(FEATURES)))
    qualities = [Quality(float(score)) for score in generator.uniform(20, 80, 6)]
    expected = [ranked.index for ranked in rank(qualities, list(details))]
    found = rank([qualities[i] for i in order], [details[i] for i in order])
    assert [order[ranked.index] for ranked in found] == expected


def test_a_moment_in_pieces(scorer: Scorer) -> None:
    image = scene("coffee.jpg").resize((96, 64))
    moment = Moment(scorer)
    assert moment.ranking() == []
    moment.add(image.filter(ImageFilter.GaussianBlur(3)), 17)
    with pytest.raises(UnreadableImageError):
        moment.add(b"words")
    moment.add(image, 4)
    assert [ranked.index for ranked in moment.ranking()] == [4, 17]
