"""Opens Keras model files of either generation; refuses those that bring code or odd functions.

The check reads the configuration and compares names with lists made for known Keras versions. It
keeps out what a file can name to run code or touch files; it is not a sandbox: Keras, HDF5 and
TensorFlow still parse the rest, so models of strangers belong in a container.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TRUSTED_MODULES = {"keras", "tf_keras", "tensorflow", "builtins"}
# Keras 2 saves plain TensorFlow calls by their public name; these only compute on tensors.
_HARMLESS_GROUPS = ("math.", "nn.", "__operators__.", "linalg.", "signal.", "keras.activations.")
_FUNCTION_NAMES = """
    abs acos add add_n argmax argmin argsort asin atan atan2 batch_to_space boolean_mask
    broadcast_to cast ceil clip_by_norm clip_by_value concat convert_to_tensor cos cosh cumsum
    divide dtypes.cast einsum equal exp expand_dims fill floor gather gather_nd greater
    greater_equal identity image.adjust_brightness image.adjust_contrast image.central_crop
    image.convert_image_dtype image.crop_to_bounding_box image.extract_patches
    image.flip_left_right image.flip_up_down image.grayscale_to_rgb image.pad_to_bounding_box
    image.per_image_standardization image.resize image.resize_bilinear
    image.resize_nearest_neighbor image.resize_with_pad image.rgb_to_grayscale image.rgb_to_hsv
    image.rgb_to_yuv image.rot90 image.sobel_edges image.total_variation image.transpose less
    less_equal logical_and logical_not logical_or matmul maximum meshgrid minimum multiply
    negative norm not_equal one_hot ones ones_like pad pow range rank reduce_all reduce_any
    reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_std reduce_sum
    reduce_variance repeat reshape reverse roll round rsqrt scalar_mul shape sigmoid sign sin
    sinh size slice sort space_to_batch split sqrt square squeeze stack stop_gradient
    strided_slice subtract tan tanh tensordot tile transpose truediv unstack where zeros
    zeros_like
"""
# The same as graph operations, which TensorFlow 2.0 to 2.3 saved.
_OPERATION_NAMES = """
    Abs Add AddV2 ArgMax ArgMin AvgPool BatchMatMulV2 BiasAdd Cast ClipByValue ConcatV2 Const
    Conv2D DepthToSpace DepthwiseConv2dNative Einsum Elu Exp ExpandDims Fill Floor FloorMod
    GatherV2 Identity LeakyRelu Log Log1p MatMul Max MaxPool Maximum Mean Min Minimum MirrorPad
    Mul Neg OneHot Pack Pad PadV2 Pow Prod Range RealDiv Relu Relu6 Reshape ResizeBilinear
    ResizeNearestNeighbor ReverseV2 Round Rsqrt SelectV2 Selu Shape Sigmoid Sign Slice Softmax
    Softplus SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze StopGradient
    StridedSlice Sub Sum Tanh Tile Transpose Unpack ZerosLike
"""
_HARMLESS_FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_HARMLESS_OPERATIONS = frozenset(_OPERATION_NAMES.split())
_QAT_CLASSES = {"QuantizeLayer", "QuantizeWrapper", "QuantizeWrapperV2"}


class KerasFileError(ValueError):
    """A file that is not a loadable Keras model, with what to do about it."""


def load_keras(file: str | os.PathLike[str]) -> Any:
    """Load a whole Keras model: ``.keras`` or ``.h5``, Keras 3 or Keras 2 (tf_keras).

    Keras 3 is tried first, then tf_keras. Models after quantisation-aware training with
    tensorflow-model-optimization are recognised. The file's configuration is read before any
    library sees it: Lambda layers, custom classes and TensorFlow functions outside of a list of
    harmless ones are refused. That is not a sandbox; see the module docstring.

    Args:
        file: Path of the model.

    Returns:
        The model, not compiled.

    Raises:
        KerasFileError: missing, of another kind, weights alone, custom classes, Python code,
            functions that are not known to be harmless.
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
        called = _called(name, entry)
        if called is not None:
            raise KerasFileError(
                f"{path} calls {called}, which is not on the list of harmless functions; replace "
                "it by a Keras layer and save again"
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


def _called(kind: str, entry: dict[str, Any]) -> str | None:
    """The function that a configuration's object would call, if it is not known as harmless."""
    settings = entry.get("config")
    if kind == "function":
        module, name = str(entry.get("module") or "builtins"), str(settings)
        # "builtins" is how Keras marks its own activations and losses, but Python has one too.
        odd = {"tensorflow", "utils", "saving", "io"} & set(module.split("."))
        odd_builtin = module == "builtins" and hasattr(builtins, name)
        return f"{module}.{name}" if odd or odd_builtin else None
    settings = settings if isinstance(settings, dict) else {}
    if kind in ("TFOpLambda", "SlicingOpLambda"):
        name = str(settings.get("function"))
        plain = re.sub(r"^compat\.v[12]\.", "", name)
        harmless = plain.startswith(_HARMLESS_GROUPS) or plain in _HARMLESS_FUNCTIONS
        return None if harmless else f"the TensorFlow function {name}"
    if kind == "TensorFlowOpLayer":
        node = settings.get("node_def")
        operation = node.get("op") if isinstance(node, dict) else None
        if operation in _HARMLESS_OPERATIONS:
            return None
        return f"the TensorFlow operation {operation or 'in a form that cannot be read'}"
    if kind in ("ClassMethod", "InstanceMethod"):
        owner = settings.get("cls_symbol") or "a tensor"
        return f"the method {settings.get('method_name') or settings.get('attr_name')} of {owner}"
    return None


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
