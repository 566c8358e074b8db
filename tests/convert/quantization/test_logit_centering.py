from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from convert.nets import keras_nets
from convert.nets.bn_folding import Folded, Layer
from convert.quantization.logit_centering import DEPTH, centre_opinion, settle_opinion

BINS = 10
CENTRES = (np.arange(BINS) + 0.5) / BINS


def opinions(count: int, seed: int) -> np.ndarray:
    """Embeddings of which the first is quality, the second a drift common to all logits."""
    generator = np.random.default_rng(seed)
    quality = generator.uniform(0.1, 0.9, count)
    drift = generator.uniform(0, 30, count)
    # Quality and its square make a parabola of logits, a bell of opinions.
    return np.column_stack([quality, drift, generator.normal(0, 0.1, count)])


def network() -> Folded:
    kernel = np.stack([60 * CENTRES, np.ones(BINS), np.cos(np.arange(BINS))])
    layer = Layer(kernel, -30 * CENTRES**2, keras_nets.EMBEDDING, relu=False)
    return Folded(keras_nets.mobilenet_v2(), {keras_nets.OPINION: layer})


def logits_of(folded: Folded, embeddings: np.ndarray) -> np.ndarray:
    layer = folded.layers[keras_nets.OPINION]
    return np.asarray(embeddings @ layer.kernel + layer.bias)


def in_int8(values: np.ndarray, low: float, high: float) -> np.ndarray:
    step = (high - low) / 255
    return np.clip(np.round((values - low) / step), 0, 255) * step + low


def test_histograms_stay_and_int8_tells_them_apart() -> None:
    folded, seen, new = network(), opinions(300, 0), opinions(300, 1)
    before, after = logits_of(folded, seen), logits_of(folded, new)
    centred, (low, high) = centre_opinion(folded, before, 1.1)
    moved = logits_of(centred, new)
    assert softmax(moved, 1) == pytest.approx(softmax(after, 1), abs=1e-9)
    wanted = softmax(after, 1) @ CENTRES
    error = np.abs(softmax(in_int8(moved, low, high), 1) @ CENTRES - wanted)
    plain = in_int8(after, before.min(), before.max())
    naive = np.abs(softmax(plain, 1) @ CENTRES - wanted)
    assert np.percentile(error, 99) < 0.25 * np.percentile(naive, 99)
    assert np.percentile(error, 99) < 0.003


def test_the_range_holds_zero_and_all_likely_opinions() -> None:
    folded, seen = network(), opinions(300, 0)
    centred, (low, high) = centre_opinion(folded, logits_of(folded, seen), 1.1)
    tops = logits_of(centred, seen).max(1)
    assert low <= -DEPTH
    assert high > 0
    assert (tops <= high).all()
    assert np.mean(tops >= low + DEPTH) >= 0.99


def test_the_mean_error_of_rounding_is_settled() -> None:
    import keras

    from convert.nets.bn_folding import fold
    from convert.quantization.activation_stats import observe
    from convert.quantization.adaptive_rounding import round_kernels
    from tests.convert.nets.test_bn_folding import ARCH, SIDE, crops

    keras.utils.set_random_seed(1)
    target = fold(keras_nets.build(keras, ARCH, SIDE, rescale=False), ARCH)
    pictures = crops()
    seen = observe(target, [pictures])
    ranges = seen.ranges(target, 1.1)
    # A range that clips makes an error with a mean.
    low, high = ranges["head"]
    ranges["head"] = (low, 0.5 * high)
    rounded = settle_opinion(round_kernels(target, seen, ranges), target, ranges, [pictures])

    def in_8_bits(name: str, value: object) -> object:
        import tensorflow as tf

        if name not in ranges or name == keras_nets.OPINION:
            return value
        return tf.quantization.fake_quant_with_min_max_vars(value, *ranges[name])

    errors = np.asarray(rounded.run(pictures, in_8_bits)) - np.asarray(target.run(pictures))
    before = np.asarray(round_kernels(target, seen, ranges).run(pictures, in_8_bits))
    assert np.abs(errors.mean(0)).max() < 1e-5
    assert np.abs((before - np.asarray(target.run(pictures))).mean(0)).max() > 1e-4
