"""Frames as cameras give them must lead to their golden scores, to the last integer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgeiqa import Frame, Model, Scorer, available_models
from edgeiqa.preprocessing.resize import preprocess
from tests.golden.entries import digest
from tests.golden.frames import golden_frames
from tests.golden.regenerate import FOLDER

TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def frames() -> dict[str, Frame]:
    return dict(golden_frames())


@pytest.mark.parametrize("name", available_models())
def test_frames_give_the_same_tensors_integers_and_scores(
    name: str, frames: dict[str, Frame]
) -> None:
    path = FOLDER / f"{name}-frames.json"
    golden: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    model = Model(name)
    if golden["flatbuffer_sha256"] != model.contract.flatbuffer_sha256:
        pytest.fail(f"{path.name} is of another model: run python tests/golden/regenerate.py")
    assert list(golden["pictures"]) == list(frames)
    scorer = Scorer(model)
    for title, entry in golden["pictures"].items():
        frame = frames[title]
        planes = [frame.pixels, *(frame.chroma or ())]
        assert [digest(plane) for plane in planes] == entry["pixels"], title
        tensor = preprocess(frame, model.contract.input)
        assert digest(tensor) == entry["tensor"], title
        outputs = {key: values.tolist() for key, values in model.run_raw(tensor).items()}
        assert outputs == entry["outputs"], title
        score = scorer.score(frame).score
        assert score == pytest.approx(entry["score"], abs=TOLERANCE), title


@pytest.mark.parametrize("name", available_models())
def test_formats_of_equal_pixels_have_equal_entries(name: str) -> None:
    path = FOLDER / f"{name}-frames.json"
    entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["pictures"]
    groups = (("RGB", "BGR"), ("RGBA", "BGRA"), ("NV12", "NV21", "I420", "YUV_420_888"))
    for group in groups:
        for title, entry in entries.items():
            words = title.split(" ")
            if words[1] == group[0]:
                for other in group[1:]:
                    twin = entries[" ".join([words[0], other, *words[2:]])]
                    assert twin["tensor"] == entry["tensor"], title
                    assert twin["outputs"] == entry["outputs"], title
    assert len({entry["tensor"] for entry in entries.values()}) > len(entries) / 3
