"""From outputs to scores, with numbers worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgeiqa.inference.contract import Calibration, Contract, InputSpec, OutputSpec
from edgeiqa.quality import Quality, quality_from_outputs, softmax

BINS = (0.1, 0.5, 0.9)


def contract(*outputs: OutputSpec, scale: float = 100.0, offset: float = 0.0) -> Contract:
    return Contract("t", "1", InputSpec(8, 8), outputs, Calibration(scale, offset))


def quality(kind: str, values: Sequence[float], scale: float = 100, offset: float = 0) -> Quality:
    bins = BINS if kind.startswith("histogram") else None
    spec = OutputSpec("o", kind, bins=bins)
    return quality_from_outputs({"o": np.array(values)}, contract(spec, scale=scale, offset=offset))


def test_a_histogram_gives_mean_and_spread() -> None:
    got = quality("histogram", [0.25, 0.5, 0.25])
    assert got.score == pytest.approx(50)
    assert got.std == pytest.approx(100 * 0.4 * math.sqrt(0.5))
    assert got.histogram == (0.25, 0.5, 0.25)
    assert got.bins == BINS


def test_logits_go_through_softmax() -> None:
    got = quality("histogram_logits", [math.log(1), math.log(1), math.log(2)])
    assert got.histogram == pytest.approx((0.25, 0.25, 0.5))
    assert got.score == pytest.approx(100 * (0.025 + 0.125 + 0.45))


def test_a_histogram_off_by_quantisation_is_normalised() -> None:
    got = quality("histogram", [-0.004, 0.5, 0.498])
    assert got.histogram == pytest.approx((0.0, 0.5 / 0.998, 0.498 / 0.998))


def test_calibration_scales_shifts_and_clips() -> None:
    got = quality("histogram", [0.5, 0.5, 0.0], scale=50, offset=10)
    assert got.score == pytest.approx(50 * 0.3 + 10)
    assert got.std == pytest.approx(50 * 0.2)
    assert quality("scalar", [3.2], scale=20).score == pytest.approx(64)
    assert quality("scalar", [9.9], scale=20).score == 100
    assert quality("scalar", [-0.5], scale=20).score == 0


def test_the_histogram_stays_as_the_model_gave_it() -> None:
    got = quality("histogram", [0.5, 0.5, 0.0], scale=50, offset=10)
    assert (got.histogram, got.bins) == ((0.5, 0.5, 0.0), BINS)
    before = 100 * float(np.dot(got.histogram or (), got.bins or ()))
    assert before == pytest.approx(30)
    assert got.score == pytest.approx(50 * before / 100 + 10)
    assert got.score != pytest.approx(before)


def test_a_negative_scale_turns_the_direction_and_keeps_the_spread_positive() -> None:
    good, bad = (quality("histogram", p, scale=-100, offset=100) for p in ([1, 0, 0], [0, 0, 1]))
    assert good.score == pytest.approx(90)
    assert bad.score == pytest.approx(10)
    assert quality("histogram", [0.5, 0, 0.5], scale=-100, offset=100).std == pytest.approx(40)


def test_a_scalar_has_no_spread() -> None:
    got = quality("scalar", [0.5])
    assert (got.std, got.histogram, got.bins, got.causes) == (None, None, None, {})


def test_attributes_are_named_and_one_is_the_score() -> None:
    spec = OutputSpec("a", "attributes", labels=("sharp", "quality"), score_label="quality")
    got = quality_from_outputs({"a": np.array([0.3, 0.8])}, contract(spec))
    assert got.score == pytest.approx(80)
    assert got.attributes == {"sharp": 0.3, "quality": 0.8}


def test_the_first_output_with_a_score_counts() -> None:
    outputs = (
        OutputSpec("f", "features"),
        OutputSpec("a", "attributes", labels=("x",)),
        OutputSpec("s", "scalar"),
        OutputSpec("h", "histogram", bins=BINS),
    )
    values = {
        "f": np.ones(4),
        "a": np.array([0.1]),
        "s": np.array([0.7]),
        "h": np.array([1.0, 0.0, 0.0]),
    }
    got = quality_from_outputs(values, contract(*outputs))
    assert got.score == pytest.approx(70)
    assert got.attributes == {"x": 0.1}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="'o' is not finite"):
        quality("scalar", [value])


def test_an_empty_histogram_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        quality("histogram", [0, 0, -1])


logits = hnp.arrays(np.float64, 3, elements=st.floats(-1e6, 1e6))


@given(logits)
def test_any_logits_give_a_score_in_range(values: np.ndarray) -> None:
    got = quality("histogram_logits", values.tolist())
    assert 10 - 1e-9 <= got.score <= 90 + 1e-9
    assert got.std is not None
    assert 0 <= got.std <= 40 + 1e-9
    assert got.histogram is not None
    assert sum(got.histogram) == pytest.approx(1)


@given(logits.map(lambda v: v / 1e4), st.floats(-100, 100))
def test_softmax_does_not_mind_a_constant(values: np.ndarray, constant: float) -> None:
    np.testing.assert_allclose(softmax(values + constant), softmax(values), atol=1e-9)


def test_to_dict_is_ready_for_json() -> None:
    got: dict[str, Any] = json.loads(
        json.dumps(quality("histogram", [0.25, 0.5, 0.25]).to_dict(), allow_nan=False)
    )
    assert got["histogram"] == [0.25, 0.5, 0.25]
    assert got["bins"] == list(BINS)
    assert set(got) == {
        *("score", "std", "histogram", "bins", "causes", "attributes"),
        *("damaged", "missing"),
    }
    assert Quality(50.0).to_dict()["histogram"] is None


@given(st.floats(0, 60), st.floats(1e-3, 10), st.floats(0, 4))
def test_a_calibrated_std_follows_its_power_law(spread: float, scale: float, power: float) -> None:
    got = Calibration(std_scale=scale, std_power=power).std(spread)
    assert got == pytest.approx(min(scale * spread**power, 100.0))
    assert Calibration().std(spread) == spread


def test_std_is_calibrated_after_the_scores_line() -> None:
    spec = OutputSpec("o", "histogram", bins=BINS)
    made = Contract("t", "1", InputSpec(8, 8), (spec,), Calibration(-50.0, 60.0, 0.1, 1.5))
    got = quality_from_outputs({"o": np.array([0.25, 0.5, 0.25])}, made)
    spread = 50 * 0.4 * math.sqrt(0.5)
    assert got.std == pytest.approx(0.1 * spread**1.5)
    assert got.score == pytest.approx(35)


def test_a_huge_scale_cannot_overflow() -> None:
    assert Calibration(1e12, 0.0, 1e6, 4.0).std(1e300) == 100.0


def test_a_quality_is_short_in_a_terminal_and_drawn_in_a_notebook() -> None:
    got = Quality(61.27, 9.04, (0.5, 0.5), (0.2, 0.8), {"blur": 0.123}, damaged=True)
    assert repr(got) == "Quality(score=61.3, std=9.0, blur=0.12, damaged=True)"
    assert repr(Quality(3.0)) == "Quality(score=3.0)"
    page = ElementTree.fromstring(got._repr_html_())
    texts = "".join(page.itertext())
    assert "61.3" in texts
    assert "blur" in texts
    assert "damaged" in texts
