"""Proposed thresholds keep what they promise, and causes help where the score is blind."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.evaluation.operating_points import KEPT_GOOD, Shot
from convert.evaluation.preset_search import MIN_LIMIT, propose
from convert.quantization.quantize import gate_presets
from edgeiqa.quality import Quality
from tests.convert.evaluation.shots import made_shots

SHOTS = made_shots()


def without_causes(shots: list[Shot]) -> list[Shot]:
    return [replace(shot, quality=Quality(shot.quality.score)) for shot in shots if shot.quality]


def test_without_causes_it_is_what_quantize_chooses() -> None:
    plain = without_causes(SHOTS)
    score = np.array([shot.quality.score for shot in plain if shot.quality])
    thresholds, _ = gate_presets(score, np.array([shot.mos for shot in plain]))
    proposal = propose(plain)
    assert proposal.thresholds == thresholds
    assert proposal.limits == {"relaxed": {}, "normal": {}, "strict": {}}
    assert "no limits are set" in proposal.table()


def test_blur_that_the_score_does_not_see_is_caught_by_a_limit() -> None:
    blind, seeing = propose(without_causes(SHOTS)), propose(SHOTS)
    for before, after in zip(blind.points, seeing.points, strict=True):
        assert after.groups[0].good_kept.value >= KEPT_GOOD[after.preset]
        assert after.groups[0].bad_caught.value >= before.groups[0].bad_caught.value
    relaxed = seeing.points[0].groups[0]
    assert relaxed.bad_caught.value > blind.points[0].groups[0].bad_caught.value + 0.15
    assert relaxed.reasons["blur"].bad_alone > 20
    kept, caught = seeing.cross_fitted["relaxed"]
    assert kept.value == pytest.approx(0.99, abs=0.02)
    assert caught.value > blind.cross_fitted["relaxed"][1].value + 0.15


@given(
    st.integers(0, 100),
    st.sampled_from([None, 0.0, 0.25, 0.9]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(30, 200),
)
def test_presets_keep_their_promise_and_grow_stricter(
    seed: int, cause_share: float | None, least: float, count: int
) -> None:
    proposal = propose(made_shots(count, seed), cause_share=cause_share, least_limit=least)
    for point in proposal.points:
        assert point.groups[0].good_kept.value >= KEPT_GOOD[point.preset] - 1e-12
        assert point.gate.min_score == proposal.thresholds[point.preset]
    for cause in ("blur", "noise"):
        relaxed, normal, strict = (proposal.limits[preset][cause] for preset in KEPT_GOOD)
        assert relaxed >= normal >= strict >= least
        assert all(round(limit, 2) == limit for limit in (relaxed, normal, strict))
    assert cause_share in (None, proposal.cause_share)


def test_own_presets_and_a_json_document() -> None:
    proposal = propose(SHOTS, kept={"mine": 0.9}, cause_share=0.5)
    plain = json.loads(json.dumps(proposal.to_dict()))
    assert set(plain) == {"gate", "limits", "cause_share", "presets", "cross_fitted"}
    assert list(plain["gate"]) == list(plain["limits"]) == ["mine"]
    assert plain["presets"]["mine"]["groups"]["pooled"]["good_kept"]["value"] >= 0.9
    assert plain["limits"]["mine"]["noise"] >= MIN_LIMIT
    assert plain["cross_fitted"]["mine"]["bad_caught"]["low"] > 0


def test_the_folds_are_drawn_by_the_seed() -> None:
    assert propose(SHOTS, seed=1).to_dict() == propose(SHOTS, seed=1).to_dict()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kept": {"normal": 1.2}}, "normal is 1.2, expected 0 to 1"),
        ({"cause_share": 1.0}, "from 0 to below 1"),
        ({"least_limit": -1}, "the least limit is -1"),
        ({"good": 0.97}, r"no picture has a MOS of 0\.97"),
        ({"good": 0.2}, "bad <= good"),
    ],
)
def test_wrong_wishes(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        propose(SHOTS, **options)
