from __future__ import annotations

import numpy as np
import pytest

from convert.common.opinion import bin_centres, opinion_histograms

CENTRES = np.array(bin_centres(10), np.float32)


def logits_of(histogram: np.ndarray) -> np.ndarray:
    return np.log(histogram + 1e-9).astype(np.float32)


def test_expected_score_is_the_mean_of_the_softmax() -> None:
    from convert.training import losses

    histogram = opinion_histograms(np.array([0.3, 0.7]))
    score = np.asarray(losses.expected_score(logits_of(histogram), CENTRES))
    assert score == pytest.approx(histogram @ CENTRES, abs=1e-4)


def test_earth_movers_distance_counts_how_far_mass_has_to_move() -> None:
    from convert.training import losses

    def distance(a: int, b: int) -> float:
        eye = np.eye(10, dtype=np.float32)
        return float(losses.earth_mover(logits_of(eye[[a]]), eye[[b]]))

    assert distance(3, 3) == pytest.approx(0.0, abs=1e-6)
    # One cumulative bin of ten differs by one for each step.
    assert distance(3, 4) == pytest.approx(0.1, abs=1e-4)
    assert distance(3, 7) == pytest.approx(0.4, abs=1e-4)


def test_preference_is_thurstones() -> None:
    from scipy.stats import norm

    from convert.training import losses

    score = np.array([0.2, 0.5], np.float32)
    preferred = np.asarray(losses.preference(score, sigma=0.1))
    assert preferred[1, 0] == pytest.approx(norm.cdf(0.3 / (0.1 * np.sqrt(2))), abs=1e-5)
    assert preferred[0, 0] == 0.5
    assert preferred + preferred.T == pytest.approx(np.ones((2, 2)), abs=1e-6)


def test_fidelity_is_least_for_the_same_differences_and_grows_with_inversions() -> None:
    from convert.training import losses

    target = np.array([0.1, 0.4, 0.6, 0.9], np.float32)
    same = float(losses.fidelity(target, target))
    shifted = float(losses.fidelity(target - 0.05, target))
    swapped = float(losses.fidelity(target[[1, 0, 2, 3]], target))
    inverted = float(losses.fidelity(target[::-1].copy(), target))
    assert shifted == pytest.approx(same, abs=1e-5)  # only differences count
    assert same < swapped < inverted
    assert inverted < 1.0


def test_quality_loss_is_least_at_the_target() -> None:
    from convert.training import losses

    mos = np.array([0.2, 0.5, 0.8], np.float32)
    histogram = opinion_histograms(mos)
    right = float(losses.quality(logits_of(histogram), mos, histogram, CENTRES))
    flat = np.zeros((3, 10), np.float32)
    wrong = logits_of(histogram[::-1].copy())
    assert right < float(losses.quality(flat, mos, histogram, CENTRES))
    assert float(losses.quality(flat, mos, histogram, CENTRES)) < float(
        losses.quality(wrong, mos, histogram, CENTRES)
    )


def test_ladder_is_zero_once_the_margin_is_kept() -> None:
    from convert.training import losses

    better, worse = np.array([0.7, 0.6], np.float32), np.array([0.5, 0.58], np.float32)
    assert float(losses.ladder(better, worse, np.array([0.1, 0.02], np.float32))) < 1e-6
    assert float(losses.ladder(better, worse, np.array([0.1, 0.06], np.float32))) == pytest.approx(
        0.02, abs=1e-6
    )


def test_cosine_distance_ignores_length() -> None:
    from convert.training import losses

    a = np.array([[1, 2, 3]], np.float32)
    assert float(losses.cosine_distance(a, 5 * a)) == pytest.approx(0.0, abs=1e-6)
    assert float(losses.cosine_distance(a, -a)) == pytest.approx(2.0, abs=1e-6)


def test_gradients_are_finite_where_preferences_saturate() -> None:
    import tensorflow as tf

    from convert.training import losses

    score = tf.Variable([0.0, 1.0, 0.5])
    with tf.GradientTape() as tape:
        loss = losses.fidelity(score, tf.constant([1.0, 0.0, 0.5]))
    assert np.isfinite(tape.gradient(loss, score).numpy()).all()
