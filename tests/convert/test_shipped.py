"""What the shipped model promises, on the photographs that the package brings."""

from __future__ import annotations

import numpy as np
import pytest

from convert.distortions.watermark import paint
from convert.evaluation.monotonicity import check_ladders, clean_samples, load_pictures
from convert.quantization.tflite_inspect import inspect
from edgeiqa import Scorer
from edgeiqa.assets import sample_paths
from edgeiqa.imaging.decode import decode
from edgeiqa.inference.contract import Contract, read
from edgeiqa.inference.model import available_models, find


@pytest.fixture(scope="module")
def shipped() -> tuple[Contract, bytes]:
    return read(find("base").read_bytes())


def test_it_is_small_cheap_and_all_integers(shipped: tuple[Contract, bytes]) -> None:
    summary = inspect(shipped[1])
    assert find("base").stat().st_size <= 4_500_000
    assert summary.macs <= 1_000_000_000
    assert not summary.float_islands
    assert (summary.inputs[0].dtype, summary.outputs[0].dtype) == ("uint8", "int8")


@pytest.mark.parametrize("name", available_models())
def test_its_contract_says_where_it_comes_from(name: str) -> None:
    contract = read(find(name).read_bytes())[0]
    training = contract.training
    assert "BIQ2021" in training["data"][0]["name"]
    assert all(one["terms"] for one in training["data"])
    assert training["quantization"]["mode"] in ("ptq", "qat")
    assert set(training["teacher"]["recipes"]) == set(training["teacher"]["members"])
    assert training["student"]["network"].startswith("mobilenet_v2")
    assert contract.metrics["validation"]["spread"] >= 0.8
    assert contract.gate["relaxed"] < contract.gate["normal"] < contract.gate["strict"]


def test_a_watermark_says_nothing_about_quality() -> None:
    scorer = Scorer()
    shifts = []
    for path in sample_paths():
        picture = np.asarray(decode(path))
        shifts.append(scorer.score(paint(picture)).score - scorer.score(picture).score)
    assert np.max(np.abs(shifts)) < 3.0
    assert abs(np.mean(shifts)) < 1.0


def test_spoilt_samples_score_below_the_sound_ones_of_the_same_scene() -> None:
    scorer = Scorer()
    scores = {path.stem: scorer.score(path).score for path in sample_paths()}
    degraded = [name for name in scores if "-" in name]
    assert len(degraded) >= 4
    for name in degraded:
        assert scores[name] < scores[name.split("-")[0]], name


@pytest.mark.slow
def test_scores_fall_as_distortions_grow() -> None:
    pictures, errors = load_pictures(clean_samples())
    assert not errors
    scorer = Scorer(threads=2)
    count = check_ladders(lambda rgb: scorer.score(rgb).score, pictures).count()
    assert count.pairs == 30 * len(pictures)
    assert count.share <= 0.05
