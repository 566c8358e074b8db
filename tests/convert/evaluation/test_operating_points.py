"""Shares that gates keep and catch, with intervals and reasons."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.common.metrics import wilson
from convert.evaluation.operating_points import Shot, operating_point, points_table, preset_gates
from convert.quantization.quantize import gate_presets
from edgeiqa.gating.gate import Gate
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer
from tests.convert.evaluation.shots import made_shots

GATE = Gate(min_score=50, max_causes={"blur": 0.5})


def shot(mos: float, score: float, blur: float = 0.0, subset: str = "a") -> Shot:
    return Shot("x.jpg", subset, mos, Quality(score, causes={"blur": blur}))


def test_wilson_as_in_the_books() -> None:
    """Table I, method 3 of R. Newcombe, Statistics in Medicine 17 (1998)."""
    for count, total, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson(count, total)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)
        assert found.value == count / total
    assert wilson(20, 20).high == 1
    assert math.isnan(wilson(0, 0).value)


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_share_and_mirrors(total: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total))
    found, other = wilson(count, total), wilson(total - count, total)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low == pytest.approx(1 - other.high, abs=1e-12)


def test_good_and_bad_are_counted_and_what_decided() -> None:
    shots = [
        shot(0.6, 50),
        shot(0.7, 80, blur=0.51),  # good, lost to blur alone
        shot(0.9, 49, blur=0.9, subset="b"),  # good, lost to both
        shot(0.5, 10),  # neither
        shot(0.39, 60, blur=0.6),  # bad, caught by blur alone
        shot(0.39, 40, subset="b"),  # bad, caught by the score
        shot(0.1, 70, blur=0.5, subset="b"),  # bad and missed
        shot(0.4, 70),  # no longer bad
        Shot("broken.jpg", "a", 0.9, None, "empty"),
    ]
    point = operating_point("own", GATE, shots)
    pooled, a, b = point.groups
    assert (pooled.name, a.name, b.name) == ("pooled", "a", "b")
    assert (pooled.pictures, pooled.good, pooled.bad) == (8, 3, 3)
    assert pooled.good_kept.value == pytest.approx(1 / 3)
    assert pooled.bad_caught.value == pytest.approx(2 / 3)
    assert pooled.accepted.value == 3 / 8
    assert (a.good, a.bad, b.good, b.bad) == (2, 1, 1, 2)
    blur, low = pooled.reasons["blur"], pooled.reasons["low_quality"]
    assert (blur.good, blur.good_alone, blur.bad, blur.bad_alone) == (2, 1, 1, 1)
    assert (low.good, low.good_alone, low.bad, low.bad_alone) == (1, 0, 1, 1)
    plain = json.loads(json.dumps(point.to_dict()))
    assert plain["min_score"] == 50
    assert plain["groups"]["pooled"]["good_kept"]["value"] == 0.3333
    assert plain["groups"]["pooled"]["reasons"]["blur"]["bad_alone"] == 1


def test_the_table_tells_points_limits_and_reasons() -> None:
    shots = [shot(0.7, 80), shot(0.7, 80, blur=0.7), shot(0.2, 30)]
    table = points_table([operating_point("own", GATE, shots)])
    lines = [line.split() for line in table.splitlines()]
    assert lines[1][:6] == ["own,", "from", "50", "pooled", "2", "50.0%"]
    assert ["at", "most", "blur"] in lines
    assert ["own", "0.50"] in lines
    assert ["own", "blur", "0", "0", "1", "1"] in lines
    without = points_table([operating_point("own", GATE, [shot(0.5, 80)])])
    assert without.splitlines()[1].split()[4:9] == ["0", "-", "0", "-", "100.0%"]


def test_presets_of_the_model_come_in_their_order() -> None:
    scorer = Scorer()
    gates = preset_gates(scorer)
    assert list(gates) == ["relaxed", "normal", "strict"]
    assert {name: gate.min_score for name, gate in gates.items()} == scorer.contract.gate


def test_figures_are_those_that_quantize_writes_into_a_contract() -> None:
    shots = [
        Shot(s.path, s.subset, s.mos, Quality(s.quality.score)) for s in made_shots() if s.quality
    ]
    score = np.array([s.quality.score for s in shots if s.quality])
    thresholds, points = gate_presets(score, np.array([s.mos for s in shots]))
    for preset, least in thresholds.items():
        pooled = operating_point(preset, Gate(min_score=least), shots).groups[0]
        assert round(pooled.good_kept.value, 4) == points[preset]["good_kept"]
        assert round(pooled.bad_caught.value, 4) == points[preset]["bad_rejected"]


@pytest.mark.parametrize(("good", "bad"), [(0.3, 0.4), (1.1, 0.4), (0.6, -0.1), (math.nan, 0.4)])
def test_bounds_that_make_no_sense(good: float, bad: float) -> None:
    with pytest.raises(ValueError, match="expected 0 <= bad <= good <= 1"):
        operating_point("own", GATE, [shot(0.5, 50)], good=good, bad=bad)
