"""Moments: when photographs were taken, how alike they look, and what belongs together."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageFilter

from edgeiqa.assets import sample_paths
from edgeiqa.burst import grouping
from edgeiqa.burst.grouping import Photo, camera_of, capture_time, likeness, read_photo
from edgeiqa.burst.scene import Scene, scene_of
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.likeness import thumbprint


def exif(**tags: str) -> Image.Exif:
    found = Image.Exif()
    for name, value in tags.items():
        tag = ExifTags.Base[name]
        if name in ("Make", "Model"):
            found[tag] = value
        else:
            found.get_ifd(ExifTags.IFD.Exif)[tag] = value
    return found


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"DateTimeOriginal": "1970:01:01 00:01:00"}, 60.0),
        ({"DateTimeOriginal": "1970:01:01 00:01:00", "SubsecTimeOriginal": "25"}, 60.25),
        ({"DateTimeOriginal": "1970:01:01 00:01:00", "SubsecTimeOriginal": "025 "}, 60.025),
        ({"DateTimeOriginal": "1970:01:01 00:01:00", "SubsecTimeOriginal": "x"}, 60.0),
        ({"DateTimeOriginal": "1970:01:01 03:00:00", "OffsetTimeOriginal": "+02:00"}, 3600.0),
        ({"DateTimeOriginal": "1970:01:01 03:00:00", "OffsetTime": "-01:30"}, 4.5 * 3600),
        ({"DateTimeOriginal": "1970:01:01 03:00:00", "OffsetTime": "   :  "}, 3 * 3600.0),
        ({"DateTimeOriginal": "0000:00:00 00:00:00"}, None),
        ({"DateTimeOriginal": "    :  :     :  :  "}, None),
        ({}, None),
    ],
)
def test_capture_time(tags: dict[str, str], expected: float | None) -> None:
    assert capture_time(exif(**tags)) == expected


def test_time_and_camera_come_from_exif_and_else_the_time_of_the_file(tmp_path: Path) -> None:
    with Image.open(sample_paths()[1]) as image:
        rgb = image.convert("RGB")
    tags = exif(
        DateTimeOriginal="2024:05:06 07:08:09",
        SubsecTimeOriginal="5",
        Make="Canon\0",
        Model="EOS R5 ",
        BodySerialNumber="0123",
    )
    for suffix in ("jpg", "png", "webp"):
        path = tmp_path / f"a.{suffix}"
        rgb.save(path, exif=tags)
        photo = read_photo(str(path))
        assert photo.exif_time, suffix
        assert photo.taken == 1714979289.5
        assert photo.camera == "Canon EOS R5 0123"
    bare = tmp_path / "bare.jpg"
    rgb.save(bare)
    os.utime(bare, (1000.5, 1000.5))
    photo = read_photo(str(bare))
    assert (photo.taken, photo.exif_time, photo.camera) == (1000.5, False, "")
    assert likeness(photo, read_photo(str(tmp_path / "a.png"))) > 0.99
    assert camera_of(Image.Exif()) == ""


def test_orientation_counts(tmp_path: Path) -> None:
    with Image.open(sample_paths()[1]) as image:
        rgb = image.convert("RGB")
    rgb.save(tmp_path / "upright.jpg")
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = 6
    rgb.rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=tags)
    upright, turned = (read_photo(str(tmp_path / f"{n}.jpg")) for n in ("upright", "turned"))
    assert likeness(upright, turned) > 0.99


@pytest.mark.parametrize("content", [b"", b"words", b"\xff\xd8\xff\xe0 not a jpeg"])
def test_what_is_not_a_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError):
        read_photo(str(path))
    with pytest.raises(UnreadableImageError, match="no such file"):
        read_photo(str(tmp_path / "gone.jpg"))


def picture(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def photo(image: Image.Image, taken: float = 0.0, name: str = "a", **more: object) -> Photo:
    look, level = thumbprint(image)
    SHOWN[name] = scene_of(image)
    return Photo(
        name, taken, bool(more.get("dated", True)), str(more.get("camera", "")), look, level
    )


SHOWN: dict[str, Scene] = {}


def moments(photos: list[Photo], **options: float) -> list[list[Photo]]:
    """Of photographs that are no files."""
    return grouping.moments(photos, scene=SHOWN.__getitem__, **options)


def test_likeness_forgives_blur_light_and_framing_but_not_another_scene() -> None:
    scenes = [picture(p) for p in sample_paths() if "-" not in p.name]
    for index, scene in enumerate(scenes):
        this = photo(scene)
        width, height = scene.size
        for other in (
            scene.filter(ImageFilter.GaussianBlur(4)),
            scene.point([value // 2 for value in range(256)] * 3),
            scene.crop((width // 40, height // 40, width, height)),
        ):
            assert likeness(this, photo(other)) > 0.8
        for another in scenes[index + 1 :]:
            assert likeness(this, photo(another)) < 0.7


def test_even_areas_are_alike_if_as_bright() -> None:
    black, dark, white = (photo(Image.new("RGB", (20, 20), (v,) * 3)) for v in (0, 10, 255))
    assert likeness(black, dark) == 1
    assert likeness(black, white) == 0
    assert likeness(black, photo(picture(sample_paths()[0]))) == 0


SCENES = [picture(p).resize((64, 64)) for p in sample_paths() if "-" not in p.name][:4]

PHOTOS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.integers(0, len(SCENES) - 1),
        st.sampled_from(("", "Canon", "Nikon")),
        st.booleans(),
    ),
    max_size=14,
).map(
    lambda rows: [
        photo(SCENES[scene], taken / 2, f"{index:02}.jpg", camera=camera, dated=dated)
        for index, (taken, scene, camera, dated) in enumerate(rows)
    ]
)


def as_sets(groups: list[list[Photo]]) -> set[frozenset[str]]:
    return {frozenset(photo.path for photo in group) for group in groups}


@given(PHOTOS, st.randoms(), st.floats(0, 10))
def test_order_does_not_matter_and_every_photo_is_in_one_moment(
    photos: list[Photo], random: object, gap: float
) -> None:
    groups = moments(photos, gap_s=gap)
    assert sorted(p.path for group in groups for p in group) == [p.path for p in photos]
    shuffled = list(photos)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert [[p.path for p in g] for g in moments(shuffled, gap_s=gap)] == [
        [p.path for p in g] for g in groups
    ]
    for group in groups:
        assert [p.taken for p in group] == sorted(p.taken for p in group)


@given(PHOTOS, st.floats(0, 5), st.floats(0, 5))
def test_a_longer_gap_only_joins(photos: list[Photo], gap: float, more: float) -> None:
    narrow = as_sets(moments(photos, gap_s=gap))
    wide = as_sets(moments(photos, gap_s=gap + more))
    assert all(any(small <= large for large in wide) for small in narrow)


@given(PHOTOS)
def test_dated_photos_of_a_moment_share_camera_and_scene_and_have_a_near_neighbour(
    photos: list[Photo],
) -> None:
    dated = [p for p in photos if p.exif_time]
    for group in moments(dated, gap_s=2.0):
        assert len({p.camera for p in group}) == 1
        assert all(likeness(a, b) >= 0.7 for a in group for b in group)
        times = [p.taken for p in group]
        assert all(b - a <= 2.0 + 1e-3 for a, b in itertools.pairwise(times))


def test_copies_without_a_time_join_whatever_they_are_copies_of() -> None:
    scene, other = SCENES[:2]
    dated = photo(scene, 1000.0, "dated")
    copy = photo(scene.filter(ImageFilter.GaussianBlur(0.5)), 5.0, "copy", dated=False)
    later = photo(scene, 9000.0, "later")
    unlike = photo(other, 1000.0, "unlike", dated=False)
    found = as_sets(moments([dated, copy, unlike]))
    assert found == {frozenset({"dated", "copy"}), frozenset({"unlike"})}
    # Taken hours apart they are two moments: a tripod alone does not make duplicates.
    assert as_sets(moments([dated, later])) == {frozenset({"dated"}), frozenset({"later"})}


def test_more_photographs_than_fit_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    scenes = generator.integers(0, len(SCENES), 60)
    photos = [photo(SCENES[s], i * 0.4, f"{i:03}") for i, s in enumerate(scenes)]
    whole = as_sets(moments(photos, gap_s=1.0))
    monkeypatch.setattr("edgeiqa.burst.grouping._CHUNK", 7)
    assert as_sets(moments(photos, gap_s=1.0)) == whole
    assert 1 < len(whole) < 60


@pytest.mark.parametrize("wrong", [{"gap_s": -1}, {"gap_s": float("nan")}, {"min_likeness": 2}])
def test_wrong_limits_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        moments([], **wrong)
