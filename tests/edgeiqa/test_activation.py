from __future__ import annotations

import numpy as np
import pytest

from edgeiqa.errors import ContractError
from edgeiqa.inference.contract import (
    Calibration,
    Contract,
    InputSpec,
    OutputSpec,
    from_json,
    to_json,
)
from edgeiqa.quality import activate, quality_from_outputs


def contract(output: OutputSpec) -> Contract:
    return Contract("x", "1", InputSpec(8, 8), (output,), Calibration(100, 0))


def test_sigmoid_of_a_scalar_is_applied_by_the_runtime() -> None:
    made = contract(OutputSpec("q", "scalar", activation="sigmoid"))
    quality = quality_from_outputs({"q": np.array([np.log(3.0)])}, made)
    assert quality.score == pytest.approx(75)  # 1 / (1 + 1/3)


def test_attributes_are_all_activated() -> None:
    output = OutputSpec("q", "attributes", labels=("a", "b"), score_label="b", activation="sigmoid")
    quality = quality_from_outputs({"q": np.array([0.0, -np.log(4.0)])}, contract(output))
    assert quality.score == pytest.approx(20)
    assert quality.attributes == pytest.approx({"a": 0.5, "b": 0.2})


def test_sigmoid_does_not_overflow() -> None:
    assert activate(np.array([-1e5, 0.0, 1e5]), "sigmoid").tolist() == [0.0, 0.5, 1.0]
    assert activate(np.array([-3.0]), "linear").tolist() == [-3.0]


def test_json_says_it_only_where_it_matters() -> None:
    plain = contract(OutputSpec("q", "scalar"))
    assert "activation" not in to_json(plain)
    assert from_json(to_json(plain)) == plain
    with_sigmoid = contract(OutputSpec("q", "scalar", activation="sigmoid"))
    assert from_json(to_json(with_sigmoid)) == with_sigmoid


def test_refusals() -> None:
    with pytest.raises(ContractError, match="tanh"):
        OutputSpec("q", "scalar", activation="tanh")
    with pytest.raises(ContractError, match="activation"):
        OutputSpec("q", "histogram_logits", bins=(0.0, 1.0), activation="sigmoid")
