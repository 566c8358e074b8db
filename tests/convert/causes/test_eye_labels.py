from __future__ import annotations

import numpy as np
import pytest

from convert.causes import eye_labels
from convert.causes.eye_labels import EyeLabel


def test_the_committed_labels_are_whole() -> None:
    labels = eye_labels.eye_labels()
    assert len(labels) == 900
    assert len({label.picture for label in labels}) == 900
    known = {name for names in eye_labels.SEEN_AS.values() for name in names} | {"cast"}
    assert {word for label in labels for word in (*label.plain, *label.slight)} <= known
    assert not any(set(label.plain) & set(label.slight) for label in labels)
    halves = [eye_labels.eye_labels(half) for half in eye_labels.HALVES]
    assert sum(map(len, halves)) == 900
    assert all(400 < len(half) < 500 for half in halves)
    with pytest.raises(ValueError, match="half must be one of"):
        eye_labels.eye_labels("validation")


def test_the_second_look_is_at_the_same_pictures() -> None:
    first = {label.picture: label for label in eye_labels.eye_labels()}
    again = eye_labels.eye_labels(again=True)
    assert len(again) == 72
    assert all(first[label.picture].half == label.half for label in again)
    found = eye_labels.steadiness()
    assert found["blur"]["pictures"] == 72
    assert found["blur"]["kappa"] == pytest.approx(0.92, abs=0.01)
    assert found["low_contrast"]["kappa"] is None


def test_recall_where_few_good_pictures_are_accused() -> None:
    blurred = [EyeLabel(f"b{n}", "test", ("motion",), ()) for n in range(10)]
    clean = [EyeLabel(f"c{n}", "test", (), ()) for n in range(100)]
    doubtful = [EyeLabel(f"d{n}", "test", (), ("focus",)) for n in range(10)]
    labels = [*blurred, *clean, *doubtful]
    severity = [*np.linspace(0.31, 0.6, 10), *np.linspace(0.0, 0.33, 100), *[0.9] * 10]
    causes = [{"blur": float(value), "dark": 0.32} for value in severity]
    causes = [one | dict.fromkeys(("noise", "bright", "low_contrast"), 0.0) for one in causes]
    found = eye_labels.measure(labels, causes, [True] * len(labels), {"blur": 0.5})
    blur = found["blur"]
    assert blur["pictures"] == 10
    assert blur["recall"]["value"] == pytest.approx(0.4)
    assert blur["false"]["value"] == 0.0
    # Three of a hundred may be accused: the threshold is the fourth largest of the good ones.
    assert blur["threshold"] == pytest.approx(0.33 * 96 / 99)
    assert blur["recall_at"]["value"] == pytest.approx(0.9)
    assert blur["main"]["value"] == pytest.approx(0.9)
    assert 0.9 < blur["auc"] < 1.0
    assert "auc" not in found["dark"]  # nobody saw a dark one
    assert "90%" in eye_labels.table(found)
