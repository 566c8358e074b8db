"""The gate of the command and that of a recipe are the same, whatever is asked for."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeiqa.batch.settings import ScoreSettings
from edgeiqa.cli.common import UsageError, open_scorer
from edgeiqa.inference.contract import append, read
from edgeiqa.inference.model import find
from edgeiqa.scorer import Scorer, choose_gate


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model without presets."""
    contract, flatbuffer = read(find("nano").read_bytes())
    path = tmp_path_factory.mktemp("bare") / "bare.tflite"
    path.write_bytes(append(flatbuffer, replace(contract, gate={})))
    return path


def numbers(gate: Any) -> Any:
    return None if gate is None else (gate.min_score, gate.max_causes)


WISHES: list[dict[str, Any]] = [
    {},
    {"gate": "strict"},
    {"gate": "relaxed", "max_causes": {"dark": 0.3, "blur": 1.0}},
    {"min_score": 0.0},
    {"min_score": 61.5, "max_causes": {"noise": 0.25}},
    {"max_causes": {"noise": 0.25}},
]


@pytest.mark.parametrize("wishes", WISHES)
@pytest.mark.parametrize("has_presets", [True, False])
def test_command_and_recipe_have_one_gate(
    wishes: dict[str, Any], has_presets: bool, bare: Path
) -> None:
    model = "nano" if has_presets else str(bare)
    asked = {"gate": None, "min_score": None, "max_causes": {}, **wishes}
    arguments = argparse.Namespace(
        **{**asked, "model": model, "max_causes": list(asked["max_causes"].items())},
        allow_damaged=False,
    )
    if not has_presets and asked["gate"] is not None:
        with pytest.raises(UsageError, match="no gate preset"):
            open_scorer(arguments)
        with pytest.raises(ValueError, match="no gate preset"):
            ScoreSettings.choose(model, **wishes)
        return
    _, gate = open_scorer(arguments)
    recipe = ScoreSettings.choose(model, **wishes)
    assert numbers(recipe.open()[1]) == numbers(gate)
    assert (gate is None) is (not has_presets and not wishes)


def test_a_model_without_presets_has_a_gate_where_one_is_asked_for(bare: Path) -> None:
    scorer = Scorer(bare)
    assert choose_gate(scorer) is None
    assert numbers(choose_gate(scorer, max_causes={"dark": 0.5})) == (0.0, {"dark": 0.5})
    assert numbers(choose_gate(scorer, min_score=40)) == (40, {})
    with pytest.raises(ValueError, match="none: give min_score"):
        choose_gate(scorer, needed=True)
    with pytest.raises(ValueError, match="no cause 'blurr'"):
        choose_gate(scorer, max_causes={"blurr": 0.5})
