from __future__ import annotations

import importlib
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from convert.nets.keras_file import load_keras
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


def test_harmless_tensorflow_functions_load(tmp_path: Path) -> None:
    tf = importlib.import_module("tensorflow")
    keras = importlib.import_module("tf_keras")
    picture = keras.Input((8, 8, 3))
    x = tf.transpose(picture / 255.0 - 0.5, (0, 2, 1, 3))[:, ::2]
    x = tf.concat([tf.nn.relu6(x), tf.clip_by_value(tf.cast(x, "float32"), 0.0, 1.0)], -1)
    model = keras.Model(picture, tf.reshape(tf.reduce_mean(x, [1, 2]), (-1, 6)))
    pixels = np.random.default_rng(0).random((2, 8, 8, 3)).astype("f4")
    for suffix in ("h5", "keras"):
        model.save(tmp_path / f"net.{suffix}")
        loaded = load_keras(tmp_path / f"net.{suffix}")
        assert np.asarray(loaded(pixels)) == pytest.approx(np.asarray(model(pixels)), abs=1e-6)


def function(name: str) -> dict[str, Any]:
    return {"class_name": "TFOpLambda", "config": {"name": "x", "function": name}}


def operation(node: Any) -> dict[str, Any]:
    return {"class_name": "TensorFlowOpLayer", "config": {"name": "x", "node_def": node}}


def activation(module: str, name: str) -> dict[str, Any]:
    called = {"class_name": "function", "module": module, "config": name}
    return {"class_name": "Activation", "config": {"name": "x", "activation": called}}


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (function("io.write_file"), "io.write_file"),
        (function("io.read_file"), "io.read_file"),
        (function("py_function"), "py_function"),
        (function("compat.v1.py_func"), "compat.v1.py_func"),
        (function("numpy_function"), "numpy_function"),
        (function("raw_ops.WriteFile"), "raw_ops.WriteFile"),
        (function("load_library"), "load_library"),
        (function("keras.utils.get_file"), "keras.utils.get_file"),
        ({"class_name": "TFOpLambda", "config": None}, "None"),
        (operation({"name": "x", "op": "WriteFile"}), "WriteFile"),
        (operation("serialised"), "cannot be read"),
        (
            {"class_name": "ClassMethod", "config": {"cls_symbol": "io.gfile", "method_name": "m"}},
            "the method m of io.gfile",
        ),
        (activation("builtins", "eval"), "builtins.eval"),
        (activation("tensorflow.io", "read_file"), "tensorflow.io.read_file"),
        (activation("keras.src.utils", "get_file"), "keras.src.utils.get_file"),
    ],
)
def test_functions_beyond_arithmetic_are_refused_unseen(
    layer: dict[str, Any], named: str, tmp_path: Path
) -> None:
    config = {"class_name": "Functional", "config": {"layers": [layer]}}
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
    for suffix in ("keras", "h5"):
        with pytest.raises(ValueError, match="not on the list of harmless functions") as error:
            load_keras(tmp_path / f"net.{suffix}")
        assert named in str(error.value)
