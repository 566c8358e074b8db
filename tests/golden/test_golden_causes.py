"""Every way to the causes must lead to the golden ones."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from edgeiqa import CauseDetector, Frame, Scorer
from edgeiqa.analysis.patches import detail
from tests.golden.entries import digest
from tests.golden.frames import golden_frames
from tests.golden.pictures import golden_pictures
from tests.golden.regenerate import FOLDER

# The integers are exact; exp() and tanh() may differ in their last bit between C libraries.
TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / "causes.json").read_text(encoding="utf-8"))
    if document["flatbuffer_sha256"] != CauseDetector().contract.flatbuffer_sha256:
        pytest.fail("causes.json is of another model: run python tests/golden/regenerate.py")
    return document


@pytest.fixture(scope="module")
def frames() -> dict[str, Frame]:
    pictures = {title: Frame(rgb) for title, rgb in golden_pictures()}
    return {**pictures, **dict(golden_frames())}


def test_patches_and_integers_are_the_same(
    golden: dict[str, Any], frames: dict[str, Frame]
) -> None:
    detector = CauseDetector()
    assert list(frames) == list(golden["pictures"])
    for title, entry in golden["pictures"].items():
        seen = detail(frames[title], detector.contract.input)
        assert digest(seen.tensor) == entry["patches"], title
        assert digest(seen.small) == entry["small"], title
        (outputs,) = detector.model.run_raw(seen.tensor).values()
        assert digest(outputs) == entry["outputs"], title


def test_causes_are_the_same_on_eight_threads(
    golden: dict[str, Any], frames: dict[str, Frame]
) -> None:
    detector = CauseDetector()
    with ThreadPoolExecutor(8) as pool:
        told = pool.map(detector.causes, frames.values())
    for causes, (title, entry) in zip(told, golden["pictures"].items(), strict=True):
        assert causes == pytest.approx(entry["causes"], abs=TOLERANCE), title


def test_files_and_pil_pictures_lead_to_the_same(golden: dict[str, Any]) -> None:
    scorer = Scorer("nano")
    for title, rgb in list(golden_pictures())[::7]:
        expected = pytest.approx(golden["pictures"][title]["causes"], abs=TOLERANCE)
        image = Image.fromarray(rgb)
        stream = io.BytesIO()
        image.save(stream, "PNG", compress_level=1)
        assert scorer.score(stream.getvalue()).causes == expected, title
        assert scorer.score(image).causes == expected, title
        assert scorer.score_batch([rgb])[0].causes == expected, title
