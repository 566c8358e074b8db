"""Every way to a score must lead to the golden one, to the last integer."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeiqa import Frame, Model, Quality, Scorer, available_models
from edgeiqa.preprocessing.resize import preprocess
from tests.golden.entries import digest
from tests.golden.pictures import golden_pictures
from tests.golden.regenerate import FOLDER

# The integers are exact; exp() may differ in its last bit between C libraries.
TOLERANCE = 1e-9


@pytest.fixture(scope="module", params=available_models())
def golden(request: pytest.FixtureRequest) -> dict[str, Any]:
    path = FOLDER / f"{request.param}.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    sha = Model(request.param).contract.flatbuffer_sha256
    if document["flatbuffer_sha256"] != sha:
        pytest.fail(f"{path.name} is of another model: run python tests/golden/regenerate.py")
    return document


@pytest.fixture(scope="module")
def scorer(golden: dict[str, Any]) -> Scorer:
    return Scorer(golden["model"])


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    return dict(golden_pictures())


@pytest.fixture(scope="module")
def files(pictures: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("golden")
    paths = []
    for title, rgb in pictures.items():
        paths.append(folder / f"{title}.png")
        Image.fromarray(rgb).save(paths[-1], compress_level=1)
    return paths


def assert_golden(got: list[Quality], golden: dict[str, Any]) -> None:
    assert len(got) == len(golden["pictures"])
    for quality, (title, entry) in zip(got, golden["pictures"].items(), strict=True):
        assert quality.score == pytest.approx(entry["score"], abs=TOLERANCE), title
        assert quality.std == pytest.approx(entry["std"], abs=TOLERANCE), title


def test_the_pictures_are_the_same(golden: dict[str, Any], pictures: dict[str, np.ndarray]) -> None:
    # If only this fails, it is the JPEG decoder that differs, and not the model.
    assert {title: digest(rgb) for title, rgb in pictures.items()} == {
        title: entry["pixels"] for title, entry in golden["pictures"].items()
    }


def test_tensors_and_integers_are_the_same(
    golden: dict[str, Any], scorer: Scorer, pictures: dict[str, np.ndarray]
) -> None:
    for title, entry in golden["pictures"].items():
        tensor = preprocess(Frame(pictures[title]), scorer.contract.input)
        assert digest(tensor) == entry["tensor"], title
        outputs = {key: v.tolist() for key, v in scorer.model.run_raw(tensor).items()}
        assert outputs == entry["outputs"], title


def test_there_are_pictures_that_differ(golden: dict[str, Any]) -> None:
    entries = golden["pictures"].values()
    assert len(entries) >= 50
    assert len({json.dumps(entry["outputs"]) for entry in entries}) > 0.9 * len(entries)


def test_arrays_alone_and_in_a_batch(
    golden: dict[str, Any], scorer: Scorer, pictures: dict[str, np.ndarray]
) -> None:
    alone = [scorer.score(rgb) for rgb in pictures.values()]
    assert_golden(alone, golden)
    assert scorer.score_batch(pictures.values()) == alone


def test_paths_bytes_and_pil(golden: dict[str, Any], scorer: Scorer, files: list[Path]) -> None:
    from_paths = scorer.score_batch(files)
    assert_golden(from_paths, golden)
    assert scorer.score_batch(path.read_bytes() for path in files) == from_paths
    assert scorer.score_batch(Image.open(io.BytesIO(p.read_bytes())) for p in files) == from_paths


@pytest.mark.slow
def test_eight_threads(golden: dict[str, Any], scorer: Scorer, files: list[Path]) -> None:
    results: dict[int, list[Quality]] = {}
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        order = np.roll(np.arange(len(files)), number * 7)
        got = {int(i): scorer.score(files[i]) for i in order}
        results[number] = [got[i] for i in range(len(files))]

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 8
    for got in results.values():
        assert_golden(got, golden)
