from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.__main__ import main
from convert.datasets.manifest import ManifestRow, save_manifest
from convert.quantization.tflite_export import to_tflite
from convert.quantization.verify import QUANTIZED, REFERENCE, verify
from edgeiqa.inference.contract import Contract, InputSpec, OutputSpec, append
from edgeiqa.scorer import Scorer
from tests.convert import netzoo

BINS = tuple((index + 0.5) / 10 for index in range(10))


def opinion_contract(dtype: str = "uint8") -> Contract:
    output = OutputSpec("quality", "histogram_logits", bins=BINS)
    return Contract("net", "1", InputSpec(32, 32, dtype=dtype), (output,))


def student(keras: Any, pixels: np.ndarray) -> Any:
    """A net on 0-255 pixels whose expected opinion is the brightness."""
    model = netzoo.build(keras, 10, rescaling=True)
    inputs = pixels.astype("f4")
    netzoo.remember_statistics(keras, model, inputs)
    level = netzoo.brightness(pixels)[:, None]
    netzoo.fit_last(keras, model, inputs, -((level - np.array(BINS)) ** 2) * 12)
    return model


@pytest.fixture(scope="module", params=["keras", "tf_keras"])
def pair(request: pytest.FixtureRequest, export_pixels: np.ndarray) -> tuple[Any, bytes]:
    """A float student and its int8 model file."""
    keras = importlib.import_module(request.param)
    model = student(keras, export_pixels)
    return model, append(to_tflite(model, representative=[export_pixels]), opinion_contract())


def test_three_nets_agree_on_a_good_model(
    pair: tuple[Any, bytes], export_pixels: np.ndarray
) -> None:
    model, data = pair
    mos = netzoo.brightness(export_pixels)
    result = verify(data, model, export_pixels, mos, max_shift_p99=3.0)
    assert result.passed
    assert set(result.scores) == {REFERENCE, "tflite float", QUANTIZED}
    assert result.shifts[REFERENCE, "tflite float"].largest < 1e-3
    assert 0 < result.shifts[REFERENCE, QUANTIZED].largest < 4
    assert min(result.srocc_mos.values()) > 0.97
    scorer = Scorer(model=data)
    assert result.scores[QUANTIZED][5] == scorer.score(export_pixels[5]).score
    logits = np.asarray(model(export_pixels[5:6].astype("f4")), np.float64)[0]
    shares = np.exp(logits) / np.exp(logits).sum()
    assert result.scores[REFERENCE][5] == pytest.approx(100 * shares @ BINS)
    json.dumps(result.to_dict(), allow_nan=False)


def test_shift_above_the_limit_is_a_problem(
    pair: tuple[Any, bytes], export_pixels: np.ndarray
) -> None:
    model, data = pair
    result = verify(data, model, export_pixels, max_shift_p99=1e-4)
    assert not result.passed
    assert "allowed 0.0001" in result.problems[0]
    assert result.srocc_mos == {}


def test_a_float_file_is_a_problem(pair: tuple[Any, bytes], export_pixels: np.ndarray) -> None:
    model, _ = pair
    data = append(to_tflite(model, quantize="none"), opinion_contract("float32"))
    result = verify(data, model, export_pixels)
    assert [problem.split(",")[0] for problem in result.problems] == [
        f"{sum(result.summary.operators.values())} operators work in floating point",
        "input image is float32",
        "output quality is float32",
    ]


def test_a_collapsed_model_is_a_problem(export_pixels: np.ndarray) -> None:
    keras = importlib.import_module("keras")
    model = netzoo.build(keras, 10, rescaling=True)
    model.layers[-1].set_weights([np.full((12, 10), 1e-9), np.arange(10.0)])
    data = append(to_tflite(model, representative=[export_pixels]), opinion_contract())
    result = verify(data, model, export_pixels, netzoo.brightness(export_pixels))
    assert result.problems == ("the int8 model gives every picture the same score",)
    json.dumps(result.to_dict(), allow_nan=False)


def test_another_nets_weights_are_seen(pair: tuple[Any, bytes], export_pixels: np.ndarray) -> None:
    _, data = pair
    other = netzoo.build(importlib.import_module("keras"), 10, rescaling=True, seed=4)
    result = verify(data, other, export_pixels)
    assert result.shifts[REFERENCE, QUANTIZED].p99 > 10


