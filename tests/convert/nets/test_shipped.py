from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.common.opinion import bin_centres, expected
from convert.nets import keras_nets
from convert.nets.shipped import _factored, load_shipped
from edgeiqa.assets import sample_paths
from edgeiqa.imaging.decode import decode
from edgeiqa.inference.model import find
from edgeiqa.preprocessing.resize import preprocess
from edgeiqa.scorer import Scorer


@pytest.mark.parametrize(
    ("name", "network"), [("base", "mobilenet_v2"), ("nano", "mobilenet_v2_t2")]
)
def test_reconstructed_weights_score_like_the_shipped_model(name: str, network: str) -> None:
    import keras

    shipped = load_shipped(find(name))
    assert shipped.arch.name == network
    spec, calibration = shipped.contract.input, shipped.contract.calibration
    model = keras_nets.build(keras, shipped.arch, spec.height)
    shipped.fill(model)
    filled = {layer.name for layer in model.layers if layer.weights}
    assert filled == set(shipped.weights)
    paths = sample_paths()[:6]
    pixels = np.stack([preprocess(decode(path), spec)[0] for path in paths])
    raw = expected(np.asarray(model(pixels.astype(np.float32))), np.array(bin_centres(10)))
    ours = np.clip(calibration.scale * raw + calibration.offset, 0, 100)
    theirs = [Scorer(name).score(path).score for path in paths]
    assert np.abs(ours - theirs).max() < 4
    assert np.abs(ours - theirs).mean() < 1.5


def test_a_product_is_factored_at_its_rank() -> None:
    generator = np.random.default_rng(0)
    product = generator.normal(size=(8, 3)) @ generator.normal(size=(3, 12))
    left, right = _factored(product, 3)
    assert (left.shape, right.shape) == ((8, 3), (3, 12))
    assert left @ right == pytest.approx(product, abs=1e-9)
    left, right = _factored(product, 10)
    assert (left.shape, right.shape) == ((8, 10), (10, 12))
    assert left @ right == pytest.approx(product, abs=1e-9)


def test_other_models_are_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    from edgeiqa.inference.contract import append, read

    contract, flatbuffer = read(Path(find("nano")).read_bytes())
    file = tmp_path / "x.tflite"
    file.write_bytes(append(flatbuffer, replace(contract, training={})))
    with pytest.raises(ValueError, match="which network it is"):
        load_shipped(file)
    other = {"student": {"network": "mobilenet_v2_0.35"}}
    file.write_bytes(append(flatbuffer, replace(contract, training=other)))
    with pytest.raises(ValueError, match=r"is not mobilenet_v2_0\.35"):
        load_shipped(file)
