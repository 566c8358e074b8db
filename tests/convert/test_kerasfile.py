from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.kerasfile import load_keras
from tests.convert import netzoo


@pytest.fixture(params=["keras", "tf_keras"])
def keras(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.param)


def test_lambda_is_refused_before_it_can_run(keras: Any, tmp_path: Path) -> None:
    picture = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(picture)
    model = keras.Model(picture, keras.layers.Lambda(lambda value: value * 2)(x))
    for suffix in ("h5", "keras"):
        model.save(tmp_path / f"net.{suffix}")
        with pytest.raises(ValueError, match="Lambda layer"):
            load_keras(tmp_path / f"net.{suffix}")


def test_custom_class_is_refused(keras: Any, tmp_path: Path) -> None:
    class Mine(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    picture = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(Mine()(picture))
    keras.Model(picture, pooled).save(tmp_path / "net.keras")
    with pytest.raises(ValueError, match="custom class Mine"):
        load_keras(tmp_path / "net.keras")


def test_both_formats_of_both_generations(keras: Any, tmp_path: Path) -> None:
    model = netzoo.build(keras)
    pixels = np.random.default_rng(0).random((2, 32, 32, 3)).astype("f4")
    for suffix in ("h5", "keras"):
        model.save(tmp_path / f"net.{suffix}")
        loaded = load_keras(tmp_path / f"net.{suffix}")
        assert np.asarray(loaded(pixels)) == pytest.approx(np.asarray(model(pixels)), abs=1e-6)


def test_other_files(keras: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no file"):
        load_keras(tmp_path / "missing.keras")
    with pytest.raises(ValueError, match="folder"):
        load_keras(tmp_path)
    (tmp_path / "text.h5").write_text("hello, this is text")
    with pytest.raises(ValueError, match="neither"):
        load_keras(tmp_path / "text.h5")
    netzoo.build(keras).save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(ValueError, match="weights alone"):
        load_keras(tmp_path / "net.weights.h5")
    (tmp_path / "cut.h5").write_bytes((tmp_path / "net.weights.h5").read_bytes()[:700])
    with pytest.raises(ValueError, match="damaged"):
        load_keras(tmp_path / "cut.h5")
