"""The same picture gives the same score, however it comes."""

from __future__ import annotations

import io
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeiqa import (
    ClosedError,
    Frame,
    Gate,
    Model,
    PixelFormat,
    Scorer,
    UnreadableImageError,
    sample_paths,
)
from edgeiqa.imaging.decode import decode
from edgeiqa.scorer import choose_gate
from tests.edgeiqa.pictures import bomb, photograph, saved, with_orientation


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


def test_every_form_of_a_file_gives_the_same_quality(scorer: Scorer) -> None:
    for path in sample_paths()[:4]:
        expected = scorer.score(path)
        data = path.read_bytes()
        image = Image.open(io.BytesIO(data))
        rgb = np.asarray(image.convert("RGB"))
        opaque = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
        forms: list[Any] = [
            *(str(path), data, bytearray(data), memoryview(data)),
            *(image, rgb, np.asfortranarray(rgb), opaque, Frame(rgb)),
            Frame(rgb[:, :, ::-1], PixelFormat.BGR),
            Frame(np.rot90(rgb), rotation=90),
            Frame(np.pad(rgb, ((3, 0), (5, 0), (0, 0))), roi=(5, 3, rgb.shape[1], rgb.shape[0])),
        ]
        for form in forms:
            assert scorer.score(form) == expected
        assert scorer.score(io.BytesIO(data)) == expected
        assert scorer.score_batch(forms) == [expected] * len(forms)


def test_gray_array_and_gray_picture_agree(scorer: Scorer) -> None:
    image = photograph().convert("L")
    gray = np.asarray(image)
    assert scorer.score(gray) == scorer.score(image) == scorer.score(gray[:, :, None])
    assert scorer.score(gray) == scorer.score(np.dstack([gray] * 3))


def test_rgba_array_and_file_agree(scorer: Scorer) -> None:
    image = photograph().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    assert scorer.score(np.asarray(image)) == scorer.score(saved(image, "PNG"))


def test_a_turned_file_scores_as_upright(scorer: Scorer) -> None:
    stored = photograph()
    upright = stored.transpose(Image.Transpose.ROTATE_270)
    assert scorer.score(with_orientation(stored, 6)) == scorer.score(upright)
    assert scorer.score(upright) != scorer.score(stored)


def test_scores_are_calibrated_numbers(scorer: Scorer) -> None:
    for path in sample_paths():
        quality = scorer.score(path)
        assert 0 <= quality.score <= 100
        assert quality.std is not None
        assert quality.std > 0
        assert quality.histogram is not None
        assert quality.bins is not None
        mean = 100 * np.dot(quality.histogram, quality.bins)
        calibration = scorer.contract.calibration
        assert quality.score == pytest.approx(
            np.clip(mean * calibration.scale / 100 + calibration.offset, 0, 100)
        )


def test_a_batch_may_be_mixed_lazy_an_array_or_empty(scorer: Scorer) -> None:
    a, b = sample_paths()[:2]
    expected = [scorer.score(a), scorer.score(b)]
    assert scorer.score_batch(path for path in (a, b)) == expected
    assert scorer.score_batch([a.read_bytes(), str(b)]) == expected
    assert scorer.score_batch([]) == []
    stack = np.stack([np.asarray(photograph()), 255 - np.asarray(photograph())])
    assert scorer.score_batch(stack) == [scorer.score(stack[0]), scorer.score(stack[1])]


@pytest.mark.parametrize(
    "one",
    [
        *("photo.jpg", b"bytes", bytearray(b"bytes"), memoryview(b"bytes"), Path("photo.jpg")),
        *(Image.new("RGB", (4, 4)), Frame(np.zeros((4, 4, 3), np.uint8)), io.BytesIO(b"a\nb")),
    ],
)
def test_a_batch_of_one_that_is_no_list_is_explained(scorer: Scorer, one: Any) -> None:
    with pytest.raises(TypeError, match="use score for one"):
        scorer.score_batch(one)


@pytest.mark.parametrize("shape", [(4, 5, 3), (4, 5), (2, 4, 5, 1), (2, 4, 5, 2), (3,), ()])
def test_an_array_of_another_shape_than_several_pictures_is_refused(
    scorer: Scorer, shape: tuple[int, ...]
) -> None:
    # One picture [height, width, 3] would else be scored row by row, as gray of three columns.
    with pytest.raises(ValueError, match=r"expected \[count, height.*use score for one"):
        scorer.score_batch(np.zeros(shape, np.uint8))


def test_an_array_of_rgba_pictures_is_a_batch(scorer: Scorer) -> None:
    one = np.asarray(photograph().convert("RGBA"))
    assert scorer.score_batch(one[np.newaxis]) == [scorer.score(one)]
    assert scorer.score_batch(one[np.newaxis][:0]) == []


def test_eight_threads_give_the_scores_of_one(scorer: Scorer) -> None:
    paths = sample_paths()
    expected = scorer.score_batch(paths)
    results: dict[int, list[Any]] = {}
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        order = [(i + number) % len(paths) for i in range(len(paths))]
        got = {i: scorer.score(paths[i]) for i in order}
        results[number] = [got[i] for i in range(len(paths))]

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == dict.fromkeys(range(8), expected)


