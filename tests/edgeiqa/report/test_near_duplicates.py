"""The same photograph again is found, and others are not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageEnhance

from edgeiqa.assets import sample_paths
from edgeiqa.imaging.likeness import thumbprint
from edgeiqa.report.near_duplicates import DETAIL, near_duplicates
from tests.edgeiqa.report.pages import sample

ORIGINALS = ("astronaut.jpg", "chelsea.jpg", "china.jpg", "coffee.jpg", "flower.jpg", "rocket.jpg")


def grouped(pictures: list[Image.Image]) -> list[list[int]]:
    looks, levels = zip(*(thumbprint(picture) for picture in pictures), strict=True)
    return near_duplicates(np.stack(looks), np.array(levels))


def recoded(picture: Image.Image, **options: int) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", **options)
    return Image.open(stream).convert("RGB")


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "coded again": lambda p: recoded(p, quality=15),
    "made smaller": lambda p: p.resize((p.width // 3, p.height // 3)),
    "made larger": lambda p: p.resize((p.width * 2, p.height * 2)),
    "brightened": lambda p: ImageEnhance.Brightness(p).enhance(1.15),
    "darkened": lambda p: ImageEnhance.Brightness(p).enhance(0.6),
    "less contrast": lambda p: ImageEnhance.Contrast(p).enhance(0.7),
    "gray": lambda p: p.convert("L").convert("RGB"),
    "slightly cropped": lambda p: p.crop((3, 3, p.width - 3, p.height - 3)),
    "pixels changed": lambda p: ImageChops.offset(p, 1, 0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_no_other(change: str) -> None:
    originals = [sample(name) for name in ORIGINALS]
    copies = [CHANGES[change](picture) for picture in originals]
    count = len(originals)
    assert grouped([*originals, *copies]) == [[i, i + count] for i in range(count)]


def test_different_photographs_are_no_group() -> None:
    skimage = pytest.importorskip("skimage.data")
    sklearn = pytest.importorskip("sklearn.datasets")
    # Without what needs to be fetched.
    names: list[str] = [
        "astronaut",
        "brick",
        "camera",
        "cat",
        "clock",
        "coffee",
        "coins",
        "colorwheel",
    ]
    names += ["grass", "gravel", "hubble_deep_field", "immunohistochemistry", "moon", "page"]
    names += ["retina", "rocket", "text"]
    pictures = []
    for name in names:
        try:
            pictures.append(Image.fromarray(getattr(skimage, name)()).convert("RGB"))
        except Exception:  # Not in every version, or to be fetched.
            continue
    pictures += [Image.fromarray(p) for p in sklearn.load_sample_images().images]
    assert len(pictures) >= 10
    assert grouped(pictures) == []


def test_the_samples_are_grouped_by_what_they_show() -> None:
    # Damaged copies among them, see edgeiqa/assets/samples/README.md.
    paths = sample_paths()
    groups = grouped([Image.open(path).convert("RGB") for path in paths])
    for group in groups:
        assert len({paths[i].stem.split("-")[0] for i in group}) == 1
    assert {paths[i].name for group in groups for i in group} >= {
        "flower.jpg",
        "flower-compressed.jpg",
        "astronaut.jpg",
        "astronaut-dark.jpg",
    }


def skyline(seed: int) -> Image.Image:
    """A bright sky over dark ground, with detail of its own along the horizon."""
    random = np.random.default_rng(seed)
    picture = np.full((160, 160), 210.0)
    picture[80:] = 60
    for column in range(0, 160, 10):
        picture[80 - int(random.integers(0, 9)) : 80, column : column + 10] = 60
    return Image.fromarray(picture.astype(np.uint8)).convert("RGB")


def test_a_sky_over_the_ground_is_like_another_but_for_the_detail() -> None:
    first, second = skyline(1), skyline(2)
    looks = [thumbprint(picture)[0] for picture in (first, second)]
    assert float(looks[0] @ looks[1]) > 0.97
    assert DETAIL < 1
    assert grouped([first, second, recoded(first, quality=30)]) == [[0, 2]]


def test_even_areas_are_alike_if_they_are_as_bright() -> None:
    levels = (10, 11, 200, 10, 90)
    pictures = [Image.new("RGB", (64, 64), (level,) * 3) for level in levels]
    assert grouped(pictures) == [[0, 1, 3]]


def random_looks(seed: int, count: int, copies: int) -> np.ndarray:
    """Points of length 1 and mean 0, some near to others."""
    random = np.random.default_rng(seed)
    looks = random.normal(size=(count, 256))
    near = looks[random.integers(0, count, copies)]
    looks = np.concatenate([looks, near + random.normal(size=near.shape) * 0.2])
    looks -= looks.mean(axis=1, keepdims=True)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    return looks[random.permutation(len(looks))].astype(np.float32)


def by_hand(looks: np.ndarray, least: float) -> list[list[int]]:
    """All pairs, one by one: details of such noise are as alike as the whole."""
    owners = list(range(len(looks)))
    alike = looks @ looks.T >= least
    for a in range(len(looks)):
        for b in range(a):
            if alike[a, b]:
                old, new = owners[a], owners[b]
                owners = [new if one == old else one for one in owners]
    groups: dict[int, list[int]] = {}
    for place, owner in enumerate(owners):
        groups.setdefault(owner, []).append(place)
    return sorted(group for group in groups.values() if len(group) > 1)


@given(st.integers(0, 1000), st.integers(2, 60), st.integers(0, 60))
@settings(max_examples=12)
def test_no_pair_is_missed(seed: int, count: int, copies: int) -> None:
    looks = random_looks(seed, count, copies)
    for least in (0.97, 0.9):
        assert near_duplicates(looks, np.zeros(len(looks)), min_correlation=least) == by_hand(
            looks, least
        )


def test_blocks_miss_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = random_looks(5, 300, 200)
    wanted = near_duplicates(looks, np.zeros(len(looks)))
    assert sum(map(len, wanted)) > 200
    monkeypatch.setattr("edgeiqa.imaging.likeness._ROWS", 7)
    monkeypatch.setattr("edgeiqa.imaging.likeness._COLUMNS", 11)
    assert near_duplicates(looks, np.zeros(len(looks))) == wanted


def test_thousands_of_copies_and_of_small_steps_are_one_group_each() -> None:
    random = np.random.default_rng(0)
    start, end = random_looks(1, 2, 0)
    steps = np.linspace(0, 1, 3000)[:, np.newaxis] * (end - start) + start
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    copies = np.repeat(random_looks(2, 1, 0), 3000, axis=0)
    looks = np.concatenate([steps, copies]).astype(np.float32)
    order = random.permutation(len(looks))
    groups = near_duplicates(looks[order], np.zeros(len(looks)))
    assert sorted(len(group) for group in groups) == [3000, 3000]
    assert sum(sum(order[place] < 3000 for place in group) == 3000 for group in groups) == 1


@pytest.mark.parametrize("least", [0, 1.1, float("nan")])
def test_an_odd_likeness_is_refused(least: float) -> None:
    with pytest.raises(ValueError, match="expected above 0"):
        near_duplicates(np.zeros((2, 256)), np.zeros(2), min_correlation=least)


def test_arrays_must_fit() -> None:
    with pytest.raises(ValueError, match="do not match"):
        near_duplicates(np.zeros((2, 256)), np.zeros(3))
    assert near_duplicates(np.zeros((0, 256)), np.zeros(0)) == []
