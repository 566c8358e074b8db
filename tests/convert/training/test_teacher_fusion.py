from __future__ import annotations

import numpy as np
import pytest

from convert.training.teacher_fusion import disagreement, fused_outputs, uncertainty_law
from convert.training.teacher_outputs import TeacherOutputs


def said(score: np.ndarray, width: int) -> TeacherOutputs:
    count = len(score)
    histogram = np.full((count, 10), 0.1, np.float32)
    embedding = np.full((count, width), 3.0, np.float32)
    return TeacherOutputs(
        score.astype(np.float32), histogram, embedding, np.zeros(count, np.float32)
    )


def test_law_finds_the_constants_that_errors_were_drawn_with() -> None:
    generator = np.random.default_rng(0)
    variance = generator.uniform(0.0, 0.02, 20000)
    error = generator.normal(0, np.sqrt(0.05**2 + 1.5 * variance))
    floor, slope = uncertainty_law(variance, error)
    assert floor == pytest.approx(0.05, rel=0.1)
    assert slope == pytest.approx(1.5, rel=0.1)


def test_law_of_one_member_is_its_error() -> None:
    error = np.random.default_rng(1).normal(0, 0.1, 5000)
    floor, _ = uncertainty_law(np.zeros(5000), error)
    assert floor == pytest.approx(0.1, rel=0.05)


def test_fusion_averages_and_knows_where_members_disagree() -> None:
    first, second = said(np.array([0.2, 0.6]), 4), said(np.array([0.4, 0.6]), 6)
    fused = fused_outputs([first, second], (0.03, 2.0))
    assert fused.score == pytest.approx([0.3, 0.6])
    assert disagreement([first, second]) == pytest.approx([0.01, 0.0])
    assert fused.std == pytest.approx([np.sqrt(0.03**2 + 0.02), 0.03])
    assert fused.histogram.sum(axis=1) == pytest.approx(1.0)
    # Members of any width count alike in the features.
    assert fused.embedding.shape == (2, 10)
    assert np.linalg.norm(fused.embedding[:, :4], axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.linalg.norm(fused.embedding[:, 4:], axis=1) == pytest.approx(1.0, abs=1e-5)
