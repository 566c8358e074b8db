"""Verdicts and their reasons."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.causes import CAUSES
from edgeiqa.gating.gate import (
    LOW_QUALITY,
    NOTABLE,
    PRESETS,
    REASONS,
    Gate,
    GateFit,
    Reason,
    Verdict,
)
from edgeiqa.quality import Quality

THRESHOLDS = {"relaxed": 30.0, "normal": 45.0, "strict": 60.0}
LIMITS = {"normal": {"blur": 0.6, "noise": 0.8}, "strict": {"blur": 0.4, "dark": 0.5}}
SEVERITIES = st.dictionaries(st.sampled_from(CAUSES), st.floats(0, 1))


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
        (
            {"max_causes": {"blurr": 0.5}},
            ValueError,
            "'blurr'.*known: blur, noise, dark, bright, compression, low_contrast",
        ),
        ({"max_causes": {"blur": 1.1}}, ValueError, "limit of blur is 1.1, expected 0 to 1"),
        ({"max_causes": {"blur": math.nan}}, ValueError, "0 to 1"),
        ({"max_causes": {"blur": "0.5"}}, TypeError, "number from 0 to 1"),
        ({"limits": {"normal": {"dark": -0.1}}}, ValueError, "limit of dark is -0.1"),
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
        "reasons": [{"cause": "low_quality", "value": 40.5, "threshold": 50.0, "decisive": True}],
    }


def test_every_preset_has_its_own_limits() -> None:
    quality = Quality(70.0, causes={"blur": 0.5, "dark": 0.6})
    for preset, failing in (("relaxed", []), ("normal", []), ("strict", ["dark", "blur"])):
        verdict = Gate(preset, thresholds=THRESHOLDS, limits=LIMITS)(quality)
        assert [reason.cause for reason in verdict.reasons] == failing
        assert verdict.accept == (not failing)


@pytest.mark.parametrize(
    ("severity", "accept"), [(0.6, True), (math.nextafter(0.6, 1), False), (math.nan, False)]
)
def test_a_severity_equal_to_its_limit_passes_and_nan_never_does(
    severity: float, accept: bool
) -> None:
    gate = Gate(thresholds=THRESHOLDS, limits=LIMITS)
    assert gate(Quality(50.0, causes={"blur": severity})).accept is accept
    assert not gate(Quality(math.nan)).accept


def test_own_limits_replace_single_ones_and_1_switches_off() -> None:
    gate = Gate(thresholds=THRESHOLDS, limits=LIMITS, max_causes={"noise": 0.2, "blur": 1})
    assert gate.max_causes == {"blur": 1.0, "noise": 0.2}
    assert gate(Quality(50.0, causes={"blur": 1.0, "noise": 0.2})).accept
    assert not gate(Quality(50.0, causes={"noise": 0.3})).accept
    assert repr(gate) == "Gate(min_score=45, max_causes={'noise': 0.2})"


def test_a_score_of_ones_own_stands_for_the_whole_preset() -> None:
    gate = Gate(min_score=10, limits=LIMITS, max_causes={"dark": 0.5})
    assert gate.max_causes == {"dark": 0.5}


def test_without_causes_the_score_alone_counts() -> None:
    gate = Gate(thresholds=THRESHOLDS, limits=LIMITS, max_causes={"bright": 0})
    assert gate(Quality(45.0)).accept
    assert not gate(Quality(44.0)).accept


def test_a_newer_models_cause_is_judged_though_there_are_no_words_for_it() -> None:
    gate = Gate(thresholds=THRESHOLDS, limits={"normal": {"lens_flare": 0.5}})
    (reason,) = gate(Quality(90.0, causes={"lens_flare": 0.7})).reasons
    assert reason.sentence == "too much lens flare (0.70, at most 0.50)"


def test_causes_come_first_the_worst_of_them_before_the_others() -> None:
    gate = Gate(min_score=60, max_causes={"blur": 0.2, "noise": 0.8, "dark": 0.5})
    verdict = gate(Quality(20.0, causes={"blur": 0.5, "noise": 0.9, "dark": 0.5, "bright": 0.9}))
    # 0.3 of 0.8 against 0.1 of 0.2 of the room above the limit.
    assert verdict.reasons == (
        Reason("noise", 0.9, 0.8),
        Reason("blur", 0.5, 0.2),
        Reason("low_quality", 20.0, 60.0),
    )


def test_what_explains_a_low_score_is_told_after_it_and_does_not_decide() -> None:
    gate = Gate(min_score=60, max_causes={"blur": 0.6, "noise": 0.8})
    causes = {"blur": 0.3, "noise": 0.39, "dark": 0.7, "bright": 0.49, "low_contrast": 0.0}
    assert NOTABLE == 0.5
    assert gate(Quality(20.0, causes=causes)).reasons == (
        Reason("low_quality", 20.0, 60.0),
        Reason("dark", 0.7, 1.0, decisive=False),
        Reason("blur", 0.3, 0.6, decisive=False),
    )
    assert gate(Quality(60.0, causes=causes)) == Verdict(True)


@given(
    st.floats(0, 100),
    SEVERITIES,
    st.floats(0, 100),
    st.dictionaries(st.sampled_from(CAUSES), st.floats(0, 1)),
)
def test_a_picture_is_accepted_if_and_only_if_nothing_decides_against_it(
    score: float, causes: dict[str, float], least: float, most: dict[str, float]
) -> None:
    gate = Gate("own", thresholds={"own": least}, max_causes=most)
    verdict = gate(Quality(score, causes=causes))
    wrong = {name for name, limit in most.items() if causes.get(name, 0) > limit}
    wrong |= {LOW_QUALITY} if score < least else set()
    assert {reason.cause for reason in verdict.reasons if reason.decisive} == wrong
    assert verdict.accept == (not wrong) == (not verdict.reasons)
    flags = [reason.decisive for reason in verdict.reasons]
    assert flags == sorted(flags, reverse=True)
    assert len({reason.cause for reason in verdict.reasons}) == len(flags)
    assert all(reason.sentence for reason in verdict.reasons)


@given(st.sampled_from(CAUSES), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_stricter_limit_never_accepts_more(cause: str, value: float, a: float, b: float) -> None:
    quality = Quality(50.0, causes={cause: value})
    strict, lenient = (
        Gate(min_score=0, max_causes={cause: limit})(quality).accept for limit in sorted((a, b))
    )
    assert lenient or not strict


def test_identifiers_are_a_contract() -> None:
    assert (
        *("blur", "noise", "dark", "bright", "compression", "low_contrast"),
        "damaged",
        "low_quality",
    ) == REASONS
    assert PRESETS == ("relaxed", "normal", "strict")


def test_a_verdict_is_true_if_it_accepts() -> None:
    gate = Gate(min_score=50)
    assert gate(Quality(50.0))
    assert not gate(Quality(49.0))
    assert bool(Verdict(True)) is True
    assert bool(Verdict(False)) is False


@pytest.mark.parametrize(("wrong", "right"), [(0.6, "60"), (0.999, "99.9"), (0.001, "0.1")])
def test_a_score_on_a_scale_of_1_is_refused_with_a_hint(wrong: float, right: str) -> None:
    with pytest.raises(ValueError, match=rf"{wrong}.* 0 to 100.* {re.escape(right)}\?"):
        Gate(min_score=wrong)
    assert Gate(min_score=0).min_score == 0
    assert Gate(min_score=1).min_score == 1
    # A model's own preset may lie there.
    assert Gate("normal", thresholds={"normal": 0.5}).min_score == 0.5


def test_a_damaged_picture_is_rejected_before_all_else() -> None:
    gate = Gate(min_score=60, max_causes={"blur": 0.2})
    quality = Quality(20.0, causes={"blur": 0.9}, damaged=True, missing=0.25)
    assert gate(quality).reasons == (
        Reason("damaged", 0.25, 0.0),
        Reason("blur", 0.9, 0.2),
        Reason("low_quality", 20.0, 60.0),
    )
    assert "25%" in gate(quality).reasons[0].sentence
    assert "%" not in Reason("damaged", 0.0, 0.0).sentence
    fine = Quality(90.0, damaged=True)
    assert not gate(fine)
    assert Gate(min_score=60, reject_damaged=False)(fine) == Verdict(True)


def test_a_gate_is_saved_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    gate = Gate(min_score=41.25, max_causes={"blur": 0.4}, reject_damaged=False)
    gate.save(path)
    assert Gate.load(path) == gate
    assert hash(Gate.load(str(path))) == hash(gate)
    assert json.loads(path.read_text()) == {
        "format": 1,
        "min_score": 41.25,
        "max_causes": {"blur": 0.4},
        "reject_damaged": False,
    }
    path.write_text('{"format": 1, "min_score": 0.5}')
    assert Gate.load(path).to_dict() == {
        "format": 1,
        "min_score": 0.5,
        "max_causes": {},
        "reject_damaged": True,
    }
    assert Gate.load(path) != gate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 2, "min_score": 5}',
        '{"min_score": 5}',
        '{"format": 1}',
        '{"format": 1, "min_score": 101}',
        '{"format": 1, "min_score": "5"}',
        '{"format": 1, "min_score": NaN}',
        '{"format": 1, "min_score": 5, "max_causes": [1]}',
        '{"format": 1, "min_score": 5, "max_causes": {"blur": 2}}',
        '{"format": 1, "min_score": 5, "reject_damaged": 1}',
        "[" * 100,
        '{"format": 1, "min_score": 5' + " " * 70_000 + "}",
    ],
)
def test_what_is_no_saved_gate(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gate.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        Gate.load(path)


def test_a_fitted_gate_takes_the_limits_of_causes() -> None:
    scores = [20.0 + 3 * n for n in range(24)]
    fit = Gate.fit(scores, [score > 52 for score in scores])
    gate = fit.gate.with_limits({"dark": 0.4, "blur": 0.9}).with_limits({"blur": 0.5})
    assert gate.max_causes == {"dark": 0.4, "blur": 0.5}
    assert gate.min_score == fit.threshold
    assert gate.reject_damaged
    assert not gate.with_limits({}, reject_damaged=False).with_limits({}).reject_damaged
    with pytest.raises(ValueError, match="0 to 100"):
        Gate.fit([score / 100 for score in scores], [score > 52 for score in scores])


def test_every_cause_has_words_of_its_own() -> None:
    told = {Reason(cause, 0.74, 0.5).sentence for cause in CAUSES}
    assert "too dark: add light or expose longer (0.74, at most 0.50)" in told
    assert len(told) == len(CAUSES)
    for cause in CAUSES:
        said = Reason(cause, 0.41, 0.6, decisive=False).sentence
        assert said.endswith("(0.41)")
        assert "too" not in said
        # Sentences are put in a row with "; " between them.
        assert ";" not in said
    assert Reason("blur", 0.504, 0.5).sentence.endswith("(0.504, at most 0.500)")
    assert Reason("blur", 0.5004, 0.5).sentence.endswith("(0.5004, at most 0.5000)")
    assert Reason("blur", 0.50004, 0.5).sentence.endswith("(0.500040, at most 0.500000)")
    assert Reason("lens_flare", 0.3, 0.5, decisive=False).sentence == "some lens flare (0.30)"


def test_fit_gives_a_gate_and_takes_qualities() -> None:
    scores = [20.0 + 3 * n for n in range(24)]
    keep = [score > 52 for score in scores]
    fit = Gate.fit([Quality(score) for score in scores], keep)
    assert isinstance(fit, GateFit)
    assert fit == Gate.fit(scores, keep)
    assert fit.gate.min_score == fit.threshold
    assert [fit.gate(Quality(score)).accept for score in scores] == keep
    assert fit.interval[0] < fit.threshold < fit.interval[1]


def test_the_package_gate_has_the_limits_of_its_preset() -> None:
    from edgeiqa import CauseDetector

    limits = CauseDetector().contract.limits["strict"]
    assert Gate("strict").max_causes == limits
    assert Gate("strict", limits={}).max_causes == {}
    assert Gate("strict", thresholds={"strict": 60.0}).max_causes == {}
    assert Gate("strict", max_causes={"blur": 0.9}).max_causes == {**limits, "blur": 0.9}
