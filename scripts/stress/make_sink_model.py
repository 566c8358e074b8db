"""Makes small networks of nearly every operator that a model may have, for hostile_models.py.

Usage: python scripts/stress/make_sink_model.py FOLDER

Writes FOLDER/sink-float.tflite and FOLDER/sink-int8.tflite: made up, with random weights, good for
nothing but to be damaged. Needs TensorFlow (`pip install "edgeiqa[convert]"`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa.inference.contract import Contract, InputSpec, OutputSpec, append  # noqa: E402

SIDE = 32


def network(tf: Any) -> Any:
    """A function of a picture [1, 32, 32, 3], 0-255, to one number."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> Any:
        return tf.constant(rng.normal(0, 0.3, shape).astype(np.float32))

    nearest = tf.image.ResizeMethod.NEAREST_NEIGHBOR

    def run(picture: Any) -> Any:
        x = tf.nn.relu6(tf.nn.conv2d(picture / 255.0, weights(3, 3, 3, 8), 2, "SAME"))
        x = tf.nn.depthwise_conv2d(x, weights(3, 3, 8, 1), [1, 1, 1, 1], "VALID")  # 14
        x = tf.pad(x, [[0, 0], [1, 0], [0, 1], [0, 0]])
        x = tf.pad(x, [[0, 0], [1, 0], [0, 1], [0, 0]], constant_values=0.5)  # 16
        x = tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")  # 20
        x = tf.nn.max_pool2d(x, 3, 1, "SAME") + tf.nn.avg_pool2d(x, 3, 1, "SAME")
        x = tf.nn.conv2d(x, weights(3, 3, 8, 8), 1, "SAME", dilations=2)
        x = tf.image.resize(x, (24, 20)) * 0.5
        x = tf.image.resize(x, (16, 16), method=nearest)
        x = tf.nn.conv2d_transpose(x, weights(2, 2, 4, 8), (1, 32, 32, 4), 2, "SAME")
        x = tf.nn.depth_to_space(tf.nn.space_to_depth(x, 4), 2)  # 16 x 16 x 16
        x = tf.batch_to_space(
            tf.nn.relu(tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]])), [2, 2], [[0, 0], [0, 0]]
        )
        first, second = tf.split(x, 2, axis=3)
        x = tf.maximum(first, second) - tf.minimum(first, second)
        x = tf.concat([x, tf.math.squared_difference(first, second)], 3)
        x = tf.gather(x, [3, 2, 1, 0, 5, 4, 7, 6], axis=3)
        x = x[:, ::2, 1:15, ::-1] * tf.sigmoid(x[:, ::2, 1:15, :])  # 8 x 14 x 8
        x = tf.slice(x, [0, 0, 2, 0], [1, 8, 8, 8])
        parts = tf.unstack(x, axis=1)
        x = tf.stack([parts[0], parts[3], parts[1], parts[2]], axis=1)  # 4 x 8 x 8
        x = tf.transpose(x, [0, 3, 1, 2])
        x = tf.nn.leaky_relu(x, 0.1) + tf.nn.elu(x) + tf.nn.gelu(x) + tf.tanh(x)
        x = x + x * tf.nn.relu6(x + 3.0) / 6.0
        x = tf.nn.relu(x) - tf.nn.relu(-x) * weights(8, 1, 1)
        x = tf.squeeze(tf.expand_dims(tf.abs(x), 1), [1])
        x = tf.sqrt(x + 1.0) * tf.math.rsqrt(tf.square(x) + 1.0) + tf.exp(-x)
        x = tf.pow(x, 1.5) + tf.math.log(x + 1.0)
        x = tf.nn.softmax(x) + tf.nn.log_softmax(x) + tf.nn.l2_normalize(x, 3)
        x = tf.matmul(x, x, transpose_b=True)
        pooled = tf.reduce_mean(x, [2, 3]) + tf.reduce_max(x, [2, 3]) - tf.reduce_min(x, [2, 3])
        pooled = tf.reshape(pooled + tf.reduce_sum(x, [2, 3]), (1, 8))
        return {"score": tf.matmul(pooled, weights(8, 1)) + 0.1}

    return tf.function(run, input_signature=[tf.TensorSpec((1, SIDE, SIDE, 3), tf.float32)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes both files."""
    import tensorflow as tf

    (folder,) = map(Path, sys.argv[1:] if arguments is None else arguments)
    folder.mkdir(parents=True, exist_ok=True)
    module = tf.Module()
    module.run = network(tf)
    for name, dtype in (("float", "float32"), ("int8", "uint8")):
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [module.run.get_concrete_function()], module
        )
        if name == "int8":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = _pictures
            converter.inference_input_type = tf.uint8
        spec = InputSpec(SIDE, SIDE, dtype=dtype)
        contract = Contract(f"sink-{name}", "1", spec, (OutputSpec("score", "scalar"),))
        (folder / f"sink-{name}.tflite").write_bytes(append(converter.convert(), contract))
    return 0


def _pictures() -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(1)
    for _ in range(8):
        yield [rng.integers(0, 256, (1, SIDE, SIDE, 3)).astype(np.float32)]


if __name__ == "__main__":
    sys.exit(main())
