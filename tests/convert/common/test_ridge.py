from __future__ import annotations

import numpy as np
import pytest

from convert.common.ridge import fit_ridge, fit_within, group_targets


def test_targets_have_the_scale_of_their_group() -> None:
    mos = [0.1, 0.2, 0.3, 0.7, 0.8, 0.9, 1.0]
    groups = ["a"] * 3 + ["b"] * 4
    own = group_targets(mos, groups)
    for part in (own[:3], own[3:]):
        assert part.mean() == pytest.approx(0)
        assert part.std() == pytest.approx(1)
    assert own[2] > own[3]  # the best of one group against the worst of the other
    pooled = group_targets(mos, groups, "pooled")
    assert np.all(np.diff(pooled) > 0)
    assert pooled.std() == pytest.approx(1)


def test_targets_that_say_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="all 2 pictures of a have the same score"):
        group_targets([0.5, 0.5, 0.1, 0.9], ["a", "a", "b", "b"])
    with pytest.raises(ValueError, match="targets must be one of"):
        group_targets([0.5, 0.6], ["a", "a"], "ranks")


@pytest.mark.parametrize("width", [4, 60])
def test_ridge_is_the_textbook_solution(width: int) -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(3.0, 2.0, (40, width))
    targets = features[:, 0] - 0.5 * features[:, 1] + generator.normal(0, 0.1, 40)
    ridge = fit_ridge(features, targets, 0.05)
    standard = (features - features.mean(0)) / features.std(0)
    moments = standard.T @ standard + 0.05 * 40 * np.eye(width)
    expected = np.linalg.solve(moments, standard.T @ (targets - targets.mean()))
    assert ridge.weights == pytest.approx(expected, abs=1e-4)
    assert ridge.predict(features) == pytest.approx(standard @ expected + targets.mean(), abs=1e-3)


def test_pictures_that_count_nothing_change_nothing() -> None:
    generator = np.random.default_rng(1)
    features, targets = generator.normal(size=(30, 3)), generator.normal(size=30)
    counts = np.r_[np.ones(20), np.zeros(10)]
    changed = np.r_[targets[:20], generator.normal(5, 1, 10)]
    first = fit_ridge(features, targets, 0.1, counts)
    second = fit_ridge(features, changed, 0.1, counts)
    assert first.weights == pytest.approx(second.weights, abs=1e-6)
    assert first.bias == pytest.approx(targets[:20].mean())


def test_senseless_ridges_are_refused() -> None:
    with pytest.raises(ValueError, match="strength"):
        fit_ridge(np.ones((3, 2)), [1.0, 2.0, 3.0], 0.0)
    with pytest.raises(ValueError, match="at least two"):
        fit_ridge(np.ones((1, 2)), [1.0], 0.1)


def test_within_groups_only_their_inside_counts() -> None:
    generator = np.random.default_rng(0)
    group = np.repeat([0, 1], 100)
    quality = generator.normal(0, 1, 200)
    features = np.stack([quality, 4.0 * group, generator.normal(0, 1, 200)], 1)
    mos = 0.5 + 0.05 * quality - 0.3 * group  # the second group was rated more severely
    names = [f"g{one}" for one in group]
    free = fit_within(features, mos, names, 0.01, 0.0)
    assert free.predict(features[:100])[quality[:100].argmax()] > 1.5
    weights = free.weights / free.scale
    assert abs(weights[1]) < 0.05 * weights[0]
    pooled = fit_within(features, mos, names, 0.01, 1.0)
    assert pooled.weights[1] / pooled.scale[1] < -0.3
    with pytest.raises(ValueError, match="anchor"):
        fit_within(features, mos, names, 0.01, 2.0)
