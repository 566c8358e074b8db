"""What a pretrained network knows at several depths: channel means of the maps between its blocks.

Quality shows at all depths: grain and fine blur in the early maps, composition and content in the
late ones. A linear head on the means of several blocks carries over to other databases better than
one on the last layer alone, and means are what an int8 network computes cheaply.

A trunk is kept in its folded form (:class:`convert.nets.bn_folding.Folded`): convolutions
with a bias, which run several times faster than with BatchNorm beside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing
from ..common.progress import progress
from ..datasets.cache import load_pixels, pixels_key
from ..datasets.manifest import ManifestRow
from ..nets import keras_nets
from ..nets.bn_folding import Folded, Layer, fold
from ..nets.weights import MINUS_ONE_TO_ONE, WeightsError, load_initial_weights

NIMA = "nima_mobilenet_v1"
"""MobileNetV1 that learned from AVA's rated photographs, read from a .tflite of it."""

_BATCH = 16
_SAVE_EVERY = 100


@dataclass(frozen=True)
class FrozenTrunk:
    """A pretrained network whose inner maps are pooled.

    Attributes:
        name: Of the network.
        folded: The network.
        depths: Tensors that are pooled, in the order of computation.
        deviations: Whether standard deviations over the map follow the means.
        precision: What convolutions compute in, float32 or bfloat16; pooling is float32. The
            latter is twice as fast on processors with AMX or AVX512-BF16, and slower on others.
    """

    name: str
    folded: Folded
    depths: tuple[str, ...]
    deviations: bool = False
    precision: str = "float32"

    @property
    def digest(self) -> str:
        """Of weights, depths and precision: names a cache."""
        digest = hashlib.sha256(repr((self.depths, self.precision)).encode())
        for name, layer in self.folded.layers.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(layer.kernel, np.float32).tobytes())
            digest.update(np.ascontiguousarray(layer.bias, np.float32).tobytes())
        return digest.hexdigest()[:16]

    def function(self) -> Any:
        """A compiled function from pixels, uint8 [B, H, W, 3], to float32 [B, 2 D].

        The first half are means, the second deviations.
        """
        import tensorflow as tf

        @tf.function(reduce_retracing=True)
        def features(pixels: Any) -> Any:
            held: dict[str, Any] = {}

            def tap(name: str, value: Any) -> Any:
                if name in self.depths:
                    held[name] = tf.cast(value, tf.float32)
                return value

            scale, offset = keras_nets.PIXEL_SCALE, keras_nets.PIXEL_OFFSET
            image = tf.cast(pixels, tf.float32) * scale + offset
            self.folded.run(tf.cast(image, self.precision), tap)
            moments = [tf.nn.moments(held[name], (1, 2)) for name in self.depths]
            parts = [mean for mean, _ in moments]
            parts += [tf.sqrt(variance + 1e-12) for _, variance in moments]
            return tf.concat(parts, 1)

        return features

    def features(
        self, rows: Sequence[ManifestRow], root: Path, work: Path, size: int
    ) -> NDArray[np.float32]:
        """Features of rated pictures, computed once and kept; resumes where it was interrupted.

        Args:
            rows: The pictures.
            root: The data root.
            work: Folder of caches.
            size: Height and width in pixels that pictures are squashed to.

        Returns:
            float32 [N, D].
        """
        folder = work / "features"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}-{self.digest}-{pixels_key(rows, root, size)}.npy"
        if file.is_file():
            return self._wanted(np.load(file))
        pixels = load_pixels(rows, root, size, work, label=f"pictures at {size} pixels")
        part = file.with_suffix(".part.npy")
        parts = [np.load(part)] if part.is_file() else []
        done = len(parts[0]) if parts else 0
        compute = self.function()
        starts = range(done, len(rows), _BATCH)
        for count, start in enumerate(progress(starts, len(starts), f"features of {self.name}"), 1):
            parts.append(np.asarray(compute(np.array(pixels[start : start + _BATCH]))))
            if count % _SAVE_EVERY == 0:
                parts = [np.concatenate(parts)]
                _save(part, parts[0])
        features = np.concatenate(parts)
        _save(file, features)
        part.unlink(missing_ok=True)
        return self._wanted(features)

    def _wanted(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return features if self.deviations else features[:, : features.shape[1] // 2]


def _save(file: Path, array: NDArray[np.float32]) -> None:
    with replacing(file) as scratch, scratch.open("wb") as stream:
        np.save(stream, array)


def block_outputs(folded: Folded) -> list[str]:
    """Names of the tensors that leave the blocks, in order."""
    blocks: dict[str, str] = {}
    for name in folded.tensors:
        if name.startswith("block") and name.endswith(("_project", "_add")):
            blocks[name.split("_", 1)[0]] = name
    return list(blocks.values())


def usual_depths(folded: Folded) -> tuple[str, ...]:
    """The last block of each stage but the first, and the head.

    Of many stages the last but one is left out, too: for MobileNetV2 the blocks 3, 6, 10, 13 and
    17 remain, counted from one.
    """
    outputs = block_outputs(folded)

    def width(tensor: str) -> int:
        return int(folded.layers[tensor.replace("_add", "_project")].kernel.shape[-1])

    ends = [
        name
        for index, name in enumerate(outputs)
        if index + 1 == len(outputs) or width(outputs[index + 1]) != width(name)
    ]
    inner = ends[1:-2] if len(ends) > 6 else ends[1:-1]
    return (*inner, *ends[-1:], "head")


def load_trunk(
    network: str,
    init: str,
    *,
    depths: Sequence[int] | None = None,
    deviations: bool = False,
    precision: str = "float32",
) -> FrozenTrunk:
    """Loads a pretrained network.

    Args:
        network: A name that :func:`convert.nets.keras_nets.architecture` takes, or
            ``nima_mobilenet_v1``.
        init: As :func:`convert.nets.weights.load_initial_weights` takes it; a .tflite for NIMA.
        depths: Blocks to pool, counted from one, the head follows; :func:`usual_depths` if None,
            the head alone if empty.
        deviations: See :class:`FrozenTrunk`.
        precision: See :class:`FrozenTrunk`.

    Raises:
        WeightsError: The weights do not fit, or the block does not exist.
        ValueError: No such network.
    """
    if network == NIMA:
        folded = read_mobilenet_v1(Path(init))
    else:
        import keras

        arch = keras_nets.architecture(network)
        model = keras_nets.build(keras, arch, None)
        load_initial_weights(model, arch, init)
        folded = fold(model, arch)
    if depths is None:
        chosen = usual_depths(folded)
    else:
        outputs = block_outputs(folded)
        wrong = [depth for depth in depths if not 1 <= depth <= len(outputs)]
        if wrong:
            raise WeightsError(f"{network} has blocks 1 to {len(outputs)}, got {wrong[0]}")
        chosen = (*(outputs[depth - 1] for depth in sorted(depths)), "head")
    return FrozenTrunk(network, folded, chosen, deviations, precision)


def read_mobilenet_v1(file: Path) -> Folded:
    """Reads a MobileNetV1 with a dense top from a .tflite, float or int8.

    Args:
        file: Such as NIMA by idealo: 27 convolutions with ReLU6, then the opinion layer; pixels
            are expected at ``pixel / 127.5 - 1``.

    Raises:
        WeightsError: The file is missing, or holds another network.
    """
    if not file.is_file():
        raise WeightsError(f"--init {file}: no such file")
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        str(file),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    tensors = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    layers: dict[str, Layer] = {}
    source, block = "image", 0
    for operator in interpreter._get_ops_details():
        kind = operator["op_name"]
        if kind not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        taken, kernel_index, bias_index = (int(index) for index in operator["inputs"][:3])
        kernel = _dequantised(interpreter, tensors[kernel_index])
        bias = _dequantised(interpreter, tensors[bias_index])
        if kind == "FULLY_CONNECTED":
            layers[keras_nets.OPINION] = Layer(kernel.T, bias, keras_nets.EMBEDDING, relu=False)
            continue
        before = int(tensors[taken]["shape"][1])
        after = int(tensors[int(operator["outputs"][0])]["shape"][1])
        depthwise = kind == "DEPTHWISE_CONV_2D"
        kernel = kernel.transpose(1, 2, 3, 0)
        if not layers:
            name = "stem"
            scale = MINUS_ONE_TO_ONE[0][0] / keras_nets.PIXEL_SCALE
            shift = MINUS_ONE_TO_ONE[1][0] - scale * keras_nets.PIXEL_OFFSET
            bias = bias + shift * kernel.sum((0, 1, 2))
            kernel = kernel * scale
        elif depthwise:
            name = f"block{block:02d}_depthwise"
            kernel = kernel.reshape(*kernel.shape[:2], -1, 1)
        else:
            name, block = f"block{block:02d}_project", block + 1
        layers[name] = Layer(
            kernel, bias, source, depthwise=depthwise, stride=round(before / after)
        )
        source = name
    if len(layers) != 28 or keras_nets.OPINION not in layers:
        raise WeightsError(f"{file.name}: expected a MobileNetV1 with one dense layer on top")
    # The last block's map is what is pooled for the opinion: the head.
    names = [("head" if name == source else name, layer) for name, layer in layers.items()]
    arch = keras_nets.Architecture(NIMA, 32, (), layers[source].kernel.shape[-1], 1e-3)
    return Folded(arch, dict(names))


def _dequantised(interpreter: Any, tensor: Any) -> NDArray[np.float64]:
    values = np.asarray(interpreter.get_tensor(tensor["index"]))
    found = tensor["quantization_parameters"]
    if not np.issubdtype(values.dtype, np.integer) or not len(found["scales"]):
        return values.astype(np.float64)
    shape = [1] * values.ndim
    if len(found["scales"]) > 1:
        shape[int(found["quantized_dimension"])] = -1
    zeros = found["zero_points"].astype(np.float64).reshape(shape)
    return (values.astype(np.float64) - zeros) * found["scales"].astype(np.float64).reshape(shape)