def test_two_scorers_may_share_a_model(scorer: Scorer) -> None:
    model = Model()
    first, second = Scorer(model), Scorer(model)
    assert first.model is second.model
    assert first.score(photograph()) == scorer.score(photograph())


@pytest.mark.parametrize(
    ("picture", "error", "message"),
    [
        (None, TypeError, "NoneType"),
        (42, TypeError, "int"),
        (["a.jpg"], TypeError, "list"),
        (np.zeros((4, 4, 3)), TypeError, "float64"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, r"\(4, 4, 2\)"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, "at least 1x1"),
        (b"", UnreadableImageError, "empty"),
        (b"no picture", UnreadableImageError, "not a picture"),
        (bomb(), UnreadableImageError, "megapixels"),
        ("no/such/file.jpg", UnreadableImageError, r"no/such/file\.jpg: no such file"),
        (Path(), UnreadableImageError, "a folder"),
    ],
)
def test_what_cannot_be_scored_says_why(
    scorer: Scorer, picture: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        scorer.score(picture)
    assert scorer.score(photograph()).score >= 0  # And does no harm.


def test_the_pixel_limit_can_be_chosen() -> None:
    with pytest.raises(UnreadableImageError, match="90x60"):
        Scorer(max_pixels=100).score(photograph())


def test_the_gate_has_the_presets_of_the_model(scorer: Scorer) -> None:
    for preset, least in scorer.contract.gate.items():
        assert scorer.gate(preset).min_score == least
    assert scorer.gate(min_score=12.5).min_score == 12.5
    with pytest.raises(ValueError, match="odd"):
        scorer.gate("odd")


def test_the_gate_takes_limits_of_ones_own(scorer: Scorer) -> None:
    gate = scorer.gate("strict", max_causes={"blur": 0.25})
    assert gate.min_score == scorer.contract.gate["strict"]
    assert gate.max_causes["blur"] == 0.25
    with pytest.raises(ValueError, match="'blurr'"):
        scorer.gate(max_causes={"blurr": 0.25})


def test_a_scorer_is_pickled_and_closed() -> None:
    path = sample_paths()[0]
    scorer = Scorer("nano", max_pixels=10_000_000)
    again = pickle.loads(pickle.dumps(scorer))
    assert again.score(path) == scorer.score(path)
    assert again._max_pixels == 10_000_000
    with again as same:
        assert same is again
    for use in (again.score, again.score_quick, again.quality_map):
        with pytest.raises(ClosedError):
            use(path)
    assert scorer.score(path)  # It has interpreters of its own.
    assert repr(scorer).startswith("Scorer(nano ")
    assert repr(Scorer("nano", causes=False)).endswith(", causes=False)")


class Arrayish:
    """As a tensor of another library."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self._pixels


def test_more_kinds_of_pictures(tmp_path: Path) -> None:
    scorer = Scorer("nano")
    path = tmp_path / "a photo #1 100%?.png"
    picture = decode(sample_paths()[0])
    picture.save(path)
    expected = scorer.score(path)
    assert scorer.score(path.as_uri()) == expected
    assert scorer.score(Arrayish(np.asarray(picture))) == expected
    with pytest.raises(UnreadableImageError, match="no such file"):
        scorer.score("file:///no/such/photo.jpg")
    av = pytest.importorskip("av")
    frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
    assert scorer.score(frame) == expected
    assert scorer.score(frame.reformat(format="yuv420p")).score == pytest.approx(
        expected.score, abs=5
    )


@pytest.mark.parametrize("limit", [0, -1, float("nan"), 1e9, True, "200"])
def test_a_limit_of_pixels_that_cannot_be(limit: Any) -> None:
    with pytest.raises(ValueError, match="max_pixels"):
        Scorer("nano", max_pixels=limit)


def test_damage_reaches_the_quality_and_the_verdict() -> None:
    scorer = Scorer("nano")
    data = sample_paths()[0].read_bytes()
    whole = scorer.score(data)
    assert not whole.damaged
    for score in (scorer.score, scorer.score_quick, Scorer("nano", causes=False).score):
        quality = score(data[: len(data) // 2] + b"\xff\xd9")
        assert quality.damaged
        assert 0.3 < quality.missing < 0.8
        verdict = scorer.gate("relaxed")(quality)
        assert verdict.reasons[0].cause == "damaged"
        assert "damaged" not in [
            reason.cause for reason in scorer.gate(reject_damaged=False)(quality).reasons
        ]
    static = np.random.default_rng(0).integers(0, 256, (400, 600, 3)).astype(np.uint8)
    assert scorer.score(static).damaged
    assert scorer.score_quick(static).damaged


def test_a_saved_gate_is_chosen_by_its_path(tmp_path: Path) -> None:
    scorer = Scorer("nano")
    path = tmp_path / "gate.json"
    Gate(min_score=33, max_causes={"blur": 0.7}).save(path)
    assert choose_gate(scorer, str(path)) == Gate.load(path)
    gate = choose_gate(scorer, str(path), max_causes={"blur": 0.2}, reject_damaged=False)
    assert gate is not None
    assert (gate.min_score, gate.max_causes, gate.reject_damaged) == (33, {"blur": 0.2}, False)
    with pytest.raises(ValueError, match=r"none\.json"):
        choose_gate(scorer, str(tmp_path / "none.json"))