@pytest.mark.slow
def test_quantisation_aware_net_is_compared_too(export_pixels: np.ndarray) -> None:
    tf_keras = importlib.import_module("tf_keras")
    tfmot = importlib.import_module("tensorflow_model_optimization").quantization.keras
    model = netzoo.build(tf_keras, 10)
    inputs = export_pixels.astype("f4") / 128 - 1
    level = netzoo.brightness(export_pixels)[:, None]
    netzoo.fit_last(tf_keras, model, inputs, -((level - np.array(BINS)) ** 2) * 12, ridge=1.0)
    aware = tfmot.quantize_model(model)
    aware.compile(tf_keras.optimizers.SGD(1e-5), "mse")
    aware.fit(inputs, np.asarray(model(inputs)), verbose=0)
    rescale = (1 / 128, -1.0)
    data = append(to_tflite(aware, rescale=rescale), opinion_contract())
    result = verify(
        data, model, export_pixels, qat_model=aware, rescale=rescale, qat_rescale=rescale
    )
    assert result.passed
    # The int8 file computes what the fake-quantised net computed, up to roundings.
    assert result.shifts["keras qat", QUANTIZED].largest < 1.0
    assert result.shifts["keras qat", QUANTIZED].srocc > 0.99


def test_wrong_pixels_are_refused(pair: tuple[Any, bytes], export_pixels: np.ndarray) -> None:
    model, data = pair
    for wrong in (export_pixels.astype("f4"), export_pixels[:, :16], export_pixels[:1]):
        with pytest.raises(ValueError, match="expected uint8"):
            verify(data, model, wrong)


def test_command(
    pair: tuple[Any, bytes],
    export_folder: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    model, data = pair
    suffix = "h5" if type(model).__module__.startswith("tf_keras") else "keras"
    model.save(tmp_path / f"net.{suffix}")
    (tmp_path / "net.tflite").write_bytes(data)
    rows = [
        ManifestRow(picture.name, index / 47, None, "validation", "")
        for index, picture in enumerate(sorted(export_folder.iterdir()))
    ]
    rows.append(ManifestRow("gone.jpg", 0.5, None, "validation", ""))
    save_manifest(rows, tmp_path / "manifest.csv")
    arguments = ["verify", str(tmp_path / "net.tflite"), "--keras", str(tmp_path / f"net.{suffix}")]
    arguments += ["--data-root", str(export_folder), "--manifest", str(tmp_path / "manifest.csv")]
    report = tmp_path / "verify.json"
    capfd.readouterr()
    assert main([*arguments, "--limit", "10", "--json", str(report)]) == 3
    out, err = capfd.readouterr()
    document = json.loads(report.read_text())
    assert document["passed"] is True
    assert document["protocol"]["pictures"] == 9
    assert document["tflite"]["macs"] == 98304 + 12 * 10
    assert "float islands  none" in out
    assert [line for line in err.splitlines() if "gone.jpg" in line]
    assert main([*arguments, "--limit", "10", "--max-shift-p99", "0.000001"]) == 1
    assert "PROBLEM: 99th-percentile" in capfd.readouterr().out
    capfd.readouterr()
    assert main([*arguments, "--limit", "10", "--max-srocc-loss", "-0.9"]) == 1
    assert "PROBLEM: SROCC with MOS" in capfd.readouterr().out
    assert main([*arguments, "--limit", "1"]) == 2


def test_loss_of_rank_correlation_above_the_limit_is_a_problem(
    pair: tuple[Any, bytes], export_pixels: np.ndarray
) -> None:
    model, data = pair
    # With the float net's own order as MOS, int8 can only lose; inverted, it can only win.
    mos = verify(data, model, export_pixels).scores[REFERENCE]
    result = verify(data, model, export_pixels, mos, max_srocc_loss=0.5)
    assert result.passed
    loss = 1 - result.srocc_mos[QUANTIZED]
    assert 0 < loss < 0.05
    result = verify(data, model, export_pixels, mos, max_srocc_loss=loss / 2)
    assert len(result.problems) == 1
    assert f"{loss:.4f} lost, allowed" in result.problems[0]
    assert verify(data, model, export_pixels, -mos, max_srocc_loss=0).passed
    constant = verify(data, model, export_pixels, np.ones(len(mos)), max_srocc_loss=0.5)
    assert not constant.passed  # no correlation, no pass
    with pytest.raises(ValueError, match="needs the pictures' MOS"):
        verify(data, model, export_pixels, max_srocc_loss=0.5)
