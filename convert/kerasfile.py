"""Opens Keras model files of either generation, without ever running code that they bring."""

from __future__ import annotations

import importlib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TRUSTED_MODULES = {"keras", "tf_keras", "tensorflow", "builtins"}
_QAT_CLASSES = {"QuantizeLayer", "QuantizeWrapper", "QuantizeWrapperV2"}


class KerasFileError(ValueError):
    """A file that is no loadable Keras model, with what to do about it."""


def load_keras(file: str | os.PathLike[str]) -> Any:
    """Load a whole Keras model: ``.keras`` or ``.h5``, Keras 3 or Keras 2 (tf_keras).

    Keras 3 is tried first, then tf_keras. Models after quantisation-aware training with
    tensorflow-model-optimization are recognised. The file's configuration is read before any
    library sees it: Python code in it (Lambda layers) is refused, not run.

    Args:
        file: Path of the model.

    Returns:
        The model, not compiled.

    Raises:
        KerasFileError: missing, of another kind, weights alone, custom classes, Python code.
    """
    path = Path(file)
    if path.is_dir():
        raise KerasFileError(
            f"{path} is a folder (a SavedModel?); save the model as one file: model.save('X.keras')"
        )
    if not path.is_file():
        raise KerasFileError(f"no file {path}")
    classes = _check_config(path, _read_config(path))
    if classes & _QAT_CLASSES:
        return _load_quantization_aware(path)
    reasons = []
    for name in ("keras", "tf_keras"):
        try:
            module = importlib.import_module(name)
            return module.models.load_model(path, compile=False)
        except ImportError as error:
            reasons.append(f"{name}: {error}")
        except Exception as error:  # each generation fails in its own ways on the other's files
            first = str(error).strip().split("\n")[0]
            reasons.append(f"{name}: {first[:200] or type(error).__name__}")
    raise KerasFileError(f"{path} does not load; {'; '.join(reasons)}")


def _load_quantization_aware(path: Path) -> Any:
    import tensorflow_model_optimization as tfmot
    import tf_keras

    with tfmot.quantization.keras.quantize_scope():
        try:
            return tf_keras.models.load_model(path, compile=False)
        except Exception as error:
            first = str(error).strip().split("\n")[0]
            raise KerasFileError(f"{path} does not load with tf_keras: {first[:200]}") from error


def _read_config(path: Path) -> Any:
    """The model's configuration as JSON, read without Keras."""
    with path.open("rb") as stream:
        magic = stream.read(8)
    if magic[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(path) as archive:
                return json.loads(archive.read("config.json"))
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise KerasFileError(f"{path} is a ZIP but no .keras model: {error}") from error
    if magic != b"\x89HDF\r\n\x1a\n":
        raise KerasFileError(f"{path} is neither a .keras (ZIP) nor an .h5 (HDF5) file")
    import h5py

    try:
        with h5py.File(path, "r") as archive:
            config = archive.attrs.get("model_config")
    except OSError as error:
        raise KerasFileError(f"{path} is a damaged HDF5 file: {error}") from error
    if config is None:
        raise KerasFileError(
            f"{path} holds weights alone; build the model, load them, and model.save() all of it"
        )
    return json.loads(config)


def _check_config(path: Path, config: Any) -> set[str]:
    """Refuse code and foreign classes.

    Returns:
        The names of all classes that the file uses.
    """
    classes = set()
    for entry in _objects(config):
        name = str(entry.get("class_name"))
        classes.add(name)
        if name in ("Lambda", "__lambda__") or entry.get("function_type") == "lambda":
            raise KerasFileError(
                f"{path} has a Lambda layer: Python code in a model file, which is not run here; "
                "replace it by a Keras layer (Rescaling, Normalization, Activation) and save again"
            )
        if name in _QAT_CLASSES:
            continue
        module = entry.get("module")
        package = str(entry.get("registered_name") or "").rpartition(">")[0]
        foreign = isinstance(module, str) and module.split(".")[0] not in _TRUSTED_MODULES
        if foreign or package not in ("", "Keras", "TensorFlowModelOptimization"):
            raise KerasFileError(
                f"{path} uses the custom class {name} of {module or package}; only Keras' own "
                "layers can be loaded: rebuild that part with them and save again"
            )
    return classes


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every serialised object in a configuration, depth first."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            if "class_name" in current:
                yield current
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)
