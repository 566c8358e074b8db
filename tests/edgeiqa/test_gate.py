"""Verdicts and their reasons."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from edgeiqa.gate import Gate, Reason, Verdict
from edgeiqa.quality import Quality

THRESHOLDS = {"relaxed": 30.0, "normal": 45.0, "strict": 60.0}


@pytest.mark.parametrize(
    ("preset", "score", "accept"),
    [
        ("relaxed", 30.0, True),
        ("relaxed", math.nextafter(30, 0), False),
        ("normal", 44.999, False),
        ("normal", 45.0, True),
        ("strict", 59.0, False),
        ("strict", 100.0, True),
    ],
)
def test_presets(preset: str, score: float, accept: bool) -> None:
    verdict = Gate(preset, thresholds=THRESHOLDS)(Quality(score))
    assert verdict.accept is accept
    if accept:
        assert verdict == Verdict(True, ())
    else:
        assert verdict.reasons == (Reason("low_quality", score, THRESHOLDS[preset]),)


def test_a_score_of_ones_own_overrides_the_preset() -> None:
    assert Gate("no such", min_score=10)(Quality(10.0)).accept
    assert not Gate(min_score=10, thresholds={})(Quality(9.9)).accept
    assert Gate(min_score=0)(Quality(0.0)).accept


def test_without_thresholds_those_of_the_shipped_model_count() -> None:
    assert Gate("relaxed").min_score < Gate().min_score < Gate("strict").min_score


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"preset": "odd", "thresholds": THRESHOLDS}, ValueError, "odd.*relaxed, normal, strict"),
        ({"thresholds": {}}, ValueError, "none: give min_score"),
        ({"min_score": 101}, ValueError, "101.*0 to 100"),
        ({"min_score": -0.1}, ValueError, "0 to 100"),
        ({"min_score": math.nan}, ValueError, "0 to 100"),
        ({"min_score": "45"}, TypeError, "number"),
        ({"min_score": True}, TypeError, "number"),
    ],
)
def test_wrong_gates(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Gate(**arguments)


@pytest.mark.parametrize(
    ("value", "threshold", "sentence"),
    [
        (23.94, 45.0, "quality 23.9 is below 45.0"),
        (44.96, 45.0, "quality 44.96 is below 45.00"),
        (44.9996, 45.0, "quality 44.9996 is below 45.0000"),
    ],
)
def test_the_sentence_never_contradicts_itself(
    value: float, threshold: float, sentence: str
) -> None:
    assert Reason("low_quality", value, threshold).sentence == sentence


def test_to_dict_is_ready_for_json() -> None:
    verdict = Gate(min_score=50)(Quality(40.5))
    assert json.loads(json.dumps(verdict.to_dict())) == {
        "accept": False,
        "reasons": [{"cause": "low_quality", "value": 40.5, "threshold": 50.0}],
    }
